/** The speakers of one meeting, and the corrections of them. */
import type { Client, Unsubscribe } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import { Latest } from '../lib/latest'
import type {
  AssignTarget,
  JobView,
  News,
  SpeakerCount,
  SpeakersView,
  SpeakerView,
  TextSelection,
} from '../lib/types'

export class Speakers {
  view = $state.raw<SpeakersView | null>(null)
  /** Why the speakers could not be fetched; `view` is missing or out of date. */
  failure = $state<string | null>(null)
  all: readonly SpeakerView[] = $derived(this.view?.speakers ?? [])
  /** The number of speakers that diarization was told to expect. */
  expected: SpeakerCount = $derived(this.view?.expected ?? { min: null, max: null })

  readonly #client: Client
  readonly #jobId: string
  readonly #latest = new Latest()

  constructor(client: Client, jobId: string) {
    this.#client = client
    this.#jobId = jobId
  }

  /** Fetches the speakers and keeps them up to date until the returned function is called. */
  follow(): Unsubscribe {
    const unsubscribe = this.#client.on('newsItem', (news) => {
      if (this.#concerns(news)) void this.fetch()
    })
    void this.fetch()
    return unsubscribe
  }

  get(id: string | null | undefined): SpeakerView | null {
    return this.all.find((speaker) => speaker.id === id) ?? null
  }

  async fetch(): Promise<void> {
    try {
      await this.#show(this.#client.speakers(this.#jobId))
      this.failure = null
    } catch (error) {
      this.failure = errorMessage(error)
    }
  }

  // These reject with why the correction was not made.

  name = (id: string, name: string | null, personId: string | null) =>
    this.#show(this.#client.nameSpeaker(this.#jobId, id, name, personId))
  merge = (from: string, into: string) => this.#show(this.#client.mergeSpeakers(this.#jobId, from, into))
  assign = (selection: TextSelection, target: AssignTarget) =>
    this.#show(this.#client.assign(this.#jobId, selection, target))
  undo = () => this.#show(this.#client.undoSpeakers(this.#jobId))
  redo = () => this.#show(this.#client.redoSpeakers(this.#jobId))
  refuseSuggestion = (id: string, personId: string) =>
    this.#show(this.#client.refuseSuggestion(this.#jobId, id, personId))

  /** Queues diarization again. Resolves to the changed job, or rejects with why that failed. */
  async diarizeAgain(expected: SpeakerCount): Promise<JobView> {
    const job = await this.#client.rerunSpeakers(this.#jobId, expected)
    void this.fetch()
    return job
  }

  #show(request: Promise<SpeakersView>): Promise<void> {
    return this.#latest.take(request, (view) => (this.view = view))
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
