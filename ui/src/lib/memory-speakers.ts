/** Speakers of meetings and known people as the client in memory has them. */
import type {
  LineView,
  PeopleView,
  PersonView,
  SpeakersView,
  SpeakerView,
  Stretch,
  TurnView,
  Whom,
} from './types'

/** What is said in a meeting and by whom. */
export type Told = { view: SpeakersView; lines: LineView[] }

/** A meeting's speakers, with what can be taken back. */
export class MemorySpeakers {
  #undo: { what: string; before: Told }[] = []
  #redo: { what: string; after: Told }[] = []
  #told: Told
  #made = 0

  constructor(view: SpeakersView, lines: LineView[]) {
    this.#told = { view, lines }
  }

  get lines(): LineView[] {
    return this.#told.lines
  }

  get view(): SpeakersView {
    const undo = this.#undo.at(-1)?.what ?? this.#told.view.undo
    return { ...this.#told.view, undo, redo: this.#redo.at(-1)?.what ?? this.#told.view.redo }
  }

  /** Puts something in place that cannot be taken back. */
  change(change: Partial<SpeakersView>): void {
    this.#told = { ...this.#told, view: { ...this.#told.view, ...change } }
  }

  /** Other lines, as of another version. */
  setLines(lines: LineView[]): void {
    this.#told = { ...this.#told, lines }
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
    const [gone, kept] = [this.#speaker(from), this.#speaker(into)]
    const { view, lines } = this.#told
    const speakers = view.speakers.filter((one) => one.id !== from)
    const moved = lines.map((line) => (line.speaker_id === from ? { ...line, speaker_id: into } : line))
    const turns = view.turns.map((turn) => (turn.speaker_id === from ? { ...turn, speaker_id: into } : turn))
    this.#do(`merged ${nameOf(gone)} into ${nameOf(kept)}`, counted({ ...view, speakers, turns }, moved))
  }

  add(name: string | null): string {
    const { view, lines } = this.#told
    const speaker = this.#newSpeaker(name)
    this.#do(`added ${nameOf(speaker)}`, { view: { ...view, speakers: [...view.speakers, speaker] }, lines })
    return speaker.id
  }

  assign(stretch: Stretch, whom: Whom): void {
    const { view, lines } = this.#told
    const added = whom.kind === 'new' ? this.#newSpeaker(null) : null
    const speakers = added ? [...view.speakers, added] : view.speakers
    const to = added ?? (whom.kind === 'speaker' ? this.#speaker(whom.id) : null)
    const cut = given(lines, stretch, to?.id ?? null, () => `cut-${++this.#made}`)
    const turns = turnsOf(cut)
    this.#do(`gave words to ${to ? nameOf(to) : 'nobody'}`, counted({ ...view, speakers, turns }, cut))
  }

  refuse(id: string): void {
    this.#told = this.#withSpeaker(id, { suggestion: null })
  }

  undo(): void {
    const last = this.#undo.pop()
    if (!last) return
    this.#redo.push({ what: last.what, after: this.#told })
    this.#told = last.before
  }

  redo(): void {
    const last = this.#redo.pop()
    if (!last) return
    this.#undo.push({ what: last.what, before: this.#told })
    this.#told = last.after
  }

  #do(what: string, told: Told): void {
    this.#undo.push({ what, before: this.#told })
    this.#redo = []
    this.#told = told
  }

  #speaker(id: string): SpeakerView {
    const speaker = this.#told.view.speakers.find((one) => one.id === id)
    if (!speaker) throw new Error(`there is no speaker ${id}`)
    return speaker
  }

  #withSpeaker(id: string, change: Partial<SpeakerView>): Told {
    const { view, lines } = this.#told
    const speakers = view.speakers.map((one) => (one.id === id ? { ...one, ...change } : one))
    return { view: { ...view, speakers }, lines }
  }

  #newSpeaker(name: string | null): SpeakerView {
    const number = Math.max(0, ...this.#told.view.speakers.map((one) => one.number)) + 1
    return sampleSpeaker(number, { id: `speaker-new-${++this.#made}`, name, sample: null })
  }
}

function nameOf(speaker: SpeakerView): string {
  return speaker.name ?? speaker.label
}

/** The lines, cut where the stretch begins and ends, and all between given to `speakerId`. */
function given(
  lines: LineView[],
  stretch: Stretch,
  speakerId: string | null,
  newId: () => string,
): LineView[] {
  const from = lines.findIndex((line) => line.id === stretch.from_line)
  const to = lines.findIndex((line) => line.id === stretch.to_line)
  if (from < 0 || to < from) throw new Error('there are no such lines')
  return lines.flatMap((line, index) => {
    if (index < from || index > to) return [line]
    const begin = index === from ? stretch.from_char : 0
    const end = index === to ? (stretch.to_char ?? line.text.length) : line.text.length
    const parts: [number, number, boolean][] = [
      [0, begin, false],
      [begin, end, true],
      [end, line.text.length, false],
    ]
    const time = (char: number) =>
      line.start_ms + Math.round(((line.end_ms - line.start_ms) * char) / Math.max(1, line.text.length))
    return parts.flatMap(([first, last, mine]) => {
      const text = line.text.slice(first, last).trim()
      if (text === '') return []
      const part = { ...line, id: newId(), start_ms: time(first), end_ms: time(last), text }
      return [mine ? { ...part, speaker_id: speakerId, assigned: true } : part]
    })
  })
}

