import { describe, expect, test } from 'vitest'
import { sampleJob } from '../lib/memory'
import type { JobView, ProgressView, WorkStep } from '../lib/types'
import { progressText, paceText, rowStatus, shareDone } from './job-status'

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
    ['decoding', 'Reading the audio · 12:30 of 48:10', 'about 1 min left · 6.3× real time'],
    ['transcribing', 'Transcribing · 12:30 of 48:10', 'about 1 min left · 6.3× real time'],
    ['diarizing', 'Detecting speakers · 12:30 of 48:10', 'about 1 min left'],
    ['aligning', 'Finishing', ''],
  ])('is named by its step: %s', (step, far, fast) => {
    expect(progressText(working(step))).toBe(far)
    expect(paceText(working(step))).toBe(fast)
  })

  test('names the speech model if asked to', () => {
    expect(progressText(working('transcribing'), true)).toBe(
      'Transcribing with Whisper base · 12:30 of 48:10',
    )
    expect(progressText(working('diarizing'), true)).toBe('Detecting speakers · 12:30 of 48:10')
  })

  test('is shown as far as it is known', () => {
    expect(progressText(working('transcribing', null))).toBe('Transcribing')
    expect(paceText(working('transcribing', null))).toBe('')
    expect(paceText(working('diarizing', { left_ms: null }))).toBe('')
  })
})

describe('the bar', () => {
  test('shows the share of all steps together', () => {
    expect(shareDone(working('transcribing'))).toBe(0.22)
    expect(shareDone(working('diarizing', { audio_done_ms: 0, share: 0.85 }))).toBe(0.85)
    expect(rowStatus(working('diarizing', { audio_done_ms: 0, share: 0.85 }))?.text).toBe(
      'Detecting speakers 85 %',
    )
  })

  test('is full at the end, without a percentage', () => {
    expect(shareDone(working('aligning', { share: 1 }))).toBe(1)
    expect(rowStatus(working('aligning', { share: 1 }))?.text).toBe('Finishing')
  })

  test('is indeterminate while the share is not known', () => {
    expect(shareDone(working('transcribing', { share: null }))).toBeNull()
    expect(shareDone(working('transcribing', null))).toBeNull()
    expect(rowStatus(working('transcribing', { share: null }))?.text).toBe('Transcribing')
  })
})
