/** The lines of one meeting, as far as they are recognised. */
import type { Client, Unsubscribe } from '../lib/client'
import type { LineView, News, TranscriptFacts } from '../lib/types'
import { said } from './failure'

export class Transcript {
  /** In order of time. A new array for every change; lines that did not change are the same objects. */
  lines = $state.raw<LineView[]>([])
  facts = $state.raw<TranscriptFacts | null>(null)
  /** Whether it was fetched at least once. */
  loaded = $state(false)
  /** Why the newest lines are not here. */
  failure = $state<string | null>(null)

  readonly #client: Client
  readonly #jobId: string
  /** Lines that begin before this moment do not change any more. */
  #settledMs = 0
  #fetching: Promise<void> | null = null
  #again = false
  /** Whether lines that were settled may have changed too. */
  #whole = false
  #stopped = false

  constructor(client: Client, jobId: string) {
    this.#client = client
    this.#jobId = jobId
  }

  /** Fetches, and keeps up with what is recognised until the returned function is called. */
  follow(): Unsubscribe {
    this.#stopped = false
    const unsubscribe = this.#client.onNews((news) => {
      // Whose the words are may have changed anywhere.
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

  /** One at a time; what is asked for meanwhile is one more. */
  fetch(): Promise<void> {
    if (this.#fetching) {
      this.#again = true
      return this.#fetching
    }
    this.#fetching = this.#fetchOn()
    return this.#fetching
  }

  /** Fetches settled lines too. */
  fetchAll(): Promise<void> {
    this.#whole = true
    return this.fetch()
  }

  async #fetchOn(): Promise<void> {
    do {
      this.#again = false
      await this.#fetchOnce()
    } while (this.#again && !this.#stopped)
    // In the same breath: what is asked for after the last look begins anew.
    this.#fetching = null
  }

  #concerns(news: News): boolean {
    switch (news.kind) {
      case 'everything':
        return true
      case 'job':
        return news.id === this.#jobId
      case 'transcript':
        return this.facts === null || news.id === this.facts.id
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
      if (page.transcript?.id !== this.facts?.id) {
        this.#settledMs = 0
        if (fromMs > 0) {
          // These are only the last lines of another version.
          this.#again = true
          return
        }
      } else if (fromMs > 0 && page.transcript?.complete && !this.facts?.complete) {
        // All lines are cut anew when the last word is there, and where another one speaks.
        this.#whole = true
        this.#again = true
        return
      }
      this.facts = page.transcript
      this.lines = merge(this.lines, page.lines, fromMs)
      this.#settledMs = page.settled_ms
      this.loaded = true
      this.failure = null
    } catch (reason) {
      // The settled lines are as old as before.
      if (whole) this.#whole = true
      if (!this.#stopped) this.failure = said(reason)
    }
  }
}

/** Lines that begin before `fromMs`, then `fresh`. */
function merge(lines: LineView[], fresh: LineView[], fromMs: number): LineView[] {
  const kept = firstFrom(lines, fromMs)
  const old = new Map(lines.slice(kept).map((line) => [line.id, line]))
  const all = [...lines.slice(0, kept), ...fresh.map((line) => sameOr(old.get(line.id), line))]
  return all.length === lines.length && all.every((line, index) => line === lines[index]) ? lines : all
}

function sameOr(old: LineView | undefined, line: LineView): LineView {
  const same =
    old?.id === line.id &&
    old.start_ms === line.start_ms &&
    old.end_ms === line.end_ms &&
    old.text === line.text &&
    old.doubt === line.doubt &&
    old.speaker_id === line.speaker_id &&
    old.also.join() === line.also.join() &&
    old.assigned === line.assigned
  return same ? old : line
}

/** Index of the first line that begins at `ms` or later. */
export function firstFrom(lines: LineView[], ms: number): number {
  let [low, high] = [0, lines.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((lines[middle]?.start_ms ?? Infinity) < ms) low = middle + 1
    else high = middle
  }
  return low
}

/** Index of the line that is said at `ms`, or was said last; -1 before the first. */
export function lineAt(lines: LineView[], ms: number): number {
  return firstFrom(lines, ms + 1) - 1
}
