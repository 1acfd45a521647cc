/**
 * The segments of one meeting's current transcript, as far as they are recognised. While a recording is transcribed, only
 * segments that may still change are fetched again; the others are settled.
 */
import type { Client, Unsubscribe } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import type { News, SegmentView, TranscriptInfo } from '../lib/types'
import { firstFrom } from './segments'

export class Transcript {
  /** In order of time. A new array for every change; segments that did not change stay the same objects. */
  segments = $state.raw<SegmentView[]>([])
  info = $state.raw<TranscriptInfo | null>(null)
  /** Whether it was fetched at least once. */
  loaded = $state(false)
  /** Why the newest segments could not be fetched. */
  failure = $state<string | null>(null)

  readonly #client: Client
  readonly #jobId: string
  /** Segments that begin before this moment do not change any more. */
  #settledMs = 0
  #fetching: Promise<void> | null = null
  #again = false
  /** Whether settled segments may have changed too. */
  #whole = false
  #stopped = false

  constructor(client: Client, jobId: string) {
    this.#client = client
    this.#jobId = jobId
  }

  /** Fetches the transcript and keeps it up to date until the returned function is called. */
  follow(): Unsubscribe {
    this.#stopped = false
    const unsubscribe = this.#client.on('newsItem', (news) => {
      // The speaker of any segment may have changed.
      const anywhere = news.kind === 'everything' || (news.kind === 'lines' && news.id === this.#jobId)
      if (anywhere) void this.fetchAll()
      else if (this.#concerns(news)) void this.fetch()
    })
    void this.fetch()
    return () => {
      this.#stopped = true
      unsubscribe()
    }
  }

  /** Fetches what is not settled. One fetch at a time; if it is called during one, another follows. */
  fetch(): Promise<void> {
    if (this.#fetching) {
      this.#again = true
      return this.#fetching
    }
    this.#fetching = this.#fetchUntilCurrent()
    return this.#fetching
  }

  /** Fetches settled segments too. */
  fetchAll(): Promise<void> {
    this.#whole = true
    return this.fetch()
  }

  async #fetchUntilCurrent(): Promise<void> {
    do {
      this.#again = false
      await this.#fetchOnce()
    } while (this.#again && !this.#stopped)
    // Without an await in between: a call after the last check of `#again` starts a new fetch.
    this.#fetching = null
  }

  #concerns(news: News): boolean {
    switch (news.kind) {
      case 'everything':
        return true
      case 'job':
        return news.id === this.#jobId
      case 'transcript':
        return this.info === null || news.id === this.info.id
      default:
        return false
    }
  }

  async #fetchOnce(): Promise<void> {
    const whole = this.#whole
    const fromMs = whole ? 0 : this.#settledMs
    this.#whole = false
    try {
      const page = await this.#client.meeting(this.#jobId, fromMs)
      if (this.#stopped) return
      if (page.transcript?.id !== this.info?.id) {
        this.#settledMs = 0
        if (fromMs > 0) {
          // These are only the last segments of another version.
          this.#again = true
          return
        }
      } else if (fromMs > 0 && page.transcript?.complete && !this.info?.complete) {
        // When the transcript is complete, all of it is divided into segments once more.
        this.#whole = true
        this.#again = true
        return
      }
      this.info = page.transcript
      this.segments = merge(this.segments, page.lines, fromMs)
      this.#settledMs = page.settled_ms
      this.loaded = true
      this.failure = null
    } catch (reason) {
      // The settled segments still have to be fetched.
      if (whole) this.#whole = true
      if (!this.#stopped) this.failure = errorMessage(reason)
    }
  }
}

/** The known segments that begin before `fromMs`, then the fresh ones. */
function merge(known: SegmentView[], fresh: SegmentView[], fromMs: number): SegmentView[] {
  const kept = firstFrom(known, fromMs)
  const old = new Map(known.slice(kept).map((segment) => [segment.id, segment]))
  const all = [
    ...known.slice(0, kept),
    ...fresh.map((segment) => unlessChanged(old.get(segment.id), segment)),
  ]
  return all.length === known.length && all.every((segment, index) => segment === known[index]) ? known : all
}

/** The old object if it is equal to the new one. */
function unlessChanged(old: SegmentView | undefined, segment: SegmentView): SegmentView {
  const same =
    old?.id === segment.id &&
    old.start_ms === segment.start_ms &&
    old.end_ms === segment.end_ms &&
    old.text === segment.text &&
    old.doubt === segment.doubt &&
    old.speaker_id === segment.speaker_id &&
    old.also.join() === segment.also.join() &&
    old.assigned === segment.assigned
  return same ? old : segment
}
