/** Speech models in words. */
import { bytes, doneOfBytes, dotted, language, perSecond, sentence, speed, timeLeft } from '../lib/format'
import { t } from '../lib/messages'
import type { Choice, ModelRoom, ModelView } from '../lib/types'

/** As many languages are named; more are counted. */
const NAMED = 4

/** “English and German”, “99 languages”. */
export function languageList(tags: readonly string[]): string {
  return tags.length > NAMED
    ? t('models.languages.count', { count: tags.length })
    : new Intl.ListFormat('en-GB').format(tags.map(language))
}

/** “English”, “25 languages”, “99 languages, finds out which”. */
export function languages(model: ModelView): string {
  const { length } = model.languages
  if (length === 0) return t('models.languages.unknown')
  const text = languageList(model.languages)
  return model.detects_language && length > 1 ? t('models.languages.finds-out', { languages: text }) : text
}

/** “Ready in 99 languages.” */
export function ready(model: ModelView): string {
  return model.languages.length === 0
    ? t('hint.ready.model', { title: model.title })
    : t('hint.ready', { languages: languageList(model.languages) })
}

/** What else it can do. */
export function abilities(model: ModelView): string[] {
  return [
    model.translates ? t('models.translates') : '',
    model.vocabulary ? t('models.takes-terms') : '',
  ].filter(Boolean)
}

export function size(model: ModelView): string | null {
  return model.byte_size === null ? null : bytes(model.byte_size)
}

/** “faster than talking on this computer”, or how fast it was found to be. */
export function howFast(model: ModelView): string | null {
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
export function wrongWords(model: ModelView, withTestSet = true): string | null {
  if (model.word_error_rate === null) return null
  const rate = model.word_error_rate.toFixed(1)
  return model.test_set !== null && withTestSet
    ? t('models.wrong-words.on', { rate, testSet: model.test_set })
    : t('models.wrong-words', { rate })
}

/**
 * What a model does better than another one, and at what price: “It makes about a third fewer mistakes than Whisper base
 * on a standard test. It is larger and slower.” Null if it is not known to make fewer.
 */
export function improvement(model: ModelView, on: ModelView): string | null {
  const much = fewerMistakes(model, on)
  if (much === null) return null
  const price = [isLarger(model, on) ? 'larger' : '', isSlower(model, on) ? 'slower' : ''].filter(Boolean)
  const count = model.languages.length
  return [
    t('models.better', { much, title: on.title }),
    price.length > 0 ? t('models.better.price', { price: price.join('-') }) : '',
    count > 0 && count < on.languages.length
      ? t('models.better.languages', {
          languages: languageList(model.languages),
          before: languageList(on.languages),
        })
      : '',
  ]
    .filter(Boolean)
    .join(' ')
}

/** How many of the mistakes go, by what was published for the same test; less than a twentieth is no difference. */
function fewerMistakes(model: ModelView, on: ModelView): string | null {
  const { word_error_rate: rate, test_set: test } = model
  if (rate === null || !on.word_error_rate || test === null || test !== on.test_set) return null
  const gone = 1 - rate / on.word_error_rate
  if (gone < 0.05) return null
  if (gone < 0.2) return 'slightly'
  if (gone < 0.29) return 'quarter'
  if (gone < 0.42) return 'third'
  if (gone < 0.55) return 'half'
  return gone < 0.7 ? 'most' : 'other'
}

function isLarger(model: ModelView, on: ModelView): boolean {
  return model.byte_size !== null && on.byte_size !== null && model.byte_size > on.byte_size
}

/** As both were measured here, or by their classes; in the same class the larger one is. */
function isSlower(model: ModelView, on: ModelView): boolean {
  if (model.real_time_factor && on.real_time_factor) return model.real_time_factor > on.real_time_factor
  const classes = ['fast', 'medium', 'slow']
  const [mine, other] = [classes.indexOf(model.speed ?? ''), classes.indexOf(on.speed ?? '')]
  return mine < 0 || other < 0 || mine === other ? isLarger(model, on) : mine > other
}

export function licence(model: ModelView): string | null {
  const name =
    !model.licence || model.licence === 'other' ? null : t('models.licence', { name: model.licence })
  return [name, model.licence_note].filter(Boolean).join(' ') || null
}

/** Why it cannot be installed or used. */
export function obstacle(model: ModelView, room: ModelRoom): string | null {
  if (!model.fits) {
    if (model.memory_bytes === null || room.memory_bytes === null) return t('models.too-big')
    const larger = model.memory_bytes > room.memory_bytes
    return t(larger ? 'models.too-big.bytes' : 'models.too-big.share', {
      needs: bytes(model.memory_bytes),
      has: bytes(room.memory_bytes),
    })
  }
  const state = model.state
  if (!['available', 'paused', 'failed'].includes(state.state) || model.byte_size === null) return null
  const left = model.byte_size - ('done_bytes' in state ? state.done_bytes : 0)
  if (room.free_bytes === null || left <= room.free_bytes) return null
  return t('models.no-room', { needs: bytes(left), free: bytes(room.free_bytes) })
}

/** How it is, where there is something to say: “120 of 487 MB · 3.2 MB/s · about 2 min left”. */
export function stateOf(model: ModelView): string | null {
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

/** How much has come, from 0 to 1; null if nobody can know, undefined if nothing is on its way. */
export function shareOf(model: ModelView): number | null | undefined {
  const state = model.state
  if (state.state === 'checking') return null
  if (state.state !== 'downloading' && state.state !== 'copying') return undefined
  return state.total_bytes ? state.done_bytes / state.total_bytes : null
}

/** “New recordings are transcribed with Whisper small, in German, and translated to English.” */
export function defaultsSentence(choice: Choice, model: ModelView | null): string {
  const title = model?.title ?? choice.model
  const spoken =
    choice.language !== null
      ? t('models.defaults.in', { language: language(choice.language) })
      : model?.detects_language
        ? t('models.defaults.finds-out')
        : ''
  const first = t('models.defaults', { title, spoken, translate: choice.translate ? 'yes' : 'no' })
  const { length } = choice.vocabulary
  return length === 0 ? first : `${first} ${t('models.defaults.terms', { count: length })}`
}

/** “Runs on the processor (8 cores, 16 GB of memory).” */
export function computer(room: ModelRoom): string {
  const device =
    room.device === null
      ? t('models.on-processor', { cores: room.cores })
      : t('models.on-device', { device: room.device })
  const memory = room.memory_bytes === null ? '' : t('models.memory', { memory: bytes(room.memory_bytes) })
  const free = room.free_bytes === null ? '' : t('models.free', { free: bytes(room.free_bytes) })
  return [device, memory, free].filter(Boolean).join(' · ')
}
