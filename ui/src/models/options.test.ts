import { describe, expect, test } from 'vitest'
import { sampleModel } from '../lib/memory'
import type { TranscriptionOptions, ModelView } from '../lib/types'
import { optionsFor, vocabularyOf, withoutImpliedLanguage } from './options'

const wanted: TranscriptionOptions = {
  model: 'any',
  language: 'de',
  translate: true,
  vocabulary: ['Østergaard'],
  speakers: null,
}

describe('transcription options', () => {
  test.each<[string, Partial<ModelView>, Partial<TranscriptionOptions>]>([
    [
      'keep what the model can do',
      {},
      { language: 'de', translate: true, vocabulary: ['Østergaard'], speakers: null },
    ],
    ['leave out a translation', { translates: false }, { translate: false }],
    ['leave out the vocabulary', { vocabulary: false }, { vocabulary: [] }],
    ['let the model detect the language', { languages: ['en', 'fr'] }, { language: null }],
    ['fall back to English', { languages: ['fr', 'en'], detects_language: false }, { language: 'en' }],
    ['take the only language', { languages: ['ru'], detects_language: false }, { language: 'ru' }],
    [
      'have no language if the model names none',
      { languages: [], detects_language: false },
      { language: null },
    ],
  ])('%s', (_, can, becomes) => {
    const model = sampleModel(can)
    expect(optionsFor(wanted, model)).toMatchObject({ model: model.id, ...becomes })
  })

  test('have a language only if another could have been chosen', () => {
    const choice = { ...wanted, language: 'en' }
    expect(withoutImpliedLanguage(choice, sampleModel({ languages: ['en'] })).language).toBeNull()
    expect(withoutImpliedLanguage(choice, null).language).toBeNull()
    expect(withoutImpliedLanguage(choice, sampleModel()).language).toBe('en')
  })

  test('have one term for each line, without duplicates', () => {
    expect(vocabularyOf(' Østergaard\n\nHilversum \nØstergaard\n')).toEqual(['Østergaard', 'Hilversum'])
  })
})
