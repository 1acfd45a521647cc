/** The window's client: the generated commands and events. */
import { getCurrentWebview } from '@tauri-apps/api/webview'
import type { UnlistenFn } from '@tauri-apps/api/event'
import { commands, events } from '../bindings'
import { CoreError, type Client, type Drag, type Unsubscribe } from './client'
import type { CoreState, Failure, ImportView, JobView, ModelNews, News } from './types'

/** Subscriptions that the core does not know of yet. */
const begun = new Set<Promise<unknown>>()

/**
 * Calls reject with what a command failed with; a call that never reached the core is a failure like any other. What is
 * asked for after subscribing is asked once the subscription holds, so that nothing is missed between the two.
 */
async function call<T>(ask: () => Promise<T>): Promise<T> {
  try {
    await Promise.all(begun)
    return await ask()
  } catch (error) {
    const failure = error as Partial<Failure> | null
    if (failure && typeof failure === 'object' && typeof failure.message === 'string' && failure.code) {
      throw new CoreError(failure as Failure)
    }
    throw new CoreError({ code: 'other', message: String(error) })
  }
}

/** Subscribing takes a moment; who unsubscribes meanwhile is not called after that. */
function subscription(begin: Promise<UnlistenFn>): Unsubscribe {
  begun.add(begin)
  void begin.finally(() => begun.delete(begin))
  return () => void begin.then((end) => end())
}

export class TauriClient implements Client {
  coreState = () => call<CoreState>(() => commands.coreState())
  openAgain = () => call(() => commands.openAgain())
  onCore = (listener: (state: CoreState) => void) =>
    subscription(events.coreState.listen((event) => listener(event.payload)))
  onNews = (listener: (news: News) => void) =>
    subscription(events.newsItem.listen((event) => listener(event.payload)))
  onClosing = (listener: (job: JobView) => void) =>
    subscription(events.closing.listen((event) => listener(event.payload.job as JobView)))
  closeWindow = () => call(() => commands.closeWindow())
  keepOpen = () => call(() => commands.keepOpen())

  meetings = () => call(() => commands.meetings())
  meetingsById = (ids: string[]) => call(() => commands.meetingsById(ids))
  rename = (id: string, title: string) => call(() => commands.rename(id, title))
  retry = (id: string) => call(() => commands.retry(id))
  cancel = (id: string) => call(() => commands.cancel(id))
  bringForward = async (id: string) => void (await call(() => commands.bringForward(id)))
  deletion = (id: string) => call(() => commands.deletion(id))
  deleteMeeting = async (id: string) => void (await call(() => commands.deleteMeeting(id)))

  chooseFiles = () => call(() => commands.chooseFiles())
  chooseFolder = () => call(() => commands.chooseFolder())
  importPaths = (paths: string[]) => call(() => commands.importPaths(paths))
  describeDrop = (paths: string[]) => call(() => commands.describeDrop(paths))
  onDrag = (listener: (drag: Drag) => void) =>
    subscription(
      getCurrentWebview().onDragDropEvent(({ payload }) => {
        if (payload.type === 'leave') listener({ kind: 'leave' })
        // A drag without files, of text for one, is not for us.
        else if (payload.type !== 'over' && payload.paths.length > 0)
          listener({ kind: payload.type, paths: payload.paths })
      }),
    )
  imports = () => call(() => commands.imports())
  onImport = (listener: (view: ImportView) => void) =>
    subscription(events.importView.listen((event) => listener(event.payload as ImportView)))
  stopImport = (id: string) => call(() => commands.stopImport(id))
  dismissImport = (id: string) => call(() => commands.dismissImport(id))
  interruptedImports = () => call(() => commands.interruptedImports())
  continueImport = (id: string) => call(() => commands.continueImport(id))
  forgetImport = async (id: string) => void (await call(() => commands.forgetImport(id)))

  meeting = (id: string, fromMs: number) => call(() => commands.meeting(id, fromMs))
  sound = (id: string) => call(() => commands.sound(id))
  copyTranscript = async (id: string) => void (await call(() => commands.copyTranscript(id)))
  copyText = async (text: string) => void (await call(() => commands.copyText(text)))

