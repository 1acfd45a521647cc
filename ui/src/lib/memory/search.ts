/**
 * The search in the archive. It understands words, which must all occur in a meeting, in what is said and in its title, and
 * the filters `speaker:`, `is:favourite` and `longer:`; for everything else a test says what the core answers.
 */
import { filtersOf, hasFilter, valueOf, wordsOf } from '../../search/query'
import type { FoundMeeting, JobView, Passage, SearchRequest, SearchResults, SegmentView } from '../types'
import type { Handlers } from './calls'
import type { MemoryMeetings } from './meetings'
import type { MemorySpeakers } from './speakers'
import type { MemoryTranscripts } from './transcripts'

export type SearchSeed = {
  /** What every answer says besides, or instead of, what is found. */
  search?: Partial<SearchResults>
}

/** Passages that come with a meeting. */
const BEST = 2

type Found = { meeting: FoundMeeting; passages: Passage[] }

export class MemorySearch {
  readonly #meetings: MemoryMeetings
  readonly #transcripts: MemoryTranscripts
  readonly #speakers: MemorySpeakers
  #answer: Partial<SearchResults>

  constructor(
    meetings: MemoryMeetings,
    transcripts: MemoryTranscripts,
    speakers: MemorySpeakers,
    seed: SearchSeed,
  ) {
    this.#meetings = meetings
    this.#transcripts = transcripts
    this.#speakers = speakers
    this.#answer = seed.search ?? {}
  }

  readonly handlers = {
    search: (request) => {
      const all = this.#find(request).map(({ meeting }) => meeting)
      return {
        meetings: all.slice(request.offset, request.offset + request.limit),
        total: all.length,
        total_is_exact: true,
        best_of_newest: null,
        suggestion: null,
        widened: false,
        hints: [],
        preparing: 0,
        ...this.#answer,
      }
    },
    passages: (request, id) => {
      this.#meetings.get(id)
      return this.#find(request).find(({ meeting }) => meeting.job_id === id)?.passages ?? []
    },
  } satisfies Partial<Handlers>

  readonly controls = {
    /** Answers say this from now on. */
    setSearch: (answer: Partial<SearchResults>): void => {
      this.#answer = answer
    },
  }

  #find({ text, sort }: SearchRequest): Found[] {
    const filters = filtersOf(text)
    const words = wordsOf(text)
      .replaceAll('"', ' ')
      .split(/\s+/)
      .filter((word) => word !== '' && !word.startsWith('-'))
    const found = this.#meetings.all
      .filter((job) => job.trashed_at === null)
      .filter((job) => !hasFilter(filters, 'is', 'favourite') || job.favourite)
      .filter((job) => !hasFilter(filters, 'longer', '1h') || (job.duration_ms ?? 0) > 3_600_000)
      .flatMap((job) => this.#findIn(job, words, valueOf(filters, 'speaker')))
    return sort === 'date'
      ? found.sort((a, b) => (b.meeting.recorded_at ?? '').localeCompare(a.meeting.recorded_at ?? ''))
      : found.sort((a, b) => (b.meeting.score ?? 0) - (a.meeting.score ?? 0))
  }

  #findIn(job: JobView, words: string[], speaker: string): Found[] {
    const names = new Map(
      this.#speakers.handlers.speakers(job.id).speakers.map((one) => [one.id, one.name ?? one.label]),
    )
    const nameOf = (line: SegmentView) => names.get(line.speaker_id ?? '') ?? null
    const lines = this.#transcripts
      .lines(job.id)
      .filter((line) => speaker === '' || fold(nameOf(line) ?? '').includes(fold(speaker)))
    const titleMarks = marksOf(job.title, words)
    const everything = [job.title, ...lines.map((line) => line.text)].map(fold)
    if (!words.every((word) => everything.some((one) => one.includes(fold(word))))) return []
    if (speaker !== '' && lines.length === 0) return []
    const passages = lines
      .map((line) => passageOf(line, nameOf(line), words))
      .filter((passage) => passage.marks.length > 0)
    const best = [...passages].sort((a, b) => b.marks.length - a.marks.length).slice(0, BEST)
    const meeting: FoundMeeting = {
      job_id: job.id,
      title: job.title,
      title_marks: titleMarks,
      recorded_at: job.recorded_at ?? job.created_at,
      duration_ms: job.duration_ms,
      score: titleMarks.length * 100 + passages.length,
      passages: best,
      more: passages.length - best.length,
      in_note: false,
      speakers: [...names.values()].filter((name) => marksOf(name, words).length > 0),
    }
    return [{ meeting, passages }]
  }
}

function passageOf(line: SegmentView, speaker: string | null, words: string[]): Passage {
  const marks = marksOf(line.text, words)
  // As if all characters took equally long.
  const share = (marks[0]?.[0] ?? 0) / Math.max(1, line.text.length)
  return {
    source: 'transcript',
    segment_id: line.id,
    start_ms: line.start_ms,
    play_ms: Math.round(line.start_ms + (line.end_ms - line.start_ms) * share),
    speaker,
    text: line.text,
    marks,
  }
}

/** Where the words stand; the samples have no characters that take two UTF-16 units. */
function marksOf(text: string, words: string[]): [number, number][] {
  const folded = fold(text)
  return words
    .flatMap((word) =>
      [...folded.matchAll(new RegExp(escaped(fold(word)), 'g'))].map((found): [number, number] => [
        found.index,
        found.index + found[0].length,
      ]),
    )
    .sort((a, b) => a[0] - b[0])
}

function fold(text: string): string {
  return text.toLowerCase()
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
