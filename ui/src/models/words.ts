/** Speech models in words. */
import { bytes, doneOfBytes, dotted, language, perSecond, sentence, speed, timeLeft } from '../lib/format'
import { t } from '../lib/messages'
import type { Choice, ModelRoom, ModelView } from '../lib/types'

/** As many languages are named; more are counted. */
const NAMED = 4

/** “English”, “25 languages”, “99 languages, finds out which”. */
export function languages(model: ModelView): string {
  const { length } = model.languages
  if (length === 0) return t('models.languages.unknown')
  const named = new Intl.ListFormat('en-GB').format(model.languages.slice(0, NAMED).map(language))
  const text = length <= NAMED ? named : t('models.languages.count', { count: length })
  return model.detects_language && length > 1 ? t('models.languages.finds-out', { languages: text }) : text
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
