/** Exports of many meetings to one folder or one ZIP file, also those that an earlier start of the program began. */
import type { Client, Unsubscribe } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import { t } from '../lib/messages'
import type { BatchView, ExportOptions } from '../lib/types'

/** The core sends no news of batches: those under way are asked for this often. */
const POLL_MS = 500

export type BatchRequest = { ids: readonly string[]; format: string; options: ExportOptions; zip: boolean }

export type BatchItem = {
  view: BatchView
  /** How many files are there already and up to date. */
  upToDate: number
  /** Why meetings could not be exported at all. */
  refused: readonly string[]
  /** Why the state of the batch is not known now. */
  failure: string | null
  /** What was asked for; null if an earlier start of the program did that. */
  request: BatchRequest | null
}

export class Batches {
  /** Oldest first. */
  items = $state.raw<readonly BatchItem[]>([])

  readonly #client: Client
  readonly #onerror: (error: unknown) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #following = false

  constructor(client: Client, onerror: (error: unknown) => void) {
    this.#client = client
    this.#onerror = onerror
  }

  /** Follows the batches until the returned function is called. */
  start(): Unsubscribe {
    this.#following = true
    this.#client.openExportBatches().then((views) => this.#takeOpen(views), this.#onerror)
    return () => {
      this.#following = false
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
  }

  /** Lets the user choose a folder or a file, then exports the meetings to it. False if they cancel that, or it fails. */
  async begin(request: BatchRequest): Promise<boolean> {
    const { ids, format, options, zip } = request
    try {
      const started = await this.#client.exportMeetings([...ids], format, options, zip)
      if (!started) return false
      const { batch: view, up_to_date: upToDate, failures: refused } = started
      this.items = [...this.items, { view, upToDate, refused, failure: null, request }]
    } catch (error) {
      this.#onerror(error)
      return false
    }
    this.#poll()
    return true
  }

  /** Asks again for what failed: files that are there and up to date are not made again. */
  async again(item: BatchItem): Promise<void> {
    if (item.request && (await this.begin(item.request))) this.dismiss(item)
  }

  async cancel(item: BatchItem): Promise<void> {
    try {
      await this.#client.cancelExportBatch(item.view.batch_id)
      await this.#fetch(item)
    } catch (error) {
      this.#onerror(error)
    }
  }

  /** Shows the folder or the file. */
  show(item: BatchItem): void {
    this.#client.showExportBatch(item.view.batch_id).catch(this.#onerror)
  }

  /** Asks again for a batch whose state is not known. */
  lookAgain(item: BatchItem): void {
    this.#change(item, { failure: null })
    this.#poll()
  }

  dismiss(item: BatchItem): void {
    this.items = this.items.filter((other) => !isSame(other, item))
  }

  #takeOpen(views: readonly BatchView[]): void {
    const isKnown = (view: BatchView) => this.items.some((item) => item.view.batch_id === view.batch_id)
    const found = views.filter((view) => !isKnown(view))
    const items = found.map((view) => ({ view, upToDate: 0, refused: [], failure: null, request: null }))
    this.items = [...items, ...this.items]
    this.#poll()
  }

  #poll(): void {
    if (!this.#following || this.#timer !== undefined) return
    this.#timer = setTimeout(async () => {
      await Promise.all(this.items.filter(isUnderWay).map((item) => this.#fetch(item)))
      this.#timer = undefined
      if (this.items.some(isUnderWay)) this.#poll()
    }, POLL_MS)
  }

  async #fetch(item: BatchItem): Promise<void> {
    try {
      const view = await this.#client.exportBatch(item.view.batch_id)
      this.#change(item, view ? { view } : { failure: t('export.batch.gone') })
    } catch (reason) {
      this.#change(item, { failure: errorMessage(reason) })
    }
  }

  #change(item: BatchItem, change: Partial<BatchItem>): void {
    this.items = this.items.map((other) => (isSame(other, item) ? { ...other, ...change } : other))
  }
}

function isSame(one: BatchItem, other: BatchItem): boolean {
  return one.view.batch_id === other.view.batch_id
}

function isUnderWay({ view, failure }: BatchItem): boolean {
  return !view.ended && failure === null
}
