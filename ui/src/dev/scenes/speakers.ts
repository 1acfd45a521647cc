import { sampleSegments, sampleSpeakers, sampleTranscript, speakersOf, type Seed } from '../../lib/memory'
import type { JobView, SpeakersView } from '../../lib/types'
import { openAnd, press, pressAt, selectWords, type } from './actions'
import { first, someMeetings, withText } from './samples'
import type { Scenes } from './scene'
import {
  conversation,
  knownPeople,
  names,
  fiveSpeakers,
  fourteenSpeakers,
  withSpeakers,
  withSuggestions,
} from './speaker-samples'
import { doubtful, withVersions } from './version-samples'

/** Opens the first meeting with the speakers pane. */
const openSpeakers = () => openAnd('Speakers')

/** Names a speaker, so that MeetMemo offers to remember the voice. */
function nameSpeaker() {
  openSpeakers()
  setTimeout(() => {
    const field = type('Name of Speaker 3', 'Clara')
    field?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }))
  }, 600)
}

/** The first meeting in this state of diarization, without speakers yet. */
function diarizationIn(state: SpeakersView['state'], change: Partial<JobView> = {}): Seed {
  const job: JobView = { ...first, status: 'processing', workflow_state: 'diarizing', ...change }
  return {
    ...withText,
    jobs: [job, ...someMeetings.slice(1)],
    speakers: { [first.id]: sampleSpeakers({ state, method: null }) },
  }
}

export const speakerScenes: Scenes = {
  'speakers-text': { seed: withSpeakers(fiveSpeakers), then: () => openAnd() },
  'speakers-text-long': {
    seed: withSpeakers(fiveSpeakers, {
      1: { name: knownPeople[2]?.name },
      2: { name: '村上さん' },
      3: { name: 'J' },
    }),
    then: () => openAnd(),
  },
  'speakers-text-many': {
    seed: {
      ...withSpeakers(conversation(9, sampleSegments(15_000))),
    },
    then: () => openAnd(),
  },
  'speakers-text-menu': {
    popup: true,
    seed: withSpeakers(fiveSpeakers),
    then: () => {
      openAnd()
      setTimeout(() => pressAt('[data-name]'), 500)
    },
  },
  'speakers-text-rename': {
    popup: true,
    seed: { ...withSpeakers(fiveSpeakers), people: { enabled: true, people: knownPeople } },
    then: () => {
      openAnd()
      setTimeout(() => pressAt('[data-name]'), 500)
      setTimeout(() => pressAt('[role=menuitem]'), 800)
    },
  },
  'speakers-scrolled': {
    seed: withSpeakers(fiveSpeakers),
    then: () => {
      openAnd()
      setTimeout(() => document.querySelector('.segments .scroller')?.scrollTo(0, 420), 600)
    },
  },
  'speakers-selection': {
    seed: withSpeakers(fiveSpeakers),
    then: () => {
      openAnd()
      setTimeout(selectWords, 500)
    },
  },
  'speakers-selection-many': {
    seed: withSpeakers(fourteenSpeakers),
    then: () => {
      openAnd()
      setTimeout(selectWords, 500)
    },
  },
  'speakers-pane': {
    seed: withSpeakers(fiveSpeakers, names, { undo: 'renamed Speaker 2 to Ben' }),
    then: openSpeakers,
  },
  'speakers-suggestions': { seed: withSuggestions, then: openSpeakers },
  'speakers-typing': {
    popup: true,
    seed: withSuggestions,
    then: () => {
      openSpeakers()
      setTimeout(() => {
        type('Name of Speaker 4', 'an')
      }, 600)
    },
  },
  'speakers-merge': {
    seed: withSpeakers(fiveSpeakers),
    then: () => {
      openSpeakers()
      setTimeout(() => {
        const cards = [...document.querySelectorAll('[data-speaker]')]
        const at = (card: Element | undefined) => {
          const box = card?.getBoundingClientRect()
          return { clientX: (box?.left ?? 0) + 12, clientY: (box?.top ?? 0) + 20, bubbles: true, button: 0 }
        }
        cards[2]?.querySelector('.grip')?.dispatchEvent(new PointerEvent('pointerdown', at(cards[2])))
        window.dispatchEvent(new PointerEvent('pointermove', at(cards[0])))
      }, 600)
    },
  },
  'speakers-offer': { seed: withSpeakers(fiveSpeakers), then: nameSpeaker },
  'speakers-consent': {
    seed: withSpeakers(fiveSpeakers),
    then: () => {
      nameSpeaker()
      setTimeout(() => press('How this works…'), 1_000)
    },
  },
  'speakers-fourteen': { seed: withSpeakers(fourteenSpeakers), then: openSpeakers },
  'speakers-one': {
    seed: withSpeakers(
      conversation(1).map((line) => ({ ...line, speaker_id: 'speaker-1' })),
      {},
    ),
    then: openSpeakers,
  },
  'speakers-none': { seed: withText, then: openSpeakers },
  'speakers-waiting': {
    seed: diarizationIn('waiting', { status: 'pending', workflow_state: 'queued' }),
    then: openSpeakers,
  },
  'speakers-running': {
    seed: diarizationIn('running', {
      progress: {
        audio_done_ms: 750_000,
        audio_total_ms: 2_890_000,
        real_time_factor: 0.04,
        left_ms: 85_000,
        share: 0.89,
      },
    }),
    then: openSpeakers,
  },
  'speakers-failed': {
    seed: {
      ...withText,
      speakers: {
        [first.id]: sampleSpeakers({
          state: 'failed',
          method: null,
          note: 'There was not enough memory to tell the speakers apart. The transcript is complete',
        }),
      },
    },
    then: openSpeakers,
  },
  'speakers-noted': {
    seed: withSpeakers(conversation(4), names, {
      method: 'Sortformer',
      note: 'Sortformer can tell four people apart at most',
    }),
    then: openSpeakers,
  },
  'speakers-again': {
    seed: withSpeakers(fiveSpeakers, names, { expected: { min: 2, max: 6 } }),
    then: () => openAnd('Speakers', 'Detect again…'),
  },
  'speakers-old': {
    seed: {
      ...withVersions,
      transcripts: {
        [first.id]: sampleTranscript(conversation(3, doubtful), { id: 'version-2', version: 2 }),
      },
      speakers: { [first.id]: speakersOf(conversation(3), names) },
      versions: {
        [first.id]: (withVersions.versions?.[first.id] ?? []).map((one) => ({
          ...one,
          lines: conversation(3, one.lines),
        })),
      },
    },
    then: () => openAnd('Versions', 'View version 1', 'Close versions'),
  },
  'speakers-compare': {
    seed: {
      ...withVersions,
      transcripts: {
        [first.id]: sampleTranscript(conversation(3, doubtful), { id: 'version-2', version: 2 }),
      },
      speakers: { [first.id]: speakersOf(conversation(3), names) },
    },
    then: () => openAnd('Versions', 'Compare with current: version 1', 'Close versions'),
  },
}
