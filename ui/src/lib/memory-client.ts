/**
 * The core as a component test or the page of states wants it: everything is in memory, nothing happens by itself, and
 * any call can be made to fail or to wait.
 */
import { CoreError, type Client, type Drag, type Unsubscribe } from './client'
import {
  BUILT_IN,
  builtInModel,
  compare,
  factsOf,
  importedModel,
  installed,
  obeyed,
  sampleRoom,
  versionOf,
  type Version,
} from './memory-models'
import { MemorySpeakers, samplePeople, samplePerson, sampleSpeakers } from './memory-speakers'
import { EXPORT_FORMATS } from './types'
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
  LineView,
  MeetingPage,
  ModelNews,
  ModelRoom,
  ModelState,
  ModelView,
  News,
  PeopleView,
  PersonView,
  Preferences,
  SpeakersView,
  Stretch,
  TranscriptFacts,
  VersionView,
  Whom,
  WindowState,
} from './types'

/** A method of the client that can fail or wait. */
export type Call = {
  [Name in keyof Client]: Client[Name] extends (...args: never[]) => Promise<unknown> ? Name : never
}[keyof Client]

/** A version of a transcript with all its lines. */
export type Words = { facts: TranscriptFacts; lines: LineView[]; settledMs: number }

/** What a client begins with; the rest is as in an empty archive. */
export type Seed = {
  core?: CoreState
  jobs?: JobView[]
  /** By the job's id. */
  words?: Record<string, Words>
  imports?: ImportView[]
  interrupted?: InterruptedView[]
  preferences?: Partial<Preferences>
  window?: Partial<WindowState>
  about?: Partial<About>
  licences?: string
  /** Address of a job's sound. */
  sound?: (id: string) => string | null
  /** What a drop of these paths would do; by default every path is a recording. */
  drop?: (paths: string[]) => DropView
  room?: Partial<ModelRoom>
  /** By the job's id, newest first; by default the one of `words`. */
  versions?: Record<string, Version[]>
  /** By the job's id; by default speakers were never told apart. */
  speakers?: Record<string, SpeakersView>
  people?: Partial<PeopleView>
  /** Milliseconds between two steps of a download; without it downloads go on only by hand. */
  pace?: number
}

type Failing = { failure: Failure; times: number }
type Gate = { opened: Promise<void>; open: () => void }

export class MemoryClient implements Client {
  /** Every call so far, in order: `['rename', 'id', 'title']`. */
  readonly calls: [Call, ...unknown[]][] = []
  /** Where an export is put; null when the user thinks better of it. */
  exportPath: (job: JobView, format: ExportFormat) => string | null = defaultExportPath
  /** What a delete says; by default nothing but the meeting. */
  deletions: Partial<Record<string, DeletionView>> = {}
  /** Paths that the next choice of files or of a folder gives; none when the user thinks better of it. */
  chosen: string[] = []
  /** What is on the clipboard. */
  clipboard = ''

  #core: CoreState
  #jobs = new Map<string, JobView>()
  #words = new Map<string, Words>()
  #imports = new Map<string, ImportView>()
  #interrupted: InterruptedView[]
  #exports = new Map<string, ExportView>()
  #preferences: Preferences
  #window: WindowState
  #about: About
  #licences: string
  #sound: (id: string) => string | null
  #drop: (paths: string[]) => DropView
  #room: ModelRoom
  #versions = new Map<string, Version[]>()
  #choices = new Map<string, Choice>()
  #speakers = new Map<string, MemorySpeakers>()
  #people: PeopleView
  readonly #pace: number | undefined
  #failing = new Map<Call, Failing>()
  #held = new Map<Call, Gate>()
  #made = 0

  readonly #onCore = new Listeners<CoreState>()
  readonly #onNews = new Listeners<News>()
  readonly #onClosing = new Listeners<JobView>()
  readonly #onDrag = new Listeners<Drag>()
  readonly #onImport = new Listeners<ImportView>()
  readonly #onModel = new Listeners<ModelNews>()

