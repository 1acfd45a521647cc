/** The speakers of meetings: the commands that show and correct them. */
import type { SpeakersView } from '../types'
import type { Handlers } from './calls'
import { copy } from './copy'
import type { MemoryEvents } from './events'
import type { MemoryMeetings } from './meetings'
import type { MemoryPeople } from './people'
import { sampleSpeakers } from './samples/speakers'
import { SpeakerEdits } from './speaker-edits'
import type { MemoryTranscripts } from './transcripts'

export type SpeakersSeed = {
  /** By meeting; by default the speakers are not known yet. */
  speakers?: Record<string, SpeakersView>
}

export class MemorySpeakers {
  readonly #events: MemoryEvents
  readonly #meetings: MemoryMeetings
  readonly #transcripts: MemoryTranscripts
  readonly #people: MemoryPeople
  readonly #all = new Map<string, SpeakerEdits>()

  constructor(
    events: MemoryEvents,
    meetings: MemoryMeetings,
    transcripts: MemoryTranscripts,
    people: MemoryPeople,
    seed: SpeakersSeed,
  ) {
    this.#events = events
    this.#meetings = meetings
    this.#transcripts = transcripts
    this.#people = people
    for (const [id, view] of Object.entries(seed.speakers ?? {}))
      this.#all.set(id, new SpeakerEdits(copy(view), transcripts.lines(id)))
  }

  readonly handlers = {
    speakers: (meetingId) => this.#view(meetingId),
    nameSpeaker: (meetingId, speakerId, name, personId) =>
      this.#edit(meetingId, (edits) =>
        edits.name(speakerId, name, this.#people.learn(meetingId, name, personId)),
      ),
    mergeSpeakers: (meetingId, from, into) => this.#edit(meetingId, (edits) => edits.merge(from, into)),
    addSpeaker: (meetingId, name) => this.#edit(meetingId, (edits) => edits.add(name)),
    assign: (meetingId, selection, target) =>
      this.#edit(meetingId, (edits) => edits.assign(selection, target)),
    undoSpeakers: (meetingId) => this.#edit(meetingId, (edits) => edits.undo()),
    redoSpeakers: (meetingId) => this.#edit(meetingId, (edits) => edits.redo()),
    rerunSpeakers: (meetingId, expected) => {
      this.controls.setSpeakers(meetingId, { state: 'waiting', note: null, expected })
      return this.#meetings.change(meetingId, { status: 'pending', workflow_state: 'queued' })
    },
    refuseSuggestion: (meetingId, speakerId) => this.#edit(meetingId, (edits) => edits.refuse(speakerId)),
  } satisfies Partial<Handlers>

  readonly controls = {
    /** Changes the speakers of a meeting as diarization does, which cannot be undone. */
    setSpeakers: (id: string, change: Partial<SpeakersView>): void => {
      this.#of(id).change(copy(change))
      this.#events.emitNews({ kind: 'speakers', id })
      this.#events.emitNews({ kind: 'lines', id })
    },
  }

  #of(meetingId: string): SpeakerEdits {
    let edits = this.#all.get(meetingId)
    if (!edits) {
      const unknown = sampleSpeakers({ state: 'none', method: null })
      edits = new SpeakerEdits(unknown, this.#transcripts.lines(meetingId))
      this.#all.set(meetingId, edits)
    }
    return edits
  }

  #view(meetingId: string): SpeakersView {
    this.#meetings.get(meetingId)
    return { ...this.#of(meetingId).view, people_enabled: this.#people.enabled }
  }

  /** Corrects the speakers of the current transcript and sends the news of it. */
  #edit(meetingId: string, edit: (edits: SpeakerEdits) => void): SpeakersView {
    const edits = this.#of(meetingId)
    const transcript = this.#transcripts.get(meetingId)
    if (transcript) edits.setSegments(transcript.lines)
    edit(edits)
    this.#transcripts.setLines(meetingId, edits.segments)
    this.#events.emitNews({ kind: 'speakers', id: meetingId })
    if (transcript && edits.segments !== transcript.lines)
      this.#events.emitNews({ kind: 'lines', id: meetingId })
    return this.#view(meetingId)
  }
}
