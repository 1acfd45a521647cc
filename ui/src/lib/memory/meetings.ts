/** The meetings of the archive and the work on them. */
import type { DeletionView, JobView } from '../types'
import { notFound, wrongState, type Handlers } from './calls'
import { copy } from './copy'
import type { MemoryEvents } from './events'

export type MeetingsSeed = { jobs?: JobView[] }

export class MemoryMeetings {
  readonly #events: MemoryEvents
  readonly #jobs = new Map<string, JobView>()

  constructor(events: MemoryEvents, seed: MeetingsSeed) {
    this.#events = events
    for (const job of seed.jobs ?? []) this.#jobs.set(job.id, copy(job))
  }

  get(id: string): JobView {
    const job = this.#jobs.get(id)
    if (!job) throw notFound('This meeting is not in the archive any more.')
    return job
  }

  change(id: string, change: Partial<JobView>): JobView {
    this.controls.changeJob(id, change)
    return this.get(id)
  }

  readonly handlers = {
    meetings: () => [...this.#jobs.values()].sort((a, b) => b.created_at.localeCompare(a.created_at)),
    meetingsById: (ids) => ids.map((id) => this.#jobs.get(id)).filter((job) => job !== undefined),
    rename: (id, title) => this.change(id, { title }),
    bringForward: (id) => {
      const priorities = [...this.#jobs.values()].map((job) => job.priority)
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
    deleteMeeting: (id) => {
      this.get(id)
      this.controls.removeJob(id)
    },
  } satisfies Partial<Handlers>

  readonly controls = {
    /** By meeting, what deleting it would take away; by default nothing but the meeting. */
    deletions: {} as Partial<Record<string, DeletionView>>,
    addJob: (job: JobView): void => {
      this.#jobs.set(job.id, copy(job))
      this.#events.emitNews({ kind: 'job', id: job.id })
    },
    /** Changes a meeting, with news of kind `progress` if only its progress changed. */
    changeJob: (id: string, change: Partial<JobView>): void => {
      this.#jobs.set(id, { ...this.get(id), ...copy(change) })
      const onlyProgress = Object.keys(change).every((key) => key === 'progress')
      this.#events.emitNews({ kind: onlyProgress ? 'progress' : 'job', id })
    },
    removeJob: (id: string): void => {
      this.#jobs.delete(id)
      this.#events.emitNews({ kind: 'job', id })
    },
  }
}
