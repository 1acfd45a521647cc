/** Files that are made of meetings, from the wish to the notice. */
import type { Client, Unsubscribe } from '../lib/client'
import { t } from '../lib/messages'
import type { ExportFormat, ExportView } from '../lib/types'
import { said } from './failure'

/** An export that is shown. `view` is there as soon as the user has said where to. */
export type ExportItem = {
  key: number
  jobId: string
  format: ExportFormat
  view: ExportView | null
  failure: string | null
}

export class Exports {
  /** Oldest first. */
  items = $state<ExportItem[]>([])
  readonly #client: Client
  #made = 0

  constructor(client: Client) {
    this.#client = client
  }

  follow(): Unsubscribe {
    return this.#client.onNews((news) => {
      for (const item of this.items) {
        const mine =
          news.kind === 'everything' || (news.kind === 'export' && news.id === item.view?.export_id)
        if (mine && !ended(item)) void this.#fetch(item)
      }
    })
  }

  /** Asks where to, then follows it to its end. */
  async begin(jobId: string, format: ExportFormat): Promise<void> {
    let view: ExportView | null = null
    let failure: string | null = null
    try {
      view = await this.#client.exportMeeting(jobId, format)
      if (!view) return
    } catch (reason) {
      failure = said(reason)
    }
    this.#made += 1
    this.items.push({ key: this.#made, jobId, format, view, failure })
    const item = this.items.at(-1)
    // What happened while the view was on its way was told to nobody.
    if (item && !ended(item)) await this.#fetch(item)
  }

  async again(item: ExportItem): Promise<void> {
    this.dismiss(item)
    await this.begin(item.jobId, item.format)
  }

  async show(item: ExportItem): Promise<void> {
    if (!item.view) return
    try {
      await this.#client.showExport(item.view.export_id)
    } catch (reason) {
      item.failure = said(reason)
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
      // An answer that was overtaken does not take a file back.
      else if (!ended(item)) item.view = view
    } catch (reason) {
      item.failure = said(reason)
    }
  }
}

function ended(item: ExportItem): boolean {
  return item.failure !== null || item.view?.status === 'completed' || item.view?.status === 'failed'
}

/** The name of the file at an absolute path, of either kind of computer. */
export function nameOf(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path
}

/** An absolute path as an address that can be dropped elsewhere. */
export function fileUrl(path: string): string {
  const parts = path.replaceAll('\\', '/').split('/').map(encodeURIComponent).join('/')
  // C%3A/… of Windows keeps its colon; \\host\share has its host already.
  const address = parts.replace(/^([A-Za-z])%3A/, '/$1:')
  return address.startsWith('//') ? `file:${address}` : `file://${address}`
}
