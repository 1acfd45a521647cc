/** Speech models that tests and the page of states show. */
import type { ModelsOverview, ModelState, ModelView } from '../../types'

export const BUILT_IN = 'whisper-base'

const MB = 1_000_000
const WHISPER =
  'en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su'.split(
    ' ',
  )
const EUROPEAN = 'bg hr cs da nl en et fi fr de el hu it lv lt mt pl pt ro sk sl es sv ru uk'.split(' ')
const LIBRI = 'LibriSpeech test-clean'

/** A model of the catalogue that is not here yet. */
export function sampleModel(change: Partial<ModelView> = {}): ModelView {
  return {
    id: 'whisper-small-Q8_0',
    title: 'Whisper small',
    group: 'whisper-small',
    family: 'Whisper',
    parameters: '242M',
    quantisation: 'Q8_0',
    byte_size: 270 * MB,
    sha256: null,
    memory_bytes: 620 * MB,
    languages: WHISPER,
    detects_language: true,
    translates: true,
    vocabulary: true,
    word_times: false,
    word_error_rate: 3.33,
    test_set: LIBRI,
    speed: 'fast',
    real_time_factor: null,
    licence: 'Apache-2.0',
    licence_note: null,
    fits: true,
    recommended: false,
    preferred: true,
    telling_speakers: false,
    source: 'catalogue',
    state: { state: 'available' },
    ...change,
  }
}

/** The one that is included. */
export function builtInModel(): ModelView {
  return sampleModel({
    id: BUILT_IN,
    title: 'Whisper base',
    group: BUILT_IN,
    parameters: '73M',
    byte_size: 83 * MB,
    memory_bytes: 398 * MB,
    vocabulary: false,
    word_error_rate: 5.12,
    licence: 'MIT',
    source: 'built_in',
    state: { state: 'built_in' },
  })
}

/** A model in several sizes; the second is offered first. */
function sizes(base: Partial<ModelView> & { group: string }, all: [string, number, number | null][]) {
  return all.map(([quantisation, size, rate], index) =>
    sampleModel({
      ...base,
      id: `${base.group}-${quantisation}`,
      quantisation,
      byte_size: size * MB,
      memory_bytes: (size * 1.6 + 180) * MB,
      word_error_rate: rate,
      test_set: rate === null ? null : (base.test_set ?? LIBRI),
      preferred: index === Math.min(1, all.length - 1),
      recommended: base.recommended === true && index === 1,
    }),
  )
}

