/** The meetings that the library lists: those that fit what the user chose, arranged as the user chose. */
import { plainMap } from '../lib/plain'
import type { Unsubscribe } from '../lib/client'
import type { JobView } from '../lib/types'
import type { Archive } from './archive.svelte'
import { Order } from './arrangement'
import { Listing } from './listing'
import type { Change } from './meetings-by-id'

export type Fits = (job: JobView) => boolean

export class MeetingListing {
  readonly #archive: Archive
  /** What is listed, by id. */
  readonly #listed = plainMap<string, JobView>()
  #fits: Fits = () => true
  now = $state.raw(Listing.of(new Order({ group: 'day', sort: 'newest' }, plainMap()), []))

  constructor(archive: Archive) {
    this.#archive = archive
    this.#make(this.now.order)
  }

  /** Follows the archive until the returned function is called. */
  start(): Unsubscribe {
    this.#make(this.now.order)
    return this.#archive.listen((changes) => this.#follow(changes))
  }

  /** Lists the meetings that fit, in this order. */
  arrange(order: Order, fits: Fits): void {
    this.#fits = fits
    this.#make(order)
  }

  has(id: string): boolean {
    return this.#listed.has(id)
  }

  /** The meeting as it is listed. */
  get(id: string | null): JobView | undefined {
    return id === null ? undefined : this.#listed.get(id)
  }

  /** The index of the row of a meeting; -1 if it is not listed. */
  indexOf(id: string | null): number {
    return this.now.indexOf(this.get(id))
  }

  #make(order: Order): void {
    this.#listed.clear()
    for (const job of this.#archive.all()) if (this.#fits(job)) this.#listed.set(job.id, job)
    this.now = Listing.of(order, this.#listed.values())
  }

  #follow(changes: readonly Change[]): void {
    const own: Change[] = []
    for (const { before, after } of changes) {
      const id = (after ?? before)?.id ?? ''
      const was = this.#listed.get(id)
      const is = after && this.#fits(after) ? after : undefined
      if (!was && !is) continue
      own.push({ before: was, after: is })
      if (is) this.#listed.set(id, is)
      else this.#listed.delete(id)
    }
    this.now = this.now.changed(own)
  }
}
