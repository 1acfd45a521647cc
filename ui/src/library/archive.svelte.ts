/**
 * The archive as the page knows it: whether it is open, and its meetings. The list arrives in pages and is shown after the
 * first one. A change of one meeting costs nothing for the others: listeners get the meetings that changed.
 */
import { plainMap, plainSet } from '../lib/plain'
import { CoreError, type Client, type Unsubscribe } from '../lib/client'
import type { CoreState, JobView, News } from '../lib/types'
import { errorMessage } from '../lib/error-message'
import { newestFirst } from './days'
import { isWaiting, isWorkedOn } from './job-status'
import { differs, MeetingsById, type Change } from './meetings-by-id'

/** News that arrive within this time are followed by one request. */
const COALESCE_MS = 80
/** When more meetings than this changed, the whole list is fetched. */
const ONE_BY_ONE = 500
/** Meetings of the first page, which fills every screen, and of the others. */
const FIRST_PAGE = 200
const PAGE = 1000

/** Gets the meetings that changed, and those of them that are in the trash now. */
export type ChangesListener = (changes: readonly Change[], trashed: readonly JobView[]) => void

/** The whole list on its way. */
type Walk = {
  /** Where the next page begins; null before the first one. */
  after: string | null
  /** Meetings that were known before and have not come yet. At the end they are gone. */
  unseen: Set<string>
  /** Whether nothing was shown before. */
  first: boolean
}

