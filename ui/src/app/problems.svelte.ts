/** Failures that the window shows until they are dismissed; three at most. */
import { errorMessage } from '../lib/error-message'

export type Problem = { id: number; sentence: string }

export class Problems {
  all = $state.raw<Problem[]>([])
  #next = 1

  readonly report = (error: unknown): void => {
    const sentence = errorMessage(error)
    // The same failure is shown only once.
    const others = this.all.filter((problem) => problem.sentence !== sentence)
    this.all = [...others, { id: this.#next++, sentence }].slice(-3)
  }

  dismiss(id: number): void {
    this.all = this.all.filter((problem) => problem.id !== id)
  }
}
