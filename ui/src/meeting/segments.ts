/** Finding segments by time. Segments are in order of time. */
import type { SegmentView } from '../lib/types'

/** Index of the first segment that begins at `ms` or later. */
export function firstFrom(segments: readonly SegmentView[], ms: number): number {
  let [low, high] = [0, segments.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((segments[middle]?.start_ms ?? Infinity) < ms) low = middle + 1
    else high = middle
  }
  return low
}

/** Index of the last segment that begins at `ms` or earlier; -1 before the first. */
export function segmentAt(segments: readonly SegmentView[], ms: number): number {
  return firstFrom(segments, ms + 1) - 1
}

/** Index of the segment that begins at `ms`, else of the one before that moment; at least 0. */
export function nearestTo(segments: readonly SegmentView[], ms = 0): number {
  const index = firstFrom(segments, ms)
  return segments[index]?.start_ms === ms ? index : Math.max(0, index - 1)
}
