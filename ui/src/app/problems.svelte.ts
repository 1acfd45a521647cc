/** What went wrong and was not yet dismissed. */
import { said } from '../meeting/failure'

export type Problem = { id: number; sentence: string }

export class Problems {
  all = $state.raw<Problem[]>([])
  #next = 1

  readonly report = (error: unknown): void => {
    const sentence = said(error)
    // Said once is enough.
    const others = this.all.filter((problem) => problem.sentence !== sentence)
    this.all = [...others, { id: this.#next++, sentence }].slice(-3)
  }

  dismiss(id: number): void {
    this.all = this.all.filter((problem) => problem.id !== id)
  }
}
