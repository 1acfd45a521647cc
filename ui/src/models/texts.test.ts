import { describe, expect, test } from 'vitest'
import { builtInModel, installed, sampleModel, sampleOverview } from '../lib/memory'
import type { ModelState, ModelView } from '../lib/types'
import {
  defaultsSentence,
  speedText,
  improvement,
  languagesText,
  obstacle,
  readyText,
  installedShare,
  stateText,
  errorRateText,
} from './texts'

describe('languages', () => {
  test.each<[Partial<ModelView>, string]>([
    [{ languages: ['en'], detects_language: false }, 'English'],
    [{ languages: ['en'], detects_language: true }, 'English'],
    [{ languages: ['en', 'de', 'fr'], detects_language: false }, 'English, German and French'],
    [{ languages: Array<string>(25).fill('en'), detects_language: false }, '25 languages'],
    [{}, '99 languages, detected automatically'],
    [{ languages: [] }, 'Languages not known'],
  ])('%o', (change, words) => expect(languagesText(sampleModel(change))).toBe(words))
})

test('the speed is a class, or what was measured here', () => {
  expect(speedText(sampleModel())).toBe('faster than real time on this computer')
  expect(speedText(sampleModel({ speed: 'slow' }))).toBe('slower than real time on this computer')
  expect(speedText(sampleModel({ real_time_factor: 0.25 }))).toBe('4.0× real time on this computer')
  expect(speedText(sampleModel({ speed: null }))).toBeNull()
})

test('the word error rate is the published one, with its test set', () => {
  expect(errorRateText(sampleModel({ word_error_rate: 1.62 }))).toBe(
    '1.6 % wrong words (LibriSpeech test-clean)',
  )
  expect(errorRateText(sampleModel({ word_error_rate: 4, test_set: null }))).toBe('4.0 % wrong words')
  expect(errorRateText(sampleModel({ word_error_rate: null }))).toBeNull()
})

test.each<[Partial<ModelView>, string]>([
  [{}, 'Ready in 99 languages.'],
  [{ languages: ['en'] }, 'Ready in English.'],
  [{ languages: ['en', 'de'] }, 'Ready in English and German.'],
  [{ languages: [] }, 'Whisper base is ready.'],
])('what a model can do: %o', (change, words) =>
  expect(readyText({ ...builtInModel(), ...change })).toBe(words),
)

describe('what a model does better than another', () => {
  test.each<[number, string | null]>([
    [5.0, null],
    [4.5, 'It makes slightly fewer mistakes than Whisper base on a standard test. It is larger and slower.'],
    [
      3.9,
      'It makes about a quarter fewer mistakes than Whisper base on a standard test. It is larger and slower.',
    ],
    [
      3.33,
      'It makes about a third fewer mistakes than Whisper base on a standard test. It is larger and slower.',
    ],
    [
      2.64,
      'It makes about half as many mistakes as Whisper base on a standard test. It is larger and slower.',
    ],
    [
      1.94,
      'It makes less than half as many mistakes as Whisper base on a standard test. It is larger and slower.',
    ],
    [
      1.27,
      'It makes less than a third as many mistakes as Whisper base on a standard test. It is larger and slower.',
    ],
    [6.0, null],
  ])('with a word error rate of %d %%', (rate, words) =>
    expect(improvement(sampleModel({ word_error_rate: rate }), builtInModel())).toBe(words),
  )

  test('is only said if both were measured on the same test set', () => {
    expect(improvement(sampleModel({ test_set: 'FLEURS de' }), builtInModel())).toBeNull()
    expect(improvement(sampleModel({ word_error_rate: null }), builtInModel())).toBeNull()
    expect(improvement(sampleModel(), { ...builtInModel(), word_error_rate: null })).toBeNull()
    const unknown = { ...builtInModel(), test_set: null }
    expect(improvement(sampleModel({ test_set: null }), unknown)).toBeNull()
  })

  test.each<[Partial<ModelView>, Partial<ModelView>, string]>([
    [{ byte_size: 80_000_000 }, {}, ''],
    [{ byte_size: 80_000_000, speed: 'medium' }, {}, ' It is slower.'],
    [{}, { speed: 'slow' }, ' It is larger.'],
    [{ real_time_factor: 0.1 }, { real_time_factor: 0.2 }, ' It is larger.'],
    [{ real_time_factor: 0.2 }, { real_time_factor: 0.1 }, ' It is larger and slower.'],
    [
      { languages: Array<string>(25).fill('en') },
      {},
      ' It is larger and slower. It understands 25 languages instead of 99 languages.',
    ],
  ])('comes with what is worse: %o', (change, base, price) =>
    expect(improvement(sampleModel(change), { ...builtInModel(), ...base })).toBe(
      `It makes about a third fewer mistakes than Whisper base on a standard test.${price}`,
    ),
  )
})

