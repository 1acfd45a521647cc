/** Runs of consecutive segments by one speaker. The name of the speaker is shown once per run. */
import type { SegmentView } from '../lib/types'

export class Runs {
  /** Indices of the segments that begin a run. */
  readonly starts: readonly number[]
  /** The number of segments. */
  readonly length: number

  constructor(segments: readonly Pick<SegmentView, 'speaker_id'>[]) {
    const starts: number[] = []
    segments.forEach((segment, index) => {
      if (index === 0 || segment.speaker_id !== segments[index - 1]?.speaker_id) starts.push(index)
    })
    this.starts = starts
    this.length = segments.length
  }

  /** Where the run of a segment begins. */
  startOf(index: number): number {
    return this.starts[this.#runOf(index)] ?? 0
  }

  /** Where the next run begins; null in the last one. */
  nextAfter(index: number): number | null {
    return this.starts[this.#runOf(index) + 1] ?? null
  }

  /** Where the previous run begins; null in the first one. */
  previousBefore(index: number): number | null {
    return this.starts[this.#runOf(index) - 1] ?? null
  }

  isStart(index: number): boolean {
    return this.startOf(index) === index
  }

  /** Which run a segment belongs to. */
  #runOf(index: number): number {
    let [low, high] = [0, this.starts.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.starts[middle] ?? Infinity) <= index) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}
