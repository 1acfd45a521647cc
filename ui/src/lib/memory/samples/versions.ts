/** Versions of a transcript that tests and the page of states show. */
import type { SegmentView, TranscriptInfo, VersionView } from '../../types'
import { splitWords } from '../compare'

/** A complete version by Whisper small, with `change`. */
export function sampleVersion(change: Partial<VersionView> = {}): VersionView {
  return {
    id: 'version-2',
    number: 2,
    current: true,
    state: 'complete',
    error_message: null,
    engine: 'transcribe.cpp',
    model: 'whisper-small-Q8_0',
    model_title: 'Whisper small',
    model_sha256: 'a8bf3de2b393bd14ead5a858c3748d5e3b07a20fdeabdd3b498fba4f463fa929',
    model_here: true,
    language: 'en',
    language_detected: true,
    translated: false,
    vocabulary: [],
    word_times: false,
    device: 'CPU',
    audio_ms: 2_890_000,
    done_ms: 2_890_000,
    work_ms: 722_000,
    words: 7_812,
    doubtful_lines: 0,
    created_at: '2026-03-04T09:05:00.000Z',
    completed_at: '2026-03-04T09:17:00.000Z',
    ...change,
  }
}

/** A complete version by an engine that MeetMemo no longer includes. It can still be read and compared. */
export function retiredVersion(change: Partial<VersionView> = {}): VersionView {
  return sampleVersion({
    id: 'version-1',
    number: 1,
    current: false,
    engine: 'PocketSphinx',
    model: 'en-us',
    model_title: 'PocketSphinx, US English',
    model_sha256: null,
    model_here: false,
    language_detected: false,
    word_times: true,
    work_ms: 260_000,
    words: 7_640,
    created_at: '2026-03-03T15:00:00.000Z',
    completed_at: '2026-03-03T15:04:20.000Z',
    ...change,
  })
}

export function factsOf(view: VersionView): TranscriptInfo {
  return {
    id: view.id,
    version: view.number,
    complete: view.state === 'complete',
    engine: view.engine,
    model: view.model,
    model_title: view.model_title,
    language: view.language,
    language_detected: view.language_detected,
    doubtful_lines: view.doubtful_lines,
    other_languages: [],
  }
}

export function versionOf(facts: TranscriptInfo, lines: SegmentView[]): VersionView {
  return sampleVersion({
    id: facts.id,
    number: facts.version,
    state: facts.complete ? 'complete' : 'running',
    engine: facts.engine,
    model: facts.model,
    model_title: facts.model_title,
    model_sha256: null,
    language: facts.language,
    language_detected: facts.language_detected,
    words: lines.reduce((sum, line) => sum + splitWords(line.text).length, 0),
    doubtful_lines: lines.filter((line) => line.doubt !== null).length,
  })
}
