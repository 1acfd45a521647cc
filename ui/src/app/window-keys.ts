/** The keys of the whole window. What they do not handle goes to the open meeting. */
import type { FindCommands, MeetingKeys } from '../meeting/keys'
import { commandHeld, isTyping, shiftAndCommandHeld } from '../ui/keys'

/** Keys of the player that the list of meetings does not use itself. */
const PLAYER_KEYS = [' ', 'j', 'k', 'l', 'arrowleft', 'arrowright']

export type WindowCommands = {
  addFiles: () => void
  showKeys: () => void
  /** Undoes the last change of the library while that is offered; false if nothing is. */
  undo: () => boolean
  openPalette: () => void
  /** Goes to the search in the archive. */
  search: () => void
  /** Goes back to the results of the search; null if there are none, or they are shown. */
  results: () => (() => void) | null
  /** Finds in the open meeting; null if no text is shown. */
  find: () => FindCommands | null
  /** Moves the open meeting to the trash; null if none is shown. */
  deleteOpen: () => (() => void) | null
}

/** The handler for `keydown` on the window. */
export function windowKeys(commands: WindowCommands, meetingKeys: MeetingKeys) {
  return (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing) return
    const anywhere = findingKey(event, commands)
    if (anywhere) {
      event.preventDefault()
      anywhere()
      return
    }
    if (isTyping(event)) return
    if (commandHeld(event) && event.key.toLowerCase() === 'z' && commands.undo()) {
      event.preventDefault()
      return
    }
    const action = actionFor(event, commands)
    if (action) {
      event.preventDefault()
      action()
    } else if (event.target instanceof Element && event.target.closest('[role=listbox]'))
      passFromList(event, meetingKeys)
    else meetingKeys.handle(event)
  }
}

/** The keys of search and find, which also work while one types in a field, but not in a dialog. */
function findingKey(event: KeyboardEvent, commands: WindowCommands): (() => void) | null {
  if (event.target instanceof Element && event.target.closest('[aria-modal=true], [role=menu]')) return null
  const key = event.key.toLowerCase()
  if (commandHeld(event) && key === 'k') return commands.openPalette
  if (shiftAndCommandHeld(event) && key === 'f') return commands.search
  if (commandHeld(event) && key === 'f') return commands.find()?.open ?? commands.search
  if (event.ctrlKey || event.metaKey) return null
  if (event.altKey)
    return key === 'arrowleft' && !event.shiftKey && !isTyping(event) ? commands.results() : null
  if (key !== 'f3') return null
  const find = commands.find()
  return find && (() => find.step(event.shiftKey ? -1 : 1))
}

function actionFor(event: KeyboardEvent, commands: WindowCommands): (() => void) | null {
  if (commandHeld(event)) return event.key.toLowerCase() === 'o' ? commands.addFiles : null
  if (event.ctrlKey || event.metaKey || event.altKey) return null
  if (event.key === '?') return commands.showKeys
  return event.key === 'Delete' ? commands.deleteOpen() : null
}

/**
 * Passes the keys of the player on. A list keeps its keys to itself, but Space should play the meeting after a click on it
 * in the list. The copy of the event has no target, so that it does not count as pressed in a list.
 */
function passFromList(event: KeyboardEvent, meetingKeys: MeetingKeys): void {
  if (!commandHeld(event) && !PLAYER_KEYS.includes(event.key.toLowerCase())) return
  const { key, ctrlKey, metaKey, altKey, shiftKey, repeat } = event
  const copy = new KeyboardEvent('keydown', {
    key,
    ctrlKey,
    metaKey,
    altKey,
    shiftKey,
    repeat,
    cancelable: true,
  })
  meetingKeys.handle(copy)
  if (copy.defaultPrevented) event.preventDefault()
}