  modelRoom = () => call(() => commands.modelRoom())
  onModel = (listener: (news: ModelNews) => void) =>
    subscription(events.modelNews.listen((event) => listener(event.payload)))
  installModel = async (id: string) => void (await call(() => commands.installModel(id)))
  stopInstall = async (id: string) => void (await call(() => commands.stopInstall(id)))
  removeModel = async (id: string) => void (await call(() => commands.removeModel(id)))
  chooseModelFile = (link: boolean) => call(() => commands.chooseModelFile(link))
  importModels = async (paths: string[]) => void (await call(() => commands.importModels(paths)))
  setDefaults = async (...[choice]: Parameters<Client['setDefaults']>) =>
    void (await call(() => commands.setDefaults(choice)))

  choice = (meetingId: string) => call(() => commands.choice(meetingId))
  transcribeAgain = (...[meetingId, choice]: Parameters<Client['transcribeAgain']>) =>
    call(() => commands.transcribeAgain(meetingId, choice))
  versions = (meetingId: string) => call(() => commands.versions(meetingId))
  versionPage = (meetingId: string, versionId: string) =>
    call(() => commands.versionPage(meetingId, versionId))
  compareVersions = (meetingId: string, left: string, right: string) =>
    call(() => commands.compareVersions(meetingId, left, right))
  makeCurrent = (meetingId: string, versionId: string) =>
    call(() => commands.makeCurrent(meetingId, versionId))

  speakers = (id: string) => call(() => commands.speakers(id))
  nameSpeaker = (...[id, speakerId, name, personId]: Parameters<Client['nameSpeaker']>) =>
    call(() => commands.nameSpeaker(id, speakerId, name, personId))
  mergeSpeakers = (id: string, from: string, into: string) =>
    call(() => commands.mergeSpeakers(id, from, into))
  addSpeaker = (id: string, name: string | null) => call(() => commands.addSpeaker(id, name))
  assign = (...[id, stretch, whom]: Parameters<Client['assign']>) =>
    call(() => commands.assign(id, stretch, whom))
  undoSpeakers = (id: string) => call(() => commands.undoSpeakers(id))
  redoSpeakers = (id: string) => call(() => commands.redoSpeakers(id))
  rerunSpeakers = (...[id, expected]: Parameters<Client['rerunSpeakers']>) =>
    call(() => commands.rerunSpeakers(id, expected))
  refuseSuggestion = (id: string, speakerId: string, personId: string) =>
    call(() => commands.refuseSuggestion(id, speakerId, personId))

  people = () => call(() => commands.people())
  setPeople = (enabled: boolean, automatic: boolean) => call(() => commands.setPeople(enabled, automatic))
  renamePerson = (id: string, name: string) => call(() => commands.renamePerson(id, name))
  mergePeople = (from: string, into: string) => call(() => commands.mergePeople(from, into))
  forgetPerson = (id: string) => call(() => commands.forgetPerson(id))

  exportMeeting = (...[id, format]: Parameters<Client['exportMeeting']>) =>
    call(() => commands.exportMeeting(id, format))
  exportJob = (exportId: string) => call(() => commands.exportJob(exportId))
  showExport = async (exportId: string) => void (await call(() => commands.showExport(exportId)))

  preferences = () => call(() => commands.preferences())
  setPreferences = async (...[preferences]: Parameters<Client['setPreferences']>) =>
    void (await call(() => commands.setPreferences(preferences)))
  windowState = () => call(() => commands.windowState())
  setWindowState = async (...[state]: Parameters<Client['setWindowState']>) =>
    void (await call(() => commands.setWindowState(state)))
  about = () => call(() => commands.about())
  licences = () => call(() => commands.licences())
  openLogFolder = async () => void (await call(() => commands.openLogFolder()))
  openDataFolder = async () => void (await call(() => commands.openDataFolder()))
}
