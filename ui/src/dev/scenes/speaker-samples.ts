/** Meetings with several speakers, and known people. */
import {
  samplePerson,
  sampleSound,
  sampleTranscript,
  speakersOf,
  spokenBy,
  type Seed,
} from '../../lib/memory'
import type { SegmentView, SpeakersView } from '../../lib/types'
import { someMeetings, first, lines, withText } from './samples'

/** Lines of `count` speakers, with rare cases among them: unknown speaker, overlapping speech, assigned by hand. */
export function conversation(count: number, all: SegmentView[] = lines): SegmentView[] {
  const order = [1, 2, 1, 3, 1, 2, 4, 5, 1, null, 2, 6, 7, 8, 9, 10, 11, 12, 13, 14]
  const fitting = order.filter((number) => number === null || number <= count)
  return spokenBy(all, fitting, 3).map((line, index) => ({
    ...line,
    also: index % 13 === 4 ? [`speaker-${line.speaker_id === 'speaker-1' ? 2 : 1}`] : [],
    assigned: index === 7,
  }))
}

export const knownPeople = [
  samplePerson(1, {
    name: 'Anna Østergaard',
    voices: 4,
    samples: someMeetings.slice(1, 4).map((job) => ({ meeting_id: job.id, start_ms: 2_000, end_ms: 8_000 })),
    meetings: someMeetings.slice(1, 8).map(({ id, title }) => ({ id, title })),
  }),
  samplePerson(2, {
    name: 'Ben',
    samples: someMeetings
      .slice(2, 3)
      .map((job) => ({ meeting_id: job.id, start_ms: 20_000, end_ms: 26_000 })),
    meetings: someMeetings.slice(2, 3).map(({ id, title }) => ({ id, title })),
  }),
  samplePerson(3, {
    name: 'Professor Dr Annegret von Hohenstein-Westerwelle the Younger of the Department of Tides',
    voices: 2,
  }),
  samplePerson(4, { name: '村上さん', voices: 0, outdated: true }),
]

export const names = { 1: { name: 'Anna Østergaard', person_id: 'person-1' }, 2: { name: 'Ben' } }
export const fiveSpeakers = conversation(5)
export const fourteenSpeakers = conversation(14)

export function withSpeakers(
  all: SegmentView[],
  named: Parameters<typeof speakersOf>[1] = names,
  change: Partial<SpeakersView> = {},
  seed: Seed = {},
): Seed {
  return {
    ...withText,
    jobs: someMeetings.map((job) =>
      job === first ? { ...job, duration_ms: (all.at(-1)?.end_ms ?? 0) + 900 } : job,
    ),
    window: { hint_dismissed: true },
    sound: () => sampleSound(Math.min(1_200_000, all.at(-1)?.end_ms ?? 0)),
    transcripts: { [first.id]: sampleTranscript(all) },
    speakers: { [first.id]: speakersOf(all, named, change) },
    ...seed,
  }
}

export const withSuggestions = withSpeakers(
  fiveSpeakers,
  {
    1: {
      suggestion: {
        person_id: 'person-1',
        name: 'Anna Østergaard',
        percent: 87,
        sample: { meeting_id: someMeetings[1]?.id ?? '', start_ms: 2_000, end_ms: 8_000 },
      },
    },
    2: { name: 'Ben', person_id: 'person-2' },
    3: {
      suggestion: { person_id: 'person-3', name: knownPeople[2]?.name ?? '', percent: 61, sample: null },
    },
  },
  {},
  { people: { enabled: true, people: knownPeople } },
)
