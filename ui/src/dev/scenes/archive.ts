import {
  BACKUP_FOLDER,
  restoredMeeting,
  sampleBackup,
  sampleBackupCheck,
  sampleBackupOverview,
  sampleCleanup,
  sampleRestore,
  sampleTranscript,
  type MemoryClient,
  type Seed,
} from '../../lib/memory'
import type { BackupOverview, CleanupView, DueMeetingView, EndedArchiveWork } from '../../lib/types'
import { choose, open, openAnd, press, pressAt, type as typeInto } from './actions'
import { first, lines, now, someMeetings, transcribing, withText } from './samples'
import type { Scenes } from './scene'

function at(hoursFromNow: number): string {
  return new Date(now.getTime() + hoursFromNow * 3_600_000).toISOString()
}

const last = { at: at(-2), place: BACKUP_FOLDER, meetings: someMeetings.length }
export const backedUp = sampleBackupOverview({
  state: { last_backup: last, last_check: last, last_failure: null },
  next_at: at(22),
})
const failedBackup: BackupOverview = sampleBackupOverview({
  state: {
    last_backup: { ...last, at: at(-26) },
    last_check: { ...last, at: at(-26) },
    last_failure: {
      at: at(-2),
      message: `The folder “${BACKUP_FOLDER}” is not there. Connect the disk that it is on, or choose another folder`,
    },
  },
  next_at: at(-1),
})

/** Opens the archive page, then presses buttons one after the other. */
export function openArchive(...buttons: string[]) {
  pressAt('#archive-row')
  buttons.forEach((button, index) => setTimeout(() => press(button), 150 * (index + 1)))
}
const openCleanup = (...buttons: string[]) => openArchive('Clean-up', ...buttons)

const seed: Seed = { jobs: someMeetings, backup: backedUp }

/** The archive page at the end of this work. */
function ended(how: EndedArchiveWork): { seed: Seed; then: () => void } {
  return { seed: { ...seed, archiveWork: { ended: how } }, then: () => openArchive() }
}

function due(count: number, rule: DueMeetingView['rule'] = 'job_retention_hours'): DueMeetingView[] {
  return someMeetings.slice(0, count).map(({ id, title }, index) => ({
    id,
    title,
    rule,
    due_since: at(-1 - index * 5),
    bytes: 4_000_000 + index * 31_000_000,
  }))
}

const keepsLess: CleanupView['settings'] = {
  cleanup_interval_hours: 1,
  job_retention_hours: 24 * 365,
  export_retention_hours: 36,
  audio_retention_days: 90,
  trash_retention_days: 30,
}
const forecast: CleanupView['forecast'] = someMeetings.slice(5, 9).map(({ id, title }, index) => ({
  id,
  title,
  rule: index % 2 === 0 ? 'audio_retention_days' : 'job_retention_hours',
  due_at: at(9 + index * 30),
  bytes: 57_000_000,
}))
const busyCleanup = sampleCleanup({
  at: at(0),
  last_run_at: at(-0.4),
  settings: keepsLess,
  meetings: due(2),
  audio: due(5, 'audio_retention_days').slice(2),
  exports: [
    {
      export_id: 'e1',
      job_id: first.id,
      title: first.title,
      type: 'pdf',
      path: `/home/anna/.local/share/meetmemo/exports/${first.title}.pdf`,
      rule: 'export_retention_hours',
      due_since: at(-3),
      bytes: 1_200_000,
    },
  ],
  bytes: 312_000_000,
  forecast,
})
const asking = sampleCleanup({
  ...busyCleanup,
  meetings: due(9),
  confirmations: [
    {
      reason: 'most_meetings',
      message: '9 of 14 meetings would be removed, which is more than half of the archive',
      action: 'Clean up if that is what you want; otherwise keep meetings for longer',
    },
    {
      reason: 'clock_ahead',
      message: 'The clock of the database server is 412 days ahead of the last moment that was right',
      action: 'Set the clock of this computer, then look again',
    },
  ],
})

