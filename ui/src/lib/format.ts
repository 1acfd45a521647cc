/** Times, lengths and days in words and figures. */
import { t } from './messages'

/** A moment in a recording: 1:02:03 with hours where `withHours` (the recording has some), else 2:03. */
export function clock(ms: number, withHours = ms >= 3_600_000): string {
  const total = Math.floor(Math.max(0, ms) / 1000)
  const seconds = String(total % 60).padStart(2, '0')
  const minutes = Math.floor(total / 60) % 60
  const hours = Math.floor(total / 3600)
  return withHours ? `${hours}:${String(minutes).padStart(2, '0')}:${seconds}` : `${Math.floor(total / 60)}:${seconds}`
}

void t
