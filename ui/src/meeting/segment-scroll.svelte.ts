/**
 * How the list of segments scrolls: it follows what is played until the user scrolls away, and the name of the run at the
 * top stays visible.
 */
import type { VirtualizerHandle } from 'virtua/svelte'
import type { Runs } from './runs'

/** Space above the first segment, in px. */
export const MARGIN_TOP = 16
/** Height of a speaker's name, in px. */
export const NAME_ROW = 32
/** Space above a run, in px. */
export const RUN_GAP = 12

/** Where in the view, as shares of its height, the played segment may be, and where it is put when it is elsewhere. */
const [HIGHEST, LOWEST, PLACE] = [0.08, 0.75, 0.3]

/** The name at the top of the view. The next run pushes it away: `shift` is at most 0, in px. */
export type PinnedName = { start: number; shift: number }

export class SegmentScroll {
  scroller = $state<HTMLElement>()
  list = $state<VirtualizerHandle>()
  /** Whether the list follows what is played. */
  following = $state(true)
  /** Whether the played segment is visible. */
  inView = $state(true)
  pinned = $state.raw<PinnedName | null>(null)
  /** Whether the user scrolls, as opposed to the list itself. */
  byUser = false
  #animation = 0

  /** Distance of a segment from the top of the view, in px. */
  topOf(index: number): number {
    return this.list ? MARGIN_TOP + this.list.getItemOffset(index) - this.list.getScrollOffset() : 0
  }

  isInView(index: number): boolean {
    if (!this.list || index < 0) return true
    const top = this.topOf(index)
    return top + this.list.getItemSize(index) > 0 && top < this.list.getViewportSize()
  }

  /** Index of the segment at the top of the view. */
  topIndex(): number {
    return this.list ? this.list.findItemIndex(this.list.getScrollOffset()) : 0
  }

  /** Scrolls to a segment, unless it is well in view. */
  keepInView(index: number): void {
    if (!this.list) return
    const view = this.list.getViewportSize()
    const top = this.topOf(index)
    if (view === 0) return
    if (top >= view * HIGHEST && top + this.list.getItemSize(index) <= view * LOWEST) return
    this.byUser = false
    const by = top - view * PLACE
    if (Math.abs(by) < view * 1.5) this.#glideBy(by)
    else this.list.scrollToIndex(index, { align: 'start', offset: -view * PLACE })
  }

  /** Scrolls smoothly. The browser's own smooth scrolling is slower than any motion in this window. */
  #glideBy(by: number): void {
    this.stop()
    const { scroller } = this
    if (!scroller) return
    const duration = parseFloat(getComputedStyle(scroller).getPropertyValue('--motion')) || 0
    const from = scroller.scrollTop
    const began = performance.now()
    const step = (now: number) => {
      if (!this.scroller || this.byUser) return
      const part = duration === 0 ? 1 : Math.min(1, Math.max(0, (now - began) / duration))
      scroller.scrollTop = from + by * (1 - (1 - part) ** 3)
      if (part < 1) this.#animation = requestAnimationFrame(step)
    }
    this.#animation = requestAnimationFrame(step)
  }

  stop(): void {
    cancelAnimationFrame(this.#animation)
  }

  /** The list was scrolled or resized; `current` is the index of the played segment. */
  scrolled(current: number, runs: Runs): void {
    this.pin(runs)
    this.inView = this.isInView(current)
    if (this.byUser) this.following = this.inView
  }

  /** Finds the name to pin. */
  pin(runs: Runs): void {
    const pinned = this.#pinnedIn(runs)
    if (pinned?.start !== this.pinned?.start || pinned?.shift !== this.pinned?.shift) this.pinned = pinned
  }

  #pinnedIn(runs: Runs): PinnedName | null {
    if (!this.list || runs.starts.length === 0) return null
    const start = runs.startOf(Math.min(runs.length - 1, this.topIndex()))
    const nameTop = (index: number) => this.topOf(index) + (index > 0 ? RUN_GAP : 0)
    if (nameTop(start) >= 0) return null
    const next = runs.nextAfter(start)
    return { start, shift: next === null ? 0 : Math.min(0, nameTop(next) - NAME_ROW) }
  }
}
