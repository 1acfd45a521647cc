/**
 * The search in the archive: what is typed, what was found, and the place in a meeting that was opened from the results.
 * The results stay until the search is cleared. The pages that show them are in the same folder.
 */
import type { Client, Unsubscribe } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import { Latest } from '../lib/latest'
import type { FoundMeeting, News, Passage, SearchRequest, SearchResults } from '../lib/types'
import { wordsOf } from './query'
import { freshOf, NONE_UNFOLDED, withoutUnfolded, withUnfolded, type Unfolded } from './unfolded'

export type SearchSort = SearchRequest['sort']

/** So long after the last key the search begins. With an answer in 30 ms, it takes less than a tenth of a second. */
const DELAY_MS = 40
/** Meetings that are fetched at a time. */
const PAGE = 20
/** Changes that arrive within this time are followed by one request. */
const REFRESH_MS = 500
/** While meetings are prepared for search, the results are fetched again after this time. */
const PREPARING_MS = 3_000

/** A meeting that was opened from the results. */
export type FoundIn = {
  id: string
  /** The words that were searched. */
  words: string
  /** What was found in it, in order of time. */
  passages: readonly Passage[]
  /** Index of the passage that was gone to last; -1: none. */
  at: number
}

/** A passage that the open meeting is to show. */
export type Jump = { id: string; passage: Passage }

/** Opens a meeting and plays from a moment; null: it plays nothing. */
export type OpenFound = (id: string, playMs: number | null) => void

export class Search {
  /** As typed, with filters as words. */
  text = $state('')
  sort = $state<SearchSort>('relevance')
  /** The answer to the newest request that was answered. Old results stay while new ones are fetched. */
  results = $state.raw<SearchResults | null>(null)
  failure = $state<string | null>(null)
  searching = $state(false)
  searchingMore = $state(false)
  /** By meeting, for those of which all passages are shown. */
  unfolded = $state.raw(NONE_UNFOLDED)
  found = $state.raw<FoundIn | null>(null)
  /** Where the open meeting is to go; it takes it with `takeJump`. */
  jump = $state.raw<Jump | null>(null)
  /** Whether the controls of the filters are shown. */
  showsFilters = $state(false)
  /** Key of the row in the results that the keyboard acts on. */
  active = $state<string | null>(null)

