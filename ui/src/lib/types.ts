/** What crosses from the core, under the names of `app::view` and of the shell. Generated in `bindings.ts`. */
import type * as bindings from '../bindings'

export type {
  About,
  Code,
  Component,
  ComparePiece,
  CompareRow,
  CoreState,
  DeletionView,
  DropView,
  DroppedFolder,
  DuplicateView,
  ExportKind,
  Failure,
  ImportState,
  InterruptedView,
  Preferences,
  Theme,
} from '../bindings'

// Types with optional parts come in two forms; the page gets what the core sends.
export type Comparison = bindings.Comparison_Serialize
export type ExportView = bindings.ExportView_Serialize
export type ImportView = bindings.ImportView_Serialize
export type JobView = bindings.JobView_Serialize
export type ModelNews = bindings.ModelNews_Serialize
export type ModelState = bindings.ModelState_Serialize
export type ModelView = bindings.ModelView_Serialize
export type ProgressView = bindings.ProgressView_Serialize
export type TranscriptFacts = bindings.TranscriptFacts_Serialize
export type VersionView = bindings.VersionView_Serialize
export type WindowState = bindings.WindowState_Serialize

// speakers: by hand until the bindings have them

export type News = bindings.NewsItem | { kind: 'speakers'; id: string } | { kind: 'people' }

export type Choice = bindings.Choice_Serialize & {
  /** How many people speak; null, or both null: it finds out. */
  speakers: Expected | null
}
export type ModelRoom = Omit<bindings.ModelRoom_Serialize, 'defaults'> & { defaults: Choice }
export type LineView = bindings.LineView_Serialize & {
  speaker_id: string | null
  /** Several speak at once. */
  overlap: boolean
  /** Its speaker was said by hand. */
  assigned: boolean
}
export type MeetingPage = Omit<bindings.MeetingPage_Serialize, 'lines'> & { lines: LineView[] }

export type SpeakersState =
  /** They were never told apart in this meeting. */
  | 'none'
  /** It was asked for and waits in the queue, or for the words. */
  | 'waiting'
  | 'running'
  | 'done'
  /** The note says why; the transcript is there all the same. */
  | 'failed'

/** Who speaks in a meeting. */
export type SpeakersView = {
  state: SpeakersState
  /** A sentence: why it failed, or what should be known. */
  note: string | null
  /** What told them apart, for people. */
  method: string | null
  /** How many people the user said. */
  expected: Expected
  /** In order of number; merged ones are not in it. */
  speakers: SpeakerView[]
  /** Who spoke when, in order of start. */
  turns: TurnView[]
  silence_ms: number
  /** Words nobody was given. */
  unknown_words: number
  /** What Undo would take back, as a clause: “renamed Speaker 1 to Anna”; null: nothing. */
  undo: string | null
  redo: string | null
  /** Whether known people are kept and suggested; false until the user agreed. */
  people_enabled: boolean
}

/** How many people speak; both the same: exactly so many. */
export type Expected = { min: number | null; max: number | null }

export type SpeakerView = {
  id: string
  /** “Speaker 1” */
  label: string
  /** The name the user gave. */
  name: string | null
  /** 1 for the first; decides colour and the key that assigns to them. */
  number: number
  person_id: string | null
  speech_ms: number
  /** Of all speech, 0 to 1. */
  share: number
  turns: number
  words: number
  words_per_minute: number | null
  /** A good stretch to hear them by, in this recording. */
  sample: { start_ms: number; end_ms: number } | null
  suggestion: SuggestionView | null
}

export type SuggestionView = {
  person_id: string
  name: string
  /** 0 to 100 */
  percent: number
  /** Where the known voice can be heard; null if that is gone. */
  sample: SampleView | null
}

export type SampleView = { meeting_id: string; start_ms: number; end_ms: number }

export type TurnView = {
  start_ms: number
  end_ms: number
  speaker_id: string
  confidence: number | null
  overlap: boolean
}

/** Known people and their voices. */
export type PeopleView = {
  enabled: boolean
  /** Names sure ones without asking. */
  automatic: boolean
  people: PersonView[]
}

export type PersonView = {
  id: string
  name: string
  /** Voice samples kept. */
  voices: number
  samples: SampleView[]
  /** Meetings they were named in, newest first. */
  meetings: { id: string; title: string }[]
}

/** Words that are given to somebody: UTF-16 offsets in the texts of lines; `to_char` null: to the end of that line. */
export type Stretch = { from_line: string; from_char: number; to_line: string; to_char: number | null }
export type Whom = { kind: 'speaker'; id: string } | { kind: 'new' } | { kind: 'nobody' }
