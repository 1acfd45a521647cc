/** What the palette offers for what is typed: commands, meetings by title, and what is said in meetings. */
import { fold } from '../../lib/fold'
import type { Client } from '../../lib/client'
import { errorMessage } from '../../lib/error-message'
import { Latest } from '../../lib/latest'
import type { FoundMeeting, JobView } from '../../lib/types'
import type { Action } from './actions'

/** So long after the last key the archive is searched. */
const DELAY_MS = 60
/** So many meetings of each kind are offered. */
const MOST = 5

export class Palette {
  open = $state(false)
  text = $state('')
  /** Meetings in which it is said; those for the text before stay until the archive has answered. */
  said = $state.raw<readonly FoundMeeting[]>([])
  searching = $state(false)
  failure = $state<string | null>(null)
  /** Key of the entry that Enter chooses; null: the first one. */
  active = $state<string | null>(null)

  readonly #client: Client
  readonly #latest = new Latest()
  #timer: ReturnType<typeof setTimeout> | undefined
  /** The meetings that were opened last, latest first. */
  #opened = $state.raw<readonly string[]>([])

  constructor(client: Client) {
    this.#client = client
  }

  show(): void {
    this.type('')
    this.open = true
  }

  type(text: string): void {
    this.text = text
    this.active = null
    clearTimeout(this.#timer)
    if (text.trim() === '') {
      this.#latest.cancel()
      this.said = []
      this.searching = false
      this.failure = null
      return
    }
    this.searching = true
    this.#timer = setTimeout(() => void this.#search(text), DELAY_MS)
  }

  /** Remembers that a meeting was opened. */
  noteOpened(id: string): void {
    this.#opened = [id, ...this.#opened.filter((other) => other !== id)].slice(0, MOST + 1)
  }

  /** The meetings that were opened last, then the newest ones; without the one that is open. */
  recent(
    meetings: readonly JobView[],
    get: (id: string) => JobView | undefined,
    open: string | null,
  ): JobView[] {
    const opened = this.#opened.flatMap((id) => get(id) ?? [])
    const others = meetings.slice(0, MOST * 2).filter((job) => !opened.includes(job))
    return [...opened, ...others].filter((job) => job.id !== open).slice(0, MOST)
  }

  async #search(text: string): Promise<void> {
    const isNewest = this.#latest.begin()
    try {
      const results = await this.#client.search({ text, sort: 'relevance', offset: 0, limit: MOST })
      if (!isNewest()) return
      this.said = results.meetings
      this.failure = null
    } catch (reason) {
      if (!isNewest()) return
      this.said = []
      this.failure = errorMessage(reason)
    }
    this.searching = false
  }
}

/** The meetings whose title contains all words, ignoring case and accents; at most five. */
export function byTitle(meetings: readonly JobView[], text: string): JobView[] {
  const found: JobView[] = []
  const words = wordsOf(text)
  for (const job of meetings) {
    if (words.every((word) => titleOf(job).includes(word))) found.push(job)
    if (found.length === MOST) break
  }
  return found
}

/** The commands whose name contains all words; those that begin with the first word come first. */
export function byName(actions: readonly Action[], text: string): Action[] {
  const words = wordsOf(text)
  const [first = ''] = words
  const begins = ({ label }: Action) => (fold(label).startsWith(first) ? 0 : 1)
  return actions
    .filter(({ label }) => words.every((word) => fold(label).includes(word)))
    .sort((a, b) => begins(a) - begins(b))
}

// A meeting is replaced when it changes, so these never go out of date.
const titles = new WeakMap<JobView, string>()

function titleOf(job: JobView): string {
  const known = titles.get(job) ?? fold(job.title)
  titles.set(job, known)
  return known
}

function wordsOf(text: string): string[] {
  return fold(text).split(/\s+/).filter(Boolean)
}