  isEmpty = $derived(this.text.trim() === '')
  meetings: readonly FoundMeeting[] = $derived(this.results?.meetings ?? [])
  /** Whether there are more meetings than were fetched. */
  hasMore = $derived(this.results !== null && this.meetings.length < this.results.total)
  /** The text that the newest answer is about. */
  searchedText = $derived.by(() => this.#answered.text)
  /** The text that the results are for: what was typed, or what was meant. */
  answeredText = $derived.by(() => {
    const { results } = this
    return results?.widened && results.suggestion !== null ? results.suggestion : this.#answered.text
  })

  #answered = $state.raw<SearchRequest>({ text: '', sort: 'relevance', offset: 0, limit: PAGE })
  readonly #client: Client
  readonly #onopen: OpenFound
  readonly #first = new Latest()
  readonly #more = new Latest()
  readonly #places = new Latest()
  #running: Promise<void> | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  #refreshTimer: ReturnType<typeof setTimeout> | undefined
  #following = false

  constructor(client: Client, onopen: OpenFound) {
    this.#client = client
    this.#onopen = onopen
  }

  /** Keeps the results up to date until the returned function is called. */
  follow(): Unsubscribe {
    this.#following = true
    const unsubscribe = this.#client.on('newsItem', (news) => {
      if (this.#concerns(news)) this.#refreshIn(REFRESH_MS)
    })
    return () => {
      this.#following = false
      clearTimeout(this.#timer)
      clearTimeout(this.#refreshTimer)
      this.#refreshTimer = undefined
      unsubscribe()
    }
  }

  /** Searches for this text a moment later; without words and filters, the search is cleared. */
  type(text: string): void {
    this.text = text
    clearTimeout(this.#timer)
    if (this.isEmpty) {
      this.#forget()
      return
    }
    this.searching = true
    this.#timer = setTimeout(() => void this.#run(), DELAY_MS)
  }

  /** Searches for this text at once. */
  searchFor(text: string): Promise<void> {
    this.type(text)
    return this.settle()
  }

  sortBy(sort: SearchSort): void {
    if (sort === this.sort) return
    this.sort = sort
    if (!this.isEmpty) void this.again()
  }

  clear(): void {
    this.type('')
  }

  /** Searches again, for example after a failure. */
  again(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    return this.#run()
  }

  /** Resolves once what was typed last has been answered or has failed. */
  async settle(): Promise<void> {
    if (this.isEmpty || !this.searching) return
    await (this.#running ?? this.again())
    await this.settle()
  }

  /** Fetches more meetings. */
  async fetchMore(): Promise<void> {
    const { results } = this
    if (!results || this.searchingMore) return
    const request = { ...this.#answered, offset: results.meetings.length, limit: PAGE }
    const isNewest = this.#more.begin()
    this.searchingMore = true
    try {
      const page = await this.#client.search(request)
      if (!isNewest()) return
      const fresh = freshOf(results.meetings, page.meetings)
      // Meetings that went away meanwhile must not offer more for ever.
      const total = fresh.length === 0 ? results.meetings.length : page.total
      this.results = { ...results, total, meetings: [...results.meetings, ...fresh] }
      this.failure = null
    } catch (reason) {
      if (isNewest()) this.failure = errorMessage(reason)
    }
    if (isNewest()) this.searchingMore = false
  }

  /** Shows all passages of a meeting in the results. */
  async unfold(id: string): Promise<void> {
    if (this.unfolded.get(id)?.passages) return
    const isSame = this.#first.watch()
    const put = (unfolded: Unfolded) => {
      if (isSame()) this.unfolded = withUnfolded(this.unfolded, id, unfolded)
    }
    put({ passages: null, failure: null })
    try {
      put({ passages: await this.#client.passages(this.#request(), id), failure: null })
    } catch (reason) {
      put({ passages: null, failure: errorMessage(reason) })
    }
  }

  fold(id: string): void {
    this.unfolded = withoutUnfolded(this.unfolded, id)
  }

  /** Opens a meeting of the results: at a passage, which is played from its first marked word, or as it is. */
  open(meeting: FoundMeeting, passage: Passage | null): void {
    const { job_id: id } = meeting
    const all = this.unfolded.get(id)?.passages
    this.#show(id, all ?? meeting.passages, passage)
    this.jump = passage && { id, passage }
    this.#onopen(id, passage && (passage.play_ms ?? passage.start_ms))
    if (!all && meeting.more > 0) void this.#fetchPlaces(id)
  }

  /** Goes to the next or previous passage of the meeting that was opened from the results. */
  step(by: 1 | -1): void {
    const { found } = this
    const count = found?.passages.length ?? 0
    if (!found || count === 0) return
    const at = found.at < 0 ? (by > 0 ? 0 : count - 1) : (found.at + by + count) % count
    const passage = found.passages[at]
    this.found = { ...found, at }
    if (passage) this.jump = { id: found.id, passage }
  }

  /** What the open meeting is to show now; it is asked once. */
  takeJump(id: string): Passage | null {
    const { jump } = this
    if (jump?.id !== id) return null
    this.jump = null
    return jump.passage
  }

  #request(): SearchRequest {
    return { ...this.#answered, text: this.answeredText }
  }

  #show(id: string, passages: readonly Passage[], passage: Passage | null): void {
    const inOrder = [...passages].sort((a, b) => (a.start_ms ?? Infinity) - (b.start_ms ?? Infinity))
    const at = passage ? inOrder.findIndex((one) => isSame(one, passage)) : -1
    this.found = { id, words: wordsOf(this.answeredText), passages: inOrder, at }
  }

  async #fetchPlaces(id: string): Promise<void> {
    try {
      await this.#places.take(this.#client.passages(this.#request(), id), (passages) => {
        const { found } = this
        if (found?.id === id) this.#show(id, passages, found.passages[found.at] ?? null)
      })
    } catch {
      // The best passages stay marked; the results page says that the archive does not answer.
    }
  }

  async #run(limit = PAGE): Promise<void> {
    const { text, sort } = this
    const request: SearchRequest = { text, sort, offset: 0, limit }
    const isNewest = this.#first.begin()
    const isRefresh = text === this.#answered.text && sort === this.#answered.sort
    this.#timer = undefined
    this.#more.cancel()
    this.searchingMore = false
    this.searching = true
    const running = this.#client.search(request).then(
      (results) => {
        if (!isNewest()) return
        if (!isRefresh) {
          this.unfolded = NONE_UNFOLDED
          this.active = null
        }
        this.#answered = { ...request, limit: PAGE }
        this.results = results
        this.failure = null
        this.searching = false
        if (results.preparing > 0) this.#refreshIn(PREPARING_MS)
      },
      (reason: unknown) => {
        if (!isNewest()) return
        this.failure = errorMessage(reason)
        this.searching = false
      },
    )
    this.#running = running
    await running
    if (this.#running === running) this.#running = null
  }

  #forget(): void {
    this.#first.cancel()
    this.#more.cancel()
    this.#places.cancel()
    clearTimeout(this.#refreshTimer)
    this.#refreshTimer = undefined
    this.#running = null
    this.#answered = { ...this.#answered, text: '' }
    this.results = null
    this.failure = null
    this.searching = false
    this.searchingMore = false
    this.unfolded = NONE_UNFOLDED
    this.found = null
    this.jump = null
    this.active = null
  }

  /** Whether news may change the results that are shown. */
  #concerns(news: News): boolean {
    if (!this.results) return false
    if (news.kind === 'everything') return true
    if (!('id' in news) || news.kind === 'progress') return false
    // Where nothing was found, any change may bring something.
    return this.meetings.length === 0 || this.meetings.some((one) => one.job_id === news.id)
  }

  #refreshIn(ms: number): void {
    if (!this.#following) return
    this.#refreshTimer ??= setTimeout(() => {
      this.#refreshTimer = undefined
      // A request that is about to be sent does it.
      if (this.isEmpty || this.searching) return
      void this.#run(Math.max(PAGE, this.meetings.length))
    }, ms)
  }
}

/** Whether two passages are the same place. */
export function isSame(one: Passage, other: Passage): boolean {
  return one.source === other.source && one.segment_id === other.segment_id && one.start_ms === other.start_ms
}
