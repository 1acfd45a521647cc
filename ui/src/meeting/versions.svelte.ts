/** The versions of one meeting's transcript, and which of them is looked at. */
import type { Client, Unsubscribe } from '../lib/client'
import type { Comparison, JobView, MeetingPage, News, VersionView } from '../lib/types'
import { said } from './failure'

/** What is in place of the current text; what was asked for is null until it is there. */
export type Look =
  | { kind: 'old'; version: VersionView; page: MeetingPage | null }
  | { kind: 'compare'; left: VersionView; right: VersionView; comparison: Comparison | null }

export class Versions {
  /** Newest first. */
  all = $state.raw<readonly VersionView[]>([])
  loaded = $state(false)
  /** Why they are not here, or not what was asked for. */
  failure = $state<string | null>(null)
  /** What is looked at instead of the current version. */
  look = $state.raw<Look | null>(null)
  current: VersionView | null = $derived(this.all.find((version) => version.current) ?? null)

  readonly #client: Client
  readonly #jobId: string
  #round = 0
  #asked = 0

  constructor(client: Client, jobId: string) {
    this.#client = client
    this.#jobId = jobId
  }

  /** Fetches, and keeps up with the news until the returned function is called. */
  follow(): Unsubscribe {
    const unsubscribe = this.#client.onNews((news) => {
      if (this.#concerns(news)) void this.fetch()
    })
    void this.fetch()
    return unsubscribe
  }

  async fetch(): Promise<void> {
    const asked = ++this.#asked
    try {
      const all = await this.#client.versions(this.#jobId)
      if (asked !== this.#asked) return
      this.all = all
      this.loaded = true
      this.failure = null
    } catch (error) {
      if (asked === this.#asked) this.failure = said(error)
    }
  }

  /** Shows an older version; the current one needs no looking at. */
  async lookAt(version: VersionView): Promise<void> {
    if (version.current) return this.back()
    const round = ++this.#round
    await this.#answer(round, async () => {
      const page = await this.#client.versionPage(this.#jobId, version.id)
      if (round === this.#round) this.look = { kind: 'old', version, page }
    })
  }

  async compare(left: VersionView, right: VersionView): Promise<void> {
    const round = ++this.#round
    if (this.look?.kind !== 'compare') this.look = { kind: 'compare', left, right, comparison: null }
    const worked = await this.#answer(round, async () => {
      const comparison = await this.#client.compareVersions(this.#jobId, left.id, right.id)
      const { left: leftNow, right: rightNow } = comparison
      if (round === this.#round) this.look = { kind: 'compare', left: leftNow, right: rightNow, comparison }
    })
    if (!worked && round === this.#round) this.look = null
  }

  back(): void {
    this.#round += 1
    this.look = null
  }

  /** Rejects with why it cannot be. */
  async makeCurrent(version: VersionView): Promise<JobView> {
    const job = await this.#client.makeCurrent(this.#jobId, version.id)
    const look = this.look
    if (look?.kind === 'old') this.back()
    else if (look) void this.compare(look.left, look.right)
    void this.fetch()
    return job
  }

  async #answer(round: number, ask: () => Promise<void>): Promise<boolean> {
    try {
      await ask()
      if (round === this.#round) this.failure = null
      return true
    } catch (error) {
      if (round === this.#round) this.failure = said(error)
      return false
    }
  }

  #concerns(news: News): boolean {
    if (news.kind === 'job') return news.id === this.#jobId
    // A version that is being made is told of too, and may not be known yet.
    return news.kind === 'everything' || news.kind === 'transcript'
  }
}
