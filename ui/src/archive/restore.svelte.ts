/** What a backup would bring back. The core remembers which backup the user chose. */
import { CoreError, type Client } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import { Latest } from '../lib/latest'
import { t } from '../lib/messages'
import type { RestoredMeeting, RestoreSource, RestoreView } from '../lib/types'

export class Restore {
  preview = $state.raw<RestoreView | null>(null)
  /** Whether a backup is being chosen or read. */
  looking = $state(false)
  /** Why the last backup could not be read. */
  failure = $state<string | null>(null)
  /** Whether that was because its passphrase is missing or does not fit. */
  needsPassphrase = $state(false)

  readonly #client: Client
  readonly #latest = new Latest()

  constructor(client: Client) {
    this.#client = client
  }

  /** Reads a backup, after the user has chosen it. What was shown stays if they cancel. */
  look = (from: RestoreSource): Promise<void> => this.#show(() => this.#client.previewRestore(from))

  /** Reads the backup that could not be read again, after the user has chosen the file with its passphrase. */
  usePassphrase = (): Promise<void> => this.#show(() => this.#client.previewRestoreWithPassphrase())

  async #show(request: () => Promise<RestoreView | null>): Promise<void> {
    const isNewest = this.#latest.begin()
    this.looking = true
    try {
      const preview = await request()
      if (!isNewest() || !preview) return
      this.preview = preview
      this.#note(null)
    } catch (error) {
      if (!isNewest()) return
      this.preview = null
      this.#note(error)
    } finally {
      if (isNewest()) this.looking = false
    }
  }

  /** Shows no backup any more, and drops the answer about one. */
  close = (): void => {
    this.#latest.cancel()
    this.preview = null
    this.looking = false
    this.#note(null)
  }

  #note(error: unknown): void {
    const code = error instanceof CoreError ? error.code : null
    this.needsPassphrase = code === 'passphrase_needed' || code === 'passphrase_wrong'
    // The sentence of the core says how a command names the file.
    if (code === 'passphrase_needed') this.failure = t('restore.encrypted')
    else this.failure = error === null ? null : errorMessage(error)
  }

  /** Takes out of the preview what was restored. */
  subtract(restored: RestoreView): void {
    if (!this.preview) return
    const back = [...restored.added, ...restored.audio_back].map((meeting) => meeting.id)
    const isMissing = ({ id }: RestoredMeeting) => !back.includes(id)
    const added = this.preview.added.filter(isMissing)
    const audio_back = this.preview.audio_back.filter(isMissing)
    const gone = this.preview.added.length + this.preview.audio_back.length - added.length - audio_back.length
    const already_there = this.preview.already_there + gone
    const audio_bytes = Math.max(0, (this.preview.audio_bytes ?? 0) - (restored.audio_bytes ?? 0))
    this.preview =
      added.length + audio_back.length === 0
        ? null
        : { ...this.preview, added, audio_back, already_there, audio_bytes }
  }
}
