/** The corrections of one meeting's speakers, with undo and redo. */
import type { SegmentView, SpeakersView, SpeakerView, TextSelection, AssignTarget } from '../types'
import { sampleSpeaker } from './samples/speakers'
import { turnsOf, withFigures, type SpeakersAndSegments } from './speaker-figures'

/** The speakers of one meeting and the edits that Undo and Redo step through. */
export class SpeakerEdits {
  #undo: { what: string; before: SpeakersAndSegments }[] = []
  #redo: { what: string; after: SpeakersAndSegments }[] = []
  #state: SpeakersAndSegments
  #made = 0

  constructor(view: SpeakersView, segments: SegmentView[]) {
    this.#state = { view, segments }
  }

  get segments(): SegmentView[] {
    return this.#state.segments
  }

  get view(): SpeakersView {
    const undo = this.#undo.at(-1)?.what ?? this.#state.view.undo
    return { ...this.#state.view, undo, redo: this.#redo.at(-1)?.what ?? this.#state.view.redo }
  }

  /** Changes the speakers without a step for Undo. */
  change(change: Partial<SpeakersView>): void {
    this.#state = { ...this.#state, view: { ...this.#state.view, ...change } }
  }

  /** Replaces the segments, as when another version becomes the current one. */
  setSegments(segments: SegmentView[]): void {
    this.#state = { ...this.#state, segments }
  }

  name(id: string, name: string | null, personId: string | null): void {
    const speaker = this.#speaker(id)
    const was = nameOf(speaker)
    this.#do(
      name === null ? `took the name from ${was}` : `renamed ${was} to ${name}`,
      this.#withSpeaker(id, { name, person_id: personId, suggestion: null }),
    )
  }

  merge(from: string, into: string): void {
    const [source, destination] = [this.#speaker(from), this.#speaker(into)]
    const { view, segments } = this.#state
    const speakers = view.speakers.filter((one) => one.id !== from)
    const moved = segments.map((segment) =>
      segment.speaker_id === from ? { ...segment, speaker_id: into } : segment,
    )
    const turns = view.turns.map((turn) => (turn.speaker_id === from ? { ...turn, speaker_id: into } : turn))
    this.#do(
      `merged ${nameOf(source)} into ${nameOf(destination)}`,
      withFigures({ ...view, speakers, turns }, moved),
    )
  }

  add(name: string | null): string {
    const { view, segments } = this.#state
    const speaker = this.#newSpeaker(name)
    this.#do(`added ${nameOf(speaker)}`, {
      view: { ...view, speakers: [...view.speakers, speaker] },
      segments,
    })
    return speaker.id
  }

  assign(selection: TextSelection, target: AssignTarget): void {
    const { view, segments } = this.#state
    const added = target.kind === 'new' ? this.#newSpeaker(null) : null
    const speakers = added ? [...view.speakers, added] : view.speakers
    const to = added ?? (target.kind === 'speaker' ? this.#speaker(target.id) : null)
    const split = withAssignment(segments, selection, to?.id ?? null, () => `cut-${++this.#made}`)
    const turns = turnsOf(split)
    this.#do(
      `assigned words to ${to ? nameOf(to) : 'nobody'}`,
      withFigures({ ...view, speakers, turns }, split),
    )
  }

  refuse(id: string): void {
    this.#state = this.#withSpeaker(id, { suggestion: null })
  }

  undo(): void {
    const last = this.#undo.pop()
    if (!last) return
    this.#redo.push({ what: last.what, after: this.#state })
    this.#state = last.before
  }

  redo(): void {
    const last = this.#redo.pop()
    if (!last) return
    this.#undo.push({ what: last.what, before: this.#state })
    this.#state = last.after
  }

  #do(what: string, state: SpeakersAndSegments): void {
    this.#undo.push({ what, before: this.#state })
    this.#redo = []
    this.#state = state
  }

  #speaker(id: string): SpeakerView {
    const speaker = this.#state.view.speakers.find((one) => one.id === id)
    if (!speaker) throw new Error(`there is no speaker ${id}`)
    return speaker
  }

  #withSpeaker(id: string, change: Partial<SpeakerView>): SpeakersAndSegments {
    const { view, segments } = this.#state
    const speakers = view.speakers.map((one) => (one.id === id ? { ...one, ...change } : one))
    return { view: { ...view, speakers }, segments }
  }

  #newSpeaker(name: string | null): SpeakerView {
    const number = Math.max(0, ...this.#state.view.speakers.map((one) => one.number)) + 1
    return sampleSpeaker(number, { id: `speaker-new-${++this.#made}`, name, sample: null })
  }
}

function nameOf(speaker: SpeakerView): string {
  return speaker.name ?? speaker.label
}

/** Splits the segments where `selection` begins and ends, and assigns all between to `speakerId`. */
function withAssignment(
  segments: SegmentView[],
  selection: TextSelection,
  speakerId: string | null,
  newId: () => string,
): SegmentView[] {
  const from = segments.findIndex((segment) => segment.id === selection.from_line)
  const to = segments.findIndex((segment) => segment.id === selection.to_line)
  if (from < 0 || to < from) throw new Error('there are no such segments')
  return segments.flatMap((segment, index) => {
    if (index < from || index > to) return [segment]
    const begin = index === from ? selection.from_char : 0
    const end = index === to ? (selection.to_char ?? segment.text.length) : segment.text.length
    const parts: [number, number, boolean][] = [
      [0, begin, false],
      [begin, end, true],
      [end, segment.text.length, false],
    ]
    const time = (char: number) =>
      segment.start_ms +
      Math.round(((segment.end_ms - segment.start_ms) * char) / Math.max(1, segment.text.length))
    return parts.flatMap(([first, last, mine]) => {
      const text = segment.text.slice(first, last).trim()
      if (text === '') return []
      const part = { ...segment, id: newId(), start_ms: time(first), end_ms: time(last), text }
      return [mine ? { ...part, speaker_id: speakerId, assigned: true } : part]
    })
  })
}
