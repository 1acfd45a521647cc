/** Meetings being worked on, waiting ones, and those that failed since the window opened. */
import type { JobView } from '../lib/types'
import type { Archive } from './archive.svelte'
import type { Change } from './meetings-by-id'
import { hasFailed, isWaiting, isWorkedOn } from './job-status'

/** The order in which waiting meetings are worked on. */
function byTurn(a: JobView, b: JobView): number {
  if (a.priority !== b.priority) return b.priority - a.priority
  const [first, second] = [a.waiting_since ?? a.created_at, b.waiting_since ?? b.created_at]
  return first < second ? -1 : first > second ? 1 : 0
}

export class Work {
  readonly #archive: Archive
  #failed = $state.raw<readonly string[]>([])

  working: readonly JobView[] = $derived.by(() => this.#archive.active.filter(isWorkedOn))
  /** In the order in which they will be worked on. */
  waiting: readonly JobView[] = $derived.by(() => this.#archive.active.filter(isWaiting).sort(byTurn))
  /** Latest failure first. */
  failed: readonly JobView[] = $derived.by(() =>
    this.#failed.flatMap((id) => this.#archive.get(id) ?? []).filter(hasFailed),
  )

  constructor(archive: Archive) {
    this.#archive = archive
  }

  /** Lists a meeting that has just failed, until it is dismissed. */
  noteFailure({ before, after }: Change): void {
    if (!after || !hasFailed(after) || (before && hasFailed(before))) return
    this.#failed = [after.id, ...this.#failed.filter((id) => id !== after.id)]
  }

  dismiss(id: string): void {
    this.#failed = this.#failed.filter((other) => other !== id)
  }
}
