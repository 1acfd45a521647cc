/** The versions of transcripts, and transcribing again. */
import type { TranscriptionOptions } from '../types'
import { notFound, type Handlers } from './calls'
import { compare } from './compare'
import { copy } from './copy'
import type { MemoryMeetings } from './meetings'
import { supported, type MemoryModels } from './models'
import { factsOf, versionOf } from './samples/versions'
import type { Version } from './stored'
import type { MemoryTranscripts } from './transcripts'

export type VersionsSeed = {
  /** By meeting, newest first; by default the current transcript. */
  versions?: Record<string, Version[]>
}

export class MemoryVersions {
  readonly #meetings: MemoryMeetings
  readonly #transcripts: MemoryTranscripts
  readonly #models: MemoryModels
  readonly #all = new Map<string, Version[]>()
  readonly #choices = new Map<string, TranscriptionOptions>()

  constructor(
    meetings: MemoryMeetings,
    transcripts: MemoryTranscripts,
    models: MemoryModels,
    seed: VersionsSeed,
  ) {
    this.#meetings = meetings
    this.#transcripts = transcripts
    this.#models = models
    for (const [id, versions] of Object.entries(seed.versions ?? {})) this.#all.set(id, copy(versions))
  }

  readonly handlers = {
    transcriptionOptions: (meetingId) => this.#choices.get(meetingId) ?? this.#models.defaults,
    transcribeAgain: (meetingId, choice) => {
      const model = this.#models.usable(choice.model)
      this.#choices.set(meetingId, supported(choice, model))
      return this.#meetings.change(meetingId, {
        status: 'pending',
        workflow_state: 'queued',
        error_message: null,
        model: model.id,
        model_title: model.title,
        model_missing: false,
      })
    },
    versions: (meetingId) => this.#versionsOf(meetingId).map((version) => version.view),
    versionPage: (meetingId, versionId) => {
      const { view, lines } = this.#get(meetingId, versionId)
      return {
        job: this.#meetings.get(meetingId),
        transcript: factsOf(view),
        lines,
        settled_ms: lines.at(-1)?.end_ms ?? 0,
      }
    },
    compareVersions: (meetingId, left, right) =>
      compare(this.#get(meetingId, left), this.#get(meetingId, right)),
    makeCurrent: (meetingId, versionId) => {
      const { view, lines } = this.#get(meetingId, versionId)
      this.#all.set(
        meetingId,
        this.#versionsOf(meetingId).map((one) => ({
          ...one,
          view: { ...one.view, current: one.view.id === versionId },
        })),
      )
      const settledMs = lines.at(-1)?.end_ms ?? 0
      this.#transcripts.controls.setTranscript(meetingId, { facts: factsOf(view), lines, settledMs })
      return this.#meetings.change(meetingId, { model: view.model, model_title: view.model_title })
    },
  } satisfies Partial<Handlers>

  #versionsOf(meetingId: string): Version[] {
    const known = this.#all.get(meetingId)
    if (known) return known
    const transcript = this.#transcripts.get(meetingId)
    return transcript
      ? [{ view: versionOf(transcript.facts, transcript.lines), lines: transcript.lines }]
      : []
  }

  #get(meetingId: string, versionId: string): Version {
    const version = this.#versionsOf(meetingId).find((one) => one.view.id === versionId)
    if (!version) throw notFound('This version is not there any more.')
    return version
  }
}
