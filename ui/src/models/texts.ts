/** The texts about speech models: cards, hints and the sentence about new recordings. */
import { bytes, doneOfBytes, dotted, language, perSecond, sentence, speed, timeLeft } from '../lib/format'
import { t } from '../lib/messages'
import type { TranscriptionOptions, ModelsOverview, ModelView } from '../lib/types'

/** Up to this many languages are named; more are only counted. */
const MOST_NAMED = 4

/** “English and German”, “99 languages”. */
export function languageList(tags: readonly string[]): string {
  return tags.length > MOST_NAMED
    ? t('models.languages.count', { count: tags.length })
    : new Intl.ListFormat('en-GB').format(tags.map(language))
}

/** “English”, “25 languages”, “99 languages, finds out which”. */
export function languagesText(model: ModelView): string {
  const { length } = model.languages
  if (length === 0) return t('models.languages.unknown')
  const text = languageList(model.languages)
  return model.detects_language && length > 1 ? t('models.languages.finds-out', { languages: text }) : text
}

/** “Ready in 99 languages.” */
export function readyText(model: ModelView): string {
  return model.languages.length === 0
    ? t('hint.ready.model', { title: model.title })
    : t('hint.ready', { languages: languageList(model.languages) })
}

/** Whether it translates, and whether it takes a vocabulary. */
export function abilityTexts(model: ModelView): string[] {
  return [
    model.translates ? t('models.translates') : '',
    model.vocabulary ? t('models.takes-terms') : '',
  ].filter(Boolean)
}

export function sizeText(model: ModelView): string | null {
  return model.byte_size === null ? null : bytes(model.byte_size)
}

/** Its speed as measured on this computer, else its speed class: “faster than talking on this computer”. */
export function speedText(model: ModelView): string | null {
  if (model.real_time_factor) return t('models.speed.measured', { speed: speed(model.real_time_factor) })
  switch (model.speed) {
    case 'fast':
      return t('models.speed.fast')
    case 'medium':
      return t('models.speed.medium')
    case 'slow':
      return t('models.speed.slow')
    default:
      return null
  }
}

/** “1.6 % wrong words (LibriSpeech test-clean)”, as published. */
export function errorRateText(model: ModelView, withTestSet = true): string | null {
  if (model.word_error_rate === null) return null
  const rate = model.word_error_rate.toFixed(1)
  return model.test_set !== null && withTestSet
    ? t('models.wrong-words.on', { rate, testSet: model.test_set })
    : t('models.wrong-words', { rate })
}

/**
 * What is better and what is worse about `model` than about `base`: “It makes about a third fewer mistakes than Whisper
 * base on a standard test. It is larger and slower.” Null if it is not known to make fewer mistakes.
 */
export function improvement(model: ModelView, base: ModelView): string | null {
  const much = fewerMistakes(model, base)
  if (much === null) return null
  const price = [isLarger(model, base) ? 'larger' : '', isSlower(model, base) ? 'slower' : ''].filter(Boolean)
  const count = model.languages.length
  return [
    t('models.better', { much, title: base.title }),
    price.length > 0 ? t('models.better.price', { price: price.join('-') }) : '',
    count > 0 && count < base.languages.length
      ? t('models.better.languages', {
          languages: languageList(model.languages),
          before: languageList(base.languages),
        })
      : '',
  ]
    .filter(Boolean)
    .join(' ')
}

/**
 * By how much the published word error rate is lower, as a value of the message `models.better`. Null if the two were
 * not measured on the same test set, or if the difference is less than 5 %.
 */
function fewerMistakes(model: ModelView, base: ModelView): string | null {
  const { word_error_rate: rate, test_set: test } = model
  if (rate === null || !base.word_error_rate || test === null || test !== base.test_set) return null
  const reduction = 1 - rate / base.word_error_rate
  if (reduction < 0.05) return null
  if (reduction < 0.2) return 'slightly'
  if (reduction < 0.29) return 'quarter'
  if (reduction < 0.42) return 'third'
  if (reduction < 0.55) return 'half'
  return reduction < 0.7 ? 'most' : 'other'
}

function isLarger(model: ModelView, base: ModelView): boolean {
  return model.byte_size !== null && base.byte_size !== null && model.byte_size > base.byte_size
}

