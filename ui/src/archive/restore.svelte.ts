/** What a backup would bring back. The core remembers which backup the user chose. */
import type { Client } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import { Latest } from '../lib/latest'
import type { RestoredMeeting, RestoreSource, RestoreView } from '../lib/types'

export class Restore {
  preview = $state.raw<RestoreView | null>(null)
  /** Whether a backup is being chosen or read. */
  looking = $state(false)
  /** Why the last backup could not be read. */
  failure = $state<string | null>(null)

  readonly #client: Client
  readonly #latest = new Latest()

  constructor(client: Client) {
    this.#client = client
  }

  /** Reads a backup, after the user has chosen it. What was shown stays if they cancel. */
  look = async (from: RestoreSource): Promise<void> => {
    const isNewest = this.#latest.begin()
    this.looking = true
    this.failure = null
    try {
      const preview = await this.#client.previewRestore(from)
      if (isNewest() && preview) this.preview = preview
    } catch (error) {
      if (!isNewest()) return
      this.preview = null
      this.failure = errorMessage(error)
    } finally {
      if (isNewest()) this.looking = false
    }
  }

  /** Shows no backup any more, and drops the answer about one. */
  close = (): void => {
    this.#latest.cancel()
    this.preview = null
    this.looking = false
    this.failure = null
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
