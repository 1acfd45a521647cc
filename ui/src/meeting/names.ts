/** How speakers are called and marked. */
import type { LineView, SpeakerView } from '../lib/types'

/** So many colours there are; then they come round again, with another number or initial on them. */
export const COLOURS = 12

/** The name the user gave, or “Speaker 1”. */
export function called(speaker: Pick<SpeakerView, 'name' | 'label'>): string {
  return speaker.name ?? speaker.label
}

export function colourOf(speaker: Pick<SpeakerView, 'number'> | null | undefined): string {
  if (!speaker) return 'var(--text-quiet)'
  return `var(--speaker-${((speaker.number - 1) % COLOURS) + 1})`
}

/** What stands on the mark: the initial of a name, else the number. */
export function initialOf(speaker: Pick<SpeakerView, 'name' | 'number'> | null | undefined): string {
  if (!speaker) return '?'
  const [first] = speaker.name?.trim() ?? ''
  return first ? first.toUpperCase() : String(speaker.number)
}

export function byId(speakers: readonly SpeakerView[]): ReadonlyMap<string, SpeakerView> {
  return new Map(speakers.map((one) => [one.id, one]))
}

/** Lines of one speaker that follow one another. */
export class Runs {
  /** Indices of the lines that begin one. */
  readonly starts: readonly number[]

  constructor(lines: readonly Pick<LineView, 'speaker_id'>[]) {
    const starts: number[] = []
    lines.forEach((line, index) => {
      if (index === 0 || line.speaker_id !== lines[index - 1]?.speaker_id) starts.push(index)
    })
    this.starts = starts
  }

  /** Where the run of a line begins. */
  startOf(index: number): number {
    return this.starts[this.#at(index)] ?? 0
  }

  /** Where the next run begins; null in the last. */
  nextAfter(index: number): number | null {
    return this.starts[this.#at(index) + 1] ?? null
  }

  /** Where the run before begins; null in the first. */
  beforeOf(index: number): number | null {
    return this.starts[this.#at(index) - 1] ?? null
  }

  isStart(index: number): boolean {
    return this.startOf(index) === index
  }

  #at(index: number): number {
    let [low, high] = [0, this.starts.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.starts[middle] ?? Infinity) <= index) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}