/** By the speeds measured here, else by the speed classes. Within one class the larger model counts as slower. */
function isSlower(model: ModelView, base: ModelView): boolean {
  if (model.real_time_factor && base.real_time_factor) return model.real_time_factor > base.real_time_factor
  const classes = ['fast', 'medium', 'slow']
  const [mine, other] = [classes.indexOf(model.speed ?? ''), classes.indexOf(base.speed ?? '')]
  return mine < 0 || other < 0 || mine === other ? isLarger(model, base) : mine > other
}

export function licenceText(model: ModelView): string | null {
  const name =
    !model.licence || model.licence === 'other' ? null : t('models.licence', { name: model.licence })
  return [name, model.licence_note].filter(Boolean).join(' ') || null
}

/** Why it cannot be installed or used: too little memory, or too little disk space. Null if it can. */
export function obstacle(model: ModelView, overview: ModelsOverview): string | null {
  if (!model.fits) {
    if (model.memory_bytes === null || overview.memory_bytes === null) return t('models.too-big')
    const larger = model.memory_bytes > overview.memory_bytes
    return t(larger ? 'models.too-big.bytes' : 'models.too-big.share', {
      needs: bytes(model.memory_bytes),
      has: bytes(overview.memory_bytes),
    })
  }
  const state = model.state
  if (!['available', 'paused', 'failed'].includes(state.state) || model.byte_size === null) return null
  const left = model.byte_size - ('done_bytes' in state ? state.done_bytes : 0)
  if (overview.free_bytes === null || left <= overview.free_bytes) return null
  return t('models.no-room', { needs: bytes(left), free: bytes(overview.free_bytes) })
}

/** The state of its installation: “120 of 487 MB · 3.2 MB/s · about 2 min left”. Null if there is nothing to say. */
export function stateText(model: ModelView): string | null {
  const state = model.state
  switch (state.state) {
    case 'downloading':
      return dotted([
        doneOfBytes(state.done_bytes, state.total_bytes),
        state.bytes_per_second === null ? null : perSecond(state.bytes_per_second),
        state.left_ms === null ? null : timeLeft(state.left_ms),
      ])
    case 'paused':
      return t('models.paused', { done: doneOfBytes(state.done_bytes, state.total_bytes) })
    case 'copying':
      return t('models.copying', { done: doneOfBytes(state.done_bytes, state.total_bytes) })
    case 'checking':
      return t('models.checking')
    case 'failed':
    case 'damaged':
      return sentence(state.message)
    case 'installed':
      return state.linked ? t('models.linked') : null
    default:
      return null
  }
}

/** The installed share, from 0 to 1. Null: unknown. Undefined: it is not being installed. */
export function installedShare(model: ModelView): number | null | undefined {
  const state = model.state
  if (state.state === 'checking') return null
  if (state.state !== 'downloading' && state.state !== 'copying') return undefined
  return state.total_bytes ? state.done_bytes / state.total_bytes : null
}

/** “New recordings are transcribed with Whisper small, in German, and translated to English.” */
export function defaultsSentence(options: TranscriptionOptions, model: ModelView | null): string {
  const title = model?.title ?? options.model
  const spoken =
    options.language !== null
      ? t('models.defaults.in', { language: language(options.language) })
      : model?.detects_language
        ? t('models.defaults.finds-out')
        : ''
  const first = t('models.defaults', { title, spoken, translate: options.translate ? 'yes' : 'no' })
  const { length } = options.vocabulary
  return length === 0 ? first : `${first} ${t('models.defaults.terms', { count: length })}`
}

/** “Runs on the processor (8 cores, 16 GB of memory).” */
export function computerText(overview: ModelsOverview): string {
  const device =
    overview.device === null
      ? t('models.on-processor', { cores: overview.cores })
      : t('models.on-device', { device: overview.device })
  const memory =
    overview.memory_bytes === null ? '' : t('models.memory', { memory: bytes(overview.memory_bytes) })
  const free = overview.free_bytes === null ? '' : t('models.free', { free: bytes(overview.free_bytes) })
  return [device, memory, free].filter(Boolean).join(' · ')
}
