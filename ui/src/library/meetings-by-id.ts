/** The meetings by id, and what changes in them. */
import type { JobView } from '../lib/types'

/** A meeting before and after a change; undefined where it was added or removed. */
export type Change = { before: JobView | undefined; after: JobView | undefined }

export class MeetingsById {
  readonly #jobs = new Map<string, JobView>()

  get size(): number {
    return this.#jobs.size
  }

  get(id: string): JobView | undefined {
    return this.#jobs.get(id)
  }

  ids(): string[] {
    return [...this.#jobs.keys()]
  }

  values(): IterableIterator<JobView> {
    return this.#jobs.values()
  }

  /** Replaces `ids` by `jobs`; ids without a job are removed. Returns what that changed. */
  replace(ids: Iterable<string>, jobs: readonly JobView[]): Change[] {
    const changes: Change[] = []
    const found = new Set(jobs.map((job) => job.id))
    for (const id of ids) {
      const before = this.#jobs.get(id)
      if (found.has(id) || !before) continue
      this.#jobs.delete(id)
      changes.push({ before, after: undefined })
    }
    for (const job of jobs) {
      changes.push({ before: this.#jobs.get(job.id), after: job })
      this.#jobs.set(job.id, job)
    }
    return changes
  }
}

/** Whether a meeting differs so that those who wait for it should know. */
export function differs({ before, after }: Change): boolean {
  return before?.updated_at !== after?.updated_at || before?.status !== after?.status
}
