/** The limits of subtitles, and guides that set them. The values are those of the core (`SubtitleOptions::of`). */
import type { SubtitleOptions } from '../lib/types'

export type Guide = 'netflix' | 'bbc'
export type SubtitleNumber = Exclude<keyof SubtitleOptions, 'one_speaker_per_cue'>

export const GUIDES: Record<Guide, SubtitleOptions> = {
  // 5/6 s and two frames at 24 frames per second.
  netflix: {
    characters_per_line: 42,
    lines: 2,
    characters_per_second: 20,
    min_duration_ms: 833,
    max_duration_ms: 7_000,
    gap_ms: 83,
    closed_pause_ms: 500,
    one_speaker_per_cue: true,
  },
  bbc: {
    characters_per_line: 37,
    lines: 2,
    characters_per_second: 15,
    min_duration_ms: 1_000,
    max_duration_ms: 7_000,
    gap_ms: 0,
    closed_pause_ms: 1_000,
    one_speaker_per_cue: true,
  },
}

/** The least and the most of each limit that can be entered. */
export const RANGES: Record<SubtitleNumber, readonly [number, number]> = {
  characters_per_line: [10, 100],
  lines: [1, 5],
  characters_per_second: [5, 60],
  min_duration_ms: [0, 5_000],
  max_duration_ms: [1_000, 30_000],
  gap_ms: [0, 1_000],
  closed_pause_ms: [0, 10_000],
}

/** The guide that has these values; null if none has. */
export function guideOf(subtitles: SubtitleOptions): Guide | null {
  const names = Object.keys(GUIDES) as Guide[]
  const keys = Object.keys(GUIDES.netflix) as (keyof SubtitleOptions)[]
  return names.find((name) => keys.every((key) => GUIDES[name][key] === subtitles[key])) ?? null
}

/** The number that was typed for a limit; null if that cannot be used. */
export function readLimit(name: SubtitleNumber, typed: string): number | null {
  const [min, max] = RANGES[name]
  const value = Number(typed)
  return typed.trim() !== '' && Number.isInteger(value) && value >= min && value <= max ? value : null
}
