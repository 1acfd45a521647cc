/**
 * What the user does to the speakers of the open meeting: naming, merging, assigning words, undo. Each action tells screen
 * readers what it did; if it fails, the meeting shows why.
 */
import { t } from '../lib/messages'
import type { AssignTarget, JobView, SpeakerView, TextSelection } from '../lib/types'
import type { People } from '../people/people.svelte'
import type { SpeakerCommands } from './keys'
import type { Samples } from './samples.svelte'
import { displayName } from './speaker-display'
import type { Speakers } from './speakers.svelte'
import type { Transcript } from './transcript.svelte'

/** What the edits need of the open meeting. */
export type EditedMeeting = {
  readonly id: string
  readonly transcript: Transcript
  readonly speakers: Speakers
  readonly people: People | undefined
  readonly samples: Samples
  update(job: JobView): void
  announce(text: string): void
  attempt(action: () => Promise<void>): Promise<void>
}

export class SpeakerEdits implements SpeakerCommands {
  readonly #meeting: EditedMeeting
  /** The speaker that was named last. */
  #lastNamed = $state<string | null>(null)
  /** The speaker below whom remembering voices is offered; null if it is not offered. */
  offerFor = $derived.by(() => {
    const { people, speakers } = this.#meeting
    const named = speakers.get(this.#lastNamed)
    return people?.mayOffer && speakers.view?.people_enabled === false && named?.name ? named.id : null
  })
  /** Assignments run one after the other: each of them divides the text into segments anew. */
  #assigning: Promise<void> = Promise.resolve()

  constructor(meeting: EditedMeeting) {
    this.#meeting = meeting
  }

  async name(speaker: SpeakerView, name: string | null, personId: string | null): Promise<void> {
    await this.#meeting.attempt(async () => {
      await this.#meeting.speakers.name(speaker.id, name, personId)
      this.#meeting.announce(
        name === null
          ? t('speakers.said.unnamed', { label: speaker.label })
          : t('speakers.said.named', { label: displayName(speaker), name }),
      )
      if (name !== null) this.#lastNamed = speaker.id
    })
  }

  merge(from: SpeakerView, into: SpeakerView): void {
    void this.#meeting.attempt(async () => {
      await this.#meeting.speakers.merge(from.id, into.id)
      this.#meeting.announce(t('speakers.said.merged', { from: displayName(from), into: displayName(into) }))
    })
  }

  /** `selection` is called when earlier assignments are done, as they may have changed the segments. */
  assign(selection: () => TextSelection | null, target: AssignTarget): void {
    const { speakers, transcript } = this.#meeting
    this.#assigning = this.#assigning.then(() =>
      this.#meeting.attempt(async () => {
        const selected = selection()
        if (!selected) return
        await speakers.assign(selected, target)
        const to = target.kind === 'speaker' ? speakers.get(target.id) : null
        this.#meeting.announce(
          to ? t('speakers.said.given', { name: displayName(to) }) : t('speakers.said.given-new'),
        )
        await transcript.fetchAll()
      }),
    )
  }

  /** Gives the speaker the suggested name. */
  async acceptSuggestion(speaker: SpeakerView): Promise<void> {
    const { suggestion } = speaker
    if (suggestion) await this.name(speaker, suggestion.name, suggestion.person_id)
  }

  async refuseSuggestion(speaker: SpeakerView): Promise<void> {
    const { suggestion } = speaker
    if (!suggestion) return
    await this.#meeting.attempt(async () => {
      await this.#meeting.speakers.refuseSuggestion(speaker.id, suggestion.person_id)
      this.#meeting.announce(t('speakers.said.refused', { label: speaker.label, name: suggestion.name }))
    })
  }

  acceptFirstSuggestion = () => {
    const first = this.#meeting.speakers.all.find((one) => one.suggestion !== null)
    if (first) void this.acceptSuggestion(first)
  }

  undo = () => this.#step('undo')
  redo = () => this.#step('redo')

  #step(direction: 'undo' | 'redo'): void {
    const { speakers } = this.#meeting
    const what = speakers.view?.[direction] ?? null
    if (what === null) return this.#meeting.announce(t(`speakers.${direction}.nothing`))
    void this.#meeting.attempt(async () => {
      await speakers[direction]()
      const done = direction === 'undo' ? 'speakers.said.undone' : 'speakers.said.redone'
      this.#meeting.announce(t(done, { what }))
    })
  }

  /** Plays or stops the sample of a speaker's voice. */
  toggleSample(speaker: SpeakerView): void {
    const { id, samples } = this.#meeting
    if (speaker.sample) samples.toggle({ meeting_id: id, ...speaker.sample })
  }

  /** Queues diarization with the number of speakers that was expected before. */
  diarize = () =>
    void this.#meeting.attempt(async () => {
      const { speakers } = this.#meeting
      this.#meeting.update(await speakers.diarizeAgain(speakers.expected))
    })

  /** Turns remembering voices on. Rejects with why that failed. */
  agreeToPeople = async (): Promise<void> => {
    const { people, speakers } = this.#meeting
    if (!people) return
    await people.agree()
    // Only now can the voice be learned: the speaker is named once more.
    const named = speakers.get(this.#lastNamed)
    if (named?.name) await speakers.name(named.id, named.name, null)
  }
}