describe('the state of a model', () => {
  const downloading: ModelState = {
    state: 'downloading',
    done_bytes: 120_000_000,
    total_bytes: 487_000_000,
    bytes_per_second: 3_200_000,
    left_ms: 115_000,
    mirror: 'huggingface.co',
  }
  test.each<[ModelState, string | null, number | null | undefined]>([
    [downloading, '120 of 487 MB · 3.2 MB/s · about 2 min left', 120 / 487],
    [{ ...downloading, bytes_per_second: null, left_ms: null }, '120 of 487 MB', 120 / 487],
    [
      { ...downloading, total_bytes: 1_670_000_000 },
      '0.1 of 1.7 GB · 3.2 MB/s · about 2 min left',
      120 / 1670,
    ],
    [{ ...downloading, total_bytes: null }, '120 MB · 3.2 MB/s · about 2 min left', null],
    [{ state: 'paused', done_bytes: 1_000_000, total_bytes: 2_000_000 }, 'Stopped at 1 of 2 MB.', undefined],
    [{ state: 'checking' }, 'Checking …', null],
    [{ state: 'failed', message: 'no network', done_bytes: 0 }, 'No network.', undefined],
    [{ state: 'available' }, null, undefined],
    [installed('a', true), 'Used from its own folder.', undefined],
  ])('%o', (state, words, share) => {
    const model = sampleModel({ state })
    expect(stateText(model)).toBe(words)
    if (typeof share === 'number') expect(installedShare(model)).toBeCloseTo(share)
    else expect(installedShare(model)).toBe(share)
  })
})

test('the obstacle is memory or disk space', () => {
  const room = sampleOverview({ memory_bytes: 4_000_000_000, free_bytes: 1_000_000_000 })
  expect(obstacle(sampleModel(), room)).toBeNull()
  expect(obstacle(sampleModel({ fits: false, memory_bytes: 6_200_000_000 }), room)).toBe(
    'It needs about 6.2 GB of memory; this computer has 4.0 GB.',
  )
  expect(obstacle(sampleModel({ fits: false, memory_bytes: 3_100_000_000 }), room)).toBe(
    'It needs about 3.1 GB of this computer’s 4.0 GB of memory. That leaves too little for everything else.',
  )
  const big = sampleModel({ byte_size: 1_670_000_000 })
  expect(obstacle(big, room)).toBe('It needs 1.7 GB more disk space; 1.0 GB is free.')
  const half: ModelState = { state: 'paused', done_bytes: 900_000_000, total_bytes: 1_670_000_000 }
  expect(obstacle({ ...big, state: half }, room)).toBeNull()
})

test('one sentence says what new recordings are transcribed with', () => {
  const choice = { model: 'x', language: null, translate: false, vocabulary: [], speakers: null }
  expect(defaultsSentence(choice, sampleModel())).toBe(
    'New recordings are transcribed with Whisper small, in the language that is spoken.',
  )
  expect(
    defaultsSentence(
      { ...choice, language: 'de', translate: true, vocabulary: ['a', 'b'], speakers: null },
      sampleModel(),
    ),
  ).toBe(
    'New recordings are transcribed with Whisper small, in German, and translated to English. It uses 2 names and terms of yours.',
  )
  expect(defaultsSentence({ ...choice, language: 'en' }, builtInModel())).toBe(
    'New recordings are transcribed with Whisper base, in English.',
  )
})
