/** Who speaks in one meeting, and what is corrected about it. */
import type { Client, Unsubscribe } from '../lib/client'
import type { Expected, JobView, News, SpeakersView, SpeakerView, Stretch, Whom } from '../lib/types'
import { said } from './failure'
import { byId } from './names'

export class Speakers {
  view = $state.raw<SpeakersView | null>(null)
  /** Why it is not here, or old. */
  failure = $state<string | null>(null)
  all: readonly SpeakerView[] = $derived(this.view?.speakers ?? [])
  byId = $derived(byId(this.all))

  readonly #client: Client
  readonly #jobId: string
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

  get(id: string | null | undefined): SpeakerView | null {
    return (id && this.byId.get(id)) || null
  }

  numbered(number: number): SpeakerView | null {
    return this.all.find((one) => one.number === number) ?? null
  }

  async fetch(): Promise<void> {
    try {
      await this.#ask(this.#client.speakers(this.#jobId))
      this.failure = null
    } catch (error) {
      this.failure = said(error)
    }
  }

  // These reject with why it cannot be.

  name = (id: string, name: string | null, personId: string | null) =>
    this.#ask(this.#client.nameSpeaker(this.#jobId, id, name, personId))
  merge = (from: string, into: string) => this.#ask(this.#client.mergeSpeakers(this.#jobId, from, into))
  give = (stretch: Stretch, whom: Whom) => this.#ask(this.#client.assign(this.#jobId, stretch, whom))
  undo = () => this.#ask(this.#client.undoSpeakers(this.#jobId))
  redo = () => this.#ask(this.#client.redoSpeakers(this.#jobId))
  refuse = (id: string, personId: string) =>
    this.#ask(this.#client.refuseSuggestion(this.#jobId, id, personId))

  async again(expected: Expected): Promise<JobView> {
    const job = await this.#client.rerunSpeakers(this.#jobId, expected)
    void this.fetch()
    return job
  }

  /** An answer that was overtaken by a later question is dropped. */
  async #ask(answer: Promise<SpeakersView>): Promise<void> {
    const asked = ++this.#asked
    const view = await answer
    if (asked === this.#asked) this.view = view
  }

  #concerns(news: News): boolean {
    switch (news.kind) {
      case 'speakers':
      case 'job':
        return news.id === this.#jobId
      case 'people':
      case 'everything':
        return true
      default:
        return false
    }
  }
}
