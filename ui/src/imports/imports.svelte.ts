/** Files on their way into the archive. */
import type { Client, Unsubscribe } from '../lib/client'
import type { ImportView, InterruptedView } from '../lib/types'
import { outcome } from './words'

/** An import that ends sooner than this, or one of few files, shows no bar: it would only flicker. */
const NO_BAR_MS = 400

export type Ended = {
  /** The one meeting to be shown: the only new one, or the one that was already there. */
  open: string | null
  /** What happened, to be read out. */
  words: string
}

export class Imports {
  /** In the order in which they began. */
  all = $state.raw<ImportView[]>([])
  interrupted = $state.raw<InterruptedView[]>([])
  /** Those that go on and take long enough to be shown. */
  running = $derived(this.all.filter((view) => goesOn(view) && this.#slow.includes(view.id)))
  ended = $derived(this.all.filter((view) => !goesOn(view)))

  readonly #client: Client
  readonly #onended: (ended: Ended) => void
  #slow = $state.raw<string[]>([])
  #dismissed: string[] = []
  #timers: ReturnType<typeof setTimeout>[] = []

  constructor(client: Client, onended: (ended: Ended) => void = () => {}) {
    this.#client = client
    this.#onended = onended
  }

  start(): Unsubscribe {
    const unsubscribe = this.#client.onImport((view) => this.#hear(view))
    return () => {
      for (const timer of this.#timers) clearTimeout(timer)
      unsubscribe()
    }
  }

  /** Fetches what went on before; once the archive is open. */
  async fetch(): Promise<void> {
    const [all, interrupted] = await Promise.all([this.#client.imports(), this.#client.interruptedImports()])
    for (const view of all) {
      const known = this.all.find((one) => one.id === view.id)
      // What was told meanwhile is newer.
      if (known || this.#dismissed.includes(view.id)) continue
      const { words, open, needsNoWords } = outcome(view)
      if (!goesOn(view) && needsNoWords) {
        // A file that the program was started with, added before the page was there.
        void this.dismiss(view.id)
        this.#onended({ open, words })
      } else {
        this.#put(view)
        if (goesOn(view)) this.#slow = [...this.#slow, view.id]
      }
    }
    this.interrupted = interrupted
  }

  async dismiss(id: string): Promise<void> {
    this.#dismissed.push(id)
    this.all = this.all.filter((view) => view.id !== id)
    await this.#client.dismissImport(id)
  }

  async stop(id: string): Promise<void> {
    await this.#client.stopImport(id)
  }

  async goOn(id: string): Promise<void> {
    await this.#client.continueImport(id)
    this.interrupted = this.interrupted.filter((view) => view.id !== id)
  }

  async forget(id: string): Promise<void> {
    await this.#client.forgetImport(id)
    this.interrupted = this.interrupted.filter((view) => view.id !== id)
  }

  #hear(view: ImportView): void {
    const before = this.all.find((one) => one.id === view.id)
    if (before && !goesOn(before)) return
    if (goesOn(view)) {
      this.#dismissed = this.#dismissed.filter((id) => id !== view.id)
      this.#put(view)
      if (!before) this.#showLater(view.id)
      return
    }
    if (this.#dismissed.includes(view.id)) return
    const { words, open, needsNoWords } = outcome(view)
    if (needsNoWords) void this.dismiss(view.id)
    else this.#put(view)
    this.#onended({ open, words })
    // What it left to do can be continued at once.
    if (view.state !== 'finished') void this.#findInterrupted()
  }

  async #findInterrupted(): Promise<void> {
    try {
      this.interrupted = await this.#client.interruptedImports()
    } catch {
      // The archive is closed: it is asked again when it opens.
    }
  }

  #put(view: ImportView): void {
    const known = this.all.some((one) => one.id === view.id)
    this.all = known ? this.all.map((one) => (one.id === view.id ? view : one)) : [...this.all, view]
  }

  #showLater(id: string): void {
    const timer = setTimeout(() => {
      this.#timers = this.#timers.filter((other) => other !== timer)
      this.#slow = [...this.#slow, id]
    }, NO_BAR_MS)
    this.#timers.push(timer)
  }
}

function goesOn(view: ImportView): boolean {
  return view.state === 'listing' || view.state === 'running'
}
