import { describe, expect, test } from 'vitest'
import { builtInModel, installed, sampleModel, sampleModels } from '../lib/memory-models'
import type { Choice, ModelView } from '../lib/types'
import { areModels, fitted, groupsOf, isUsable, NO_FILTERS, shownOf, terms, wish } from './models'

const wanted: Choice = {
  model: 'any',
  language: 'de',
  translate: true,
  vocabulary: ['Østergaard'],
  speakers: null,
}

describe('a choice', () => {
  test.each<[string, Partial<ModelView>, Partial<Choice>]>([
    [
      'keeps what the model can do',
      {},
      { language: 'de', translate: true, vocabulary: ['Østergaard'], speakers: null },
    ],
    ['leaves out a translation', { translates: false }, { translate: false }],
    ['leaves out names and terms', { vocabulary: false }, { vocabulary: [] }],
    ['lets the model find out', { languages: ['en', 'fr'] }, { language: null }],
    ['takes English', { languages: ['fr', 'en'], detects_language: false }, { language: 'en' }],
    ['takes the only language', { languages: ['ru'], detects_language: false }, { language: 'ru' }],
    ['asks for no language', { languages: [], detects_language: false }, { language: null }],
  ])('%s', (_, can, becomes) => {
    const model = sampleModel(can)
    expect(fitted(wanted, model)).toMatchObject({ model: model.id, ...becomes })
  })

  test('has a language only where another could have been chosen', () => {
    const choice = { ...wanted, language: 'en' }
    expect(wish(choice, sampleModel({ languages: ['en'] })).language).toBeNull()
    expect(wish(choice, null).language).toBeNull()
    expect(wish(choice, sampleModel()).language).toBe('en')
  })

  test('has one name or term for each line, once', () => {
    expect(terms(' Østergaard\n\nHilversum \nØstergaard\n')).toEqual(['Østergaard', 'Hilversum'])
  })
})

describe('models', () => {
  const keys = (filters = NO_FILTERS) => groupsOf(sampleModels(), filters).map((group) => group.key)

  test('are one card for all sizes; the one that is offered first comes first', () => {
    const small = groupsOf(sampleModels()).find((group) => group.key === 'whisper-small')
    expect(small?.models.map((model) => model.quantisation)).toEqual(['Q8_0', 'Q4_K_M', 'F16'])
  })

  test('begin with the one that is included, of which no other size is offered', () => {
    const [first] = groupsOf(sampleModels())
    expect(first?.key).toBe('whisper-base')
    expect(first?.models).toHaveLength(1)
  })

  test('that tell speakers apart are among them, and are none to transcribe with', () => {
    expect(keys()).toContain('sortformer-4spk')
    const here = sampleModels().find((model) => model.telling_speakers)
    expect(here && isUsable({ ...here, state: installed(here.id) })).toBe(false)
  })

  test('are filtered by language, size and speed', () => {
    expect(keys({ ...NO_FILTERS, language: 'yue' })).toEqual(['SenseVoiceSmall'])
    expect(keys({ ...NO_FILTERS, language: 'ru', speed: 'fast', maxBytes: 100_000_000 })).toEqual([
      'whisper-base',
      'whisper-tiny',
    ])
    expect(keys({ ...NO_FILTERS, speed: 'medium' })).not.toContain('whisper-large-v3')
  })

  test('of which a smaller size passes are shown with that', () => {
    const [small] = groupsOf(sampleModels(), { ...NO_FILTERS, language: 'de', maxBytes: 200_000_000 }).filter(
      (group) => group.key === 'whisper-small',
    )
    expect(small && shownOf(small, null)?.quantisation).toBe('Q4_K_M')
  })

  test('show the size that is used, that is installed, or that is offered first', () => {
    const [q4, q8] = ['a', 'b'].map((id) => sampleModel({ id, preferred: id === 'b' })) as [
      ModelView,
      ModelView,
    ]
    const here: ModelView = { ...q4, state: installed('a') }
    expect(shownOf({ key: 'g', models: [q4, q8] }, null)?.id).toBe('b')
    expect(shownOf({ key: 'g', models: [here, q8] }, null)?.id).toBe('a')
    const both: ModelView = { ...q8, state: installed('b') }
    expect(shownOf({ key: 'g', models: [here, both] }, 'b')?.id).toBe('b')
  })

  test('are known by their names, whatever the case', () => {
    expect(areModels(['/a/x.gguf', '/b/Y.BIN'])).toBe(true)
    expect(areModels(['/a/x.gguf', '/b/y.wav'])).toBe(false)
    expect(areModels([])).toBe(false)
    expect(builtInModel().state.state).toBe('built_in')
  })
})