/** The model that is included, and a catalogue of which nothing is installed. */
export function sampleModels(): ModelView[] {
  const whisper = { family: 'Whisper', licence: 'Apache-2.0' }
  const english = {
    languages: ['en'],
    detects_language: false,
    translates: false,
    vocabulary: false,
    word_times: true,
  }
  const all = [
    builtInModel(),
    ...sizes({ ...whisper, title: 'Whisper tiny', group: 'whisper-tiny', parameters: '38M' }, [
      ['Q4_K_M', 44, 7.76],
      ['Q8_0', 46, 7.53],
    ]),
    ...sizes(
      { ...whisper, title: 'Whisper small', group: 'whisper-small', parameters: '242M', recommended: true },
      [
        ['Q4_K_M', 172, 3.4],
        ['Q8_0', 270, 3.33],
        ['F16', 493, 3.34],
      ],
    ),
    ...sizes(
      { ...whisper, title: 'Whisper medium', group: 'whisper-medium', parameters: '764M', speed: 'medium' },
      [
        ['Q4_K_M', 504, 2.59],
        ['Q8_0', 832, 2.64],
      ],
    ),
    ...sizes(
      {
        ...whisper,
        title: 'Whisper large-v3-turbo',
        group: 'whisper-large-v3-turbo',
        parameters: '809M',
        speed: 'medium',
        translates: false,
      },
      [
        ['Q4_K_M', 536, 2.04],
        ['Q8_0', 886, 2.01],
      ],
    ),
    ...sizes(
      { ...whisper, title: 'Whisper large-v3', group: 'whisper-large-v3', parameters: '1.5B', speed: 'slow' },
      [
        ['Q4_K_M', 997, 1.86],
        ['Q8_0', 1_669, 1.82],
      ],
    ),
    ...sizes(
      {
        ...english,
        title: 'Parakeet TDT 0.6B v2',
        group: 'parakeet-tdt-0.6b-v2',
        family: 'Parakeet',
        parameters: '0.6B',
        licence: 'CC-BY-4.0',
        licence_note: 'Its makers want to be named where its text is published.',
      },
      [
        ['Q4_K_M', 475, 1.72],
        ['Q8_0', 730, 1.69],
      ],
    ),
    ...sizes(
      {
        ...english,
        languages: EUROPEAN,
        detects_language: true,
        title: 'Parakeet TDT 0.6B v3',
        group: 'parakeet-tdt-0.6b-v3',
        family: 'Parakeet',
        parameters: '0.6B',
        licence: 'CC-BY-4.0',
        licence_note: 'Its makers want to be named where its text is published.',
      },
      [
        ['Q4_K_M', 485, 1.98],
        ['Q8_0', 740, 1.94],
      ],
    ),
    ...sizes(
      {
        languages: ['en', 'de', 'es', 'fr'],
        detects_language: false,
        vocabulary: false,
        title: 'Canary 1B',
        group: 'canary-1b',
        family: 'Canary',
        parameters: '1B',
        speed: 'medium',
        licence: 'CC-BY-NC-4.0',
        licence_note: 'Not for commercial use.',
      },
      [['Q8_0', 1_163, 1.55]],
    ),
    ...sizes(
      {
        ...english,
        word_times: false,
        title: 'Moonshine base',
        group: 'moonshine-base',
        family: 'Moonshine',
        parameters: '62M',
        licence: 'MIT',
      },
      [['Q8_0', 77, 3.26]],
    ),
    ...sizes(
      {
        languages: ['zh', 'en', 'ja', 'ko', 'yue'],
        translates: false,
        vocabulary: false,
        title: 'SenseVoice Small',
        speed: 'medium',
        group: 'SenseVoiceSmall',
        family: 'SenseVoice',
        parameters: '234M',
        licence: 'other',
        licence_note: 'It has a licence of its own; read it before you use its text in business.',
      },
      [['Q8_0', 253, null]],
    ),
    ...sizes(
      {
        ...english,
        languages: ['ru'],
        title: 'GigaAM v3',
        group: 'gigaam-v3-e2e-rnnt',
        family: 'GigaAM',
        parameters: '223M',
        licence: 'MIT',
        test_set: 'FLEURS ru',
      },
      [['Q8_0', 274, 5.36]],
    ),
    ...sizes(
      {
        languages: ['en', 'es', 'fr', 'pt', 'hi', 'de', 'nl', 'it'],
        vocabulary: false,
        title: 'Voxtral Small 24B',
        group: 'Voxtral-Small-24B',
        family: 'Voxtral',
        parameters: '24.3B',
        speed: 'slow',
        fits: false,
      },
      [['Q8_0', 25_810, null]],
    ),
    ...sizes(
      {
        languages: [],
        detects_language: false,
        translates: false,
        vocabulary: false,
        title: 'Sortformer, 4 speakers',
        group: 'sortformer-4spk',
        family: 'Sortformer',
        parameters: '123M',
        licence: 'CC-BY-4.0',
        telling_speakers: true,
      },
      [['Q8_0', 141, null]],
    ),
  ]
  return all
}

export function sampleOverview(change: Partial<ModelsOverview> = {}): ModelsOverview {
  return {
    models: sampleModels(),
    defaults: { model: BUILT_IN, language: null, translate: false, vocabulary: [], speakers: null },
    cores: 8,
    memory_bytes: 16_000 * MB,
    device: null,
    device_note: null,
    free_bytes: 118_000 * MB,
    folder: '/home/anna/.local/share/meetmemo/models',
    ...change,
  }
}

/** The sample catalogue with some models in these states. */
export function overviewWith(
  states: Record<string, ModelState>,
  change: Partial<ModelsOverview> = {},
): ModelsOverview {
  const overview = sampleOverview(change)
  return {
    ...overview,
    models: overview.models.map((model) => ({ ...model, state: states[model.id] ?? model.state })),
  }
}

export function installed(id: string, linked = false): ModelState {
  const folder = linked ? '/media/anna/USB' : '/home/anna/.local/share/meetmemo/models'
  return { state: 'installed', file: `${folder}/${id}.gguf`, linked }
}

/** A model file that was added: its name is all that is known of it. */
export function importedModel(path: string): ModelView {
  const id = (path.split('/').at(-1) ?? path).replace(/\.(gguf|bin)$/i, '')
  return sampleModel({
    id,
    title: id,
    group: id,
    quantisation: null,
    parameters: null,
    word_error_rate: null,
    test_set: null,
    licence: null,
    source: 'imported',
    state: { state: 'copying', done_bytes: 0, total_bytes: 270 * MB },
  })
}
