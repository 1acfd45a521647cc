/**
 * The types that cross between the core and the page: all of the generated `bindings.ts`, in the form in which the core
 * sends them.
 */
import type * as bindings from '../bindings'
import { EXPORT_FORMATS as formats } from '../bindings'

export type * from '../bindings'
export type { NewsItem as News } from '../bindings'

/** The formats of exports, in the order in which the window lists them. */
export const EXPORT_FORMATS: readonly FormatView[] = formats
/** The limits that each guide for subtitles sets, and what to know before VACUUM FULL. */
export { SUBTITLE_GUIDES, VACUUM_FULL_WARNING } from '../bindings'

/** A format of exports, as the core describes it. */
export type FormatView = {
  key: string
  label: string
  /** What people use it for. */
  purpose: string
  /** The file extension, without the dot. */
  extension: string
  group: 'document' | 'subtitles' | 'data'
  /** Whether the speakers must have been detected. */
  needs_speakers: boolean
  /** Whether the file names its origin. */
  has_receipt: boolean
  /** The options that change the file. */
  options: readonly (keyof ExportOptions)[]
}

// Types with optional fields are generated twice: as the core sends them, with every field, and as it accepts them.
// The page always uses the first form. Only such types are listed here.
export type ActivityView = bindings.ActivityView_Serialize
export type ArchiveWorkState = bindings.ArchiveWorkState_Serialize
export type BackupCheckView = bindings.BackupCheckView_Serialize
export type BackupOverview = bindings.BackupOverview_Serialize
export type BackupState = bindings.BackupState_Serialize
export type BatchView = bindings.BatchView_Serialize
export type BlockedView = bindings.BlockedView_Serialize
export type ChangeResult = bindings.ChangeResult_Serialize
export type ChangedPassage = bindings.ChangedPassage_Serialize
export type CleanupView = bindings.CleanupView_Serialize
export type Comparison = bindings.Comparison_Serialize
export type ConnectionStep = bindings.ConnectionStep_Serialize
export type ConnectionView = bindings.ConnectionView_Serialize
export type DatabaseAddress = bindings.DatabaseAddress_Serialize
export type DatabaseChoice = bindings.DatabaseChoice_Serialize
export type DatabaseStatusView = bindings.DatabaseStatusView_Serialize
export type EndedArchiveWork = bindings.EndedArchiveWork_Serialize
export type ExportOptions = bindings.ExportOptions_Serialize
export type ExportSettings = bindings.ExportSettings_Serialize
export type ExportView = bindings.ExportView_Serialize
export type FolderView = bindings.FolderView_Serialize
export type FoundMeeting = bindings.FoundMeeting_Serialize
export type ImportView = bindings.ImportView_Serialize
export type IndexView = bindings.IndexView_Serialize
export type IndexesView = bindings.IndexesView_Serialize
export type JobView = bindings.JobView_Serialize
export type LocksView = bindings.LocksView_Serialize
export type MeetingChange = bindings.MeetingChange_Serialize
export type MeetingListPage = bindings.MeetingListPage_Serialize
export type MeetingPage = bindings.MeetingPage_Serialize
export type MigrationView = bindings.MigrationView_Serialize
export type MigrationsView = bindings.MigrationsView_Serialize
export type ModelNews = bindings.ModelNews_Serialize
export type ModelState = bindings.ModelState_Serialize
export type ModelView = bindings.ModelView_Serialize
export type ModelsOverview = bindings.ModelsOverview_Serialize
export type NoteView = bindings.NoteView_Serialize
export type Passage = bindings.Passage_Serialize
export type Preview = bindings.Preview_Serialize
export type ProgressView = bindings.ProgressView_Serialize
export type RestoreView = bindings.RestoreView_Serialize
export type RetentionSettings = bindings.RetentionSettings_Serialize
export type RunningArchiveWork = bindings.RunningArchiveWork_Serialize
export type SavedNote = bindings.SavedNote_Serialize
export type SavedSummary = bindings.SavedSummary_Serialize
export type SearchResults = bindings.SearchResults_Serialize
export type SegmentView = bindings.SegmentView_Serialize
export type ServerLogView = bindings.ServerLogView_Serialize
export type SlowStatementView = bindings.SlowStatementView_Serialize
export type SlowView = bindings.SlowView_Serialize
export type SpeakerCount = bindings.SpeakerCount_Serialize
export type SpeakerView = bindings.SpeakerView_Serialize
export type SpeakersView = bindings.SpeakersView_Serialize
export type StartedBatch = bindings.StartedBatch_Serialize
export type SubtitleOptions = bindings.SubtitleOptions_Serialize
export type SuggestionView = bindings.SuggestionView_Serialize
export type SummaryView = bindings.SummaryView_Serialize
export type TableView = bindings.TableView_Serialize
export type TablesView = bindings.TablesView_Serialize
export type TextSelection = bindings.TextSelection_Serialize
export type TranscriptInfo = bindings.TranscriptInfo_Serialize
export type TranscriptionOptions = bindings.TranscriptionOptions_Serialize
export type TurnView = bindings.TurnView_Serialize
export type UndoStep = bindings.UndoStep_Serialize
export type VerifiedExport = bindings.VerifiedExport_Serialize
export type VersionView = bindings.VersionView_Serialize
export type WindowState = bindings.WindowState_Serialize
