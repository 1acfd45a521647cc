/** Moving through the list of segments with the keys, and keeping focus and position when the segments change. */
import { tick } from 'svelte'
import type { SegmentView } from '../lib/types'
import type { SegmentCommands } from './keys'
import type { Runs } from './runs'
import { NAME_ROW, type SegmentScroll } from './segment-scroll.svelte'
import type { SegmentSelection } from './segment-selection.svelte'
import { nearestTo } from './segments'
import type { Speakers } from './speakers.svelte'

type Options = {
  scroll: SegmentScroll
  selection: SegmentSelection
  speakers: Speakers
  segments: () => SegmentView[]
  /** Empty if names are not shown. */
  runs: () => Runs
  /** Index of the segment that is played; -1: none. */
  current: () => number
  play: (index: number) => void
}

export class SegmentNavigation implements SegmentCommands {
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  move(by: number): void {
    const { chosen } = this.#options.selection
    void this.#choose(chosen < 0 ? this.#firstStep() : chosen + by)
  }

  toFirst(): void {
    void this.#choose(0)
  }

  toLast(): void {
    void this.#choose(this.#options.segments().length - 1)
  }

  playChosen(): void {
    const { chosen } = this.#options.selection
    if (chosen >= 0) this.#options.play(chosen)
  }

  assign(to: number | 'new'): boolean {
    const { selection, speakers } = this.#options
    const speaker = to === 'new' ? null : speakers.all.find((one) => one.number === to)
    return speaker !== undefined && selection.assignTo(speaker)
  }

  toSpeakerChange(by: 1 | -1): void {
    const runs = this.#options.runs()
    if (runs.length === 0) return
    const { chosen } = this.#options.selection
    const from = chosen < 0 ? this.#firstStep() : chosen
    const start = runs.startOf(from)
    const to = by > 0 ? runs.nextAfter(from) : start < from ? start : runs.previousBefore(from)
    if (to !== null) void this.#choose(to)
  }

  /** Where the keys start while no segment is chosen. */
  #firstStep(): number {
    const { scroll } = this.#options
    const current = this.#options.current()
    return current >= 0 && scroll.isInView(current) ? current : scroll.topIndex()
  }

  async #choose(index: number): Promise<void> {
    const { scroll, selection } = this.#options
    const { length } = this.#options.segments()
    if (length === 0) return
    const to = Math.min(length - 1, Math.max(0, index))
    selection.chosen = to
    scroll.byUser = true
    await tick()
    scroll.list?.scrollToIndex(to, { align: 'nearest' })
    await this.focus(to)
    // Not behind the pinned name.
    const { scroller } = scroll
    const runs = this.#options.runs()
    if (runs.length > 0 && scroller && scroll.topOf(to) < NAME_ROW && !runs.isStart(to))
      scroller.scrollTop += scroll.topOf(to) - NAME_ROW
  }

  /** Focuses a segment. One that has just come into the page cannot have the focus before it is measured. */
  async focus(index: number, what = '[data-line]', tries = 20): Promise<void> {
    const { scroll, selection } = this.#options
    const button = scroll.scroller?.querySelector<HTMLElement>(`[data-index="${index}"] ${what}`)
    button?.focus({ preventScroll: true })
    if ((button && document.activeElement === button) || tries === 0) return
    // Another segment was chosen meanwhile.
    if (what === '[data-line]' && selection.chosen >= 0 && selection.chosen !== index) return
    await new Promise(requestAnimationFrame)
    await this.focus(index, what, tries - 1)
  }

  /**
   * Keeps the text where it is although its segments changed, or another version is shown: the segment at the top and the
   * chosen one are found again by their times. `frame` contains all that can have the focus.
   */
  keepPlace(old: readonly SegmentView[], isOtherVersion: boolean, frame: HTMLElement | undefined): void {
    const { scroll, selection } = this.#options
    const segments = this.#options.segments()
    if (!scroll.list || segments.length === 0) return
    const top = scroll.topIndex()
    const shift = scroll.topOf(top)
    const now = nearestTo(segments, old[top]?.start_ms)
    const { chosen } = selection
    if (chosen >= 0) selection.chosen = nearestTo(segments, old[chosen]?.start_ms)
    const active = document.activeElement
    const hadFocus = active instanceof HTMLElement && (frame?.contains(active) ?? false)
    const onName = hadFocus && active.hasAttribute('data-name')
    void tick().then(async () => {
      if (isOtherVersion ? top > 0 : now !== top)
        scroll.list?.scrollToIndex(now, { align: 'start', offset: isOtherVersion ? 0 : -shift })
      if (!hadFocus || selection.chosen < 0) return
      if (document.activeElement !== document.body && active.isConnected) return
      if (onName) await this.focus(this.#options.runs().startOf(selection.chosen), '[data-name]')
      else await this.focus(selection.chosen)
    })
  }
}
