/** Speakers that tests and the page of states show. */
import type { SegmentView, SpeakersView, SpeakerView } from '../../types'
import { turnsOf, withFigures } from '../speaker-figures'

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

/** Segments assigned to these speakers in turn, `each` segments at a time; null is an unknown speaker. */
export function spokenBy(lines: SegmentView[], order: (number | null)[], each = 2): SegmentView[] {
  return lines.map((line, index) => {
    const number = order[Math.floor(index / each) % order.length] ?? null
    return { ...line, speaker_id: number === null ? null : `speaker-${number}` }
  })
}

/** The speakers of these segments with all their figures; `named` changes them by number. */
export function speakersOf(
  lines: SegmentView[],
  named: Record<number, Partial<SpeakerView>> = {},
  change: Partial<SpeakersView> = {},
): SpeakersView {
  const ids = [...new Set(lines.map((line) => line.speaker_id).filter((id) => id !== null))]
  const numbers = ids.map((id) => Number(id.replace('speaker-', ''))).sort((a, b) => a - b)
  const speakers = numbers.map((number) => sampleSpeaker(number, named[number]))
  return withFigures(sampleSpeakers({ speakers, turns: turnsOf(lines), ...change }), lines).view
}
