/** The last change that can be taken back, for as long as a notice offers that. */

/** How long undo is offered. */
export const OFFERED_MS = 10_000

export type Undoable = {
  key: number
  /** What was done: “Moved to the trash: Budget”. */
  text: string
  /** Takes it back; null if that is not possible. Rejects with why it failed. */
  back: (() => Promise<void>) | null
}

export class Undo {
  last = $state.raw<Undoable | null>(null)
  busy = $state(false)
  readonly #onerror: (error: unknown) => void
  readonly #onundone: (text: string) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #keys = 0

  /** `onundone` is told what was taken back. */
  constructor(onerror: (error: unknown) => void, onundone: (text: string) => void) {
    this.#onerror = onerror
    this.#onundone = onundone
  }

  /** Says what was done, and offers to take it back. */
  offer(text: string, back: (() => Promise<void>) | null): void {
    this.#keys += 1
    this.last = { key: this.#keys, text, back }
    this.release()
  }

  /** Takes back what is offered; false if nothing is. */
  undo(): boolean {
    const { last } = this
    if (!last?.back || this.busy) return false
    this.busy = true
    this.hold()
    last.back().then(
      () => {
        this.#ended(last)
        this.#onundone(last.text)
      },
      (error: unknown) => {
        this.#ended(last)
        this.#onerror(error)
      },
    )
    return true
  }

  dismiss(): void {
    clearTimeout(this.#timer)
    this.last = null
  }

  /** Offers it for as long as the pointer or the focus is on the notice. */
  hold(): void {
    clearTimeout(this.#timer)
  }

  release(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.dismiss(), OFFERED_MS)
  }

  #ended(undone: Undoable): void {
    this.busy = false
    if (this.last === undone) this.dismiss()
    else this.release()
  }
}
