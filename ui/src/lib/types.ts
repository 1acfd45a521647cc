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
  Failure,
  ImportState,
  InterruptedView,
  JobStatus,
  NewsItem as News,
  OtherLanguage,
  PeopleView,
  PersonView,
  Preferences,
  SampleView,
  SpeakersState,
  Theme,
  Whom,
  WorkStep,
} from '../bindings'

/** The formats that the window offers, in the order of its menu. */
export { EXPORT_FORMATS } from '../bindings'
/** The word of one of them. */
export type ExportFormat = (typeof bindings.EXPORT_FORMATS)[number]['word']

// Types with optional parts come in two forms; the page gets what the core sends.
export type Choice = bindings.Choice_Serialize
export type Comparison = bindings.Comparison_Serialize
export type Expected = bindings.Expected_Serialize
export type ExportView = bindings.ExportView_Serialize
export type ImportView = bindings.ImportView_Serialize
export type JobView = bindings.JobView_Serialize
export type LineView = bindings.LineView_Serialize
export type MeetingPage = bindings.MeetingPage_Serialize
export type ModelNews = bindings.ModelNews_Serialize
export type ModelRoom = bindings.ModelRoom_Serialize
export type ModelState = bindings.ModelState_Serialize
export type ModelView = bindings.ModelView_Serialize
export type ProgressView = bindings.ProgressView_Serialize
export type SpeakerView = bindings.SpeakerView_Serialize
export type SpeakersView = bindings.SpeakersView_Serialize
export type Stretch = bindings.Stretch_Serialize
export type SuggestionView = bindings.SuggestionView_Serialize
export type TranscriptFacts = bindings.TranscriptFacts_Serialize
export type TurnView = bindings.TurnView_Serialize
export type VersionView = bindings.VersionView_Serialize
export type WindowState = bindings.WindowState_Serialize
