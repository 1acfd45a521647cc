/**
 * The long work on the archive: backup, check, restore, maintenance of the database. The core does one at a time and goes
 * on while the page shows something else.
 */
import type { Client, Unsubscribe } from '../lib/client'
import { Latest } from '../lib/latest'
import type { ArchiveWorkState, EndedArchiveWork, RunningArchiveWork } from '../lib/types'

export class ArchiveWork {
  running = $state.raw<RunningArchiveWork | null>(null)
  /** How the last work ended, until that is dismissed or other work begins. */
  ended = $state.raw<EndedArchiveWork | null>(null)
  /** Whether the user has stopped the work under way, which has not ended yet. */
  stopping = $state(false)

  readonly #client: Client
  readonly #onerror: (error: unknown) => void
  readonly #onended: (ended: EndedArchiveWork) => void
  readonly #latest = new Latest()

  /** `onended` is called when work ends that was seen running. */
  constructor(
    client: Client,
    onerror: (error: unknown) => void = () => {},
    onended: (ended: EndedArchiveWork) => void = () => {},
  ) {
    this.#client = client
    this.#onerror = onerror
    this.#onended = onended
  }

  start(): Unsubscribe {
    return this.#client.on('archiveWorkNews', () => void this.fetch())
  }

  fetch(): Promise<void> {
    return this.#show(this.#client.archiveWork())
  }

  /** Starts work; `command` is the command that does. */
  begin(command: Promise<unknown>): void {
    command.then(() => this.fetch(), this.#onerror)
  }

  /** Stops the work under way. It leaves nothing half done. */
  stop = (): void => {
    if (!this.running) return
    this.stopping = true
    this.#client.stopArchiveWork().catch((error: unknown) => {
      this.stopping = false
      this.#onerror(error)
    })
  }

  /** Forgets how the last work ended. */
  dismiss = (): void => {
    this.ended = null
    // What an earlier request answers still says how it ended.
    void this.#show(this.#client.dismissArchiveWork().then(() => this.#client.archiveWork()))
  }

  async #show(request: Promise<ArchiveWorkState>): Promise<void> {
    try {
      await this.#latest.take(request, (state) => this.#apply(state))
    } catch (error) {
      this.#onerror(error)
    }
  }

  #apply({ running, ended }: ArchiveWorkState): void {
    const wasRunning = this.running !== null
    this.running = running
    this.ended = ended
    if (!running) this.stopping = false
    if (wasRunning && !running && ended) this.#onended(ended)
  }
}
