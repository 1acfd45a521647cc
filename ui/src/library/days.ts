/** The moment and the day of a meeting. */
import { dayHeading, dayKey, recordedDay } from '../lib/format'
import type { JobView } from '../lib/types'

type Moment = { at: number; day: string }

// A meeting is replaced when it changes, so these never go out of date.
const moments = new WeakMap<JobView, Moment>()

/** When a meeting was recorded, with the day in its own time zone; where that is not known, when it was added. */
export function moment(job: JobView): Moment {
  let known = moments.get(job)
  if (!known) {
    const recorded = Date.parse(job.recorded_at ?? '')
    known =
      job.recorded_at === null || Number.isNaN(recorded)
        ? { at: Date.parse(job.created_at), day: dayKey(job.created_at) }
        : { at: recorded, day: recordedDay(job.recorded_at) }
    moments.set(job, known)
  }
  return known
}

export function newestFirst(jobs: JobView[]): JobView[] {
  return jobs.sort((a, b) => {
    const [one, other] = [moment(a), moment(b)]
    // By day first: days of different time zones overlap, and each day has one heading.
    if (one.day !== other.day) return one.day < other.day ? 1 : -1
    return other.at - one.at || (a.id < b.id ? -1 : 1)
  })
}

/** The heading of a day, as seen at `nowMs`: “Today”. */
export function headingAt(day: string, nowMs: number): string {
  return dayHeading(day, new Date(nowMs))
}

/** Milliseconds until the next day begins, in the time zone of this computer. */
export function msToMidnight(nowMs: number): number {
  const now = new Date(nowMs)
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).getTime() - nowMs
}
