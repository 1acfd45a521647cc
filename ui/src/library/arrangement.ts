/** How the library is arranged: its groups, each with a heading, and the order of the meetings in them. */
import { monthHeading } from '../lib/format'
import { t } from '../lib/messages'
import type { JobView, LibraryGroup, LibrarySort } from '../lib/types'
import { headingAt, moment } from './days'

export type Arrangement = { group: LibraryGroup; sort: LibrarySort }

/** The folders in the order of their tree, with their names from the top: “Work / Clients”. */
export type FolderPaths = ReadonlyMap<string, { rank: number; path: string }>

/** Where a meeting belongs. Meetings of one group have the same rank. */
export type Entry = { group: string; rank: number; key: number | string; at: number; id: string }

const LAST = Number.MAX_SAFE_INTEGER
const MINUTE = 60_000
/** The shortest length of each group in minutes, and its heading. */
const LENGTHS = [
  { from: 120, heading: 'arrange.length.120' },
  { from: 60, heading: 'arrange.length.60' },
  { from: 30, heading: 'arrange.length.30' },
  { from: 10, heading: 'arrange.length.10' },
  { from: 0, heading: 'arrange.length.0' },
] as const

const titles = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

export class Order {
  readonly arrangement: Arrangement
  readonly #folders: FolderPaths
  // A meeting is replaced when it changes, so these never go out of date.
  readonly #entries = new WeakMap<JobView, Entry>()

  constructor(arrangement: Arrangement, folders: FolderPaths) {
    this.arrangement = arrangement
    this.#folders = folders
  }

  entry(job: JobView): Entry {
    let entry = this.#entries.get(job)
    if (!entry) {
      entry = { ...this.#groupOf(job), key: this.#keyOf(job), at: moment(job).at, id: job.id }
      this.#entries.set(job, entry)
    }
    return entry
  }

  compare = (a: JobView, b: JobView): number => compareEntries(this.entry(a), this.entry(b))

  /** The heading of a group, as seen at `nowMs`. */
  heading(group: string, nowMs: number): string {
    switch (this.arrangement.group) {
      case 'day':
        return headingAt(group, nowMs)
      case 'month':
        return monthHeading(group)
      case 'folder':
        return this.#folders.get(group)?.path ?? t('arrange.no-folder')
      case 'length': {
        const known = LENGTHS.find(({ from }) => String(from) === group)
        return t(known?.heading ?? 'arrange.length.unknown')
      }
    }
  }

  #groupOf(job: JobView): { group: string; rank: number } {
    const { group, sort } = this.arrangement
    const inTime = sort === 'oldest' ? 1 : -1
    switch (group) {
      case 'day': {
        const { day } = moment(job)
        return { group: day, rank: inTime * Number(day.replaceAll('-', '')) }
      }
      case 'month': {
        const month = moment(job).day.slice(0, 7)
        return { group: month, rank: inTime * Number(month.replace('-', '')) }
      }
      case 'folder': {
        const folder = job.folder_id === null ? undefined : this.#folders.get(job.folder_id)
        return folder ? { group: job.folder_id ?? '', rank: folder.rank } : { group: '', rank: LAST }
      }
      case 'length': {
        const minutes = job.duration_ms === null ? null : job.duration_ms / MINUTE
        const from = minutes === null ? undefined : LENGTHS.find((one) => minutes >= one.from)?.from
        if (from === undefined) return { group: '', rank: LAST }
        return { group: String(from), rank: sort === 'shortest' ? from : -from }
      }
    }
  }

  #keyOf(job: JobView): number | string {
    switch (this.arrangement.sort) {
      case 'newest':
        return -moment(job).at
      case 'oldest':
        return moment(job).at
      case 'longest':
        return -(job.duration_ms ?? -1)
      case 'shortest':
        return job.duration_ms ?? LAST
      case 'title':
        return job.title
    }
  }
}

export function compareEntries(a: Entry, b: Entry): number {
  if (a.rank !== b.rank) return a.rank - b.rank
  const byKey = typeof a.key === 'string' ? titles.compare(a.key, String(b.key)) : a.key - Number(b.key)
  if (byKey !== 0) return byKey
  return b.at - a.at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}
