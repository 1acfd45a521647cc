/** The meetings in the trash. They are fetched once, and again when one of them or a new one changed. */
import { plainSet } from '../lib/plain'
import type { Client, Unsubscribe } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import { Latest } from '../lib/latest'
import type { JobView, News } from '../lib/types'
import type { Archive } from '../library/archive.svelte'

/** News that arrive within this time are followed by one request. */
const COALESCE_MS = 80

export class Trash {
  /** Those that came last first. */
  all = $state.raw<readonly JobView[]>([])
  loaded = $state(false)
  /** Why they could not be fetched; what is shown may be out of date. */
  failure = $state<string | null>(null)
  /** Days after which a meeting in the trash is removed; null: never, undefined: not known. */
  days = $state<number | null | undefined>(undefined)

  readonly #client: Client
  readonly #archive: Archive
  readonly #latest = new Latest()
  #ids = plainSet<string>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(client: Client, archive: Archive) {
    this.#client = client
    this.#archive = archive
  }

  start(): Unsubscribe {
    const unsubscribes = [
      this.#archive.listen((_, trashed) => {
        if (trashed.some(({ id }) => !this.#ids.has(id))) this.#schedule()
      }),
      this.#client.on('newsItem', (news) => {
        if (this.#concerns(news)) this.#schedule()
      }),
    ]
    void this.fetch()
    return () => {
      clearTimeout(this.#timer)
      for (const unsubscribe of unsubscribes) unsubscribe()
    }
  }

  async fetch(): Promise<void> {
    try {
      await this.#latest.take(this.#client.trashedMeetings(), (jobs) => {
        this.all = jobs
        this.#ids = plainSet(jobs.map(({ id }) => id))
        this.loaded = true
      })
      this.failure = null
    } catch (error) {
      this.failure = errorMessage(error)
    }
  }

  /** Fetches how long meetings stay. Where that fails, the page says less. */
  async fetchDays(): Promise<void> {
    try {
      this.days = (await this.#client.cleanupPreview()).settings.trash_retention_days
    } catch {
      this.days = undefined
    }
  }

  /** Deletes meetings for good. Rejects with why that failed. */
  async deleteNow(ids: readonly string[]): Promise<number> {
    const count = await this.#client.deleteNow([...ids])
    await this.fetch()
    return count
  }

  #concerns(news: News): boolean {
    return news.kind === 'everything' || (news.kind === 'job' && this.#ids.has(news.id))
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.fetch()
    }, COALESCE_MS)
  }
}
