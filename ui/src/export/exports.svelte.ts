/** Exports of meetings, from the choice of a file to the notice about it. */
import type { Client, Unsubscribe } from '../lib/client'
import { t } from '../lib/messages'
import type { ExportOptions, ExportView } from '../lib/types'
import { errorMessage } from '../lib/error-message'

/** An export with a notice. It exists once the user has chosen a file, or once that failed; then `view` is null. */
export type ExportItem = {
  key: number
  jobId: string
  /** The key of the format. */
  format: string
  options: ExportOptions
  view: ExportView | null
  failure: string | null
}

export class Exports {
  /** Oldest first. */
  items = $state<ExportItem[]>([])
  readonly #client: Client
  #lastKey = 0

  constructor(client: Client) {
    this.#client = client
  }

  /** Keeps the exports up to date until the returned function is called. */
  follow(): Unsubscribe {
    return this.#client.on('newsItem', (news) => {
      for (const item of this.items) {
        const isConcerned =
          news.kind === 'everything' || (news.kind === 'export' && news.id === item.view?.export_id)
        if (isConcerned && !ended(item)) void this.#fetch(item)
      }
    })
  }

  /** Lets the user choose a file, then starts the export. False if they cancel that. */
  async begin(jobId: string, format: string, options: ExportOptions): Promise<boolean> {
    let view: ExportView | null = null
    let failure: string | null = null
    try {
      view = await this.#client.exportMeeting(jobId, format, options)
      if (!view) return false
    } catch (reason) {
      failure = errorMessage(reason)
    }
    this.#lastKey += 1
    this.items.push({ key: this.#lastKey, jobId, format, options, view, failure })
    const item = this.items.at(-1)
    // Events that arrived before the item existed were missed.
    if (item && !ended(item)) await this.#fetch(item)
    return true
  }

  async again(item: ExportItem): Promise<void> {
    if (await this.begin(item.jobId, item.format, item.options)) this.dismiss(item)
  }

  async cancel(item: ExportItem): Promise<void> {
    if (!item.view) return
    try {
      await this.#client.cancelExport(item.view.export_id)
      this.dismiss(item)
    } catch {
      // It has ended meanwhile; then its state says how.
      await this.#fetch(item)
    }
  }

  async show(item: ExportItem): Promise<void> {
    if (!item.view) return
    try {
      await this.#client.showExport(item.view.export_id)
    } catch (reason) {
      item.failure = errorMessage(reason)
    }
  }

  dismiss(item: ExportItem): void {
    this.items = this.items.filter((other) => other.key !== item.key)
  }

  async #fetch(item: ExportItem): Promise<void> {
    if (!item.view) return
    try {
      const view = await this.#client.exportJob(item.view.export_id)
      if (!view) item.failure = t('export.gone')
      // An answer from before it ended does not undo that.
      else if (!ended(item)) item.view = view
    } catch (reason) {
      item.failure = errorMessage(reason)
    }
  }
}

function ended(item: ExportItem): boolean {
  return item.failure !== null || item.view?.status === 'completed' || item.view?.status === 'failed'
}

/** The file name in an absolute path of Windows or of other systems. */
export function nameOf(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path
}

/** The `file:` URL of an absolute path, for dragging the file into other programs. */
export function fileUrl(path: string): string {
  const parts = path.replaceAll('\\', '/').split('/').map(encodeURIComponent).join('/')
  // The colon of C:/… is not encoded; \\host\share already has its host.
  const address = parts.replace(/^([A-Za-z])%3A/, '/$1:')
  return address.startsWith('//') ? `file:${address}` : `file://${address}`
}
