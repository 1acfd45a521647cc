import { describe, expect, test } from 'vitest'
import { builtInModel, installed, sampleModel, sampleModels } from '../lib/memory'
import type { ModelView } from '../lib/types'
import { groupsOf, NO_FILTERS, shownOf } from './groups'
import { areModelFiles, isUsable } from './status'

describe('models', () => {
  const keys = (filters = NO_FILTERS) => groupsOf(sampleModels(), filters).map((group) => group.key)

  test('all sizes of one are a group, with the preferred size first', () => {
    const small = groupsOf(sampleModels()).find((group) => group.key === 'whisper-small')
    expect(small?.models.map((model) => model.quantisation)).toEqual(['Q8_0', 'Q4_K_M', 'F16'])
  })

  test('begin with the included one, of which no other size is offered', () => {
    const [first] = groupsOf(sampleModels())
    expect(first?.key).toBe('whisper-base')
    expect(first?.models).toHaveLength(1)
  })

  test('those for diarization are listed, but cannot transcribe', () => {
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

  test('a group shows a size that passes the filters', () => {
    const [small] = groupsOf(sampleModels(), { ...NO_FILTERS, language: 'de', maxBytes: 200_000_000 }).filter(
      (group) => group.key === 'whisper-small',
    )
    expect(small && shownOf(small, null)?.quantisation).toBe('Q4_K_M')
  })

  test('a group shows the default size, else an installed one, else the preferred one', () => {
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

  test('are recognised by their extensions, in any case', () => {
    expect(areModelFiles(['/a/x.gguf', '/b/Y.BIN'])).toBe(true)
    expect(areModelFiles(['/a/x.gguf', '/b/y.wav'])).toBe(false)
    expect(areModelFiles([])).toBe(false)
    expect(builtInModel().state.state).toBe('built_in')
  })
})
