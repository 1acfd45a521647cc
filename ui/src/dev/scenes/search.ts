import { sampleSegments, sampleSound, sampleTranscript, speakersOf, type Seed } from '../../lib/memory'
import type { FoundMeeting, Passage, SearchResults } from '../../lib/types'
import { press, pressAt, type } from './actions'
import { first, someMeetings } from './samples'
import type { Scenes } from './scene'
import { conversation, knownPeople, names } from './speaker-samples'

const spoken = someMeetings.map((job, index) => ({
  job,
  lines: conversation(2 + (index % 4), sampleSegments(30 + 12 * index, 400 + 130 * index)).map((line) => ({
    ...line,
    id: `${job.id}-${line.id}`,
  })),
}))

/** An archive in which every meeting has a text and speakers. */
const archive: Seed = {
  jobs: someMeetings,
  window: { hint_dismissed: true },
  people: { enabled: true, people: knownPeople },
  transcripts: Object.fromEntries(spoken.map(({ job, lines }) => [job.id, sampleTranscript(lines)])),
  speakers: Object.fromEntries(spoken.map(({ job, lines }) => [job.id, speakersOf(lines, names)])),
  sound: () => sampleSound(60_000),
}

const withAnswer = (search: Partial<SearchResults>): Seed => ({ ...archive, search })

const FIELD = 'Search everything said'

/** Types into the search; then, once the answer is there, does the rest. */
function search(text: string, ...then: (() => void)[]) {
  type(FIELD, text)
  then.forEach((act, index) => setTimeout(act, 250 * (index + 1)))
}

/** Presses a key where the focus is. */
function key(name: string, modifiers: KeyboardEventInit = {}) {
  const target = document.activeElement ?? document.body
  target.dispatchEvent(
    new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true, ...modifiers }),
  )
}

const talk = `${'So before we come to that, let me say one thing about how we got here, because not everybody was there. '.repeat(3)}The budget for next year is what it is, and nobody in this room wants to open it again.`
const budgetAt = talk.indexOf('budget')

const passage = (change: Partial<Passage>): Passage => ({
  source: 'transcript',
  segment_id: null,
  start_ms: 754_000,
  play_ms: 755_200,
  speaker: 'Anna Østergaard',
  text: '',
  marks: [],
  ...change,
})

/** A meeting with everything a result can have. */
const rich: FoundMeeting = {
  job_id: first.id,
  title: 'Board meeting: the budget for the harbour, with the guests from the city',
  title_marks: [[19, 25]],
  recorded_at: first.recorded_at,
  duration_ms: 5_400_000,
  score: 12,
  passages: [
    passage({ text: talk, marks: [[budgetAt, budgetAt + 6]] }),
    passage({
      source: 'note',
      start_ms: null,
      play_ms: null,
      speaker: null,
      text: 'Budget: Ben sends the table by Friday',
      marks: [[0, 6]],
    }),
  ],
  more: 128,
  in_note: true,
  speakers: [],
}

const unusual: FoundMeeting[] = [
  rich,
  {
    ...rich,
    job_id: someMeetings[1]?.id ?? '',
    title: '研究会 予算',
    title_marks: [[4, 6]],
    passages: [passage({ text: '来年の予算についてお話しします。', marks: [[3, 5]], speaker: '村上さん' })],
    more: 0,
    in_note: true,
  },
  {
    ...rich,
    job_id: someMeetings[2]?.id ?? '',
    title: 'Interview with Ms Budget',
    title_marks: [[18, 24]],
    recorded_at: '2024-12-24T10:00:00+02:00',
    duration_ms: null,
    passages: [],
    more: 0,
    in_note: false,
    speakers: ['Ms Budget'],
  },
]

const one = { total: unusual.length, meetings: unusual }

export const searchScenes: Scenes = {
  'search-start': { seed: archive, then: () => pressAt(`[aria-label="${FIELD}"]`) },
  search: { seed: archive, then: () => search('longer break') },
  'search-kinds': { seed: withAnswer(one), then: () => search('budget') },
  'search-unfolded': {
    seed: archive,
    then: () => search('break', () => pressAt('[data-row$="/more"]')),
  },
  'search-filters': {
    seed: archive,
    then: () =>
      search('speaker:"Anna Østergaard" from:2025-01-01 -tag:draft longer:1h numbers', () =>
        press('Filters'),
      ),
  },
  'search-dates-wrong': {
    seed: archive,
    then: () =>
      search(
        'from:2026-03 numbers',
        () => press('Filters'),
        () => {
          const field = [...document.querySelectorAll<HTMLInputElement>('input')].find(({ id }) =>
            id.endsWith('-to'),
          )
          field?.focus()
          if (field) field.value = 'soon'
          field?.dispatchEvent(new Event('input', { bubbles: true }))
          field?.blur()
        },
      ),
  },
  'search-did-you-mean': {
    seed: withAnswer({ suggestion: 'harbour office' }),
    then: () => search('office'),
  },
  'search-widened': {
    seed: withAnswer({ ...one, widened: true, suggestion: 'budget' }),
    then: () => search('bugdet'),
  },
  'search-common': {
    seed: withAnswer({
      total: 9_120,
      total_is_exact: false,
      best_of_newest: 100,
      preparing: 12,
      hints: ['There is no filter “speakr:”. Did you mean “speaker:”?'],
    }),
    then: () => search('the'),
  },
  'search-none': { seed: archive, then: () => search('"submarine cable"') },
  'search-none-filters': { seed: archive, then: () => search('speaker:nobody lunch') },
  'search-failed': {
    seed: archive,
    then: (client) => {
      client.fail('search', { message: 'The search took longer than 5 s and was stopped.' })
      search('lunch')
    },
  },
  'search-failed-later': {
    seed: archive,
    then: (client) =>
      search(
        'lunch',
        () => client.fail('search'),
        () => type(FIELD, 'lunch break'),
      ),
  },
  'search-waiting': {
    seed: archive,
    then: (client) => {
      client.hold('search')
      search('lunch')
    },
  },
  'search-place': {
    seed: archive,
    then: () => search('longer break', () => pressAt('[data-row$="/0"]')),
  },
  find: {
    seed: archive,
    then: () =>
      search(
        '',
        () => document.querySelector<HTMLElement>(`[role=option][id$="-${first.id}"]`)?.click(),
        () => key('f', { ctrlKey: true }),
        () => type('Find in this meeting', 'that'),
        () => key('Enter'),
      ),
  },
  'find-none': {
    seed: archive,
    then: () =>
      search(
        '',
        () => document.querySelector<HTMLElement>(`[role=option][id$="-${first.id}"]`)?.click(),
        () => key('f', { ctrlKey: true }),
        () => type('Find in this meeting', 'submarine'),
        () => press('Match case'),
      ),
  },
  palette: { seed: archive, then: () => key('k', { ctrlKey: true }) },
  'palette-typed': {
    seed: archive,
    then: () => {
      key('k', { ctrlKey: true })
      setTimeout(() => type('Search, open a meeting, or type a command', 'me'), 250)
    },
  },
  'palette-failed': {
    seed: archive,
    then: (client) => {
      client.fail('search', { message: 'The database does not answer.' })
      key('k', { ctrlKey: true })
      setTimeout(() => type('Search, open a meeting, or type a command', 'harbour'), 250)
    },
  },
}
