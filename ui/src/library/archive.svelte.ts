/** What the window knows of the archive: whether it is open, and the meetings in it. */
import { CoreError, type Client, type Unsubscribe } from '../lib/client'
import type { CoreState, JobView, News } from '../lib/types'
import { said } from '../meeting/failure'
import { newestFirst } from './days'
import { changed, changesOf, differences, meetingsOf, NO_MEETINGS, unique, type Change } from './meetings'

/** News of this long are answered with one question. */
const COALESCE_MS = 80
/** With more changed meetings than this the whole list is fetched. */
const ONE_BY_ONE = 50

export class Archive {
  core = $state.raw<CoreState>({ state: 'opening', phase: 'starting' })
  /** Whether `meetings` have been fetched since the archive opened. */
  loaded = $state(false)
  /** Why the database is not reached now; what is shown may be old. */
  lost = $derived(this.core.state === 'reconnecting' ? this.core.message : null)
  /** Why what is shown may be old. */
  failure = $state<string | null>(null)
  byId = $state.raw(NO_MEETINGS)
  meetings: readonly JobView[] = $derived(newestFirst([...this.byId.values()]))

  readonly #client: Client
  readonly #onchange: (change: Change) => void
  #changed: string[] = []
  #everything = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #asking = false
  #ended = false

  /** `onchange` is told of each meeting that changed after the list was fetched first. */
  constructor(client: Client, onchange: (change: Change) => void = () => {}) {
    this.#client = client
    this.#onchange = onchange
  }

  start(): Unsubscribe {
    const unsubscribes = [
      this.#client.onCore((state) => this.#enter(state)),
      this.#client.onNews((news) => this.#hear(news)),
    ]
    // What is told while the question is on its way is newer than the answer.
    let told = false
    unsubscribes.push(this.#client.onCore(() => (told = true)))
    void this.#client.coreState().then(
      (state) => {
        if (!told && !this.#ended) this.#enter(state)
      },
      (error: unknown) => this.#enter({ state: 'failed', message: said(error), code: codeOf(error) }),
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
      this.#enter({ state: 'failed', message: said(error), code: codeOf(error) })
    }
  }

  /** Fetches the whole list. */
  refresh(): void {
    this.#everything = true
    this.#soon(0)
  }

  get(id: string | null): JobView | undefined {
    return id === null ? undefined : this.byId.get(id)
  }

  /** What a call answered about a meeting, shown without waiting for the news of it. */
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

  #hear(news: News): void {
    if (news.kind === 'everything') this.#everything = true
    else if (news.kind === 'job' || news.kind === 'progress') this.#changed.push(news.id)
    else return
    this.#soon(COALESCE_MS)
  }

  #soon(ms: number): void {
    if (this.core.state !== 'ready' || this.#asking || this.#ended) return
    if (ms === 0) clearTimeout(this.#timer)
    else if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => void this.#ask(), ms)
  }

  async #ask(): Promise<void> {
    this.#timer = undefined
    const ids = unique(this.#changed)
    const all = this.#everything || !this.loaded || ids.length > ONE_BY_ONE
    this.#changed = []
    this.#everything = false
    this.#asking = true
    try {
      if (all) this.#replace(await this.#client.meetings())
      else this.#change(ids, await this.#client.meetingsById(ids))
      this.failure = null
    } catch (error) {
      // Whatever comes next, what is shown is old: the whole list it is.
      this.#everything = true
      this.failure = said(error)
      return
    } finally {
      this.#asking = false
    }
    if (this.#changed.length > 0 || this.#everything) this.#soon(COALESCE_MS)
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
    this.byId = changed(before, ids, jobs)
    changesOf(before, this.byId, ids).forEach(this.#onchange)
  }
}

function codeOf(error: unknown): CoreError['code'] {
  return error instanceof CoreError ? error.code : 'other'
}
