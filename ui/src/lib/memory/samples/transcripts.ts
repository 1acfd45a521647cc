/** Transcripts that tests and the page of states show. */
import type { SegmentView, TranscriptInfo } from '../../types'
import type { Transcript } from '../stored'
import { BUILT_IN, builtInModel } from './models'
import { random } from './random'

/** `count` lines of plausible speech, some after a longer pause; the same on every call. */
export function sampleSegments(count: number, fromMs = 400): SegmentView[] {
  const next = random(11)
  let at = fromMs
  return Array.from({ length: count }, (_, index) => {
    const sentences = next() < 0.25 ? 3 : next() < 0.5 ? 2 : 1
    const text = Array.from(
      { length: sentences },
      () => SENTENCES[Math.floor(next() * SENTENCES.length)],
    ).join(' ')
    const start = at
    const end = start + 500 + text.length * 60
    at = end + (next() < 0.12 ? 2_000 + Math.floor(next() * 2_000) : Math.floor(next() * 700))
    return sampleSegment({ id: `line-${fromMs}-${index + 1}`, start_ms: start, end_ms: end, text })
  })
}

/** A line without a speaker and without doubt. */
export function sampleSegment(
  line: Pick<SegmentView, 'id' | 'start_ms' | 'end_ms' | 'text'> & Partial<SegmentView>,
): SegmentView {
  return { doubt: null, speaker_id: null, also: [], assigned: false, ...line }
}

/** A complete transcript of `lines`. */
export function sampleTranscript(lines: SegmentView[], facts: Partial<TranscriptInfo> = {}): Transcript {
  return {
    facts: { ...sampleFacts('transcript-1'), complete: true, ...facts },
    lines,
    settledMs: lines.at(-1)?.end_ms ?? 0,
  }
}

export function sampleFacts(id: string): TranscriptInfo {
  return {
    id,
    version: 1,
    complete: false,
    engine: 'transcribe.cpp',
    model: BUILT_IN,
    model_title: builtInModel().title,
    language: 'en',
    language_detected: true,
    doubtful_lines: 0,
    other_languages: [],
  }
}

const SENTENCES = [
  'Good morning everyone, and thank you for coming at such short notice.',
  'Yes.',
  'I would say we look at the numbers first and then talk about what they mean for the spring.',
  'That is what I thought as well.',
  'The second room is free from four o’clock, so we could move over there if this one gets too small.',
  'Could you say that again, please?',
  'We asked eleven families, and nine of them said they would rather have the longer break in the middle of the day.',
  'Right, and who writes it down?',
  'It is not that we do not want it, it is that nobody has had the time to look at it properly.',
  'Let us come back to that after lunch.',
  'The harbour office answered last week, and their answer was shorter than the question.',
  'I can do that by Friday.',
  'So if I understand you, the cost is about the same, but the risk is somewhere else entirely, and that is the part which worries me.',
  'No, that was the year before.',
]
