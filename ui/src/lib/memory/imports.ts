/** Imports, and what a drop on the window would add. */
import type { DropView, ImportView, InterruptedView } from '../types'
import { notFound, type Handlers } from './calls'
import { copy } from './copy'
import type { Desktop } from './desktop'
import type { MemoryEvents } from './events'
import type { MemoryMeetings } from './meetings'
import { sampleImport } from './samples/imports'
import { sampleJob } from './samples/meetings'

export type ImportsSeed = {
  imports?: ImportView[]
  interrupted?: InterruptedView[]
  /** What a drop of these paths would add; by default every path is a recording. */
  drop?: (paths: string[]) => DropView
}

export class MemoryImports {
  readonly #events: MemoryEvents
  readonly #meetings: MemoryMeetings
  readonly #desktop: Desktop
  readonly #all = new Map<string, ImportView>()
  #interrupted: InterruptedView[]
  readonly #drop: (paths: string[]) => DropView

  constructor(events: MemoryEvents, meetings: MemoryMeetings, desktop: Desktop, seed: ImportsSeed) {
    this.#events = events
    this.#meetings = meetings
    this.#desktop = desktop
    for (const view of seed.imports ?? []) this.#all.set(view.id, copy(view))
    this.#interrupted = copy(seed.interrupted ?? [])
    this.#drop = seed.drop ?? ((paths) => ({ recordings: paths.length, folders: [], unsuitable: [] }))
  }

  readonly handlers = {
    chooseFiles: () => this.#import(this.#desktop.chosen),
    chooseFolder: () => this.#import(this.#desktop.chosen),
    importPaths: (paths) => void this.#import(paths),
    describeDrop: (paths) => this.#drop(paths),
    imports: () => [...this.#all.values()],
    stopImport: (id) => this.controls.importProgress({ id, state: 'stopped' }),
    dismissImport: (id) => void this.#all.delete(id),
    interruptedImports: () => this.#interrupted,
    continueImport: (id) => {
      const { done, total } = this.#takeInterrupted(id)
      this.controls.importProgress({ id, state: 'running', done, total })
    },
    forgetImport: (id) => void this.#takeInterrupted(id),
  } satisfies Partial<Handlers>

  readonly controls = {
    /** An import that began, went on or ended. */
    importProgress: (change: Partial<ImportView> & { id: string }): void => {
      const view = { ...(this.#all.get(change.id) ?? sampleImport()), ...copy(change) }
      this.#all.set(view.id, view)
      this.#events.emit('importView', view)
    },
  }

  #takeInterrupted(id: string): InterruptedView {
    const view = this.#interrupted.find((one) => one.id === id)
    if (!view) throw notFound('This import has ended.')
    this.#interrupted = this.#interrupted.filter((one) => one !== view)
    return view
  }

  /** Adds every path as a recording that waits. False if there are none. */
  #import(paths: string[]): boolean {
    if (paths.length === 0) return false
    const id = this.#events.newId()
    this.controls.importProgress({ id, state: 'running', total: paths.length })
    const imported = paths.map((path) => this.#addRecording(path))
    this.controls.importProgress({ id, state: 'finished', done: paths.length, imported })
    return true
  }

  #addRecording(path: string): string {
    const fileName = path.split('/').at(-1) ?? path
    const now = new Date().toISOString()
    const job = sampleJob({
      id: this.#events.newId(),
      file_name: fileName,
      title: fileName.replace(/\.[^.]+$/, ''),
      status: 'pending',
      workflow_state: 'queued',
      recorded_at: null,
      created_at: now,
      updated_at: now,
    })
    this.#meetings.controls.addJob(job)
    return job.id
  }
}