export const archiveScenes: Scenes = {
  'archive-none': { seed: { jobs: someMeetings }, then: () => openArchive() },
  'archive-backup': { seed, then: () => openArchive() },
  'archive-due': {
    seed: {
      ...seed,
      backup: sampleBackupOverview({
        state: { last_backup: { ...last, at: at(-24 * 9) }, last_check: null, last_failure: null },
        next_at: at(-24 * 8),
      }),
    },
    then: () => openArchive(),
  },
  'archive-ended-schedule': {
    seed: { ...seed, backup: { ...backedUp, scheduled_place: null, next_at: null } },
    then: () => openArchive(),
  },
  'archive-last-failure': { seed: { ...seed, backup: failedBackup }, then: () => openArchive() },
  'archive-row-failed': { seed: { ...seed, backup: failedBackup } },
  'archive-loading': {
    seed: { jobs: someMeetings, core: { state: 'opening', phase: 'starting' } },
    then: (client) => {
      client.hold('backupOverview')
      client.setCore({ state: 'ready' })
      setTimeout(openArchive, 200)
    },
  },
  'archive-failed': {
    seed: { jobs: someMeetings, core: { state: 'opening', phase: 'starting' } },
    then: (client) => {
      client.fail('backupOverview', { message: 'The settings of backups could not be read.' })
      client.setCore({ state: 'ready' })
      setTimeout(openArchive, 200)
    },
  },
  'archive-backing-up': {
    seed: {
      ...seed,
      archiveWork: { running: { kind: 'backup', phase: 'copying', table: null, fraction: 0.43 } },
    },
    then: () => openArchive(),
  },
  'archive-checking': {
    seed: {
      ...seed,
      archiveWork: { running: { kind: 'check', phase: 'checking', table: null, fraction: 0.08 } },
    },
    then: () => openArchive(),
  },
  'archive-working-elsewhere': {
    seed: {
      ...seed,
      jobs: [transcribing, ...someMeetings],
      archiveWork: { running: { kind: 'restore', phase: 'restoring', table: null, fraction: null } },
    },
  },
  'archive-stopping': {
    seed: {
      ...seed,
      archiveWork: { running: { kind: 'backup', phase: 'checking', table: null, fraction: 0.9 } },
    },
    then: (client: MemoryClient) => {
      client.hold('stopArchiveWork')
      openArchive('Stop: Backup')
    },
  },
  'archive-backed-up': ended({
    outcome: 'backup',
    result: sampleBackup({
      removed_snapshots: 2,
      notes: ['The audio of 5 meetings is on other computers, so only their texts are in this backup'],
    }),
  }),
  'archive-backed-up-problems': ended({
    outcome: 'backup',
    result: sampleBackup({
      problems: Array.from(
        { length: 14 },
        (_, index) =>
          `The audio of “Voice memo ${index + 1}” is missing in the library, so it is not in the backup`,
      ),
    }),
  }),
  'archive-checked': ended({ outcome: 'check', result: sampleBackupCheck() }),
  'archive-damaged': ended({
    outcome: 'check',
    result: sampleBackupCheck({ damage: ['objects/4f/4f53cda1.wav is damaged: it has other content'] }),
  }),
  'archive-restored': ended({
    outcome: 'restore',
    result: sampleRestore({
      dry_run: false,
      rows: [
        { table: 'jobs', rows: 2 },
        { table: 'segments', rows: 418 },
      ],
    }),
  }),
  'archive-work-failed': ended({
    outcome: 'failed',
    kind: 'backup',
    failure: {
      code: 'disk_full',
      message: `The disk of “${BACKUP_FOLDER}” is full: 2.1 GB are missing. Free some space, or choose another folder`,
    },
  }),
  'archive-work-failed-elsewhere': {
    seed: {
      ...seed,
      archiveWork: {
        ended: {
          outcome: 'failed',
          kind: 'restore',
          failure: {
            code: 'other',
            message: 'The backup is damaged, so nothing was restored: rows/segments',
          },
        },
      },
    },
  },
  'archive-stopped': ended({ outcome: 'stopped', kind: 'check' }),
  'archive-reading-backup': {
    seed,
    then: (client) => {
      client.hold('previewRestore')
      openArchive('From the last backup')
    },
  },
  'archive-preview': { seed, then: () => openArchive('From the last backup') },
  'archive-preview-long': {
    seed: {
      ...seed,
      restore: sampleRestore({
        added: Array.from({ length: 1_240 }, (_, index) =>
          restoredMeeting(index, { title: someMeetings[index % someMeetings.length]?.title }),
        ),
        already_there: 12,
        lost: ['The audio of “Standup 7” is damaged'],
        notes: ['The backup was made on another computer'],
        audio_bytes: 48_000_000_000,
      }),
    },
    then: () => openArchive('From the last backup'),
  },
  'archive-preview-nothing': {
    seed: { ...seed, restore: sampleRestore({ added: [], audio_back: [], audio_bytes: 0 }) },
    then: () => openArchive('From the last backup'),
  },
  'archive-preview-failed': {
    seed,
    then: (client) => {
      client.fail('previewRestore', {
        message:
          'In “/media/anna/Photos” there is no backup of MeetMemo. Choose the folder that was backed up to',
      })
      openArchive('From a folder…')
    },
  },
  'archive-preview-encrypted': {
    seed: { ...seed, encrypted: true },
    then: () => openArchive('From the last backup'),
  },
  'archive-encrypted': {
    seed: { ...seed, backup: { ...backedUp, passphrase_file: '/home/anna/meetmemo-passphrase' } },
    then: () => openArchive(),
  },
  'archive-restoring': {
    seed: {
      ...seed,
      archiveWork: { running: { kind: 'restore', phase: 'restoring', table: null, fraction: 0.61 } },
    },
    then: () => openArchive(),
  },
  cleanup: { seed: { ...seed, cleanup: { at: at(0), last_run_at: at(-0.4) } }, then: () => openCleanup() },
  'cleanup-loading': {
    seed,
    then: (client) => {
      client.hold('cleanupPreview')
      openCleanup()
    },
  },
  'cleanup-failed': {
    seed,
    then: (client) => {
      client.fail('cleanupPreview', { message: 'The database does not answer.' })
      openCleanup()
    },
  },
  'cleanup-careful': {
    seed,
    then: () => {
      openCleanup()
      setTimeout(() => choose('Meetings: kept for', 'Days'), 250)
      setTimeout(() => typeInto('Meetings: how many', '30'), 700)
    },
  },
  'cleanup-due': { seed: { ...seed, cleanup: busyCleanup }, then: () => openCleanup() },
  'cleanup-shorter': {
    seed: { ...seed, cleanup: busyCleanup },
    then: () => {
      openCleanup()
      setTimeout(() => typeInto('Meetings: how many', '30'), 300)
    },
  },
  'cleanup-wrong': {
    seed: { ...seed, cleanup: busyCleanup },
    then: () => {
      openCleanup()
      setTimeout(() => {
        const field = typeInto('Audio: how many', '0')
        field?.dispatchEvent(new Event('change', { bubbles: true }))
      }, 300)
    },
  },
  'cleanup-questions': { seed: { ...seed, cleanup: asking }, then: () => openCleanup() },
  'cleanup-ask': { seed: { ...seed, cleanup: asking }, then: () => openCleanup('Clean up now…') },
  'cleanup-removed': {
    seed: { ...seed, cleanup: { ...busyCleanup, meetings: [], audio: [] } },
    then: () => openCleanup('Clean up now'),
  },
  'cleanup-look': {
    seed: {
      ...seed,
      cleanup: {
        unknown_folders: Array.from({ length: 12 }, (_, index) => ({
          path: `/home/anna/.local/share/meetmemo/library/${index}c5f3a2e-9f2b-4c55-8a10-5b1f3d0e77a1`,
          action: 'Import the recording in it, or remove the folder yourself',
        })),
        missing_audio: someMeetings.slice(0, 2).map(({ id, title, file_name }) => ({
          id,
          title,
          action: `Add “${file_name}” again, or restore the meeting from a backup`,
        })),
      },
    },
    then: () => openCleanup(),
  },
  'meeting-pinned': {
    seed: { ...withText, jobs: someMeetings.map((job, index) => ({ ...job, pinned: index % 3 === 0 })) },
    then: () => open(first.id),
  },
  'meeting-audio-removed': {
    seed: {
      jobs: someMeetings.map((job) => (job.id === first.id ? { ...job, audio_removed_at: at(-72) } : job)),
      transcripts: { [first.id]: sampleTranscript(lines) },
    },
    then: () => openAnd(),
  },
}
