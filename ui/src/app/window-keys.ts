/** The keys of the whole window. What they do not handle goes to the open meeting. */
import type { MeetingKeys } from '../meeting/keys'
import { commandHeld, isTyping } from '../ui/keys'

/** Keys of the player that the list of meetings does not use itself. */
const PLAYER_KEYS = [' ', 'j', 'k', 'l', 'arrowleft', 'arrowright']

export type WindowCommands = {
  addFiles: () => void
  showKeys: () => void
  /** Asks whether to delete the open meeting; null if none is shown. */
  deleteOpen: () => (() => void) | null
}

/** The handler for `keydown` on the window. */
export function windowKeys(commands: WindowCommands, meetingKeys: MeetingKeys) {
  return (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing || isTyping(event)) return
    const action = actionFor(event, commands)
    if (action) {
      event.preventDefault()
      action()
    } else if (event.target instanceof Element && event.target.closest('[role=listbox]'))
      passFromList(event, meetingKeys)
    else meetingKeys.handle(event)
  }
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
