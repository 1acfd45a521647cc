/** The current transcript of each meeting, its audio and the clipboard. */
import type { SegmentView } from '../types'
import type { Handlers } from './calls'
import { copy } from './copy'
import type { Desktop } from './desktop'
import type { MemoryEvents } from './events'
import type { MemoryMeetings } from './meetings'
import { sampleFacts } from './samples/transcripts'
import type { Transcript } from './stored'

export type TranscriptsSeed = {
  /** By meeting. */
  transcripts?: Record<string, Transcript>
  /** The address of a meeting's audio; null where it is missing. */
  sound?: (meetingId: string) => string | null
}

export class MemoryTranscripts {
  readonly #events: MemoryEvents
  readonly #meetings: MemoryMeetings
  readonly #desktop: Desktop
  readonly #all = new Map<string, Transcript>()
  #sound: (meetingId: string) => string | null

  constructor(events: MemoryEvents, meetings: MemoryMeetings, desktop: Desktop, seed: TranscriptsSeed) {
    this.#events = events
    this.#meetings = meetings
    this.#desktop = desktop
    for (const [id, transcript] of Object.entries(seed.transcripts ?? {})) this.#all.set(id, copy(transcript))
    this.#sound = seed.sound ?? ((id) => `memory:/sound/${id}`)
  }

  get(meetingId: string): Transcript | undefined {
    return this.#all.get(meetingId)
  }

  lines(meetingId: string): SegmentView[] {
    return this.#all.get(meetingId)?.lines ?? []
  }

  /** Puts other lines in place, without news. */
  setLines(meetingId: string, lines: SegmentView[]): void {
    const transcript = this.#all.get(meetingId)
    if (transcript) this.#all.set(meetingId, { ...transcript, lines })
  }

  readonly handlers = {
    meeting: (id, fromMs) => {
      const transcript = this.#all.get(id)
      return {
        job: this.#meetings.get(id),
        transcript: transcript?.facts ?? null,
        lines: this.lines(id).filter((line) => line.start_ms >= fromMs),
        settled_ms: transcript?.settledMs ?? 0,
      }
    },
    sound: (id) => (this.#meetings.get(id).is_here ? this.#sound(id) : null),
    copyTranscript: (id, { markdown, times, span }) => {
      this.#meetings.get(id)
      const [from, to] = span ?? [0, Infinity]
      this.#desktop.clipboard = this.lines(id)
        .filter((line) => line.start_ms >= from && line.start_ms < to)
        .map(({ start_ms, text }) =>
          [times ? start_ms : '', markdown ? `**${text}**` : text].join(' ').trim(),
        )
        .join('\n')
    },
    copyText: (text) => {
      this.#desktop.clipboard = text
    },
  } satisfies Partial<Handlers>

  readonly controls = {
    /**
     * Adds lines as they are recognised; they replace all that begin at the first of them or later. The last line may
     * still change, unless `complete` or `settledMs` say otherwise.
     */
    addSegments: (
      id: string,
      lines: SegmentView[],
      how: { complete?: boolean; settledMs?: number } = {},
    ): void => {
      const before = this.#all.get(id)
      const from = lines[0]?.start_ms ?? Infinity
      const all = [...(before?.lines ?? []).filter((line) => line.start_ms < from), ...copy(lines)]
      const last = all.at(-1)
      const complete = how.complete ?? false
      const settledMs = how.settledMs ?? (complete ? last?.end_ms : last?.start_ms) ?? 0
      const facts = { ...(before?.facts ?? sampleFacts(`${id}/1`)), complete }
      this.#all.set(id, { facts, lines: all, settledMs })
      this.#events.emitNews({ kind: 'transcript', id: facts.id })
    },
    /** Makes another version of the transcript the current one. */
    setTranscript: (id: string, transcript: Transcript): void => {
      this.#all.set(id, copy(transcript))
      this.#events.emitNews({ kind: 'transcript', id: transcript.facts.id })
      this.#events.emitNews({ kind: 'job', id })
    },
    setSound: (sound: (meetingId: string) => string | null): void => {
      this.#sound = sound
    },
  }
}
