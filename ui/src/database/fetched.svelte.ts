/** One answer of the core: fetched when it is shown, and again when the user asks for it. */
import { errorMessage } from '../lib/error-message'
import { Latest } from '../lib/latest'

export class Fetched<View> {
  view = $state.raw<View | null>(null)
  /** When the answer came, in milliseconds since 1970. */
  atMs = $state<number | null>(null)
  /** Why the last request failed; an older answer stays. */
  failure = $state<string | null>(null)
  fetching = $state(false)

  readonly #request: () => Promise<View>
  readonly #latest = new Latest()

  constructor(request: () => Promise<View>) {
    this.#request = request
  }

  /** Fetches the answer. Of several requests the newest counts. */
  fetch = async (): Promise<void> => {
    const isNewest = this.#latest.begin()
    this.fetching = true
    try {
      const view = await this.#request()
      if (!isNewest()) return
      this.view = view
      this.atMs = Date.now()
      this.failure = null
    } catch (error) {
      if (isNewest()) this.failure = errorMessage(error)
    } finally {
      if (isNewest()) this.fetching = false
    }
  }
}
