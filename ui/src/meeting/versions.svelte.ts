/** The versions of one meeting's transcript, and which of them is shown in place of the current one. */
import type { Client, Unsubscribe } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import { Latest } from '../lib/latest'
import type { Comparison, JobView, MeetingPage, News, VersionView } from '../lib/types'

/** What is shown in place of the current transcript. A comparison is null until it has been fetched. */
export type ShownVersion =
  | { kind: 'old'; version: VersionView; page: MeetingPage }
  | { kind: 'compare'; left: VersionView; right: VersionView; comparison: Comparison | null }

export class Versions {
  /** Newest first. */
  all = $state.raw<readonly VersionView[]>([])
  loaded = $state(false)
  /** Why the list, or a version in it, could not be fetched. */
  failure = $state<string | null>(null)
  /** Null: the current version is shown. */
  shown = $state.raw<ShownVersion | null>(null)
  current: VersionView | null = $derived(this.all.find((version) => version.current) ?? null)

  readonly #client: Client
  readonly #jobId: string
  readonly #latestList = new Latest()
  readonly #latestShown = new Latest()

  constructor(client: Client, jobId: string) {
    this.#client = client
    this.#jobId = jobId
  }

  /** Fetches the list and keeps it up to date until the returned function is called. */
  follow(): Unsubscribe {
    const unsubscribe = this.#client.on('newsItem', (news) => {
      if (this.#concerns(news)) void this.fetch()
    })
    void this.fetch()
    return unsubscribe
  }

  async fetch(): Promise<void> {
    const isLatest = this.#latestList.begin()
    try {
      const all = await this.#client.versions(this.#jobId)
      if (!isLatest()) return
      this.all = all
      this.loaded = true
      this.failure = null
    } catch (error) {
      if (isLatest()) this.failure = errorMessage(error)
    }
  }

  /** Shows an older version; for the current one, as `showCurrent`. */
  async show(version: VersionView): Promise<void> {
    if (version.current) return this.showCurrent()
    const isLatest = this.#latestShown.begin()
    await this.#attempt(isLatest, async () => {
      const page = await this.#client.versionPage(this.#jobId, version.id)
      if (isLatest()) this.shown = { kind: 'old', version, page }
    })
  }

  /** Shows two versions side by side. */
  async compare(left: VersionView, right: VersionView): Promise<void> {
    const isLatest = this.#latestShown.begin()
    if (this.shown?.kind !== 'compare') this.shown = { kind: 'compare', left, right, comparison: null }
    const succeeded = await this.#attempt(isLatest, async () => {
      const comparison = await this.#client.compareVersions(this.#jobId, left.id, right.id)
      const { left: leftNow, right: rightNow } = comparison
      if (isLatest()) this.shown = { kind: 'compare', left: leftNow, right: rightNow, comparison }
    })
    if (!succeeded && isLatest()) this.shown = null
  }

  showCurrent(): void {
    this.#latestShown.cancel()
    this.shown = null
  }

  /** Makes a version the current one. Resolves to the changed job, or rejects with why that failed. */
  async makeCurrent(version: VersionView): Promise<JobView> {
    const job = await this.#client.makeCurrent(this.#jobId, version.id)
    const shown = this.shown
    if (shown?.kind === 'old') this.showCurrent()
    else if (shown) void this.compare(shown.left, shown.right)
    void this.fetch()
    return job
  }

  /** Whether `request` succeeded. Its failure is shown, unless a newer request has begun. */
  async #attempt(isLatest: () => boolean, request: () => Promise<void>): Promise<boolean> {
    try {
      await request()
      if (isLatest()) this.failure = null
      return true
    } catch (error) {
      if (isLatest()) this.failure = errorMessage(error)
      return false
    }
  }

  #concerns(news: News): boolean {
    if (news.kind === 'job') return news.id === this.#jobId
    // A transcript may belong to a version that is not in the list yet.
    return news.kind === 'everything' || news.kind === 'transcript'
  }
}
