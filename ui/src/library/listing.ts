/**
 * The rows of the library: meetings in their order, with a heading above each group. A listing never changes; a change of a
 * few meetings makes a new one without looking at the others.
 */
import type { JobView } from '../lib/types'
import { compareEntries, type Entry, type Order } from './arrangement'
import type { Change } from './meetings-by-id'

export type Row =
  | { kind: 'heading'; key: string; group: string; entry: Entry }
  | { kind: 'meeting'; key: string; group: string; entry: Entry; job: JobView }

/** With more changes than this, all rows are made anew. */
const FEW = 64

export class Listing {
  readonly order: Order
  readonly rows: readonly Row[]
  /** The indexes of the headings. */
  readonly #heads: readonly number[]

  private constructor(order: Order, rows: readonly Row[], heads: readonly number[] = headsOf(rows)) {
    this.order = order
    this.rows = rows
    this.#heads = heads
  }

  static of(order: Order, jobs: Iterable<JobView>): Listing {
    const sorted = [...jobs].sort(order.compare)
    const rows: Row[] = []
    let group: string | null = null
    for (const job of sorted) {
      const entry = order.entry(job)
      if (entry.group !== group) rows.push(headingOf(entry))
      group = entry.group
      rows.push(rowOf(job, entry))
    }
    return new Listing(order, rows)
  }

  /** The number of meetings. */
  get count(): number {
    return this.rows.length - this.#heads.length
  }

  /** The index of the row of a meeting; -1 if it is not listed. */
  indexOf(job: JobView | undefined): number {
    if (!job) return -1
    const index = searched(this.rows, this.order.entry(job))
    return this.rows[index]?.key === job.id ? index : -1
  }

  /** The number of meetings above a row. */
  placeOf(index: number): number {
    return index - count(this.#heads, (head) => head < index)
  }

  /** The meeting with so many meetings above it, kept within the list. */
  at(place: number): JobView | undefined {
    const wanted = Math.min(Math.max(place, 0), this.count - 1)
    const row = this.rows[wanted + count(this.#heads, (head, above) => head - above <= wanted)]
    return row?.kind === 'meeting' ? row.job : undefined
  }

  /** The meetings from one to another, in either direction. */
  between(one: JobView | undefined, other: JobView | undefined): JobView[] {
    const ends = [this.indexOf(one), this.indexOf(other)].filter((index) => index >= 0)
    return jobsOf(this.rows.slice(Math.min(...ends), Math.max(...ends) + 1))
  }

  /** All meetings, in their order. */
  all(): JobView[] {
    return jobsOf(this.rows)
  }

  /** This listing after changes. `before` must be listed as it is given; `after` is listed. */
  changed(changes: readonly Change[]): Listing {
    if (changes.length === 0) return this
    if (changes.length > FEW) return this.#remade(changes)
    const rows = [...this.rows]
    let moved = false
    for (const { before, after } of changes) {
      const from = before ? searched(rows, this.order.entry(before)) : -1
      const entry = after && this.order.entry(after)
      const row = after && entry && rowOf(after, entry)
      if (row && from >= 0 && staysAt(rows, from, row)) rows[from] = row
      else {
        moved = true
        if (before) take(rows, from)
        if (row) insert(rows, row)
      }
    }
    return moved ? new Listing(this.order, rows) : new Listing(this.order, rows, this.#heads)
  }

  #remade(changes: readonly Change[]): Listing {
    const jobs = new Map(this.all().map((job) => [job.id, job]))
    for (const { before, after } of changes) {
      if (after) jobs.set(after.id, after)
      else if (before) jobs.delete(before.id)
    }
    return Listing.of(this.order, jobs.values())
  }
}

function rowOf(job: JobView, entry: Entry): Row {
  return { kind: 'meeting', key: job.id, group: entry.group, entry, job }
}

function headingOf(entry: Entry): Row {
  return { kind: 'heading', key: `group ${entry.group}`, group: entry.group, entry }
}

function headsOf(rows: readonly Row[]): number[] {
  return rows.flatMap((row, index) => (row.kind === 'heading' ? [index] : []))
}

function jobsOf(rows: readonly Row[]): JobView[] {
  return rows.flatMap((row) => (row.kind === 'meeting' ? [row.job] : []))
}

/** Whether a row comes before a meeting: a heading comes before all of its group. */
function isBefore(row: Row, entry: Entry): boolean {
  if (row.kind === 'heading') return row.entry.rank <= entry.rank
  return compareEntries(row.entry, entry) < 0
}

/** The index at which a meeting is or would be. */
function searched(rows: readonly Row[], entry: Entry): number {
  return count(rows, (row) => isBefore(row, entry))
}

/** How many items at the beginning fulfil a condition that holds for none after them; by halving. */
function count<Item>(items: readonly Item[], holds: (item: Item, index: number) => boolean): number {
  let [low, high] = [0, items.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const item = items[middle]
    if (item !== undefined && holds(item, middle)) low = middle + 1
    else high = middle
  }
  return low
}

/** Whether the meeting of a row may be replaced by this one without moving. */
function staysAt(rows: readonly Row[], index: number, row: Row): boolean {
  const old = rows[index]
  if (old?.key !== row.key || old.group !== row.group) return false
  const [above, below] = [rows[index - 1], rows[index + 1]]
  const isAbove = above === undefined || isBefore(above, row.entry)
  return isAbove && (below === undefined || below.kind === 'heading' || !isBefore(below, row.entry))
}

/** Takes a meeting out, and its heading if it was alone below it. */
function take(rows: Row[], index: number): void {
  const alone = rows[index - 1]?.kind === 'heading' && rows[index + 1]?.kind !== 'meeting'
  if (alone) rows.splice(index - 1, 2)
  else rows.splice(index, 1)
}

function insert(rows: Row[], row: Row): void {
  const index = searched(rows, row.entry)
  const above = rows[index - 1]
  if (above?.group === row.group) rows.splice(index, 0, row)
  else rows.splice(index, 0, headingOf(row.entry), row)
}
