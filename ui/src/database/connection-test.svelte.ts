/** A test of the connection to a database, step by step. It changes nothing. */
import type { Client } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import { Latest } from '../lib/latest'
import type { ConnectionStep, DatabaseAddress } from '../lib/types'

export class ConnectionTest {
  running = $state(false)
  steps = $state.raw<readonly ConnectionStep[] | null>(null)
  /** Why nothing could be tested. */
  failure = $state<string | null>(null)
  /** The first step that failed. */
  failed = $derived(this.steps?.find((step) => step.state === 'failed') ?? null)
  passed = $derived(this.steps !== null && this.failed === null)

  readonly #client: Client
  readonly #latest = new Latest()

  constructor(client: Client) {
    this.#client = client
  }

  /** Tests `address`; null: the connection that is in use. An empty password means the stored one. */
  async start(address: DatabaseAddress | null, password = ''): Promise<void> {
    this.clear()
    const isNewest = this.#latest.begin()
    this.running = true
    try {
      const steps = await this.#client.testDatabase(address, password)
      if (isNewest()) this.steps = steps
    } catch (error) {
      if (isNewest()) this.failure = errorMessage(error)
    } finally {
      if (isNewest()) this.running = false
    }
  }

  /** Forgets the result. A test under way is not shown any more. */
  clear = () => {
    this.#latest.cancel()
    this.running = false
    this.steps = null
    this.failure = null
  }
}