export class Archive {
  core = $state.raw<CoreState>({ state: 'opening', phase: 'starting' })
  /** Whether the first meetings have been fetched since the archive opened. */
  loaded = $state(false)
  /** Whether all of them have. */
  complete = $state(false)
  /** Why the database cannot be reached at the moment; what is shown may be out of date. */
  lost = $derived(this.core.state === 'reconnecting' ? this.core.message : null)
  /** Why the last request failed; what is shown may be out of date. */
  failure = $state<string | null>(null)
  /** The meetings that wait or are being worked on. */
  active = $state.raw<readonly JobView[]>([])
  /** Rises with each change of a meeting. */
  #version = $state(0)
  /** All meetings, newest first. Sorts all of them after each change, so only what is rarely shown should read it. */
  meetings: readonly JobView[] = $derived.by(() => {
    void this.#version
    return newestFirst([...this.#byId.values()])
  })

  readonly #byId = new MeetingsById()
  readonly #client: Client
  readonly #onchange: (change: Change) => void
  readonly #listeners = plainSet<ChangesListener>()
  #changed: string[] = []
  #everything = false
  #walk: Walk | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  #fetching = false
  #ended = false

  /** `onchange` is called for each meeting that changes once the first list has been fetched. */
  constructor(client: Client, onchange: (change: Change) => void = () => {}) {
    this.#client = client
    this.#onchange = onchange
  }

  start(): Unsubscribe {
    const unsubscribes = [
      this.#client.on('coreState', (state) => this.#enter(state)),
      this.#client.on('newsItem', (news) => this.#receive(news)),
    ]
    // An event that arrives before the answer is newer than the answer.
    let overtaken = false
    unsubscribes.push(this.#client.on('coreState', () => (overtaken = true)))
    void this.#client.coreState().then(
      (state) => {
        if (!overtaken && !this.#ended) this.#enter(state)
      },
      (error: unknown) => this.#enter({ state: 'failed', message: errorMessage(error), code: codeOf(error) }),
    )
    return () => {
      this.#ended = true
      clearTimeout(this.#timer)
      for (const unsubscribe of unsubscribes) unsubscribe()
    }
  }

  /** Calls `listener` with all changes of meetings from now on, also with those that arrive in the first list. */
  listen(listener: ChangesListener): Unsubscribe {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Opens the archive again after it failed. */
  async openAgain(): Promise<void> {
    try {
      await this.#client.openAgain()
    } catch (error) {
      this.#enter({ state: 'failed', message: errorMessage(error), code: codeOf(error) })
    }
  }

  /** Fetches the whole list. */
  refresh(): void {
    this.#everything = true
    this.#schedule(0)
  }

  /** Fetches these meetings, as after news of them. */
  fetchAgain(ids: readonly string[]): void {
    this.#changed.push(...ids)
    this.#schedule(0)
  }

  get(id: string | null): JobView | undefined {
    void this.#version
    return id === null ? undefined : this.#byId.get(id)
  }

  /** How many meetings there are. */
  get count(): number {
    void this.#version
    return this.#byId.size
  }

  /** All meetings, in no order; not followed by components. */
  all(): IterableIterator<JobView> {
    return this.#byId.values()
  }

  /** Shows a meeting as a command returned it, without waiting for the news of it. */
  put(job: JobView): void {
    this.#change([job.id], [job])
  }

  /** Changes the meetings with these ids at once, as a command has changed them; the news of it follow. */
  patch(ids: readonly string[], change: (job: JobView) => JobView): void {
    const known = ids.flatMap((id) => this.#byId.get(id) ?? [])
    this.#change([], known.map(change))
  }

  remove(...ids: string[]): void {
    this.#change(ids, [])
  }

  #enter(state: CoreState): void {
    this.core = state
    if (state.state === 'ready') this.refresh()
    else if (state.state !== 'reconnecting') {
      this.loaded = false
      this.complete = false
    }
  }

  #receive(news: News): void {
    if (news.kind === 'everything') this.#everything = true
    // A meeting says whether it has a note.
    else if (news.kind === 'job' || news.kind === 'progress' || news.kind === 'note')
      this.#changed.push(news.id)
    else return
    this.#schedule(COALESCE_MS)
  }

  #schedule(ms: number): void {
    if (this.core.state !== 'ready' || this.#fetching || this.#ended) return
    if (ms === 0) clearTimeout(this.#timer)
    else if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => void this.#fetch(), ms)
  }

  /** Fetches what has changed, then the next page of the list, until neither is left. Each answer is applied in turn. */
  async #fetch(): Promise<void> {
    this.#timer = undefined
    this.#fetching = true
    try {
      while (this.#isOpen()) {
        const ids = [...plainSet(this.#changed)]
        this.#changed = []
        if (this.#everything || !(this.loaded || this.#walk) || ids.length > ONE_BY_ONE) {
          this.#everything = false
          this.#walk = { after: null, unseen: plainSet(this.#byId.ids()), first: !this.loaded }
        } else if (ids.length > 0) {
          const jobs = await this.#client.meetingsById(ids)
          if (this.#isOpen()) this.#change(ids, jobs)
        }
        if (!this.#walk) break
        await this.#nextPage(this.#walk)
      }
      this.failure = null
    } catch (error) {
      // The changes are lost, so the next request fetches the whole list.
      this.#everything = true
      this.#walk = null
      this.failure = errorMessage(error)
      return
    } finally {
      this.#fetching = false
    }
    if (this.#changed.length > 0 || this.#everything) this.#schedule(COALESCE_MS)
  }

  async #nextPage(walk: Walk): Promise<void> {
    const page = await this.#client.meetingsPage(walk.after, walk.after === null ? FIRST_PAGE : PAGE)
    if (!this.#isOpen()) return
    // What was shown before the archive was closed may belong to another one.
    const gone = walk.first && walk.after === null ? walk.unseen : []
    this.#apply(gone, page.meetings, walk.first ? () => false : differs)
    for (const job of page.meetings) walk.unseen.delete(job.id)
    this.loaded = true
    walk.after = page.next
    if (page.next !== null) return
    this.#apply(walk.unseen, [], () => true)
    this.complete = true
    this.#walk = null
  }

  #change(ids: readonly string[], jobs: readonly JobView[]): void {
    if (this.#ended) return
    for (const id of ids) this.#walk?.unseen.delete(id)
    this.#apply(ids, jobs, () => true)
  }

  /** Replaces `ids` by `jobs`; `tells` are the changes that `onchange` is told. */
  #apply(ids: Iterable<string>, jobs: readonly JobView[], tells: (change: Change) => boolean): void {
    const trashed = jobs.filter((job) => job.trashed_at !== null)
    const gone = trashed.length === 0 ? ids : [...ids, ...trashed.map((job) => job.id)]
    const here = trashed.length === 0 ? jobs : jobs.filter((job) => job.trashed_at === null)
    const changes = this.#byId.replace(gone, here)
    if (changes.length === 0 && trashed.length === 0) return
    this.#version += 1
    this.#followWork(changes)
    for (const listener of this.#listeners) listener(changes, trashed)
    for (const change of changes) if (tells(change)) this.#onchange(change)
  }

  #followWork(changes: readonly Change[]): void {
    const concerned = changes.filter(({ before, after }) => isActive(before) || isActive(after))
    if (concerned.length === 0) return
    const active = plainMap(this.active.map((job) => [job.id, job]))
    for (const { before, after } of concerned) {
      if (after && isActive(after)) active.set(after.id, after)
      else if (before) active.delete(before.id)
    }
    this.active = [...active.values()]
  }

  #isOpen(): boolean {
    return this.core.state === 'ready' && !this.#ended
  }
}

function isActive(job: JobView | undefined): boolean {
  return job !== undefined && (isWaiting(job) || isWorkedOn(job))
}

function codeOf(error: unknown): CoreError['code'] {
  return error instanceof CoreError ? error.code : 'other'
}
