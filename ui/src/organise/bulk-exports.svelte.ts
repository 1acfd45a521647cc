/** Exports of many meetings to one folder. */
import { plainSet } from '../lib/plain'
import type { Client, Unsubscribe } from '../lib/client'
import { t } from '../lib/messages'
import type { ExportFormat, ExportView } from '../lib/types'

export class BulkExports {
  /** How many meetings are exported; 0 if none are, or the notice of it was dismissed. */
  total = $state(0)
  done = $state(0)
  /** Why others were not. */
  failures = $state.raw<readonly string[]>([])
  ended = $derived(this.done + this.failures.length >= this.total)

  readonly #client: Client
  readonly #onerror: (error: unknown) => void
  /** Those under way. */
  readonly #running = plainSet<string>()
  #written: string | null = null

  constructor(client: Client, onerror: (error: unknown) => void) {
    this.#client = client
    this.#onerror = onerror
  }

  start(): Unsubscribe {
    return this.#client.on('newsItem', (news) => {
      if (news.kind === 'export' && this.#running.has(news.id)) void this.#fetch([news.id])
      else if (news.kind === 'everything') void this.#fetch([...this.#running])
    })
  }

  /** Lets the user choose a folder, then exports the meetings to it. */
  async begin(ids: readonly string[], format: ExportFormat): Promise<void> {
    try {
      const begun = await this.#client.exportMeetings([...ids], format)
      if (!begun) return
      this.dismiss()
      this.total = begun.exports.length + begun.failures.length
      this.failures = begun.failures
      for (const view of begun.exports) this.#running.add(view.export_id)
      // Events that arrived before the answer were missed.
      await this.#fetch([...this.#running])
    } catch (error) {
      this.#onerror(error)
    }
  }

  /** Shows the folder. */
  show(): void {
    if (this.#written !== null) this.#client.showExport(this.#written).catch(this.#onerror)
  }

  dismiss(): void {
    this.#running.clear()
    this.total = 0
    this.done = 0
    this.failures = []
    this.#written = null
  }

  async #fetch(ids: readonly string[]): Promise<void> {
    try {
      for (const id of ids) this.#take(id, await this.#client.exportJob(id))
    } catch (error) {
      this.#onerror(error)
    }
  }

  #take(id: string, view: ExportView | null): void {
    const failed = view === null || view.status === 'failed'
    if ((!failed && view.status !== 'completed') || !this.#running.delete(id)) return
    if (failed) this.failures = [...this.failures, view?.error_message ?? t('export.gone')]
    else {
      this.done += 1
      this.#written ??= id
    }
  }
}
