/** What is chosen in the list of segments: one segment for the keys, or words that are selected as text. */
import type { AssignTarget, SegmentView, SpeakerView, TextSelection } from '../lib/types'
import { nearestTo } from './segments'
import { selectedWords } from './word-selection'

/** Segments that keep their place in the page while text in them is selected. */
const MOST_SELECTED = 3_000

/** The element with the buttons for the selected words. */
const ASSIGN_BAR = '.assign'

type Options = {
  segments: () => SegmentView[]
  /** Whether words can be assigned to speakers. */
  canAssign: () => boolean
  /** The element that contains the segments. */
  scroller: () => HTMLElement | undefined
  assign: (selection: () => TextSelection | null, target: AssignTarget) => void
  /** The user ended the selection of text. */
  onend: () => void
  /** The focus was on a button for the selected words, which is gone. */
  onfocuslost: () => void
}

export class SegmentSelection {
  /** Index of the segment that the keys act on; -1: none. */
  chosen = $state(-1)
  /** First and last index of the segments with selected text. */
  range = $state.raw<readonly [number, number] | null>(null)
  /** The selected words, if they can be assigned. */
  words = $state.raw<TextSelection | null>(null)
  /** Whether a segment or words are chosen that can be assigned. */
  canAssign = $derived.by(() => this.#options.canAssign() && (this.words !== null || this.chosen >= 0))

  readonly #options: Options
  /** The selected text, to select it again. */
  #marked: Range | null = null

  constructor(options: Options) {
    this.#options = options
  }

  /** Index of the segment that a node belongs to; -1: none. */
  indexOf(node: Node | null): number {
    const element = node instanceof Element ? node : node?.parentElement
    const item = element?.closest('[data-index]')
    return item && this.#options.scroller()?.contains(item) ? Number(item.getAttribute('data-index')) : -1
  }

  /** Takes over what is selected in the document. */
  read = (): void => {
    const selected = getSelection()
    const ends =
      !selected || selected.isCollapsed
        ? []
        : [this.indexOf(selected.anchorNode), this.indexOf(selected.focusNode)].filter((index) => index >= 0)
    if (ends.length === 0) {
      // WebKit drops the selection when a button gets the focus; the words stay selected here.
      if (this.words && document.activeElement?.closest(ASSIGN_BAR)) {
        if (this.#marked) selected?.addRange(this.#marked)
        return
      }
      if (this.range) this.#options.onend()
      this.range = null
      this.words = null
      return
    }
    const first = Math.min(...ends)
    this.range = [first, Math.min(Math.max(...ends), first + MOST_SELECTED)]
    const scroller = this.#options.scroller()
    const segments = this.#options.segments()
    this.words = this.#options.canAssign() && scroller ? selectedWords(selected, segments, scroller) : null
    this.#marked = this.words ? (selected?.getRangeAt(0).cloneRange() ?? null) : null
  }

  clear = (): void => {
    const hadFocus = document.activeElement?.closest(ASSIGN_BAR)
    getSelection()?.empty()
    this.range = null
    this.words = null
    if (hadFocus) this.#options.onfocuslost()
  }

  /** The focus left the buttons for the selected words without pressing one. */
  leaveBar = (event: FocusEvent): void => {
    const to = event.relatedTarget
    if (to instanceof Element && to.closest(ASSIGN_BAR)) return
    this.#marked = null
    if (to) setTimeout(this.read)
  }

  /**
   * Assigns the selected words, else the chosen segment; `speaker` null stands for a new speaker. False if there is nothing
   * to assign.
   */
  assignTo = (speaker: SpeakerView | null): boolean => {
    if (!this.#options.canAssign()) return false
    const target = targetOf(speaker)
    if (this.words) this.#assignWords(this.words, target)
    else if (this.chosen >= 0 && this.#options.segments()[this.chosen])
      this.assignSegments(this.chosen, this.chosen, target)
    else return false
    return true
  }

  /** Assigns all words from one segment to another. */
  assignSegments(first: number, last: number, target: AssignTarget): void {
    const segments = this.#options.segments()
    const [from, to] = [segments[first]?.start_ms, segments[last]?.start_ms]
    // By the time it is done, the segments may have other ids; their times stay.
    this.#options.assign(() => {
      const now = this.#options.segments()
      const [begin, end] = [now[nearestTo(now, from)], now[nearestTo(now, to)]]
      return begin && end ? { from_line: begin.id, from_char: 0, to_line: end.id, to_char: null } : null
    }, target)
  }

  #assignWords(words: TextSelection, target: AssignTarget): void {
    const indexOf = (id: string) => this.#options.segments().findIndex((segment) => segment.id === id)
    const [first, last] = [indexOf(words.from_line), indexOf(words.to_line)]
    if (this.chosen < first || this.chosen > last) this.chosen = first
    this.#options.assign(() => words, target)
    this.clear()
  }
}

export function targetOf(speaker: SpeakerView | null): AssignTarget {
  return speaker ? { kind: 'speaker', id: speaker.id } : { kind: 'new' }
}
