/** Meetings that are selected for an action on all of them, besides the one that is open. */
import { plainSet } from '../lib/plain'
import type { Listing } from './listing'
import type { MeetingListing } from './meeting-listing.svelte'

const NONE: ReadonlySet<string> = plainSet()

export class Selection {
  ids = $state.raw(NONE)
  /** Whether a press on a meeting selects it instead of opening it. */
  mode = $state(false)
  readonly #listing: MeetingListing
  /** Where a range begins. */
  #anchor: string | null = null

  constructor(listing: MeetingListing) {
    this.#listing = listing
  }

  /** The selected meetings that are listed, in the order of the list. */
  get chosen(): string[] {
    const listed = [...this.ids].flatMap((id) => this.#listing.get(id) ?? [])
    return listed.sort(this.#listing.now.order.compare).map((job) => job.id)
  }

  get size(): number {
    return this.ids.size
  }

  /** Whether anything is selected, or is about to be. */
  get on(): boolean {
    return this.mode || this.ids.size > 0
  }

  has(id: string): boolean {
    return this.ids.has(id)
  }

  /** Selects a meeting, or no longer. The first one joins `open`, the meeting that is open. */
  toggle(id: string, open: string | null = null): void {
    const ids = plainSet(this.ids)
    if (ids.size === 0 && !this.mode && open !== null && open !== id && this.#listing.has(open)) ids.add(open)
    if (!ids.delete(id)) ids.add(id)
    this.ids = ids
    this.#anchor = id
  }

  /** Selects all meetings from the last one that was selected, else from `from`, to `id`. */
  extend(id: string, from: string | null): void {
    const anchor = this.#anchor !== null && this.#listing.has(this.#anchor) ? this.#anchor : (from ?? id)
    this.#anchor = anchor
    const jobs = this.#listing.now.between(this.#listing.get(anchor), this.#listing.get(id))
    this.ids = plainSet(jobs.map((job) => job.id))
  }

  all(listing: Listing): void {
    this.ids = plainSet(listing.all().map((job) => job.id))
  }

  clear(): void {
    this.ids = NONE
    this.mode = false
    this.#anchor = null
  }

  /** Forgets meetings that are not listed any more. */
  drop(ids: Iterable<string>): void {
    const left = plainSet(this.ids)
    let some = false
    for (const id of ids) some = left.delete(id) || some
    if (some) this.ids = left
  }
}
