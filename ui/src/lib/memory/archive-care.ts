/** Backups, restores, clean-up, and the long work on the archive. */
import type {
  ArchiveWorkState,
  BackupOverview,
  CleanupView,
  EndedArchiveWork,
  RestoreView,
  RunningArchiveWork,
} from '../types'
import { CoreError } from '../client'
import { notFound, wrongState, type Handlers } from './calls'
import { copy } from './copy'
import type { Desktop } from './desktop'
import type { MemoryEvents } from './events'
import type { MemoryMeetings } from './meetings'
import { noBackups, sampleCleanup, sampleJob, sampleRestore } from './samples'

export type ArchiveCareSeed = {
  /** What is known of backups; by default there are none. */
  backup?: BackupOverview
  /** What the backups hold that the archive lacks. */
  restore?: RestoreView
  /** Whether a backup is read only with a passphrase. */
  encrypted?: boolean
  cleanup?: Partial<CleanupView>
  archiveWork?: Partial<ArchiveWorkState>
}

export class MemoryArchiveCare {
  readonly #events: MemoryEvents
  readonly #meetings: MemoryMeetings
  readonly #desktop: Desktop
  #overview: BackupOverview
  #restore: RestoreView
  #cleanup: CleanupView
  #work: ArchiveWorkState
  /** Whether a preview has remembered a backup. */
  #chosen = false
  /** The backup that was looked at last. */
  #place: string | null = null
  /** Whether the backups need a passphrase that no setting names. */
  readonly #encrypted: boolean

  constructor(events: MemoryEvents, meetings: MemoryMeetings, desktop: Desktop, seed: ArchiveCareSeed) {
    this.#events = events
    this.#meetings = meetings
    this.#desktop = desktop
    this.#overview = copy(seed.backup ?? noBackups())
    this.#encrypted = seed.encrypted ?? false
    this.#restore = copy(seed.restore ?? sampleRestore())
    this.#cleanup = copy(sampleCleanup(seed.cleanup))
    this.#work = copy({ running: null, ended: null, ...seed.archiveWork })
  }

  readonly handlers = {
    backupOverview: () => this.#overview,
    chooseBackupPlace: () => {
      const [scheduled_place] = this.#desktop.chosen
      if (scheduled_place === undefined) return null
      this.#overview = { ...this.#overview, scheduled_place, next_at: new Date().toISOString() }
      return this.#overview
    },
    endScheduledBackups: () => {
      this.#overview = { ...this.#overview, scheduled_place: null, next_at: null }
      return this.#overview
    },
    chooseBackupPassphrase: () => {
      const [passphrase_file] = this.#desktop.chosen
      if (passphrase_file === undefined) return null
      this.#overview = { ...this.#overview, passphrase_file }
      return this.#overview
    },
    forgetBackupPassphrase: () => {
      this.#overview = { ...this.#overview, passphrase_file: null }
      return this.#overview
    },
    archiveWork: () => this.#work,
    stopArchiveWork: () => {
      const { running } = this.#work
      if (running) this.controls.endWork({ outcome: 'stopped', kind: running.kind })
    },
    dismissArchiveWork: () => {
      this.#work = { ...this.#work, ended: null }
    },
    startBackup: () => {
      if (this.#overview.scheduled_place === null) throw notOffered('Choose a folder for the backup first.')
      this.#start({ kind: 'backup', phase: null, table: null, fraction: null })
    },
    startBackupCheck: () => {
      if (!this.#overview.state.last_backup) throw notFound('There is no backup to check yet.')
      this.#start({ kind: 'check', phase: null, table: null, fraction: null })
    },
    previewRestore: (from) => {
      const [chosen] = this.#desktop.chosen
      const place = from === 'last_backup' ? this.#overview.state.last_backup?.place : chosen
      if (place === undefined) return null
      this.#place = place
      if (this.#encrypted)
        throw new CoreError({
          code: 'passphrase_needed',
          message: `The backup in ${place} is encrypted. Name the file with its passphrase: with --passphrase-file, or in the setting backup_passphrase_file.`,
        })
      this.#chosen = true
      return { ...this.#restore, place }
    },
    previewRestoreWithPassphrase: () => {
      if (this.#place === null) throw notOffered('Choose a backup first.')
      if (this.#desktop.chosen.length === 0) return null
      this.#chosen = true
      return { ...this.#restore, place: this.#place }
    },
    startRestore: () => {
      if (!this.#chosen) throw notOffered('Choose a backup first.')
      this.#start({ kind: 'restore', phase: null, table: null, fraction: null })
    },
    startMaintenance: () => this.#start({ kind: 'maintenance', phase: null, table: null, fraction: null }),
    cleanupPreview: () => this.#cleanup,
    cleanUp: (confirmed) => {
      if (this.#cleanup.confirmations.length > 0 && !confirmed) return this.#cleanup
      const removed = { ...this.#cleanup, removed: true, confirmations: [] }
      for (const { id } of removed.meetings) this.#meetings.controls.removeJob(id)
      this.#cleanup = {
        ...this.#cleanup,
        last_run_at: removed.at,
        meetings: [],
        audio: [],
        exports: [],
        bytes: 0,
        confirmations: [],
      }
      return removed
    },
    setRetention: (settings) => {
      this.#cleanup = { ...this.#cleanup, settings: copy(settings) }
      return this.#cleanup
    },
    setPinned: (id, pinned) => this.#meetings.change(id, { pinned }),
  } satisfies Partial<Handlers>

  readonly controls = {
    /** What is known of backups from now on, without an event: a scheduled backup sends none. */
    setBackup: (overview: BackupOverview): void => {
      this.#overview = copy(overview)
    },
    /** What a clean-up would do from now on. */
    setCleanup: (change: Partial<CleanupView>): void => {
      this.#cleanup = { ...this.#cleanup, ...copy(change) }
    },
    /** The work under way is so far. */
    workProgress: (change: Partial<RunningArchiveWork>): void => {
      const running = this.#work.running ?? { kind: 'backup', phase: null, table: null, fraction: null }
      this.#setWork({ running: { ...running, ...copy(change) }, ended: null })
    },
    /** The work under way ends. Restored meetings appear in the archive. */
    endWork: (ended: EndedArchiveWork): void => {
      if (ended.outcome === 'restore')
        for (const { id, title } of ended.result.added)
          this.#meetings.controls.addJob(sampleJob({ id, title }))
      this.#setWork({ running: null, ended: copy(ended) })
    },
  }

  #start(running: RunningArchiveWork): void {
    if (this.#work.running)
      throw wrongState('Something else is under way here. Wait until it ends, or stop it.')
    this.#setWork({ running, ended: null })
  }

  #setWork(work: ArchiveWorkState): void {
    this.#work = work
    this.#events.emit('archiveWorkNews', null)
  }
}

function notOffered(message: string): CoreError {
  return new CoreError({ code: 'not_offered', message })
}
