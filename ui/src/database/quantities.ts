/** Sizes, times and counts as the figures of the core have them, so that a list and a figure show the same words. */
import { localDateTime } from '../lib/format'
import { t } from '../lib/messages'

/** Shown for what is not known. */
export const UNKNOWN = '–'

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB']

/** A size in bytes: “16.0 kB”, “12.3 MB”. Each unit is 1024 of the smaller one, as PostgreSQL counts. */
export function size(bytes: number | null): string {
  if (bytes === null) return UNKNOWN
  let value = Math.max(0, bytes)
  let unit = 0
  while (value >= 1000 && unit + 1 < UNITS.length) {
    value /= 1024
    unit += 1
  }
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : 1)} ${UNITS[unit]}`
}

/** A time in seconds: “0.3 s”, “12 s”, “1 min 1 s”, “2 h 5 min”, “3 d 4 h”. */
export function time(seconds: number | null): string {
  if (seconds === null) return UNKNOWN
  const value = Math.max(0, seconds)
  const whole = Math.floor(value)
  const days = Math.floor(whole / 86_400)
  const hours = Math.floor(whole / 3600) % 24
  const minutes = Math.floor(whole / 60) % 60
  if (days > 0) return `${days} d ${hours} h`
  if (hours > 0) return `${hours} h ${minutes} min`
  if (minutes > 0) return `${minutes} min ${whole % 60} s`
  return value < 10 ? `${value.toFixed(1)} s` : `${whole} s`
}

/** A time in milliseconds: “12 ms”, “1.2 s”. */
export function milliseconds(ms: number | null): string {
  if (ms === null) return UNKNOWN
  return ms < 1000 ? `${Math.round(ms)} ms` : time(ms / 1000)
}

/** A count: “12,345”. */
export function count(value: number | null): string {
  return value === null ? UNKNOWN : value.toLocaleString('en-GB')
}

/** The later of two moments in RFC 3339, for display; “never” if there is neither. */
export function latest(one: string | null, other: string | null): string {
  const moments = [one, other].filter((moment) => moment !== null)
  const last = moments.sort((a, b) => Date.parse(b) - Date.parse(a))[0]
  return last === undefined ? t('database.never') : localDateTime(last)
}
