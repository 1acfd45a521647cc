/** The summaries of one meeting. An extract is made by itself where there is no summary yet. */
import type { Client, Unsubscribe } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import type { SummaryView } from '../lib/types'

export class Summaries {
  /** Newest first; null until they have been fetched. */
  all = $state.raw<SummaryView[] | null>(null)
  /** The summary that the user chose; null: the newest. */
  chosenId = $state<string | null>(null)
  making = $state(false)
  /** Why the summaries could not be fetched or made. */
  failure = $state<string | null>(null)
  /** Why a change was not saved. */
  notSaved = $state<string | null>(null)
  shown = $derived.by(
    () => this.all?.find(({ summary_id: id }) => id === this.chosenId) ?? this.all?.[0] ?? null,
  )

  readonly #client: Client
  readonly #id: string
  #fetches = 0

  constructor(client: Client, id: string) {
    this.#client = client
    this.#id = id
  }

  /** Fetches the summaries, and again after each change, until the returned function is called. */
  follow(): Unsubscribe {
    const unsubscribe = this.#client.on('newsItem', (news) => {
      const kinds = ['summaries', 'speakers', 'segments', 'job']
      if (news.kind === 'everything' || (kinds.includes(news.kind) && 'id' in news && news.id === this.#id))
        void this.fetch()
    })
    void this.fetch()
    return unsubscribe
  }

  async fetch(): Promise<void> {
    const fetch = ++this.#fetches
    try {
      const all = await this.#client.summaries(this.#id)
      // An answer that was overtaken is dropped.
      if (fetch !== this.#fetches) return
      this.failure = null
      this.all = all
    } catch (error) {
      if (fetch === this.#fetches) this.failure = errorMessage(error)
    }
  }

  /** Makes an extract of the current transcript, and shows it. */
  async extract(): Promise<void> {
    if (this.making) return
    this.making = true
    this.failure = null
    try {
      const { summary_id: id } = await this.#client.extractSummary(this.#id)
      await this.fetch()
      this.chosenId = id
    } catch (error) {
      this.failure = errorMessage(error)
    } finally {
      this.making = false
    }
  }

  /** Replaces the text of a statement of the summary that is shown; an empty text removes it. Returns whether it is saved. */
  async edit(section: number, statement: number, text: string): Promise<boolean> {
    const { shown } = this
    if (!shown) return false
    try {
      const edit = { section, statement, text, revision: shown.revision }
      const { saved, summary } = await this.#client.editSummary(shown.summary_id, edit)
      this.all = this.all?.map((one) => (one.summary_id === summary.summary_id ? summary : one)) ?? null
      this.notSaved = saved ? null : 'changed'
      return saved
    } catch (error) {
      this.notSaved = errorMessage(error)
      return false
    }
  }

  /** Deletes the summary that is shown. */
  async delete(): Promise<void> {
    const { shown } = this
    if (!shown) return
    try {
      await this.#client.deleteSummary(shown.summary_id)
      this.chosenId = null
      await this.fetch()
    } catch (error) {
      this.notSaved = errorMessage(error)
    }
  }
}
