/**
 * Everything the UI can ask of the core. `tauri-client.ts` is the window's, `memory-client.ts` the one for component
 * tests and the page of states. A call that fails rejects with a {@link CoreError}.
 */
import type {
  About,
  Choice,
  Comparison,
  CoreState,
  DeletionView,
  DropView,
  ExportFormat,
  ExportView,
  Expected,
  Failure,
  ImportView,
  InterruptedView,
  JobView,
  MeetingPage,
  ModelNews,
  ModelRoom,
  News,
  PeopleView,
  Preferences,
  SpeakersView,
  Stretch,
  VersionView,
  Whom,
  WindowState,
} from './types'

/** What the core says went wrong: a whole sentence, and a code where somebody can act on it. */
export class CoreError extends Error {
  readonly code: Failure['code']
  constructor(failure: Failure) {
    super(failure.message)
    this.name = 'CoreError'
    this.code = failure.code
  }
}

/** Ends a subscription. */
export type Unsubscribe = () => void

/** Files over the window. `enter` and `drop` carry absolute paths. */
export type Drag = { kind: 'enter' | 'drop'; paths: string[] } | { kind: 'leave' }

export interface Client {
  // Life
  coreState(): Promise<CoreState>
  /** Opens the archive again after it failed. */
  openAgain(): Promise<void>
  onCore(listener: (state: CoreState) => void): Unsubscribe
  onNews(listener: (news: News) => void): Unsubscribe
  /** The user wants to close the window while work goes on: the title and progress of what is being worked on. */
  onClosing(listener: (job: JobView) => void): Unsubscribe
  closeWindow(): Promise<void>
  /** The window stays open after all. */
  keepOpen(): Promise<void>

  // Library
  /** All meetings, newest first. */
  meetings(): Promise<JobView[]>
  /** Those of `ids` that exist. */
  meetingsById(ids: string[]): Promise<JobView[]>
  rename(id: string, title: string): Promise<JobView>
  retry(id: string): Promise<JobView>
  cancel(id: string): Promise<JobView>
  /** Has a recording that waits worked on before the others that wait. */
  bringForward(id: string): Promise<void>
  deletion(id: string): Promise<DeletionView>
  deleteMeeting(id: string): Promise<void>

  // Import
  /** Lets the user choose files; true if an import began. */
  chooseFiles(): Promise<boolean>
  chooseFolder(): Promise<boolean>
  importPaths(paths: string[]): Promise<void>
  describeDrop(paths: string[]): Promise<DropView>
  onDrag(listener: (drag: Drag) => void): Unsubscribe
  /** Imports that run, or ended and were not dismissed. */
  imports(): Promise<ImportView[]>
  onImport(listener: (view: ImportView) => void): Unsubscribe
  stopImport(id: string): Promise<void>
  dismissImport(id: string): Promise<void>
  interruptedImports(): Promise<InterruptedView[]>
  continueImport(id: string): Promise<void>
  /** Forgets the rest of an interrupted import. */
  forgetImport(id: string): Promise<void>

  // A meeting
  /** The meeting with its lines that begin at `fromMs` or later. */
  meeting(id: string, fromMs: number): Promise<MeetingPage>
  /** Address of the sound for an audio element; null if the audio is not on this computer. */
  sound(id: string): Promise<string | null>
  /** Puts the whole transcript on the clipboard as text. */
  copyTranscript(id: string): Promise<void>
  /** Puts any text on the clipboard. */
  copyText(text: string): Promise<void>

  // Speech models
  modelRoom(): Promise<ModelRoom>
  onModel(listener: (news: ModelNews) => void): Unsubscribe
  /** Begins, goes on, or tries again; the rest comes as news. */
  installModel(id: string): Promise<void>
  /** Keeps what has come. */
  stopInstall(id: string): Promise<void>
  /** Removes an installed model, or what has come of one. */
  removeModel(id: string): Promise<void>
  /** Lets the user choose a model file; `link` uses it where it lies. False if they thought better of it. */
  chooseModelFile(link: boolean): Promise<boolean>
  /** Copies what was dropped on the window. */
  importModels(paths: string[]): Promise<void>
  /** What new recordings are transcribed with. */
  setDefaults(choice: Choice): Promise<void>

  // Versions of a transcript
  /** What this meeting was or would be transcribed with. */
  choice(meetingId: string): Promise<Choice>
  transcribeAgain(meetingId: string, choice: Choice): Promise<JobView>
  /** Newest first. */
  versions(meetingId: string): Promise<VersionView[]>
  /** As `meeting`, of one version. */
  versionPage(meetingId: string, versionId: string): Promise<MeetingPage>
  compareVersions(meetingId: string, left: string, right: string): Promise<Comparison>
  makeCurrent(meetingId: string, versionId: string): Promise<JobView>

  // Speakers
  speakers(meetingId: string): Promise<SpeakersView>
  /**
   * Names a speaker, or takes the name away. `personId`: they are a known person; without it the core keeps a new person
   * of that name, where people are kept.
   *
   * All of these answer with what is so then; that lines changed comes as news of kind `speakers`.
   */
  nameSpeaker(
    meetingId: string,
    speakerId: string,
    name: string | null,
    personId: string | null,
  ): Promise<SpeakersView>
  mergeSpeakers(meetingId: string, from: string, into: string): Promise<SpeakersView>
  addSpeaker(meetingId: string, name: string | null): Promise<SpeakersView>
  /** Gives words to somebody; the lines are cut anew, with new ids where they change. */
  assign(meetingId: string, stretch: Stretch, whom: Whom): Promise<SpeakersView>
  undoSpeakers(meetingId: string): Promise<SpeakersView>
  redoSpeakers(meetingId: string): Promise<SpeakersView>
  /** Tells the speakers apart once more, as a job in the queue; names and corrections stay. */
  rerunSpeakers(meetingId: string, expected: Expected): Promise<JobView>
  refuseSuggestion(meetingId: string, speakerId: string, personId: string): Promise<SpeakersView>

  // People
  people(): Promise<PeopleView>
  /** To turn it on is to consent; to turn it off forgets all voices, and the names in the meetings stay. */
  setPeople(enabled: boolean, automatic: boolean): Promise<PeopleView>
  renamePerson(id: string, name: string): Promise<PeopleView>
  mergePeople(from: string, into: string): Promise<PeopleView>
  forgetPerson(id: string): Promise<PeopleView>

  // Export
  /** Asks where to, then begins; null if the user thought better of it. How it goes on comes as news. */
  exportMeeting(id: string, format: ExportFormat): Promise<ExportView | null>
  exportJob(exportId: string): Promise<ExportView | null>
  showExport(exportId: string): Promise<void>

  // The rest
  preferences(): Promise<Preferences>
  setPreferences(preferences: Preferences): Promise<void>
  windowState(): Promise<WindowState>
  setWindowState(state: WindowState): Promise<void>
  about(): Promise<About>
  /** The licences of everything that comes along, as one text. */
  licences(): Promise<string>
  openLogFolder(): Promise<void>
  openDataFolder(): Promise<void>
}