  constructor(seed: Seed = {}) {
    this.#core = seed.core ?? { state: 'ready' }
    for (const job of seed.jobs ?? []) this.#jobs.set(job.id, copy(job))
    for (const [id, words] of Object.entries(seed.words ?? {})) this.#words.set(id, copy(words))
    for (const view of seed.imports ?? []) this.#imports.set(view.id, copy(view))
    this.#interrupted = copy(seed.interrupted ?? [])
    this.#preferences = { theme: 'system', notify: true, ...seed.preferences }
    this.#window = {
      sidebar_width: 280,
      hint_dismissed: false,
      people_hint_dismissed: false,
      playback_rate: 1,
      volume: 1,
      ...seed.window,
    }
    this.#about = { ...ABOUT, ...seed.about }
    this.#licences = seed.licences ?? 'MIT License\n\nCopyright (c) the authors'
    this.#sound = seed.sound ?? ((id) => `memory:/sound/${id}`)
    this.#drop = seed.drop ?? ((paths) => ({ recordings: paths.length, folders: [], unsuitable: [] }))
    this.#room = copy(sampleRoom(seed.room))
    for (const [id, versions] of Object.entries(seed.versions ?? {})) this.#versions.set(id, copy(versions))
    for (const [id, view] of Object.entries(seed.speakers ?? {}))
      this.#speakers.set(id, new MemorySpeakers(copy(view), this.#words.get(id)?.lines ?? []))
    this.#people = copy(samplePeople(seed.people))
    this.#pace = seed.pace
  }

  // Making things happen

  /** The next `times` calls of `call` fail. */
  fail(call: Call, failure: Partial<Failure> = {}, times = Infinity): void {
    const whole: Failure = { code: 'other', message: 'The archive could not be reached.', ...failure }
    this.#failing.set(call, { failure: whole, times })
  }

  /** Calls of `call` succeed again. */
  succeed(call: Call): void {
    this.#failing.delete(call)
  }

  /** Calls of `call` wait until the function that comes back is called. */
  hold(call: Call): () => void {
    let open = () => {}
    const opened = new Promise<void>((resolve) => (open = resolve))
    this.#held.set(call, { opened, open })
    return () => {
      this.#held.delete(call)
      open()
    }
  }

  /** How often `call` was made. */
  count(call: Call): number {
    return this.calls.filter(([name]) => name === call).length
  }

  setCore(state: CoreState): void {
    this.#core = state
    this.#onCore.tell(copy(state))
  }

  emitNews(news: News): void {
    this.#onNews.tell(copy(news))
  }

  addJob(job: JobView): void {
    this.#jobs.set(job.id, copy(job))
    this.emitNews({ kind: 'job', id: job.id })
  }

  /** Changes a job and tells so: as news of progress if only that changed. */
  changeJob(id: string, change: Partial<JobView>): void {
    this.#jobs.set(id, { ...this.#job(id), ...copy(change) })
    const onlyProgress = Object.keys(change).every((key) => key === 'progress')
    this.emitNews({ kind: onlyProgress ? 'progress' : 'job', id })
  }

  removeJob(id: string): void {
    this.#jobs.delete(id)
    this.#words.delete(id)
    this.emitNews({ kind: 'job', id })
  }

  /**
   * Lines as they are recognised: those that begin where `lines` begin or later are replaced. The last line may still
   * change, unless `complete` or `settledMs` say otherwise.
   */
  addLines(id: string, lines: LineView[], how: { complete?: boolean; settledMs?: number } = {}): void {
    const words = this.#words.get(id)
    const from = lines[0]?.start_ms ?? Infinity
    const all = [...(words?.lines ?? []).filter((line) => line.start_ms < from), ...copy(lines)]
    const last = all.at(-1)
    const complete = how.complete ?? false
    const settledMs = how.settledMs ?? (complete ? last?.end_ms : last?.start_ms) ?? 0
    const facts = { ...(words?.facts ?? sampleFacts(`${id}/1`)), complete }
    this.#words.set(id, { facts, lines: all, settledMs })
    this.emitNews({ kind: 'transcript', id: facts.id })
  }

  /** Another version of the transcript becomes the one that is shown. */
  setWords(id: string, words: Words): void {
    this.#words.set(id, copy(words))
    this.emitNews({ kind: 'transcript', id: words.facts.id })
    this.emitNews({ kind: 'job', id })
  }

  /** The speakers of a meeting were told apart. */
  setSpeakers(id: string, change: Partial<SpeakersView>): void {
    this.#speakersOf(id).change(copy(change))
    this.emitNews({ kind: 'speakers', id })
    this.emitNews({ kind: 'lines', id })
  }

  setSound(sound: (id: string) => string | null): void {
    this.#sound = sound
  }

  changeExport(exportId: string, change: Partial<ExportView>): void {
    const view = this.#exports.get(exportId)
    if (!view) throw new Error(`there is no export ${exportId}`)
    this.#exports.set(exportId, { ...view, ...change })
    this.emitNews({ kind: 'export', id: exportId })
  }

  drag(drag: Drag): void {
    this.#onDrag.tell(copy(drag))
  }

  /** An import that began, went on or ended. */
  importProgress(change: Partial<ImportView> & { id: string }): void {
    const view = { ...(this.#imports.get(change.id) ?? sampleImport()), ...copy(change) }
    this.#imports.set(view.id, view)
    this.#onImport.tell(copy(view))
  }

  /** A model as it came on; one that is not known yet is added. */
  setModel(id: string, change: Partial<ModelView>): void {
    const known = this.#room.models.some((model) => model.id === id)
    const models = known ? this.#room.models : [...this.#room.models, importedModel(id)]
    const changed = models.map((model) => (model.id === id ? { ...model, ...copy(change) } : model))
    this.#room = { ...this.#room, models: changed }
    const onlyState = known && Object.keys(change).every((key) => key === 'state')
    this.#onModel.tell(copy({ id, state: onlyState ? (change.state ?? null) : null }))
  }

  /** The user wants to close the window while `job` is being worked on. */
  closing(job: JobView): void {
    this.#onClosing.tell(copy(job))
  }

  // Client: life

  coreState(): Promise<CoreState> {
    return this.#answer('coreState', [], () => this.#core)
  }

  openAgain(): Promise<void> {
    return this.#answer('openAgain', [], () => this.setCore({ state: 'ready' }))
  }

  onCore(listener: (state: CoreState) => void): Unsubscribe {
    return this.#onCore.add(listener)
  }

  onNews(listener: (news: News) => void): Unsubscribe {
    return this.#onNews.add(listener)
  }

  onClosing(listener: (job: JobView) => void): Unsubscribe {
    return this.#onClosing.add(listener)
  }

  closeWindow(): Promise<void> {
    return this.#answer('closeWindow', [], () => {})
  }

  keepOpen(): Promise<void> {
    return this.#answer('keepOpen', [], () => {})
  }

  // Client: library

  meetings(): Promise<JobView[]> {
    return this.#answer('meetings', [], () =>
      [...this.#jobs.values()].sort((a, b) => b.created_at.localeCompare(a.created_at)),
    )
  }

  meetingsById(ids: string[]): Promise<JobView[]> {
    return this.#answer('meetingsById', [ids], () =>
      ids.map((id) => this.#jobs.get(id)).filter((job) => job !== undefined),
    )
  }

  rename(id: string, title: string): Promise<JobView> {
    return this.#answer('rename', [id, title], () => this.#change(id, { title }))
  }

  bringForward(id: string): Promise<void> {
    return this.#answer('bringForward', [id], () => {
      const priorities = [...this.#jobs.values()].map((job) => job.priority)
      this.#change(id, { priority: Math.max(...priorities) + 1 })
    })
  }

  retry(id: string): Promise<JobView> {
    return this.#answer('retry', [id], () => {
      if (this.#job(id).status !== 'failed') throw wrongState('This meeting is not stopped.')
      return this.#change(id, { status: 'pending', workflow_state: 'queued', error_message: null })
    })
  }

  cancel(id: string): Promise<JobView> {
    return this.#answer('cancel', [id], () => {
      if (!['pending', 'processing'].includes(this.#job(id).status))
        throw wrongState('This meeting is not being worked on.')
      return this.#change(id, { status: 'failed', workflow_state: 'cancelled' })
    })
  }

  deletion(id: string): Promise<DeletionView> {
    return this.#answer('deletion', [id], () => {
      const { title } = this.#job(id)
      return this.deletions[id] ?? { title, own_exports: 0, kept_exports: [] }
    })
  }

  deleteMeeting(id: string): Promise<void> {
    return this.#answer('deleteMeeting', [id], () => {
      this.#job(id)
      this.removeJob(id)
    })
  }

  // Client: import

  chooseFiles(): Promise<boolean> {
    return this.#answer('chooseFiles', [], () => this.#import(this.chosen))
  }

  chooseFolder(): Promise<boolean> {
    return this.#answer('chooseFolder', [], () => this.#import(this.chosen))
  }

  importPaths(paths: string[]): Promise<void> {
    return this.#answer('importPaths', [paths], () => void this.#import(paths))
  }

  describeDrop(paths: string[]): Promise<DropView> {
    return this.#answer('describeDrop', [paths], () => this.#drop(paths))
  }

  onDrag(listener: (drag: Drag) => void): Unsubscribe {
    return this.#onDrag.add(listener)
  }

  imports(): Promise<ImportView[]> {
    return this.#answer('imports', [], () => [...this.#imports.values()])
  }

  onImport(listener: (view: ImportView) => void): Unsubscribe {
    return this.#onImport.add(listener)
  }

  stopImport(id: string): Promise<void> {
    return this.#answer('stopImport', [id], () => this.importProgress({ id, state: 'stopped' }))
  }

  dismissImport(id: string): Promise<void> {
    return this.#answer('dismissImport', [id], () => void this.#imports.delete(id))
  }

  interruptedImports(): Promise<InterruptedView[]> {
    return this.#answer('interruptedImports', [], () => this.#interrupted)
  }

  continueImport(id: string): Promise<void> {
    return this.#answer('continueImport', [id], () => {
      const view = this.#takeInterrupted(id)
      this.importProgress({ id, state: 'running', done: view.done, total: view.total })
    })
  }

  forgetImport(id: string): Promise<void> {
    return this.#answer('forgetImport', [id], () => void this.#takeInterrupted(id))
  }

  // Client: a meeting

  meeting(id: string, fromMs: number): Promise<MeetingPage> {
    return this.#answer('meeting', [id, fromMs], () => {
      const words = this.#words.get(id)
      return {
        job: this.#job(id),
        transcript: words?.facts ?? null,
        lines: (words?.lines ?? []).filter((line) => line.start_ms >= fromMs),
        settled_ms: words?.settledMs ?? 0,
      }
    })
  }

  sound(id: string): Promise<string | null> {
    return this.#answer('sound', [id], () => (this.#job(id).is_here ? this.#sound(id) : null))
  }

  copyTranscript(id: string): Promise<void> {
    return this.#answer('copyTranscript', [id], () => {
      this.#job(id)
      this.clipboard = (this.#words.get(id)?.lines ?? []).map((line) => line.text).join('\n')
    })
  }

  copyText(text: string): Promise<void> {
    return this.#answer('copyText', [text], () => {
      this.clipboard = text
    })
  }

  // Client: speech models

  modelRoom(): Promise<ModelRoom> {
    return this.#answer('modelRoom', [], () => this.#room)
  }

  onModel(listener: (news: ModelNews) => void): Unsubscribe {
    return this.#onModel.add(listener)
  }

  installModel(id: string): Promise<void> {
    return this.#answer('installModel', [id], () => {
      const { state, byte_size } = this.#model(id)
      this.#download(id, 'done_bytes' in state ? state.done_bytes : 0, byte_size)
    })
  }

  stopInstall(id: string): Promise<void> {
    return this.#answer('stopInstall', [id], () => {
      const { state, byte_size } = this.#model(id)
      if (state.state !== 'downloading') throw wrongState('This model is not being downloaded.')
      this.setModel(id, {
        state: { state: 'paused', done_bytes: state.done_bytes, total_bytes: byte_size },
      })
    })
  }

  removeModel(id: string): Promise<void> {
    return this.#answer('removeModel', [id], () => {
      const model = this.#model(id)
      if (model.source === 'catalogue') this.setModel(id, { state: { state: 'available' } })
      else {
        this.#room.models = this.#room.models.filter((one) => one !== model)
        this.#onModel.tell({ id, state: null })
      }
    })
  }

  chooseModelFile(link: boolean): Promise<boolean> {
    return this.#answer('chooseModelFile', [link], () => {
      this.#importModels(this.chosen, link)
      return this.chosen.length > 0
    })
  }

  importModels(paths: string[]): Promise<void> {
    return this.#answer('importModels', [paths], () => this.#importModels(paths, false))
  }

  setDefaults(choice: Choice): Promise<void> {
    return this.#answer('setDefaults', [choice], () => {
      this.#room.defaults = obeyed(choice, this.#usable(choice.model))
      this.#onModel.tell({ id: choice.model, state: null })
    })
  }

  // Client: versions

  choice(meetingId: string): Promise<Choice> {
    return this.#answer('choice', [meetingId], () => this.#choices.get(meetingId) ?? this.#room.defaults)
  }

  transcribeAgain(meetingId: string, choice: Choice): Promise<JobView> {
    return this.#answer('transcribeAgain', [meetingId, choice], () => {
      const model = this.#usable(choice.model)
      this.#choices.set(meetingId, obeyed(choice, model))
      return this.#change(meetingId, {
        status: 'pending',
        workflow_state: 'queued',
        error_message: null,
        model: model.id,
        model_title: model.title,
        model_missing: false,
      })
    })
  }

  versions(meetingId: string): Promise<VersionView[]> {
    return this.#answer('versions', [meetingId], () =>
      this.#versionsOf(meetingId).map((version) => version.view),
    )
  }

  versionPage(meetingId: string, versionId: string): Promise<MeetingPage> {
    return this.#answer('versionPage', [meetingId, versionId], () => {
      const { view, lines } = this.#version(meetingId, versionId)
      return {
        job: this.#job(meetingId),
        transcript: factsOf(view),
        lines,
        settled_ms: lines.at(-1)?.end_ms ?? 0,
      }
    })
  }

  compareVersions(meetingId: string, left: string, right: string): Promise<Comparison> {
    return this.#answer('compareVersions', [meetingId, left, right], () =>
      compare(this.#version(meetingId, left), this.#version(meetingId, right)),
    )
  }

  makeCurrent(meetingId: string, versionId: string): Promise<JobView> {
    return this.#answer('makeCurrent', [meetingId, versionId], () => {
      const { view, lines } = this.#version(meetingId, versionId)
      const versions = this.#versionsOf(meetingId)
      this.#versions.set(
        meetingId,
        versions.map((one) => ({ ...one, view: { ...one.view, current: one.view.id === versionId } })),
      )
      this.setWords(meetingId, { facts: factsOf(view), lines, settledMs: lines.at(-1)?.end_ms ?? 0 })
      return this.#change(meetingId, { model: view.model, model_title: view.model_title })
    })
  }

  // Client: speakers

  speakers(meetingId: string): Promise<SpeakersView> {
    return this.#answer('speakers', [meetingId], () => this.#speakersView(meetingId))
  }

  nameSpeaker(
    meetingId: string,
    speakerId: string,
    name: string | null,
    personId: string | null,
  ): Promise<SpeakersView> {
    return this.#answer('nameSpeaker', [meetingId, speakerId, name, personId], () =>
      this.#correct(meetingId, (speakers) =>
        speakers.name(speakerId, name, this.#learn(meetingId, name, personId)),
      ),
    )
  }

  mergeSpeakers(meetingId: string, from: string, into: string): Promise<SpeakersView> {
    return this.#answer('mergeSpeakers', [meetingId, from, into], () =>
      this.#correct(meetingId, (speakers) => speakers.merge(from, into)),
    )
  }

  addSpeaker(meetingId: string, name: string | null): Promise<SpeakersView> {
    return this.#answer('addSpeaker', [meetingId, name], () =>
      this.#correct(meetingId, (speakers) => void speakers.add(name)),
    )
  }

  assign(meetingId: string, stretch: Stretch, whom: Whom): Promise<SpeakersView> {
    return this.#answer('assign', [meetingId, stretch, whom], () =>
      this.#correct(meetingId, (speakers) => speakers.assign(stretch, whom)),
    )
  }

  undoSpeakers(meetingId: string): Promise<SpeakersView> {
    return this.#answer('undoSpeakers', [meetingId], () =>
      this.#correct(meetingId, (speakers) => speakers.undo()),
    )
  }

  redoSpeakers(meetingId: string): Promise<SpeakersView> {
    return this.#answer('redoSpeakers', [meetingId], () =>
      this.#correct(meetingId, (speakers) => speakers.redo()),
    )
  }

  rerunSpeakers(meetingId: string, expected: Expected): Promise<JobView> {
    return this.#answer('rerunSpeakers', [meetingId, expected], () => {
      this.setSpeakers(meetingId, { state: 'waiting', note: null, expected })
      return this.#change(meetingId, { status: 'pending', workflow_state: 'queued' })
    })
  }

  refuseSuggestion(meetingId: string, speakerId: string, personId: string): Promise<SpeakersView> {
    return this.#answer('refuseSuggestion', [meetingId, speakerId, personId], () =>
      this.#correct(meetingId, (speakers) => speakers.refuse(speakerId)),
    )
  }

  // Client: people

  people(): Promise<PeopleView> {
    return this.#answer('people', [], () => this.#people)
  }

  setPeople(enabled: boolean, automatic: boolean): Promise<PeopleView> {
    return this.#answer('setPeople', [enabled, automatic], () =>
      this.#setPeople({
        enabled,
        automatic: enabled && automatic,
        people: enabled ? this.#people.people : [],
      }),
    )
  }

  renamePerson(id: string, name: string): Promise<PeopleView> {
    return this.#answer('renamePerson', [id, name], () => {
      this.#person(id)
      const people = this.#people.people.map((one) => (one.id === id ? { ...one, name } : one))
      return this.#setPeople({ people })
    })
  }

  mergePeople(from: string, into: string): Promise<PeopleView> {
    return this.#answer('mergePeople', [from, into], () => {
      const gone = this.#person(from)
      const people = this.#people.people
        .filter((one) => one.id !== from)
        .map((one) =>
          one.id === into
            ? {
                ...one,
                voices: one.voices + gone.voices,
                samples: [...one.samples, ...gone.samples],
                meetings: [...one.meetings, ...gone.meetings],
              }
            : one,
        )
      return this.#setPeople({ people })
    })
  }

  forgetPerson(id: string): Promise<PeopleView> {
    return this.#answer('forgetPerson', [id], () => {
      this.#person(id)
      return this.#setPeople({ people: this.#people.people.filter((one) => one.id !== id) })
    })
  }

  // Client: export

  exportMeeting(id: string, format: ExportFormat): Promise<ExportView | null> {
    return this.#answer('exportMeeting', [id, format], () => {
      const path = this.exportPath(this.#job(id), format)
      if (path === null) return null
      const view: ExportView = {
        export_id: this.#newId(),
        type: format,
        status: 'pending',
        path,
        progress: 0,
        error_message: null,
        note: null,
      }
      this.#exports.set(view.export_id, view)
      return view
    })
  }

  exportJob(exportId: string): Promise<ExportView | null> {
    return this.#answer('exportJob', [exportId], () => this.#exports.get(exportId) ?? null)
  }

  showExport(exportId: string): Promise<void> {
    return this.#answer('showExport', [exportId], () => {})
  }

  // Client: the rest

  preferences(): Promise<Preferences> {
    return this.#answer('preferences', [], () => this.#preferences)
  }

  setPreferences(preferences: Preferences): Promise<void> {
    return this.#answer('setPreferences', [preferences], () => {
      this.#preferences = copy(preferences)
    })
  }

  windowState(): Promise<WindowState> {
    return this.#answer('windowState', [], () => this.#window)
  }

  setWindowState(state: WindowState): Promise<void> {
    return this.#answer('setWindowState', [state], () => {
      this.#window = copy(state)
    })
  }

  about(): Promise<About> {
    return this.#answer('about', [], () => this.#about)
  }

  licences(): Promise<string> {
    return this.#answer('licences', [], () => this.#licences)
  }

  openLogFolder(): Promise<void> {
    return this.#answer('openLogFolder', [], () => {})
  }

  openDataFolder(): Promise<void> {
    return this.#answer('openDataFolder', [], () => {})
  }

  async #answer<T>(call: Call, args: unknown[], work: () => T): Promise<T> {
    this.calls.push([call, ...args.map(copy)])
    await this.#held.get(call)?.opened
    const failing = this.#failing.get(call)
    if (failing) {
      failing.times -= 1
      if (failing.times <= 0) this.#failing.delete(call)
      throw new CoreError(failing.failure)
    }
    return copy(work())
  }

  #job(id: string): JobView {
    const job = this.#jobs.get(id)
    if (!job)
      throw new CoreError({ code: 'not_found', message: 'This meeting is not in the archive any more.' })
    return job
  }

  #change(id: string, change: Partial<JobView>): JobView {
    this.changeJob(id, change)
    return this.#job(id)
  }

  #model(id: string): ModelView {
    const model = this.#room.models.find((one) => one.id === id)
    if (!model) throw new CoreError({ code: 'not_found', message: 'This speech model is not known.' })
    return model
  }

  #usable(id: string): ModelView {
    const model = this.#model(id)
    if (model.state.state !== 'installed' && model.state.state !== 'built_in')
      throw new CoreError({ code: 'not_offered', message: `“${model.title}” is not installed.` })
    return model
  }

  #download(id: string, doneBytes: number, totalBytes: number | null): void {
    const speed = 3_200_000
    const left = totalBytes === null ? null : ((totalBytes - doneBytes) / speed) * 1000
    this.setModel(id, {
      state: {
        state: 'downloading',
        done_bytes: doneBytes,
        total_bytes: totalBytes,
        bytes_per_second: doneBytes === 0 ? null : speed,
        left_ms: doneBytes === 0 ? null : left,
        mirror: 'huggingface.co',
      },
    })
    this.#later(() => {
      if (this.#state(id) !== 'downloading') return
      const next = doneBytes + (totalBytes ?? 1) / 20
      if (next < (totalBytes ?? 1)) this.#download(id, next, totalBytes)
      else this.#check(id, installed(id))
    })
  }

  #importModels(paths: string[], link: boolean): void {
    for (const path of paths) {
      const model = importedModel(path)
      this.setModel(model.id, link ? { ...model, state: { state: 'checking' } } : model)
      this.#later(() => this.#check(model.id, { state: 'installed', file: path, linked: link }))
    }
  }

  #check(id: string, then: ModelState): void {
    this.setModel(id, { state: { state: 'checking' } })
    this.#later(() => {
      if (this.#state(id) === 'checking') this.setModel(id, { state: then })
    })
  }

  #state(id: string): string | undefined {
    return this.#room.models.find((model) => model.id === id)?.state.state
  }

  #later(step: () => void): void {
    if (this.#pace !== undefined) setTimeout(step, this.#pace)
  }

  #speakersOf(meetingId: string): MemorySpeakers {
    let speakers = this.#speakers.get(meetingId)
    if (!speakers) {
      speakers = new MemorySpeakers(
        sampleSpeakers({ state: 'none', method: null }),
        this.#words.get(meetingId)?.lines ?? [],
      )
      this.#speakers.set(meetingId, speakers)
    }
    return speakers
  }

  #speakersView(meetingId: string): SpeakersView {
    this.#job(meetingId)
    return { ...this.#speakersOf(meetingId).view, people_enabled: this.#people.enabled }
  }

  /** Does something to the speakers, and tells of it. */
  #correct(meetingId: string, act: (speakers: MemorySpeakers) => void): SpeakersView {
    const speakers = this.#speakersOf(meetingId)
    const words = this.#words.get(meetingId)
    if (words) speakers.setLines(words.lines)
    act(speakers)
    const cut = words && speakers.lines !== words.lines
    if (words) this.#words.set(meetingId, { ...words, lines: speakers.lines })
    this.emitNews({ kind: 'speakers', id: meetingId })
    if (cut) this.emitNews({ kind: 'lines', id: meetingId })
    return this.#speakersView(meetingId)
  }

  /** The person behind a name: the one that is meant, or one of that name, where people are kept. */
  #learn(meetingId: string, name: string | null, personId: string | null): string | null {
    if (name === null || !this.#people.enabled) return null
    const { id, title } = this.#job(meetingId)
    const known = this.#people.people.find((one) =>
      personId === null ? one.name === name : one.id === personId,
    )
    const person = known ?? samplePerson(0, { id: this.#newId(), name, voices: 0 })
    const meetings = person.meetings.some((one) => one.id === id)
      ? person.meetings
      : [{ id, title }, ...person.meetings]
    const learned = { ...person, voices: person.voices + 1, meetings }
    const others = this.#people.people.filter((one) => one.id !== person.id)
    this.#setPeople({ people: [...others, learned].sort((a, b) => a.name.localeCompare(b.name)) })
    return person.id
  }

  #setPeople(change: Partial<PeopleView>): PeopleView {
    this.#people = { ...this.#people, ...change }
    this.emitNews({ kind: 'people' })
    return this.#people
  }

  #person(id: string): PersonView {
    const person = this.#people.people.find((one) => one.id === id)
    if (!person) throw new CoreError({ code: 'not_found', message: 'This person is not known any more.' })
    return person
  }

  #versionsOf(meetingId: string): Version[] {
    const known = this.#versions.get(meetingId)
    if (known) return known
    const words = this.#words.get(meetingId)
    return words ? [{ view: versionOf(words.facts, words.lines), lines: words.lines }] : []
  }

  #version(meetingId: string, versionId: string): Version {
    const version = this.#versionsOf(meetingId).find((one) => one.view.id === versionId)
    if (!version) throw new CoreError({ code: 'not_found', message: 'This version is not there any more.' })
    return version
  }

  #takeInterrupted(id: string): InterruptedView {
    const view = this.#interrupted.find((one) => one.id === id)
    if (!view) throw new CoreError({ code: 'not_found', message: 'This import has ended.' })
    this.#interrupted = this.#interrupted.filter((one) => one !== view)
    return view
  }

  /** Takes every path in as a recording that waits. */
  #import(paths: string[]): boolean {
    if (paths.length === 0) return false
    const id = this.#newId()
    this.importProgress({ id, state: 'running', total: paths.length })
    const imported = paths.map((path) => {
      const fileName = path.split('/').at(-1) ?? path
      const at = new Date().toISOString()
      const job = sampleJob({
        id: this.#newId(),
        file_name: fileName,
        title: fileName.replace(/\.[^.]+$/, ''),
        status: 'pending',
        workflow_state: 'queued',
        recorded_at: null,
        created_at: at,
        updated_at: at,
      })
      this.addJob(job)
      return job.id
    })
    this.importProgress({ id, state: 'finished', done: paths.length, imported })
    return true
  }

  #newId(): string {
    this.#made += 1
    return `made-${this.#made}`
  }
}

