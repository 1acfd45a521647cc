/** Files that are held over the window. */
import type { Client, Drag, Unsubscribe } from '../lib/client'
import { areModels } from '../models/models'
import { dropWords, modelWords, type DropWords } from './words'

export class Dropping {
  over = $state(false)
  /** What a drop would do; null while that is looked at. */
  words = $state.raw<DropWords | null>(null)

  readonly #client: Client
  readonly #onerror: (error: unknown) => void
  readonly #onwords: (words: DropWords) => void
  readonly #onmodels: () => void
  #round = 0

  /** `onmodels` is told when speech models were dropped. */
  constructor(
    client: Client,
    onwords: (words: DropWords) => void,
    onerror: (error: unknown) => void,
    onmodels: () => void = () => {},
  ) {
    this.#client = client
    this.#onwords = onwords
    this.#onerror = onerror
    this.#onmodels = onmodels
  }

  start(): Unsubscribe {
    return this.#client.onDrag((drag) => this.#hear(drag))
  }

  #hear(drag: Drag): void {
    const round = ++this.#round
    this.over = drag.kind === 'enter'
    this.words = null
    if (drag.kind === 'leave') return
    const models = areModels(drag.paths)
    if (drag.kind === 'drop') {
      if (models) this.#onmodels()
      const taken = models ? this.#client.importModels(drag.paths) : this.#client.importPaths(drag.paths)
      taken.catch(this.#onerror)
      return
    }
    if (models) {
      this.words = modelWords(drag.paths)
      this.#onwords(this.words)
      return
    }
    this.#client.describeDrop(drag.paths).then(
      (view) => {
        if (round !== this.#round) return
        this.words = dropWords(view)
        this.#onwords(this.words)
      },
      // What cannot be foreseen is said after the drop.
      () => {},
    )
  }
}
