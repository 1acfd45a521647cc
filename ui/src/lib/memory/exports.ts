/** Exports of meetings. */
import type { ExportView } from '../types'
import type { Handlers } from './calls'
import { defaultExportPath, type Desktop } from './desktop'
import type { MemoryEvents } from './events'
import type { MemoryMeetings } from './meetings'

export class MemoryExports {
  readonly #events: MemoryEvents
  readonly #meetings: MemoryMeetings
  readonly #desktop: Desktop
  readonly #all = new Map<string, ExportView>()

  constructor(events: MemoryEvents, meetings: MemoryMeetings, desktop: Desktop) {
    this.#events = events
    this.#meetings = meetings
    this.#desktop = desktop
  }

  readonly handlers = {
    exportMeeting: (id, format) => {
      const path = this.#desktop.exportPath(this.#meetings.get(id), format)
      if (path === null) return null
      return this.#begin(format, path)
    },
    exportMeetings: (ids, format) => {
      const [folder] = this.#desktop.chosen
      if (folder === undefined) return null
      const exports = ids.map((id) => {
        const path = defaultExportPath(this.#meetings.get(id), format).replace(/^.*\//, `${folder}/`)
        return this.#begin(format, path)
      })
      return { exports, failures: this.controls.exportFailures }
    },
    exportJob: (exportId) => this.#all.get(exportId) ?? null,
    showExport: () => {},
  } satisfies Partial<Handlers>

  readonly controls = {
    /** Why exports to a folder could not be started. */
    exportFailures: [] as string[],
    changeExport: (exportId: string, change: Partial<ExportView>): void => {
      const view = this.#all.get(exportId)
      if (!view) throw new Error(`there is no export ${exportId}`)
      this.#all.set(exportId, { ...view, ...change })
      this.#events.emitNews({ kind: 'export', id: exportId })
    },
  }

  #begin(format: string, path: string): ExportView {
    const view: ExportView = {
      export_id: this.#events.newId(),
      type: format,
      status: 'pending',
      path,
      progress: 0,
      error_message: null,
      note: null,
    }
    this.#all.set(view.export_id, view)
    return view
  }
}
