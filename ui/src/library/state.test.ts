import { describe, expect, test } from 'vitest'
import { sampleJob } from '../lib/memory-client'
import type { JobView, ProgressView, WorkStep } from '../lib/types'
import { howFar, howFast, rowState, share } from './state'

const progress: ProgressView = {
  audio_done_ms: 750_000,
  audio_total_ms: 2_890_000,
  real_time_factor: 0.16,
  left_ms: 66_000,
  share: 0.22,
}

function working(workflow_state: WorkStep, change: Partial<ProgressView> | null = {}): JobView {
  return sampleJob({
    status: 'processing',
    workflow_state,
    progress: change && { ...progress, ...change },
  })
}

describe('the work on a meeting', () => {
  test.each<[WorkStep, string, string]>([
    ['decoding', 'Reading the sound · 12:30 of 48:10', 'about 1 min left · 6.3× real time'],
    ['transcribing', 'Transcribing · 12:30 of 48:10', 'about 1 min left · 6.3× real time'],
    ['diarizing', 'Telling speakers apart · 12:30 of 48:10', 'about 1 min left'],
    ['aligning', 'Finishing', ''],
  ])('is named by its step: %s', (step, far, fast) => {
    expect(howFar(working(step))).toBe(far)
    expect(howFast(working(step))).toBe(fast)
  })

  test('says which speech model transcribes where there is room for it', () => {
    expect(howFar(working('transcribing'), true)).toBe('Transcribing with Whisper base · 12:30 of 48:10')
    expect(howFar(working('diarizing'), true)).toBe('Telling speakers apart · 12:30 of 48:10')
  })

  test('is said as far as it is known', () => {
    expect(howFar(working('transcribing', null))).toBe('Transcribing')
    expect(howFast(working('transcribing', null))).toBe('')
    expect(howFast(working('diarizing', { left_ms: null }))).toBe('')
  })
})

describe('the bar', () => {
  test('is of all steps together, whatever this one has done', () => {
    expect(share(working('transcribing'))).toBe(0.22)
    expect(share(working('diarizing', { audio_done_ms: 0, share: 0.85 }))).toBe(0.85)
    expect(rowState(working('diarizing', { audio_done_ms: 0, share: 0.85 }))?.text).toBe(
      'Telling speakers apart 85 %',
    )
  })

  test('is full at the end, and nothing more is said', () => {
    expect(share(working('aligning', { share: 1 }))).toBe(1)
    expect(rowState(working('aligning', { share: 1 }))?.text).toBe('Finishing')
  })

  test('has no end where nobody can know', () => {
    expect(share(working('transcribing', { share: null }))).toBeNull()
    expect(share(working('transcribing', null))).toBeNull()
    expect(rowState(working('transcribing', { share: null }))?.text).toBe('Transcribing')
  })
})
