import { importedModel, installed, overviewWith, sampleOverview, type Seed } from '../../lib/memory'
import type { ModelState } from '../../lib/types'
import { choose, press } from './actions'
import { someMeetings, small, withSmall } from './samples'
import type { Scenes } from './scene'

const downloading: ModelState = {
  state: 'downloading',
  done_bytes: 120_000_000,
  total_bytes: 270_000_000,
  bytes_per_second: 3_200_000,
  left_ms: 130_000,
  mirror: 'huggingface.co',
}
const withModels = (states: Record<string, ModelState>): Seed => ({
  jobs: someMeetings,
  models: overviewWith(states),
})
const openModels = () => press('Speech models')

export const modelScenes: Scenes = {
  'drag-model': {
    seed: { jobs: someMeetings },
    then: (client) => client.drag({ kind: 'enter', paths: ['/media/anna/USB/my-own-model.gguf'] }),
  },
  'models-loading': {
    seed: { jobs: someMeetings, core: { state: 'opening', phase: 'starting' } },
    then: (client) => {
      client.hold('modelsOverview')
      client.setCore({ state: 'ready' })
      setTimeout(openModels, 200)
    },
  },
  'models-failed': {
    seed: { jobs: someMeetings, core: { state: 'opening', phase: 'starting' } },
    then: (client) => {
      client.fail('modelsOverview', { message: 'The list of speech models could not be read.' })
      client.setCore({ state: 'ready' })
      setTimeout(openModels, 200)
    },
  },
  'models-stale': {
    seed: { jobs: someMeetings },
    then: (client) => {
      client.fail('modelsOverview', { message: 'The list of speech models could not be read.' })
      openModels()
    },
  },
  'models-fresh': { seed: { jobs: someMeetings }, then: openModels },
  // Everything goes on by itself here: Install, Stop, Continue.
  'models-alive': { seed: { jobs: someMeetings, pace: 700, models: sampleOverview() }, then: openModels },
  'models-filtered': {
    seed: { jobs: someMeetings, models: withSmall },
    then: () => {
      openModels()
      setTimeout(() => choose('Language', 'Russian'), 60)
    },
  },
  'models-nothing': {
    seed: {
      jobs: someMeetings,
      models: { models: withSmall.models.map((model) => ({ ...model, speed: 'slow' })) },
    },
    then: () => {
      openModels()
      setTimeout(() => choose('Speed:', 'Faster than real time'), 60)
    },
  },
  'models-downloading': {
    seed: withModels({
      [small]: downloading,
      'whisper-large-v3-turbo-Q8_0': {
        state: 'paused',
        done_bytes: 310_000_000,
        total_bytes: 886_000_000,
      },
      'parakeet-tdt-0.6b-v3-Q8_0': { state: 'checking' },
    }),
    then: openModels,
  },
  'models-failed-download': {
    seed: withModels({
      [small]: {
        state: 'failed',
        message:
          'This computer is not connected to a network, or huggingface.co does not answer. What has come is kept',
        done_bytes: 120_000_000,
      },
    }),
    then: openModels,
  },
  'models-damaged': {
    seed: {
      jobs: someMeetings,
      models: overviewWith(
        {
          [small]: {
            state: 'damaged',
            message: 'The file of this model has changed since it was installed. Install it again.',
          },
        },
        { defaults: { model: small, language: null, translate: false, vocabulary: [], speakers: null } },
      ),
    },
    then: openModels,
  },
  'models-installed': {
    seed: {
      jobs: someMeetings,
      models: {
        ...withSmall,
        device_note: 'The graphics card is not used, because its driver is missing',
        models: [
          ...withSmall.models.map((model) =>
            model.id === small
              ? { ...model, real_time_factor: 0.16 }
              : model.telling_speakers
                ? { ...model, state: installed(model.id) }
                : model,
          ),
          {
            ...importedModel('/media/anna/USB/my-own-model.gguf'),
            languages: [],
            detects_language: false,
            translates: false,
            vocabulary: false,
            speed: null,
            state: installed('my-own-model', true),
          },
        ],
      },
    },
    then: openModels,
  },
  'models-defaults': {
    seed: { jobs: someMeetings, models: withSmall },
    then: () => {
      openModels()
      setTimeout(() => press('Change what new recordings are transcribed with'), 200)
    },
  },
  'models-remove': {
    seed: { jobs: someMeetings, models: withSmall },
    then: () => {
      openModels()
      setTimeout(() => press('Remove Whisper small…'), 200)
    },
  },
}
