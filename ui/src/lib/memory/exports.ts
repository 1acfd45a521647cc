/** Exports of meetings: single ones, batches, previews, and checks of exported files. */
import type { BatchView, ExportOptions, ExportSettings, ExportView, Preview, VerifiedExport } from '../types'
import { notFound, wrongState, type Handlers } from './calls'
import { copy } from './copy'
import { defaultExportPath, type Desktop } from './desktop'
import type { MemoryEvents } from './events'
import type { MemoryMeetings } from './meetings'
import { sampleBatch, sampleOptions, samplePreview, sampleVerified } from './samples/exports'
import type { MemoryTranscripts } from './transcripts'

export type ExportsSeed = {
  /** Batches that are under way. */
  batches?: BatchView[]
  exportSettings?: Partial<ExportSettings>
  /** The preview of a format; by default the text of the meeting. */
  preview?: (format: string, options: ExportOptions) => Partial<Preview>
  /** Results of checks by the path of the file; the path of a file that the user chooses is empty. */
  verified?: (path: string) => Partial<VerifiedExport>
}

export class MemoryExports {
  readonly #events: MemoryEvents
  readonly #meetings: MemoryMeetings
  readonly #transcripts: MemoryTranscripts
  readonly #desktop: Desktop
  readonly #all = new Map<string, ExportView>()
  readonly #batches = new Map<string, BatchView>()
  readonly #seed: ExportsSeed
  #settings: ExportSettings

  constructor(
    events: MemoryEvents,
    meetings: MemoryMeetings,
    transcripts: MemoryTranscripts,
    desktop: Desktop,
    seed: ExportsSeed,
  ) {
    this.#events = events
    this.#meetings = meetings
    this.#transcripts = transcripts
    this.#desktop = desktop
    this.#seed = seed
    this.#settings = { file_name: '{date} {title}', logo: null, ...seed.exportSettings }
    for (const batch of seed.batches ?? []) this.#batches.set(batch.batch_id, copy(batch))
  }

  readonly handlers = {
    exportDefaults: () => sampleOptions(),
    previewExport: (id, format, options) => {
      const path = defaultExportPath(this.#meetings.get(id), format)
      const text = this.#transcripts.lines(id).map((line) => line.text)
      return samplePreview({
        content: text.join('\n'),
        file_name: path.replace(/^.*\//, ''),
        ...this.#seed.preview?.(format, options),
      })
    },
    exportMeeting: (id, format) => {
      const path = this.#desktop.exportPath(this.#meetings.get(id), format)
      return path === null ? null : this.#begin(id, format, path)
    },
    exportMeetings: (ids, _format, _options, zip) => {
      const [target] = this.#desktop.chosen
      if (target === undefined) return null
      const { exportFailures: failures } = this.controls
      const upToDate = this.controls.exportsUpToDate.length
      const total = Math.max(0, ids.length - failures.length - upToDate)
      const batch = sampleBatch({ batch_id: this.#events.newId(), target, zip, total, ended: total === 0 })
      this.#batches.set(batch.batch_id, batch)
      return { batch, up_to_date: upToDate, failures }
    },
    exportBatch: (id) => this.#batches.get(id) ?? null,
    openExportBatches: () => [...this.#batches.values()].filter((batch) => !batch.ended),
    cancelExportBatch: (id) => {
      const batch = this.#batches.get(id)
      if (!batch) throw notFound('There are no such exports.')
      const left = batch.total - batch.completed - batch.failed
      const failures = [...batch.failures, ...Array<string>(left).fill('The export was cancelled.')].slice(
        0,
        20,
      )
      this.#batches.set(id, { ...batch, failed: batch.failed + left, ended: true, failures })
    },
    showExportBatch: () => {},
    exportJob: (exportId) => this.#all.get(exportId) ?? null,
    cancelExport: (exportId) => {
      const view = this.#all.get(exportId)
      if (view?.status === 'completed') throw wrongState('This export is complete.')
      this.controls.changeExport(exportId, { status: 'failed', error_message: 'The export was cancelled.' })
    },
    showExport: () => {},
    verifyExport: () => (this.#desktop.chosen.length === 0 ? null : this.#verified('')),
    verifyDropped: (path) => this.#verified(path),
    exportSettings: () => this.#settings,
    setExportFileName: (template) => {
      this.#settings = { ...this.#settings, file_name: template }
    },
    chooseExportLogo: () => {
      const [path] = this.#desktop.chosen
      if (path === undefined) return false
      this.#settings = { ...this.#settings, logo: path.replace(/^.*\//, '') }
      return true
    },
    removeExportLogo: () => {
      this.#settings = { ...this.#settings, logo: null }
    },
  } satisfies Partial<Handlers>

  readonly controls = {
    /** Why exports of a batch could not be started. */
    exportFailures: [] as string[],
    /** Meetings of a batch whose files are there already and up to date. */
    exportsUpToDate: [] as string[],
    changeExport: (exportId: string, change: Partial<ExportView>): void => {
      const view = this.#all.get(exportId)
      if (!view) throw new Error(`there is no export ${exportId}`)
      this.#all.set(exportId, { ...view, ...change })
      this.#events.emitNews({ kind: 'export', id: exportId })
    },
    /** Changes a batch, without news: there are none of batches. */
    changeBatch: (batchId: string, change: Partial<BatchView>): void => {
      const batch = this.#batches.get(batchId)
      if (!batch) throw new Error(`there is no batch ${batchId}`)
      this.#batches.set(batchId, { ...batch, ...change })
    },
  }

  #verified(path: string): VerifiedExport {
    return sampleVerified(this.#seed.verified?.(path))
  }

  #begin(jobId: string, format: string, path: string): ExportView {
    const view: ExportView = {
      export_id: this.#events.newId(),
      type: format,
      status: 'pending',
      path,
      progress: 0,
      error_message: null,
      note: null,
      job_id: jobId,
    }
    this.#all.set(view.export_id, view)
    return view
  }
}
