/** What the keys do while a meeting is open. The window passes every key that nothing else has taken. */
import { commandHeld, isTyping } from '../ui/keys'
import type { Playback } from './playback.svelte'

/** Moves through the lines; what a transcript on the screen offers. */
export interface LineSteps {
  move(by: number): void
  toFirst(): void
  toLast(): void
  playChosen(): void
}

export class MeetingKeys {
  /** The transcript that is shown. */
  lines: LineSteps | null = null
  /** Opens the menu of exports. */
  openExport: (() => void) | null = null
  readonly #playback: Playback

  constructor(playback: Playback) {
    this.#playback = playback
  }

  handle = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing || isTyping(event) || hasOwnKeys(event)) return
    const act = commandHeld(event) ? this.#command(event) : isPlain(event) ? this.#plain(event) : null
    if (!act) return
    event.preventDefault()
    act()
  }

  #command(event: KeyboardEvent): (() => void) | null {
    return event.key.toLowerCase() === 'e' ? this.openExport : null
  }

  #plain(event: KeyboardEvent): (() => void) | null {
    const onSlider = isOn(event, 'input[type=range]')
    return this.#play(event) ?? (onSlider ? null : this.#step(event))
  }

  #play(event: KeyboardEvent): (() => void) | null {
    const playback = this.#playback
    if (playback.id === null) return null
    const once = (act: () => void) => (event.repeat ? () => {} : act)
    switch (event.key.toLowerCase()) {
      case ' ':
        return isOn(event, OWN_SPACE) && !isOn(event, '[data-line]') ? null : once(() => playback.toggle())
      case 'k':
        return once(() => playback.pause())
      case 'j':
        return () => playback.seekBy(-10_000)
      case 'l':
        return () => playback.seekBy(10_000)
      case 'arrowleft':
        return () => playback.seekBy(-5_000)
      case 'arrowright':
        return () => playback.seekBy(5_000)
      default:
        return null
    }
  }

  #step(event: KeyboardEvent): (() => void) | null {
    const lines = this.lines
    if (!lines) return null
    switch (event.key) {
      case 'ArrowUp':
        return () => lines.move(-1)
      case 'ArrowDown':
        return () => lines.move(1)
      case 'Home':
        return () => lines.toFirst()
      case 'End':
        return () => lines.toLast()
      case 'Enter':
        return isOn(event, OWN_SPACE) ? null : () => lines.playChosen()
      default:
        return null
    }
  }
}

/** What does something itself when Space or Enter is pressed on it. */
const OWN_SPACE = 'button, a[href], summary, [role=button], [role=option], [role=tab], [role=switch]'

function isOn(event: KeyboardEvent, selector: string): boolean {
  return event.target instanceof Element && event.target.closest(selector) !== null
}

/** Dialogs that are not modal, lists to choose from, and what asks to be left alone. */
function hasOwnKeys(event: KeyboardEvent): boolean {
  return isOn(event, '[role=dialog], [role=alertdialog], [role=listbox], [role=radiogroup], [data-own-keys]')
}

function isPlain(event: KeyboardEvent): boolean {
  return !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey
}
