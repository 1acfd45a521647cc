/** The order of the library and its days. */
import { dayHeading, dayKey, recordedDay } from '../lib/format'
import type { JobView } from '../lib/types'

/** What stands in the list: a day, or a meeting with its place among the meetings. */
export type Row =
  | { kind: 'day'; key: string; day: string }
  | { kind: 'meeting'; key: string; job: JobView; place: number; day: string }

type Moment = { at: number; day: string }

// Meetings are replaced when they change, so that what was worked out for one stays true.
const moments = new WeakMap<JobView, Moment>()

/** When it was recorded, or came into the archive where that is not known. */
function moment(job: JobView): Moment {
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
    // By day first: days of different clocks overlap, and each is to stand in the list once.
    if (one.day !== other.day) return one.day < other.day ? 1 : -1
    return other.at - one.at || (a.id < b.id ? -1 : 1)
  })
}

/** Meetings, newest first, with a row before each day, which is that of each meeting's own clock. */
export function byDay(jobs: readonly JobView[]): Row[] {
  const rows: Row[] = []
  let day = ''
  jobs.forEach((job, place) => {
    const own = moment(job).day
    if (own !== day) {
      day = own
      rows.push({ kind: 'day', key: own, day })
    }
    rows.push({ kind: 'meeting', key: job.id, job, place, day })
  })
  return rows
}

/** What stands above a day, as seen at `nowMs`. */
export function headingOf(day: string, nowMs: number): string {
  return dayHeading(day, new Date(nowMs))
}

/** How long it is until the next day of this computer begins. */
export function msToMidnight(nowMs: number): number {
  const now = new Date(nowMs)
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).getTime() - nowMs
}

/** Those whose title has all the words of `filter`, whatever their case and accents. */
export function filtered(jobs: readonly JobView[], filter: string): readonly JobView[] {
  const words = plain(filter).split(/\s+/).filter(Boolean)
  if (words.length === 0) return jobs
  return jobs.filter((job) => {
    const title = plain(job.title)
    return words.every((word) => title.includes(word))
  })
}

function plain(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
}
