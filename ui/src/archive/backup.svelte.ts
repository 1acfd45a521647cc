/** What is known of backups, and the folder of scheduled ones. */
import type { Client, Unsubscribe } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import { Latest } from '../lib/latest'
import type { BackupOverview } from '../lib/types'

/** Scheduled backups send no event, so the state is fetched this often. */
const REFRESH_MS = 60_000

export class Backups {
  overview = $state.raw<BackupOverview | null>(null)
  /** Why it could not be fetched. */
  failure = $state<string | null>(null)
  /** The moment that “today” refers to, and by which a backup is due. As new as what was fetched last. */
  nowMs = $state(Date.now())

  readonly #client: Client
  readonly #onerror: (error: unknown) => void
  readonly #latest = new Latest()

  constructor(client: Client, onerror: (error: unknown) => void = () => {}) {
    this.#client = client
    this.#onerror = onerror
  }

  /** Keeps the state up to date, also after the computer was asleep. */
  start(): Unsubscribe {
    const update = () => {
      // Before the archive is open there is nothing to fetch.
      if (this.overview !== null || this.failure !== null) void this.fetch()
    }
    const timer = setInterval(update, REFRESH_MS)
    window.addEventListener('focus', update)
    return () => {
      clearInterval(timer)
      window.removeEventListener('focus', update)
    }
  }

  async fetch(): Promise<void> {
    this.nowMs = Date.now()
    try {
      await this.#latest.take(this.#client.backupOverview(), (overview) => (this.overview = overview))
      this.failure = null
    } catch (error) {
      this.failure = errorMessage(error)
    }
  }

  // Each of these resolves to whether something changed; what went wrong is reported.

  /** Lets the user choose the folder of scheduled backups. */
  choosePlace = () => this.#attempt(this.#client.chooseBackupPlace())
  /** Ends scheduled backups. Those that were made stay. */
  endSchedule = () => this.#attempt(this.#client.endScheduledBackups())
  /** Lets the user choose the file with the passphrase that encrypts the next backups. */
  choosePassphrase = () => this.#attempt(this.#client.chooseBackupPassphrase())
  /** Does not encrypt the next backups. */
  forgetPassphrase = () => this.#attempt(this.#client.forgetBackupPassphrase())

  async #attempt(request: Promise<BackupOverview | null>): Promise<boolean> {
    let changed = false
    try {
      await this.#latest.take(request, (overview) => {
        if (overview === null) return
        this.overview = overview
        changed = true
      })
    } catch (error) {
      this.#onerror(error)
    }
    return changed
  }
}
