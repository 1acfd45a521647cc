/** Everything that the archive page shows. It is kept while the page is closed. */
import { Database } from '../database/database.svelte'
import type { Client, Unsubscribe } from '../lib/client'
import type { EndedArchiveWork } from '../lib/types'
import { Backups } from './backup.svelte'
import { Cleanup } from './cleanup.svelte'
import { Restore } from './restore.svelte'
import { endedText } from './texts'
import { ArchiveWork } from './work.svelte'

/** A tab of the archive page. */
export type ArchiveTab = 'backup' | 'cleanup' | 'database'

export class ArchiveCare {
  tab = $state<ArchiveTab>('backup')
  readonly client: Client
  readonly work: ArchiveWork
  readonly backups: Backups
  readonly restore: Restore
  readonly cleanup: Cleanup
  readonly database: Database
  readonly #announce: (text: string) => void

  /** `announce` has screen readers say a text. */
  constructor(client: Client, onerror: (error: unknown) => void, announce: (text: string) => void) {
    this.client = client
    this.#announce = announce
    this.work = new ArchiveWork(client, onerror, (ended) => this.#ended(ended))
    this.backups = new Backups(client, onerror)
    this.restore = new Restore(client)
    this.cleanup = new Cleanup(client)
    this.database = new Database(client)
  }

  start(): Unsubscribe {
    const unsubscribes = [this.work.start(), this.backups.start()]
    return () => unsubscribes.forEach((unsubscribe) => unsubscribe())
  }

  /** Fetches what the frame shows of it. */
  fetch(): void {
    void this.work.fetch()
    void this.backups.fetch()
  }

  #ended(ended: EndedArchiveWork): void {
    this.#announce(endedText(ended))
    if (ended.outcome === 'restore') {
      this.restore.subtract(ended.result)
      if (this.cleanup.view) void this.cleanup.fetch()
    }
    void this.backups.fetch()
  }
}
