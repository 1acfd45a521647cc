/** The limits of subtitles, and guides that set them. */
import { SUBTITLE_GUIDES, type SubtitleOptions } from '../lib/types'

export type SubtitleNumber = Exclude<keyof SubtitleOptions, 'one_speaker_per_cue'>
type Guide = keyof typeof SUBTITLE_GUIDES

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
  const names = Object.keys(SUBTITLE_GUIDES) as Guide[]
  const keys = Object.keys(SUBTITLE_GUIDES.netflix) as (keyof SubtitleOptions)[]
  return names.find((name) => keys.every((key) => SUBTITLE_GUIDES[name][key] === subtitles[key])) ?? null
}

/** The number that was typed for a limit; null if that cannot be used. */
export function readLimit(name: SubtitleNumber, typed: string): number | null {
  const [min, max] = RANGES[name]
  const value = Number(typed)
  return typed.trim() !== '' && Number.isInteger(value) && value >= min && value <= max ? value : null
}
