/** The archive as the page knows it: whether it is open, and its meetings. */
import { CoreError, type Client, type Unsubscribe } from '../lib/client'
import type { CoreState, JobView, News } from '../lib/types'
import { errorMessage } from '../lib/error-message'
import { newestFirst } from './days'
import {
  changesOf,
  differences,
  meetingsOf,
  NO_MEETINGS,
  unique,
  withChanges,
  type Change,
} from './meetings-by-id'

/** News that arrive within this time are followed by one request. */
const COALESCE_MS = 80
/** When more meetings than this changed, the whole list is fetched. */
const ONE_BY_ONE = 50

export class Archive {
  core = $state.raw<CoreState>({ state: 'opening', phase: 'starting' })
  /** Whether `meetings` have been fetched since the archive opened. */
  loaded = $state(false)
  /** Why the database cannot be reached at the moment; what is shown may be out of date. */
  lost = $derived(this.core.state === 'reconnecting' ? this.core.message : null)
  /** Why the last request failed; what is shown may be out of date. */
  failure = $state<string | null>(null)
  byId = $state.raw(NO_MEETINGS)
  meetings: readonly JobView[] = $derived(newestFirst([...this.byId.values()]))

  readonly #client: Client
  readonly #onchange: (change: Change) => void
  #changed: string[] = []
  #everything = false
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

  get(id: string | null): JobView | undefined {
    return id === null ? undefined : this.byId.get(id)
  }

  /** Shows a meeting as a command returned it, without waiting for the news of it. */
  put(job: JobView): void {
    this.#change([job.id], [job])
  }

  remove(id: string): void {
    this.#change([id], [])
  }

  #enter(state: CoreState): void {
    this.core = state
    if (state.state === 'ready') this.refresh()
    else if (state.state !== 'reconnecting') this.loaded = false
  }

  #receive(news: News): void {
    if (news.kind === 'everything') this.#everything = true
    else if (news.kind === 'job' || news.kind === 'progress') this.#changed.push(news.id)
    else return
    this.#schedule(COALESCE_MS)
  }

  #schedule(ms: number): void {
    if (this.core.state !== 'ready' || this.#fetching || this.#ended) return
    if (ms === 0) clearTimeout(this.#timer)
    else if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => void this.#fetch(), ms)
  }

  async #fetch(): Promise<void> {
    this.#timer = undefined
    const ids = unique(this.#changed)
    const all = this.#everything || !this.loaded || ids.length > ONE_BY_ONE
    this.#changed = []
    this.#everything = false
    this.#fetching = true
    try {
      if (all) this.#replace(await this.#client.meetings())
      else this.#change(ids, await this.#client.meetingsById(ids))
      this.failure = null
    } catch (error) {
      // The changes are lost, so the next request fetches the whole list.
      this.#everything = true
      this.failure = errorMessage(error)
      return
    } finally {
      this.#fetching = false
    }
    if (this.#changed.length > 0 || this.#everything) this.#schedule(COALESCE_MS)
  }

  #replace(jobs: JobView[]): void {
    if (this.#ended || this.core.state !== 'ready') return
    const before = this.byId
    const first = !this.loaded
    this.byId = meetingsOf(jobs)
    this.loaded = true
    if (!first) differences(before, this.byId).forEach(this.#onchange)
  }

  #change(ids: string[], jobs: JobView[]): void {
    if (this.#ended) return
    const before = this.byId
    this.byId = withChanges(before, ids, jobs)
    changesOf(before, this.byId, ids).forEach(this.#onchange)
  }
}

function codeOf(error: unknown): CoreError['code'] {
  return error instanceof CoreError ? error.code : 'other'
}
