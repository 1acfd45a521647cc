import { sampleSegments, sampleSound, sampleTranscript } from '../../lib/memory'
import { open } from './actions'
import {
  someMeetings,
  first,
  transcribing,
  diarizing,
  finishing,
  waiting,
  failed,
  stopped,
  elsewhere,
  lines,
  withText,
  modelMissing,
  small,
  withSmall,
} from './samples'
import type { Scenes } from './scene'

export const meetingScenes: Scenes = {
  meeting: { seed: withText, then: () => open(first.id) },
  'meeting-working': {
    seed: {
      jobs: [transcribing, ...waiting(2), ...someMeetings],
      transcripts: {
        [transcribing.id]: {
          ...sampleTranscript(lines.slice(0, 30), { complete: false }),
          settledMs: 700_000,
        },
      },
      sound: () => sampleSound(transcribing.duration_ms ?? 60_000),
    },
    then: () => open(transcribing.id),
  },
  'meeting-working-again': {
    seed: {
      jobs: [{ ...transcribing, model: small, model_title: 'Whisper small' }, ...someMeetings],
      models: withSmall,
      transcripts: { [transcribing.id]: sampleTranscript(lines) },
      sound: () => sampleSound(60_000),
    },
    then: () => open(transcribing.id),
  },
  'meeting-diarizing': {
    seed: {
      jobs: [diarizing, ...someMeetings],
      transcripts: { [diarizing.id]: sampleTranscript(lines, { complete: false }) },
      sound: () => sampleSound(60_000),
    },
    then: () => open(diarizing.id),
  },
  'meeting-finishing': {
    seed: {
      jobs: [finishing, ...someMeetings],
      transcripts: { [finishing.id]: sampleTranscript(lines, { complete: false }) },
      sound: () => sampleSound(60_000),
    },
    then: () => open(finishing.id),
  },
  'meeting-languages': {
    seed: {
      ...withText,
      transcripts: {
        [first.id]: sampleTranscript(lines, { other_languages: [{ start_ms: 60_000, language: 'de' }] }),
      },
    },
    then: () => open(first.id),
  },
  'meeting-languages-many': {
    seed: {
      ...withText,
      transcripts: {
        [first.id]: sampleTranscript(lines, {
          other_languages: ['de', 'fr', 'de', 'de', 'fr'].map((spoken, index) => ({
            start_ms: (index + 1) * 40_000,
            language: spoken,
          })),
        }),
      },
    },
    then: () => open(first.id),
  },
  'meeting-failed': { seed: { jobs: [failed, ...someMeetings] }, then: () => open(failed.id) },
  'meeting-stopped': { seed: { jobs: [stopped, ...someMeetings] }, then: () => open(stopped.id) },
  'meeting-elsewhere': {
    seed: { jobs: [elsewhere, ...someMeetings], transcripts: { [elsewhere.id]: sampleTranscript(lines) } },
    then: () => open(elsewhere.id),
  },
  'meeting-long': {
    seed: {
      jobs: someMeetings.map((job) => (job === first ? { ...job, duration_ms: 10 * 3_600_000 } : job)),
      transcripts: { [first.id]: sampleTranscript(sampleSegments(6000)) },
      sound: () => sampleSound(600_000),
    },
    then: () => open(first.id),
  },
  'model-missing': {
    seed: {
      models: withSmall,
      jobs: [
        { ...modelMissing, status: 'processing', error_message: null, model_missing: false },
        ...someMeetings,
      ],
    },
    then: (client) => {
      client.changeJob(modelMissing.id, modelMissing)
      open('scene-5')
    },
  },
}
