/** The meetings of the archive and the work on them. */
import { CoreError } from '../client'
import type { DeletionView, JobView } from '../types'
import { notFound, wrongState, type Handlers } from './calls'
import { copy } from './copy'
import type { MemoryEvents } from './events'

export type MeetingsSeed = { jobs?: JobView[] }

export class MemoryMeetings {
  readonly #events: MemoryEvents
  readonly #jobs = new Map<string, JobView>()
  /** The list, newest first; null after a change. */
  #listed: { key: string; job: JobView }[] | null = null

  constructor(events: MemoryEvents, seed: MeetingsSeed) {
    this.#events = events
    for (const job of seed.jobs ?? []) this.#jobs.set(job.id, copy(job))
  }

  /** All of them, also those in the trash. */
  get all(): JobView[] {
    return [...this.#jobs.values()]
  }

  get(id: string): JobView {
    const job = this.#jobs.get(id)
    if (!job) throw notFound('This meeting is not in the archive any more.')
    return job
  }

  has(id: string): boolean {
    return this.#jobs.has(id)
  }

  change(id: string, change: Partial<JobView>): JobView {
    this.controls.changeJob(id, change)
    return this.get(id)
  }

  /** Puts a change in place, without news. */
  set(id: string, change: Partial<JobView>): void {
    this.#jobs.set(id, { ...this.get(id), ...copy(change) })
    this.#listed = null
  }

  readonly handlers = {
    meetingsPage: (after, limit) => {
      this.#listed ??= newestFirst(this.all.filter((job) => job.trashed_at === null))
      const from = after === null ? 0 : this.#listed.findIndex(({ key }) => key < after)
      const page = from < 0 ? [] : this.#listed.slice(from, from + limit)
      const last = page.at(-1)
      return {
        meetings: page.map(({ job }) => job),
        next: last && last !== this.#listed.at(-1) ? last.key : null,
      }
    },
    meetingsById: (ids) => ids.map((id) => this.#jobs.get(id)).filter((job) => job !== undefined),
    rename: (id, title, expected) => {
      const now = this.get(id).title
      if (expected !== null && expected !== now)
        throw new CoreError({
          code: 'changed_meanwhile',
          message: `Somebody else has renamed this meeting to “${now}” meanwhile.`,
        })
      return this.change(id, { title })
    },
    bringForward: (id) => {
      const priorities = this.all.map((job) => job.priority)
      this.change(id, { priority: Math.max(...priorities) + 1 })
    },
    retry: (id) => {
      if (this.get(id).status !== 'failed') throw wrongState('This meeting is not stopped.')
      return this.change(id, { status: 'pending', workflow_state: 'queued', error_message: null })
    },
    cancel: (id) => {
      if (!['pending', 'processing'].includes(this.get(id).status))
        throw wrongState('This meeting is not being worked on.')
      return this.change(id, { status: 'failed', workflow_state: 'cancelled' })
    },
    deletion: (id) => {
      const { title } = this.get(id)
      return this.controls.deletions[id] ?? { title, own_exports: 0, kept_exports: [] }
    },
  } satisfies Partial<Handlers>

  readonly controls = {
    /** By meeting, what deleting it would take away; by default nothing but the meeting. */
    deletions: {} as Partial<Record<string, DeletionView>>,
    addJob: (job: JobView): void => {
      this.#jobs.set(job.id, copy(job))
      this.#listed = null
      this.#events.emitNews({ kind: 'job', id: job.id })
    },
    /** Changes a meeting, with news of kind `progress` if only its progress changed. */
    changeJob: (id: string, change: Partial<JobView>): void => {
      this.#jobs.set(id, { ...this.get(id), ...copy(change) })
      this.#listed = null
      const onlyProgress = Object.keys(change).every((key) => key === 'progress')
      this.#events.emitNews({ kind: onlyProgress ? 'progress' : 'job', id })
    },
    removeJob: (id: string): void => {
      this.#jobs.delete(id)
      this.#listed = null
      this.#events.emitNews({ kind: 'job', id })
    },
  }
}

/** The place of a meeting in the list, as text that sorts. */
function keyOf(job: JobView): string {
  return `${new Date(job.recorded_at ?? job.created_at).toISOString()} ${job.id}`
}

function newestFirst(jobs: JobView[]): { key: string; job: JobView }[] {
  const keyed = jobs.map((job) => ({ key: keyOf(job), job }))
  return keyed.sort((a, b) => (a.key < b.key ? 1 : a.key > b.key ? -1 : 0))
}
