/** Which transcription options a speech model can follow. */
import type { ModelView, TranscriptionOptions } from '../lib/types'

/** The options for this model: what it cannot do is left out. */
export function optionsFor(wanted: TranscriptionOptions, model: ModelView): TranscriptionOptions {
  return {
    model: model.id,
    language: languageFor(wanted.language, model),
    translate: wanted.translate && model.translates,
    vocabulary: model.vocabulary ? wanted.vocabulary : [],
    speakers: wanted.speakers,
  }
}

/**
 * The options without a language that the user did not choose: a model with only one language always has that one. Used
 * before the options are applied to another model.
 */
export function withoutImpliedLanguage(
  options: TranscriptionOptions,
  model: ModelView | null,
): TranscriptionOptions {
  return model !== null && model.languages.length > 1 ? options : { ...options, language: null }
}

/** The wanted language if the model has it; else detection (null), English, or the model's first language. */
function languageFor(wanted: string | null, model: ModelView): string | null {
  if (wanted !== null && model.languages.includes(wanted)) return wanted
  if (model.detects_language || model.languages.length === 0) return null
  return model.languages.includes('en') ? 'en' : (model.languages[0] ?? null)
}

/** The terms of a vocabulary, typed one per line; duplicates and empty lines are left out. */
export function vocabularyOf(text: string): string[] {
  return [...new Set(text.split('\n').map((line) => line.trim()))].filter((line) => line !== '')
}
