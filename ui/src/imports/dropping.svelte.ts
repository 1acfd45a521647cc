/** Files that are held over the window. */
import type { Client, Drag, Unsubscribe } from '../lib/client'
import { dropWords, type DropWords } from './words'

export class Dropping {
  over = $state(false)
  /** What a drop would do; null while that is looked at. */
  words = $state.raw<DropWords | null>(null)

  readonly #client: Client
  readonly #onerror: (error: unknown) => void
  readonly #onwords: (words: DropWords) => void
  #round = 0

  constructor(client: Client, onwords: (words: DropWords) => void, onerror: (error: unknown) => void) {
    this.#client = client
    this.#onwords = onwords
    this.#onerror = onerror
  }

  start(): Unsubscribe {
    return this.#client.onDrag((drag) => this.#hear(drag))
  }

  #hear(drag: Drag): void {
    const round = ++this.#round
    this.over = drag.kind === 'enter'
    this.words = null
    if (drag.kind === 'drop') this.#client.importPaths(drag.paths).catch(this.#onerror)
    if (drag.kind !== 'enter') return
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
