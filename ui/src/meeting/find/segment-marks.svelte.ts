/**
 * The words that are marked in the list of segments: hits of find, what the search in the archive found, and what a
 * statement of the summary cites. Scrolls to the one that was gone to.
 */
import { tick, untrack } from 'svelte'
import { spansOf, type Span } from '../../search/marks'
import type { Passage, SegmentView } from '../../lib/types'
import type { MeetingContext } from '../context.svelte'
import type { SegmentNavigation } from '../segment-navigation'
import type { SegmentScroll } from '../segment-scroll.svelte'
import type { SegmentSelection } from '../segment-selection.svelte'
import { nearestTo } from '../segments'
import { bySegment } from './by-segment'

/** A marked part of a text; the strong one was gone to last. */
export type Mark = Span & { strong: boolean }

const NONE: readonly Mark[] = []

/** In so many frames the list gets its final height after a jump. */
const FRAMES = 4

export class SegmentMarks {
  readonly #meeting: MeetingContext
  readonly #scroll: SegmentScroll
  readonly #selection: SegmentSelection
  readonly #navigation: SegmentNavigation
  #jumpsSeen: number

  /** Passages of the search, by segment. */
  #found = $derived.by(() => {
    const { found, old } = this.#meeting
    return bySegment(old ? [] : (found?.passages ?? []), (passage) => passage.segment_id)
  })
  /** Quotes of a statement of the summary, by segment. */
  #cited = $derived.by(() => bySegment(this.#meeting.cited, (source) => source.segment_id))
  /** The segment of the passage that was opened or gone to last. */
  #placeId = $derived.by(() => {
    const { found } = this.#meeting
    return found?.passages[found.at]?.segment_id ?? null
  })

  constructor(
    meeting: MeetingContext,
    scroll: SegmentScroll,
    selection: SegmentSelection,
    navigation: SegmentNavigation,
  ) {
    this.#meeting = meeting
    this.#scroll = scroll
    this.#selection = selection
    this.#navigation = navigation
    this.#jumpsSeen = untrack(() => meeting.find.jumps)
  }

  /** What is marked in a segment, in order. */
  of({ id, text }: SegmentView): readonly Mark[] {
    const { find } = this.#meeting
    const hits = find.bySegment.get(id)
    const { current } = find
    const own = hits?.map(({ from, to }) => ({
      from,
      to,
      strong: current?.id === id && current.from === from,
    }))
    const cited = this.#cited.get(id)
    if (cited) return quotesIn(text, cited)
    const [passage] = this.#found.get(id) ?? []
    if (!passage) return own ?? NONE
    const spans = spansOf(text, passage.text === text ? passage.marks : relocated(passage, text))
    const strong = id === this.#placeId
    const apart = spans.filter(({ from, to }) => !hits?.some((hit) => hit.from < to && from < hit.to))
    return [...(own ?? []), ...apart.map((span) => ({ ...span, strong }))].sort((a, b) => a.from - b.from)
  }

  /** Whether the search opened the meeting at this segment. */
  isPlace(id: string): boolean {
    return id === this.#placeId
  }

  /** The segment that the keys act on, else the one at the top of the view. */
  topOrChosen(): number {
    const { chosen } = this.#selection
    return chosen >= 0 && this.#scroll.isInView(chosen) ? chosen : this.#scroll.topIndex()
  }

  /** Focuses a segment. */
  async focus(index: number): Promise<void> {
    this.#selection.chosen = index
    await tick()
    this.#scroll.list?.scrollToIndex(index, { align: 'nearest' })
    await this.#navigation.focus(index)
  }

  /** Scrolls to a segment. The focus stays. */
  async show(index: number): Promise<void> {
    this.#selection.chosen = index
    await this.#show(index)
  }

  /** To be called in an effect: goes to the current hit of find, and to a passage that the search opens. */
  follow(): void {
    const { find, search, id, segments } = this.#meeting
    const { jumps } = find
    const jump = search?.jump
    if (!this.#scroll.list || segments.length === 0) return
    untrack(() => {
      if (jumps !== this.#jumpsSeen) {
        this.#jumpsSeen = jumps
        if (find.current) void this.#show(find.current.index)
      }
      if (jump?.id !== id) return
      const passage = search?.takeJump(id)
      if (passage?.source === 'transcript') void this.#goToPassage(passage)
    })
  }

  async #goToPassage(passage: Passage): Promise<void> {
    const { segments } = this.#meeting
    const same = segments.findIndex((segment) => segment.id === passage.segment_id)
    const index = same >= 0 ? same : nearestTo(segments, passage.start_ms ?? 0)
    this.#selection.chosen = index
    const before = document.activeElement
    await this.#show(index)
    // The buttons that go from place to place keep the focus, and so does what the user went to meanwhile.
    const now = document.activeElement
    const isFree = now === before || (now?.contains(this.#scroll.scroller ?? null) ?? true)
    if (isFree && !now?.closest('[data-own-keys]')) await this.#navigation.focus(index)
  }

  /** Scrolls to a segment and, if that is higher than the view, to the marked word in it. */
  async #show(index: number): Promise<void> {
    const scroll = this.#scroll
    scroll.following = false
    await tick()
    scroll.keepInView(index)
    for (let frame = 0; frame < FRAMES; frame += 1) await new Promise(requestAnimationFrame)
    const mark = scroll.scroller?.querySelector(`[data-index="${index}"] mark.strong`)
    if (!mark || !scroll.scroller) return
    const [view, place] = [scroll.scroller.getBoundingClientRect(), mark.getBoundingClientRect()]
    if (place.top < view.top || place.bottom > view.bottom) mark.scrollIntoView({ block: 'center' })
  }
}

/** Where quotes occur in a text; all of it, if one is not there any more. */
function quotesIn(text: string, sources: readonly { quote: string }[]): Mark[] {
  return sources.map(({ quote }) => {
    const from = text.indexOf(quote)
    return { from: Math.max(0, from), to: from < 0 ? text.length : from + quote.length, strong: false }
  })
}

/** The marked words of a passage in a text that differs from the passage's: wherever they occur in it. */
function relocated(passage: Passage, text: string): [number, number][] {
  const words = spansOf(passage.text, passage.marks).map(({ from, to }) => passage.text.slice(from, to))
  const points = [...text]
  return [...new Set(words)].flatMap((word): [number, number][] => {
    const at = text.indexOf(word)
    if (at < 0 || word === '') return []
    const from = at === 0 ? 0 : [...text.slice(0, at)].length
    return [[from, Math.min(points.length, from + [...word].length)]]
  })
}
