/** Imports: those that run, those that ended and are still shown, and those that were interrupted. */
import type { Client, Unsubscribe } from '../lib/client'
import type { ImportView, InterruptedView } from '../lib/types'
import { outcome } from './texts'

/** An import that ends sooner than this shows no progress bar: it would only flicker. */
const NO_BAR_MS = 400

export type EndedImport = {
  /** The meeting to open: the only new one, or the one that was already there. */
  open: string | null
  /** What happened, for screen readers. */
  text: string
}

export class Imports {
  /** In the order in which they began. */
  all = $state.raw<ImportView[]>([])
  interrupted = $state.raw<InterruptedView[]>([])
  /** Those that run, and have run long enough to be shown. */
  running = $derived(this.all.filter((view) => isRunning(view) && this.#slow.includes(view.id)))
  ended = $derived(this.all.filter((view) => !isRunning(view)))

  readonly #client: Client
  readonly #onended: (ended: EndedImport) => void
  #slow = $state.raw<string[]>([])
  #dismissed: string[] = []
  #timers: ReturnType<typeof setTimeout>[] = []

  constructor(client: Client, onended: (ended: EndedImport) => void = () => {}) {
    this.#client = client
    this.#onended = onended
  }

  start(): Unsubscribe {
    const unsubscribe = this.#client.on('importView', (view) => this.#receive(view))
    return () => {
      for (const timer of this.#timers) clearTimeout(timer)
      unsubscribe()
    }
  }

  /** Fetches the imports that began before the page was loaded. Needs an open archive. */
  async fetch(): Promise<void> {
    const [all, interrupted] = await Promise.all([this.#client.imports(), this.#client.interruptedImports()])
    for (const view of all) {
      const known = this.all.find((one) => one.id === view.id)
      // Events that came meanwhile are newer.
      if (known || this.#dismissed.includes(view.id)) continue
      const { text, open, isSelfEvident } = outcome(view)
      if (!isRunning(view) && isSelfEvident) {
        // A file that MeetMemo was started with, added before the page was loaded.
        void this.dismiss(view.id)
        this.#onended({ open, text })
      } else {
        this.#put(view)
        if (isRunning(view)) this.#slow = [...this.#slow, view.id]
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

  async resume(id: string): Promise<void> {
    await this.#client.continueImport(id)
    this.interrupted = this.interrupted.filter((view) => view.id !== id)
  }

  async forget(id: string): Promise<void> {
    await this.#client.forgetImport(id)
    this.interrupted = this.interrupted.filter((view) => view.id !== id)
  }

  #receive(view: ImportView): void {
    const before = this.all.find((one) => one.id === view.id)
    if (before && !isRunning(before)) return
    if (isRunning(view)) {
      this.#dismissed = this.#dismissed.filter((id) => id !== view.id)
      this.#put(view)
      if (!before) this.#showLater(view.id)
      return
    }
    if (this.#dismissed.includes(view.id)) return
    const { text, open, isSelfEvident } = outcome(view)
    if (isSelfEvident) void this.dismiss(view.id)
    else this.#put(view)
    this.#onended({ open, text })
    // The files that are left can be continued at once.
    if (view.state !== 'finished') void this.#findInterrupted()
  }

  async #findInterrupted(): Promise<void> {
    try {
      this.interrupted = await this.#client.interruptedImports()
    } catch {
      // The archive is closed. They are fetched when it opens.
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

function isRunning(view: ImportView): boolean {
  return view.state === 'listing' || view.state === 'running'
}
