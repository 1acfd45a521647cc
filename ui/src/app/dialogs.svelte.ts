/** Which of the window's dialogs is open, and what the ones about a meeting are about. `WindowDialogs.svelte` shows them. */
import type { Client } from '../lib/client'
import type { JobView, TranscriptionOptions } from '../lib/types'
import type { Archive } from '../library/archive.svelte'
import type { Models } from '../models/models.svelte'

export class Dialogs {
  open = $state<'settings' | 'about' | 'keys' | null>(null)
  /** The meeting to be transcribed again, and the options to begin with. Stays set while its dialog closes. */
  again = $state.raw<{ job: JobView; options: TranscriptionOptions } | null>(null)
  asksAgain = $state(false)

  readonly #client: Client
  readonly #archive: Archive
  readonly #models: Models
  readonly #onerror: (error: unknown) => void

  constructor(client: Client, archive: Archive, models: Models, onerror: (error: unknown) => void) {
    this.#client = client
    this.#archive = archive
    this.#models = models
    this.#onerror = onerror
  }

  /** Asks how to transcribe a meeting again, beginning with its last options, changed by `change`. */
  askTranscribeAgain = (id: string, change: Partial<TranscriptionOptions> = {}): void => {
    const job = this.#archive.get(id)
    if (!job) return
    const models = this.#models.overview ? undefined : this.#models.fetch()
    Promise.all([this.#client.transcriptionOptions(id), models]).then(([options]) => {
      this.again = { job, options: { ...options, ...change } }
      this.asksAgain = true
    }, this.#onerror)
  }

  /** Before a page is shown. */
  close(): void {
    this.open = null
    this.asksAgain = false
  }
}
