/** The keys of an open meeting. The window passes on every key that nothing else has handled. */
import { commandHeld, isTyping, shiftAndCommandHeld } from '../ui/keys'
import type { Playback } from './playback.svelte'

/** What the keys do in the list of segments. */
export interface SegmentCommands {
  move(by: number): void
  toFirst(): void
  toLast(): void
  playChosen(): void
  /** Assigns the selected words or the chosen segment to a speaker by number; false if nothing is chosen. */
  assign(to: number | 'new'): boolean
  /** Goes to the next or previous change of speaker. */
  toSpeakerChange(by: 1 | -1): void
}

/** What the keys do with the speakers of the open meeting. */
export interface SpeakerCommands {
  undo(): void
  redo(): void
  acceptFirstSuggestion(): void
}

/** Finding words in the text of the open meeting. */
export interface FindCommands {
  open(): void
  /** Goes to the next or previous hit, or opens the bar. */
  step(by: 1 | -1): void
}

export class MeetingKeys {
  /** Null while no segments are shown. */
  segments: SegmentCommands | null = null
  /** Null while no meeting is open. */
  speakers: SpeakerCommands | null = null
  /** Null while no text is shown in which to find something. */
  find: FindCommands | null = null
  /** Opens the export menu; null if nothing can be exported. */
  openExport: (() => void) | null = null
  readonly #playback: Playback

  constructor(playback: Playback) {
    this.#playback = playback
  }

  handle = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing || isTyping(event) || hasOwnKeys(event)) return
    const act = commandHeld(event)
      ? this.#commandKey(event)
      : isPlain(event)
        ? (this.#plainKey(event) ?? this.#speakerKey(event))
        : this.#modifiedKey(event)
    if (!act) return
    event.preventDefault()
    act()
  }

  #commandKey(event: KeyboardEvent): (() => void) | null {
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

  /** Shift+Command+Z, and characters that need Shift or AltGr on some keyboards. */
  #modifiedKey(event: KeyboardEvent): (() => void) | null {
    const { speakers } = this
    if (event.key.toLowerCase() === 'z' && shiftAndCommandHeld(event))
      return speakers && (() => speakers.redo())
    const { key } = event
    const typed = event.getModifierState('AltGraph') || (!event.ctrlKey && !event.metaKey && !event.altKey)
    return typed && /^[1-9[\]]$/.test(key) ? this.#speakerKey(event) : null
  }

  #speakerKey(event: KeyboardEvent): (() => void) | null {
    const { segments, speakers } = this
    const { key } = event
    if (key.toLowerCase() === 'a') return speakers && once(event, () => speakers.acceptFirstSuggestion())
    if (!segments) return null
    if (key === '[') return () => segments.toSpeakerChange(-1)
    if (key === ']') return () => segments.toSpeakerChange(1)
    const to = key.toLowerCase() === 'n' ? 'new' : /^[1-9]$/.test(key) ? Number(key) : null
    if (to === null || isOn(event, OUTSIDE_TEXT)) return null
    return once(event, () => void segments.assign(to))
  }

  #plainKey(event: KeyboardEvent): (() => void) | null {
    const onSlider = isOn(event, 'input[type=range]')
    return this.#playerKey(event) ?? (onSlider ? null : this.#segmentKey(event))
  }

  #playerKey(event: KeyboardEvent): (() => void) | null {
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

  #segmentKey(event: KeyboardEvent): (() => void) | null {
    const { segments } = this
    if (!segments) return null
    switch (event.key) {
      case 'ArrowUp':
        return () => segments.move(-1)
      case 'ArrowDown':
        return () => segments.move(1)
      case 'Home':
        return () => segments.toFirst()
      case 'End':
        return () => segments.toLast()
      case 'Enter':
        return isOn(event, OWN_SPACE) ? null : () => segments.playChosen()
      default:
        return null
    }
  }
}

/** Elements that Space and Enter press. */
const OWN_SPACE = 'button, a[href], summary, [role=button], [role=option], [role=tab], [role=switch]'

/** Keys pressed on these do not assign the chosen segment. */
const OUTSIDE_TEXT = 'aside, header, input[type=range], [aria-modal]'

/** Does nothing for the repeats of a key that is held. */
function once(event: KeyboardEvent, act: () => void): () => void {
  return event.repeat ? () => {} : act
}

function isOn(event: KeyboardEvent, selector: string): boolean {
  return event.target instanceof Element && event.target.closest(selector) !== null
}

/** Whether the keys belong to the focused element: in dialogs that are not modal, lists, and marked elements. */
function hasOwnKeys(event: KeyboardEvent): boolean {
  return isOn(event, '[role=dialog], [role=alertdialog], [role=listbox], [role=radiogroup], [data-own-keys]')
}

function isPlain(event: KeyboardEvent): boolean {
  return !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey
}
