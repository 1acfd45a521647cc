/** Times, lengths and days in words and figures. */
import { t } from './messages'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Day before month and 24 hours, whatever the computer is set to: the only language is English so far. */
const LOCALE = 'en-GB'

/** Whether times of a recording this long are shown with hours. */
export function hasHours(durationMs: number | null): boolean {
  return durationMs !== null && durationMs >= HOUR
}

/** A moment in a recording: 1:02:03 with hours where `withHours` (the recording has some), else 2:03. */
export function clock(ms: number, withHours = hasHours(ms)): string {
  const total = Math.floor(Math.max(0, ms) / 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  const seconds = two(total % 60)
  const minutes = Math.floor(total / 60)
  return withHours ? `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${seconds}` : `${minutes}:${seconds}`
}

/** How long something is: “11 s”, “48 min”, “1 h 12 min”. */
export function duration(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000))
  if (seconds < 60) return t('format.seconds', { seconds })
  const all = Math.round(ms / MINUTE)
  const [hours, minutes] = [Math.floor(all / 60), all % 60]
  if (hours === 0) return t('format.minutes', { minutes })
  return minutes === 0 ? t('format.hours', { hours }) : t('format.hours-minutes', { hours, minutes })
}

/** The day of a moment where this computer is, as 2026-03-03: sorts and compares as text. */
export function dayKey(moment: string | Date): string {
  const at = new Date(moment)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

/** What stands above the meetings of a day: “Today”, “Yesterday”, “Monday”, “3 March”, “24 December 2025”. */
export function dayHeading(key: string, now = new Date()): string {
  const today = dayKey(now)
  const days = Math.round((Date.parse(today) - Date.parse(key)) / DAY)
  if (days === 0) return t('format.today')
  if (days === 1) return t('format.yesterday')
  if (days > 1 && days < 7) return inUtc(Date.parse(key), { weekday: 'long' })
  const year = key.slice(0, 4) === today.slice(0, 4) ? undefined : 'numeric'
  return inUtc(Date.parse(key), { day: 'numeric', month: 'long', year })
}

/** The day on which something was recorded, by the clock that `recordedAt` tells it by. */
export function recordedDay(rfc3339: string): string {
  return new Date(Date.parse(rfc3339) + offsetOf(rfc3339) * MINUTE).toISOString().slice(0, 10)
}

/**
 * When something was recorded, by the clock of then and there: “3 Mar 2026, 14:05”, and how far that clock is from UTC
 * where it is not the clock of this computer.
 */
export function recordedAt(rfc3339: string): string {
  const at = Date.parse(rfc3339)
  const offsetMinutes = offsetOf(rfc3339)
  const there = at + offsetMinutes * MINUTE
  const day = inUtc(there, { day: 'numeric', month: 'short', year: 'numeric' })
  const time = inUtc(there, { hour: '2-digit', minute: '2-digit' })
  if (offsetMinutes === -new Date(at).getTimezoneOffset()) return t('format.day-time', { day, time })
  return t('format.day-time-offset', { day, time, offset: signed(offsetMinutes) })
}

/** A moment by the clock of this computer: “3 Mar 2026, 14:05”. */
export function momentHere(rfc3339: string): string {
  const at = new Date(rfc3339)
  return at.toLocaleString(LOCALE, {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  })
}

/** “about 3 min left”, “less than a minute left”: as exact as is known, and no more. */
export function timeLeft(ms: number): string {
  const minutes = Math.round(ms / MINUTE)
  if (ms < MINUTE) return t('format.left-little')
  if (minutes < 90) return t('format.left-minutes', { minutes })
  return t('format.left-hours', { hours: Math.round(minutes / 60) })
}

/** Seconds of work per second of audio as a speed: 0.16 is “6.2× real time”. */
export function speed(realTimeFactor: number): string {
  return t('format.speed', { times: (1 / realTimeFactor).toFixed(1) })
}

/** “12:30 of 48:10”, or how much is done where the end is not known. */
export function doneOf(doneMs: number, totalMs: number | null): string {
  if (totalMs === null) return clock(doneMs)
  const withHours = hasHours(totalMs)
  return t('format.done-of', { done: clock(doneMs, withHours), total: clock(totalMs, withHours) })
}

const MB = 1_000_000
const GB = 1_000 * MB

/** How much something takes: “46 MB”, “1.7 GB”, “16 GB”. */
export function bytes(count: number): string {
  if (count < GB) return t('format.mb', { count: String(Math.max(1, Math.round(count / MB))) })
  return t('format.gb', { count: gigabytes(count) })
}

/** “120 of 487 MB”, or how much there is where the end is not known. */
export function doneOfBytes(done: number, total: number | null): string {
  if (total === null) return bytes(done)
  if (total >= GB) return t('format.gb-of', { done: (done / GB).toFixed(1), total: gigabytes(total) })
  return t('format.mb-of', { done: String(Math.round(done / MB)), total: String(Math.round(total / MB)) })
}

/** “3.2 MB/s” */
export function perSecond(count: number): string {
  return t('format.mb-per-second', { count: (count / MB).toFixed(1) })
}

function gigabytes(count: number): string {
  return count >= 10 * GB ? String(Math.round(count / GB)) : (count / GB).toFixed(1)
}

/** A language's name in English: “German” for de; the tag itself where it has none. */
export function language(tag: string): string {
  try {
    return new Intl.DisplayNames([LOCALE], { type: 'language' }).of(tag) ?? tag
  } catch {
    return tag
  }
}

/** A clause as a whole sentence: begins with a capital, unless with a name such as panel.wav, and ends with a full stop. */
export function sentence(clause: string): string {
  const text = clause.trim().replace(/^\p{Ll}(?=\p{L}*[\s,:;])/u, (letter) => letter.toUpperCase())
  return text === '' || /[.!?…]$/.test(text) ? text : `${text}.`
}

function inUtc(ms: number, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(LOCALE, { ...options, timeZone: 'UTC' }).format(ms)
}

/** Minutes that the clock of an RFC 3339 time is ahead of UTC; where it is UTC, those of this computer's clock then. */
function offsetOf(rfc3339: string): number {
  const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)$/.exec(rfc3339) ?? []
  const own = (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0))
  return own === 0 ? -new Date(rfc3339).getTimezoneOffset() : own
}

function signed(minutes: number): string {
  const rest = Math.abs(minutes) % 60
  const hours = Math.floor(Math.abs(minutes) / 60)
  return `${minutes < 0 ? '−' : '+'}${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`
}

/** The parts there are, next to each other: “3 Mar 2026 · 48 min”. */
export function dotted(parts: (string | null | undefined)[]): string {
  return parts.filter(Boolean).join(' · ')
}
