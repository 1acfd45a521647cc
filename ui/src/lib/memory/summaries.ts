/** Summaries of meetings. */
import type { SummaryView } from '../types'
import { notFound, type Handlers } from './calls'
import { copy } from './copy'
import type { MemoryEvents } from './events'
import type { MemoryMeetings } from './meetings'
import { sampleSummary } from './samples/summaries'
import type { MemoryTranscripts } from './transcripts'

export type SummariesSeed = {
  /** Summaries by the id of their meeting, newest first. */
  summaries?: Record<string, SummaryView[]>
}

export class MemorySummaries {
  readonly #events: MemoryEvents
  readonly #meetings: MemoryMeetings
  readonly #transcripts: MemoryTranscripts
  readonly #all = new Map<string, SummaryView[]>()

  constructor(
    events: MemoryEvents,
    meetings: MemoryMeetings,
    transcripts: MemoryTranscripts,
    seed: SummariesSeed,
  ) {
    this.#events = events
    this.#meetings = meetings
    this.#transcripts = transcripts
    for (const [id, all] of Object.entries(seed.summaries ?? {})) this.#all.set(id, copy(all))
  }

  readonly handlers = {
    summaries: (id) => {
      this.#meetings.get(id)
      return copy(this.#of(id))
    },
    extractSummary: (id) => {
      this.#meetings.get(id)
      const [newest] = this.#of(id)
      if (newest && !newest.is_out_of_date && newest.edited_at === null) return copy(newest)
      const made = sampleSummary(id, this.#transcripts.lines(id), { summary_id: this.#events.newId() })
      this.#set(id, [made, ...this.#of(id)])
      return copy(made)
    },
    editSummary: (summaryId, { section, statement, text, revision }) => {
      const [id, summary] = this.#find(summaryId)
      if (summary.revision !== revision) return { saved: false, summary: copy(summary) }
      const sections = summary.sections.map((one, at) => {
        if (at !== section) return one
        const statements = one.statements.flatMap((old, index) => {
          if (index !== statement) return [old]
          return text === '' ? [] : [{ ...old, text, edited: true }]
        })
        return { ...one, statements }
      })
      const changed = {
        ...summary,
        sections: sections.filter(({ statements }) => statements.length > 0),
        revision: revision + 1,
        edited_at: '2026-03-03T12:00:00.000Z',
      }
      this.#set(
        id,
        this.#of(id).map((one) => (one === summary ? changed : one)),
      )
      return { saved: true, summary: copy(changed) }
    },
    deleteSummary: (summaryId) => {
      const [id, summary] = this.#find(summaryId)
      this.#set(
        id,
        this.#of(id).filter((one) => one !== summary),
      )
    },
  } satisfies Partial<Handlers>

  readonly controls = {
    /** The transcript of a meeting changed after its summaries were made. */
    outdateSummaries: (id: string, changed: SummaryView['changed']): void => {
      this.#set(
        id,
        this.#of(id).map((one) => ({ ...one, is_out_of_date: true, changed })),
      )
    },
  }

  #of(id: string): SummaryView[] {
    return this.#all.get(id) ?? []
  }

  #set(id: string, all: SummaryView[]): void {
    this.#all.set(id, all)
    this.#events.emitNews({ kind: 'summaries', id })
  }

  #find(summaryId: string): [string, SummaryView] {
    for (const [id, all] of this.#all) {
      const summary = all.find(({ summary_id }) => summary_id === summaryId)
      if (summary) return [id, summary]
    }
    throw notFound('There is no such summary. It may have been deleted meanwhile.')
  }
}