/** A turn for every run of lines of one speaker, and for everybody else who speaks during a line. */
export function turnsOf(lines: LineView[]): TurnView[] {
  const turns: TurnView[] = []
  let last: TurnView | undefined
  for (const { speaker_id, start_ms, end_ms, also } of lines) {
    if (speaker_id === null) last = undefined
    else if (last && last.speaker_id === speaker_id) last.end_ms = end_ms
    else {
      last = { start_ms, end_ms, speaker_id, confidence: 0.9, overlap: also.length > 0 }
      turns.push(last)
    }
    for (const other of also)
      turns.push({ start_ms, end_ms, speaker_id: other, confidence: 0.5, overlap: true })
  }
  return turns
}

/** The figures of all speakers as they follow from the lines; without lines they stay. */
function counted(view: SpeakersView, lines: LineView[]): Told {
  if (lines.length === 0) return { view, lines }
  const ms = (all: LineView[]) => all.reduce((sum, line) => sum + line.end_ms - line.start_ms, 0)
  const words = (all: LineView[]) => all.reduce((sum, line) => sum + line.text.split(/\s+/).length, 0)
  const speech = ms(lines.filter((line) => line.speaker_id !== null))
  const speakers = view.speakers.map((speaker): SpeakerView => {
    const own = lines.filter((line) => line.speaker_id === speaker.id)
    const spoke = ms(own)
    const first = own.find((line) => line.end_ms - line.start_ms > 1_000) ?? own[0]
    return {
      ...speaker,
      speech_ms: spoke,
      share: speech === 0 ? 0 : spoke / speech,
      turns: view.turns.filter((turn) => turn.speaker_id === speaker.id).length,
      words: words(own),
      words_per_minute: spoke === 0 ? null : Math.round(words(own) / (spoke / 60_000)),
      sample: first
        ? { start_ms: first.start_ms, end_ms: Math.min(first.end_ms, first.start_ms + 8_000) }
        : null,
    }
  })
  const unknown = words(lines.filter((line) => line.speaker_id === null))
  const all = (lines.at(-1)?.end_ms ?? 0) - ms(lines)
  return { view: { ...view, speakers, unknown_words: unknown, silence_ms: Math.max(0, all) }, lines }
}

// Samples

export function sampleSpeaker(number: number, change: Partial<SpeakerView> = {}): SpeakerView {
  return {
    id: `speaker-${number}`,
    label: `Speaker ${number}`,
    name: null,
    number,
    person_id: null,
    speech_ms: 0,
    share: 0,
    turns: 0,
    words: 0,
    words_per_minute: null,
    sample: null,
    suggestion: null,
    ...change,
  }
}

export function sampleSpeakers(change: Partial<SpeakersView> = {}): SpeakersView {
  return {
    state: 'done',
    note: null,
    method: 'Voices on this computer',
    expected: { min: null, max: null },
    speakers: [],
    turns: [],
    silence_ms: 0,
    unknown_words: 0,
    undo: null,
    redo: null,
    people_enabled: false,
    ...change,
  }
}

/** Lines given to these speakers in turn, a few lines each; null is nobody. */
export function spoken(lines: LineView[], order: (number | null)[], each = 2): LineView[] {
  return lines.map((line, index) => {
    const number = order[Math.floor(index / each) % order.length] ?? null
    return { ...line, speaker_id: number === null ? null : `speaker-${number}` }
  })
}

/** The speakers of these lines with all their figures; `named` by number. */
export function speakersOf(
  lines: LineView[],
  named: Record<number, Partial<SpeakerView>> = {},
  change: Partial<SpeakersView> = {},
): SpeakersView {
  const ids = [...new Set(lines.map((line) => line.speaker_id).filter((id) => id !== null))]
  const numbers = ids.map((id) => Number(id.replace('speaker-', ''))).sort((a, b) => a - b)
  const speakers = numbers.map((number) => sampleSpeaker(number, named[number]))
  return counted(sampleSpeakers({ speakers, turns: turnsOf(lines), ...change }), lines).view
}

export function samplePerson(number: number, change: Partial<PersonView> = {}): PersonView {
  return {
    id: `person-${number}`,
    name: `Person ${number}`,
    voices: 1,
    outdated: false,
    samples: [],
    meetings: [],
    ...change,
  }
}

export function samplePeople(change: Partial<PeopleView> = {}): PeopleView {
  return { enabled: false, automatic: false, people: [], ...change }
}
