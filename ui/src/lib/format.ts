/** Formats times, durations, days, sizes and languages for display. */
import { t } from './messages'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Day before month and a 24-hour clock, whatever the system is set to: English is the only language so far. */
const LOCALE = 'en-GB'

/** Whether a recording of this length is long enough for times with hours. */
export function hasHours(durationMs: number | null): boolean {
  return durationMs !== null && durationMs >= HOUR
}

/** A time in a recording: “1:02:03” if `withHours` (`hasHours` of the recording), else “2:03”. */
export function clock(ms: number, withHours = hasHours(ms)): string {
  const total = Math.floor(Math.max(0, ms) / 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  const seconds = two(total % 60)
  const minutes = Math.floor(total / 60)
  return withHours ? `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${seconds}` : `${minutes}:${seconds}`
}

/** A duration: “11 s”, “48 min”, “1 h 12 min”. */
export function duration(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000))
  if (seconds < 60) return t('format.seconds', { seconds })
  const all = Math.round(ms / MINUTE)
  const [hours, minutes] = [Math.floor(all / 60), all % 60]
  if (hours === 0) return t('format.minutes', { minutes })
  return minutes === 0 ? t('format.hours', { hours }) : t('format.hours-minutes', { hours, minutes })
}

/** The day of a point in time, in the time zone of this computer: “2026-03-03”, which sorts as text. */
export function dayKey(moment: string | Date): string {
  const at = new Date(moment)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

/** The heading of a day: “Today”, “Yesterday”, “Monday”, “3 March”, “24 December 2025”. */
export function dayHeading(key: string, now = new Date()): string {
  const today = dayKey(now)
  const days = Math.round((Date.parse(today) - Date.parse(key)) / DAY)
  if (days === 0) return t('format.today')
  if (days === 1) return t('format.yesterday')
  if (days > 1 && days < 7) return inUtc(Date.parse(key), { weekday: 'long' })
  const year = key.slice(0, 4) === today.slice(0, 4) ? undefined : 'numeric'
  return inUtc(Date.parse(key), { day: 'numeric', month: 'long', year })
}

/** The heading of a month, which is written as in “2026-03”: “March 2026”. */
export function monthHeading(key: string): string {
  return inUtc(Date.parse(`${key}-01`), { month: 'long', year: 'numeric' })
}

/** The day of a recording as `recordedAt` shows it, in the form of `dayKey`. */
export function recordedDay(rfc3339: string): string {
  return new Date(Date.parse(rfc3339) + offsetOf(rfc3339) * MINUTE).toISOString().slice(0, 10)
}

/**
 * When something was recorded, in local time at the place of recording: “3 Mar 2026, 14:05”. The offset from UTC is
 * added where it differs from the one of this computer.
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

/** A point in time in the time zone of this computer: “3 Mar 2026, 14:05”. */
export function localDateTime(rfc3339: string): string {
  const at = new Date(rfc3339)
  return at.toLocaleString(LOCALE, {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  })
}

/** The day of a point in time in the time zone of this computer: “3 March 2026”. */
export function localDay(rfc3339: string): string {
  return new Date(rfc3339).toLocaleDateString(LOCALE, { day: 'numeric', month: 'long', year: 'numeric' })
}

/** “about 3 min left”, “less than a minute left”. */
export function timeLeft(ms: number): string {
  const minutes = Math.round(ms / MINUTE)
  if (ms < MINUTE) return t('format.left-little')
  if (minutes < 90) return t('format.left-minutes', { minutes })
  return t('format.left-hours', { hours: Math.round(minutes / 60) })
}

/** Seconds of work per second of audio, shown as a speed: 0.16 is “6.2× real time”. */
export function speed(realTimeFactor: number): string {
  return t('format.speed', { times: (1 / realTimeFactor).toFixed(1) })
}

/** “12:30 of 48:10”, or “12:30” if the total is not known. */
export function doneOf(doneMs: number, totalMs: number | null): string {
  if (totalMs === null) return clock(doneMs)
  const withHours = hasHours(totalMs)
  return t('format.done-of', { done: clock(doneMs, withHours), total: clock(totalMs, withHours) })
}

const MB = 1_000_000
const GB = 1_000 * MB

/** A size in bytes: “46 MB”, “1.7 GB”, “16 GB”. */
export function bytes(count: number): string {
  if (count < GB) return t('format.mb', { count: String(Math.max(1, Math.round(count / MB))) })
  return t('format.gb', { count: gigabytes(count) })
}

/** “120 of 487 MB”, or “120 MB” if the total is not known. */
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

/** The English name of a language: “German” for de; the tag itself if it has no name. */
export function language(tag: string): string {
  try {
    return new Intl.DisplayNames([LOCALE], { type: 'language' }).of(tag) ?? tag
  } catch {
    return tag
  }
}

/** A clause as a sentence, with a capital and a full stop. A file name such as panel.wav at the start stays as it is. */
export function sentence(clause: string): string {
  const text = clause.trim().replace(/^\p{Ll}(?=\p{L}*[\s,:;])/u, (letter) => letter.toUpperCase())
  return text === '' || /[.!?…]$/.test(text) ? text : `${text}.`
}

function inUtc(ms: number, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(LOCALE, { ...options, timeZone: 'UTC' }).format(ms)
}

/** The offset of an RFC 3339 time from UTC in minutes; for a time in UTC, the offset of this computer at that time. */
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

/** The parts that are not empty, joined: “3 Mar 2026 · 48 min”. */
export function dotted(parts: (string | null | undefined)[]): string {
  return parts.filter(Boolean).join(' · ')
}
