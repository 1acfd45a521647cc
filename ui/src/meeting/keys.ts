/** What the keys do while a meeting is open. The window passes every key that nothing else has taken. */
import { commandHeld, isTyping, shiftAndCommandHeld } from '../ui/keys'
import type { Playback } from './playback.svelte'

/** Moves through the lines; what a transcript on the screen offers. */
export interface LineSteps {
  move(by: number): void
  toFirst(): void
  toLast(): void
  playChosen(): void
  /** Gives the chosen line or the selected words to a speaker by number; false if there is nothing to give. */
  give(to: number | 'new'): boolean
  /** Goes to the next or previous change of speaker. */
  toChange(by: 1 | -1): void
}

/** What can be done to the speakers of the meeting that is open. */
export interface SpeakerSteps {
  undo(): void
  redo(): void
  /** Accepts the first suggested name. */
  accept(): void
}

export class MeetingKeys {
  /** The transcript that is shown. */
  lines: LineSteps | null = null
  speakers: SpeakerSteps | null = null
  /** Opens the menu of exports. */
  openExport: (() => void) | null = null
  readonly #playback: Playback

  constructor(playback: Playback) {
    this.#playback = playback
  }

  handle = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing || isTyping(event) || hasOwnKeys(event)) return
    const act = commandHeld(event)
      ? this.#command(event)
      : isPlain(event)
        ? (this.#plain(event) ?? this.#speak(event))
        : this.#withOthers(event)
    if (!act) return
    event.preventDefault()
    act()
  }

  #command(event: KeyboardEvent): (() => void) | null {
    const { speakers } = this
    switch (event.key.toLowerCase()) {
      case 'e':
        return this.openExport
      case 'z':
        return speakers && (() => speakers.undo())
      default:
        return null
    }
  }

  /** Keys that need others held, on some keyboards. */
  #withOthers(event: KeyboardEvent): (() => void) | null {
    const { speakers } = this
    if (event.key.toLowerCase() === 'z' && shiftAndCommandHeld(event))
      return speakers && (() => speakers.redo())
    const { key } = event
    const typed = event.getModifierState('AltGraph') || (!event.ctrlKey && !event.metaKey && !event.altKey)
    return typed && /^[1-9[\]]$/.test(key) ? this.#speak(event) : null
  }

  #speak(event: KeyboardEvent): (() => void) | null {
    const { lines, speakers } = this
    const { key } = event
    if (key.toLowerCase() === 'a') return speakers && once(event, () => speakers.accept())
    if (!lines) return null
    if (key === '[') return () => lines.toChange(-1)
    if (key === ']') return () => lines.toChange(1)
    const to = key.toLowerCase() === 'n' ? 'new' : /^[1-9]$/.test(key) ? Number(key) : null
    if (to === null || isOn(event, ELSEWHERE)) return null
    return once(event, () => void lines.give(to))
  }

  #plain(event: KeyboardEvent): (() => void) | null {
    const onSlider = isOn(event, 'input[type=range]')
    return this.#play(event) ?? (onSlider ? null : this.#step(event))
  }

  #play(event: KeyboardEvent): (() => void) | null {
    const playback = this.#playback
    if (playback.id === null) return null
    switch (event.key.toLowerCase()) {
      case ' ':
        return isOn(event, OWN_SPACE) && !isOn(event, '[data-line]')
          ? null
          : once(event, () => playback.toggle())
      case 'k':
        return once(event, () => playback.pause())
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

/** Beside the text: what is pressed there is not meant for the chosen line. */
const ELSEWHERE = 'aside, header, input[type=range], [aria-modal]'

/** Keys that are held do it only once. */
function once(event: KeyboardEvent, act: () => void): () => void {
  return event.repeat ? () => {} : act
}

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