class Listeners<T> {
  readonly #all = new Set<(value: T) => void>()

  add(listener: (value: T) => void): Unsubscribe {
    // A fresh function, so that the same listener can subscribe twice.
    const own = (value: T) => listener(value)
    this.#all.add(own)
    return () => void this.#all.delete(own)
  }

  tell(value: T): void {
    for (const listener of [...this.#all]) listener(value)
  }
}

/** As if it had crossed from the core: nothing is shared, nothing is reactive. */
function copy<T>(value: T): T {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T)
}

function wrongState(message: string): CoreError {
  return new CoreError({ code: 'wrong_state', message })
}

function defaultExportPath(job: JobView, format: ExportFormat): string {
  const ending = EXPORT_FORMATS.find((one) => one.word === format)?.extension
  return `/home/anna/Documents/${job.title}.${ending}`
}

const ABOUT: About = {
  version: '0.1.0',
  engine: builtInModel().title,
  languages: builtInModel().languages,
  database: 'PostgreSQL 16.9',
  data_folder: '/home/anna/.local/share/meetmemo',
  private_database: true,
  components: [{ name: 'transcribe.cpp', version: '0.4.1', licence: 'MIT' }],
}

// Samples

/** A meeting that is there and well, with `change`. */
export function sampleJob(change: Partial<JobView> = {}): JobView {
  return {
    id: sampleId(1),
    file_name: 'panel.wav',
    file_hash: null,
    status: 'completed',
    priority: 0,
    waiting_since: null,
    workflow_state: 'done',
    error_message: null,
    title: 'Panel discussion',
    duration_ms: 2_890_000,
    recorded_at: '2026-03-03T14:05:00+00:00',
    created_at: '2026-03-03T15:00:00.000Z',
    updated_at: '2026-03-03T15:10:00.000Z',
    byte_size: 92_480_044,
    media_format: 'WAV, PCM',
    media_note: null,
    is_here: true,
    progress: null,
    model: BUILT_IN,
    model_title: builtInModel().title,
    model_missing: false,
    ...change,
  }
}

/** `count` meetings, newest first, two or so a day back from `now`; the same every time. */
export function sampleMeetings(count: number, now = new Date('2026-03-03T15:00:00Z')): JobView[] {
  const random = chance(7)
  let at = now.getTime()
  return Array.from({ length: count }, (_, index) => {
    at -= Math.floor(random() * 24 * 3_600_000)
    const title = TITLES[index % TITLES.length] ?? ''
    const moment = new Date(at).toISOString()
    return sampleJob({
      id: sampleId(index + 1),
      title: index < TITLES.length ? title : `${title} ${Math.floor(index / TITLES.length) + 1}`,
      file_name: `${title.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.${EXTENSIONS[index % EXTENSIONS.length]}`,
      duration_ms: 40_000 + Math.floor(random() ** 2 * 3 * 3_600_000),
      recorded_at: moment.replace(/\.\d+Z$/, '+00:00'),
      created_at: moment,
      updated_at: moment,
    })
  })
}

/** `count` lines as somebody might say them, with a longer pause now and then; the same every time. */
export function sampleLines(count: number, fromMs = 400): LineView[] {
  const random = chance(11)
  let at = fromMs
  return Array.from({ length: count }, (_, index) => {
    const sentences = random() < 0.25 ? 3 : random() < 0.5 ? 2 : 1
    const text = Array.from(
      { length: sentences },
      () => SENTENCES[Math.floor(random() * SENTENCES.length)],
    ).join(' ')
    const start = at
    const end = start + 500 + text.length * 60
    at = end + (random() < 0.12 ? 2_000 + Math.floor(random() * 2_000) : Math.floor(random() * 700))
    return sampleLine({ id: `line-${fromMs}-${index + 1}`, start_ms: start, end_ms: end, text })
  })
}

/** A line without anything to say of it. */
export function sampleLine(
  line: Pick<LineView, 'id' | 'start_ms' | 'end_ms' | 'text'> & Partial<LineView>,
): LineView {
  return { doubt: null, speaker_id: null, also: [], assigned: false, ...line }
}

/** A whole transcript of `lines`. */
export function sampleWords(lines: LineView[], facts: Partial<TranscriptFacts> = {}): Words {
  return {
    facts: { ...sampleFacts('transcript-1'), complete: true, ...facts },
    lines,
    settledMs: lines.at(-1)?.end_ms ?? 0,
  }
}

export function sampleFacts(id: string): TranscriptFacts {
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

/** An import that has only begun. */
export function sampleImport(change: Partial<ImportView> = {}): ImportView {
  return {
    id: 'import-1',
    state: 'running',
    done: 0,
    total: null,
    imported: [],
    duplicates: [],
    refused: [],
    refused_count: 0,
    skipped: [],
    skipped_count: 0,
    message: null,
    ...change,
  }
}

/** A soft tone of this length as an address; for the page of states. */
export function sampleSound(durationMs: number): string {
  const rate = 4000
  const samples = Math.round((durationMs / 1000) * rate)
  const bytes = new Uint8Array(44 + samples)
  const view = new DataView(bytes.buffer)
  const ascii = (at: number, text: string) => bytes.set(new TextEncoder().encode(text), at)
  ascii(0, 'RIFF')
  view.setUint32(4, 36 + samples, true)
  ascii(8, 'WAVEfmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, 1, true)
  view.setUint16(22, 1, true)
  view.setUint32(24, rate, true)
  view.setUint32(28, rate, true)
  view.setUint16(32, 1, true)
  view.setUint16(34, 8, true)
  ascii(36, 'data')
  view.setUint32(40, samples, true)
  for (let i = 0; i < samples; i++) bytes[44 + i] = 128 + 6 * Math.sin((i / rate) * 2 * Math.PI * 220)
  return URL.createObjectURL(new Blob([bytes], { type: 'audio/wav' }))
}

function sampleId(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
}

/** Numbers from 0 to 1 that only look random (mulberry32). */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const EXTENSIONS = ['wav', 'm4a', 'mp3', 'mp4', 'ogg']

const TITLES = [
  'Weekly planning',
  'Interview with Dr Østergaard',
  'Budget review',
  'Board meeting, third quarter, with the guests from the city council and the school',
  'Standup',
  'Panel discussion',
  'Choir committee',
  'Call with the landlord',
  '研究会',
  'Lecture 4: tides',
  'Parents’ evening',
  'Voice memo',
]

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
