/** How long things are kept, what clean-up would remove, and what it has removed. */
import type { Client } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import { Latest } from '../lib/latest'
import type { CleanupView, RetentionSettings } from '../lib/types'

export class Cleanup {
  /** What a clean-up would remove, as it was when it was fetched. */
  view = $state.raw<CleanupView | null>(null)
  /** Why it could not be fetched. */
  failure = $state<string | null>(null)
  /** What the last clean-up of this window has removed. */
  removed = $state.raw<CleanupView | null>(null)
  /** Whether a clean-up is running. */
  cleaning = $state(false)
  /** Why the last change or clean-up failed. */
  problem = $state<string | null>(null)

  readonly #client: Client
  readonly #latest = new Latest()

  constructor(client: Client) {
    this.#client = client
  }

  async fetch(): Promise<void> {
    try {
      await this.#show(this.#client.cleanupPreview())
      this.failure = null
    } catch (error) {
      this.failure = errorMessage(error)
    }
  }

  /** Saves how long things are kept. */
  keep = (change: Partial<RetentionSettings>): Promise<void> =>
    this.#attempt(async () => {
      if (!this.view) return
      await this.#show(this.#client.setRetention({ ...this.view.settings, ...change }))
    })

  /** Keeps a meeting for ever. */
  pin = (id: string): Promise<void> =>
    this.#attempt(async () => {
      await this.#client.setPinned(id, true)
      await this.#show(this.#client.cleanupPreview())
    })

  /**
   * Removes what is due. `confirmed` if the user has answered the questions. If there are new ones, nothing is removed
   * and they are shown.
   */
  cleanUp = async (confirmed: boolean): Promise<void> => {
    if (this.cleaning) return
    this.cleaning = true
    this.removed = null
    await this.#attempt(async () => {
      const answer = await this.#client.cleanUp(confirmed)
      if (answer.removed) {
        this.removed = answer
        await this.#show(this.#client.cleanupPreview())
      } else {
        this.#latest.cancel()
        this.view = answer
      }
    })
    this.cleaning = false
  }

  #show(request: Promise<CleanupView>): Promise<void> {
    return this.#latest.take(request, (view) => (this.view = view))
  }

  async #attempt(action: () => Promise<void>): Promise<void> {
    this.problem = null
    try {
      await action()
    } catch (error) {
      this.problem = errorMessage(error)
    }
  }
}
