/** Whether the archive is open, and closing the window. */
import type { CoreState, JobView } from '../types'
import type { Handlers } from './calls'
import { copy } from './copy'
import type { MemoryEvents } from './events'

export type LifecycleSeed = { core?: CoreState }

export class MemoryLifecycle {
  readonly #events: MemoryEvents
  #state: CoreState

  constructor(events: MemoryEvents, seed: LifecycleSeed) {
    this.#events = events
    this.#state = copy(seed.core ?? { state: 'ready' })
  }

  readonly handlers = {
    coreState: () => this.#state,
    openAgain: () => this.controls.setCore({ state: 'ready' }),
    closeWindow: () => {},
    keepOpen: () => {},
  } satisfies Partial<Handlers>

  readonly controls = {
    setCore: (state: CoreState): void => {
      this.#state = state
      this.#events.emit('coreState', state)
    },
    /** The user wants to close the window while `job` is being worked on. */
    closing: (job: JobView): void => this.#events.emit('closing', { job }),
  }
}
