/** Files dragged over the window: shows what a drop would add, and adds what is dropped, or checks exported files. */
import { mayBeExports } from '../export/checks.svelte'
import type { Client, Drag, Unsubscribe } from '../lib/client'
import { areModelFiles } from '../models/status'
import { dropText, exportDropText, modelDropText, type DropText } from './texts'

export class DragAndDrop {
  over = $state(false)
  /** What a drop would add; null until that is known. */
  text = $state.raw<DropText | null>(null)

  readonly #client: Client
  readonly #onerror: (error: unknown) => void
  readonly #ontext: (text: DropText) => void
  readonly #onmodels: () => void
  readonly #onexports: (paths: readonly string[]) => void
  #drags = 0

  /**
   * `ontext` gets each new text, for screen readers; `onmodels` is called when speech models are dropped, `onexports` when
   * files are that may be exports.
   */
  constructor(
    client: Client,
    ontext: (text: DropText) => void,
    onerror: (error: unknown) => void,
    onmodels: () => void = () => {},
    onexports: (paths: readonly string[]) => void = () => {},
  ) {
    this.#client = client
    this.#ontext = ontext
    this.#onerror = onerror
    this.#onmodels = onmodels
    this.#onexports = onexports
  }

  start(): Unsubscribe {
    return this.#client.onDrag((drag) => this.#receive(drag))
  }

  #receive(drag: Drag): void {
    const current = ++this.#drags
    this.over = drag.kind === 'enter'
    this.text = null
    if (drag.kind === 'leave') return
    const models = areModelFiles(drag.paths)
    const exports = mayBeExports(drag.paths)
    if (drag.kind === 'drop') {
      if (exports) return this.#onexports(drag.paths)
      if (models) this.#onmodels()
      const taken = models ? this.#client.importModels(drag.paths) : this.#client.importPaths(drag.paths)
      taken.catch(this.#onerror)
      return
    }
    if (models || exports) {
      this.text = models ? modelDropText(drag.paths) : exportDropText(drag.paths)
      this.#ontext(this.text)
      return
    }
    this.#client.describeDrop(drag.paths).then(
      (view) => {
        if (current !== this.#drags) return
        this.text = dropText(view)
        this.#ontext(this.text)
      },
      // Without a preview, the drop itself says what went wrong.
      () => {},
    )
  }
}
