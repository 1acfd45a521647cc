/**
 * A core in memory, for component tests and the page of states: nothing happens by itself, and any command can be made
 * to fail or to wait.
 *
 * Each concern is a class in a file of its own: its `handlers` are what its commands do, its `controls` let a test make
 * things happen. A new concern is added to `memoryClient` below and, if it has something to begin with, to `Seed`.
 */
import type { Drag, Events, Unsubscribe } from '../client'
import type { JobView, News } from '../types'
import { MemoryArchiveCare, type ArchiveCareSeed } from './archive-care'
import { Calls, type Handlers } from './calls'
import { MemoryDatabase, type DatabaseSeed } from './database'
import { defaultExportPath, type Desktop } from './desktop'
import { MemoryEvents } from './events'
import { MemoryExports, type ExportsSeed } from './exports'
import { MemoryImports, type ImportsSeed } from './imports'
import { MemoryLifecycle, type LifecycleSeed } from './lifecycle'
import { MemoryMeetings, type MeetingsSeed } from './meetings'
import { MemoryModels, type ModelsSeed } from './models'
import { MemoryOrganisation, type OrganisationSeed } from './organisation'
import { MemoryPeople, type PeopleSeed } from './people'
import { MemorySearch, type SearchSeed } from './search'
import { MemorySettings, type SettingsSeed } from './settings'
import { MemorySpeakers, type SpeakersSeed } from './speakers'
import { MemorySummaries, type SummariesSeed } from './summaries'
import { MemoryTranscripts, type TranscriptsSeed } from './transcripts'
import { MemoryVersions, type VersionsSeed } from './versions'

/** What a client begins with; the rest is as in an empty archive. */
export type Seed = LifecycleSeed &
  MeetingsSeed &
  OrganisationSeed &
  TranscriptsSeed &
  ExportsSeed &
  ImportsSeed &
  ModelsSeed &
  VersionsSeed &
  SpeakersSeed &
  SummariesSeed &
  SearchSeed &
  PeopleSeed &
  DatabaseSeed &
  ArchiveCareSeed &
  SettingsSeed

class MemoryCore extends Calls implements Desktop {
  chosen: string[] = []
  clipboard = ''
  exportPath: (job: JobView, format: string) => string | null = defaultExportPath

  readonly events = new MemoryEvents()

  on<Name extends keyof Events>(name: Name, listener: (payload: Events[Name]) => void): Unsubscribe {
    return this.events.on(name, listener)
  }

  onDrag(listener: (drag: Drag) => void): Unsubscribe {
    return this.events.onDrag(listener)
  }

  emitNews(news: News): void {
    this.events.emitNews(news)
  }

  drag(drag: Drag): void {
    this.events.drag(drag)
  }

  /** This core as a client: with the commands of all concerns, and with their controls. */
  asClient<Controls extends object>(handlers: Handlers, controls: Controls) {
    return Object.assign(this, this.commands(handlers), controls)
  }
}

export type MemoryClient = ReturnType<typeof memoryClient>

export function memoryClient(seed: Seed = {}) {
  const core = new MemoryCore()
  const { events } = core
  const lifecycle = new MemoryLifecycle(events, seed)
  const meetings = new MemoryMeetings(events, seed)
  const transcripts = new MemoryTranscripts(events, meetings, core, seed)
  const organisation = new MemoryOrganisation(events, meetings, seed)
  const imports = new MemoryImports(events, meetings, core, seed)
  const exports = new MemoryExports(events, meetings, transcripts, core, seed)
  const models = new MemoryModels(events, core, seed)
  const versions = new MemoryVersions(meetings, transcripts, models, seed)
  const people = new MemoryPeople(events, meetings, seed)
  const speakers = new MemorySpeakers(events, meetings, transcripts, people, seed)
  const summaries = new MemorySummaries(events, meetings, transcripts, seed)
  const search = new MemorySearch(meetings, transcripts, speakers, seed)
  const archiveCare = new MemoryArchiveCare(events, meetings, core, seed)
  const database = new MemoryDatabase(core, seed)
  const settings = new MemorySettings(seed)
  return core.asClient(
    {
      ...lifecycle.handlers,
      ...meetings.handlers,
      ...organisation.handlers,
      ...transcripts.handlers,
      ...imports.handlers,
      ...exports.handlers,
      ...models.handlers,
      ...versions.handlers,
      ...speakers.handlers,
      ...summaries.handlers,
      ...people.handlers,
      ...search.handlers,
      ...archiveCare.handlers,
      ...database.handlers,
      ...settings.handlers,
    },
    {
      ...lifecycle.controls,
      ...meetings.controls,
      ...organisation.controls,
      ...transcripts.controls,
      ...imports.controls,
      ...exports.controls,
      ...models.controls,
      ...speakers.controls,
      ...summaries.controls,
      ...search.controls,
      ...database.controls,
      ...archiveCare.controls,
    },
  )
}
