/** Backups, restores and clean-ups that tests and the page of states show. */
import type {
  BackupCheckView,
  BackupOverview,
  BackupView,
  CleanupView,
  RestoredMeeting,
  RestoreView,
} from '../../types'

export const BACKUP_FOLDER = '/media/anna/Backup disk/MeetMemo'

/** An archive that is backed up to a folder every day, with `change`. */
export function sampleBackupOverview(change: Partial<BackupOverview> = {}): BackupOverview {
  const last = { at: '2026-03-03T10:14:00.000Z', place: BACKUP_FOLDER, meetings: 214 }
  return {
    state: { last_backup: last, last_check: last, last_failure: null },
    scheduled_place: BACKUP_FOLDER,
    passphrase_file: null,
    interval_hours: 24,
    next_at: '2026-03-04T10:14:00.000Z',
    ...change,
  }
}

/** An archive that was never backed up. */
export function noBackups(): BackupOverview {
  const state = { last_backup: null, last_check: null, last_failure: null }
  return sampleBackupOverview({ state, scheduled_place: null, next_at: null })
}

export function sampleBackup(change: Partial<BackupView> = {}): BackupView {
  return {
    place: BACKUP_FOLDER,
    taken_at: '2026-03-03T10:14:00.000Z',
    meetings: 214,
    with_audio: 209,
    added_bytes: 46_000_000,
    total_bytes: 9_800_000_000,
    checked: true,
    problems: [],
    notes: [],
    removed_snapshots: 0,
    ...change,
  }
}

export function sampleBackupCheck(change: Partial<BackupCheckView> = {}): BackupCheckView {
  return {
    place: BACKUP_FOLDER,
    snapshots: 9,
    taken_at: '2026-03-03T10:14:00.000Z',
    meetings: 214,
    objects_read: 1_420,
    objects: 1_420,
    read_bytes: 9_800_000_000,
    damage: [],
    ...change,
  }
}

export function restoredMeeting(number: number, change: Partial<RestoredMeeting> = {}): RestoredMeeting {
  return { id: `restored-${number}`, title: `Meeting ${number}`, audio: true, ...change }
}

/** What a backup would bring back: two meetings, and the audio of one, with `change`. */
export function sampleRestore(change: Partial<RestoreView> = {}): RestoreView {
  return {
    place: BACKUP_FOLDER,
    taken_at: '2026-03-03T10:14:00.000Z',
    dry_run: true,
    added: [
      restoredMeeting(1, { title: 'Budget review' }),
      restoredMeeting(2, { title: 'Choir committee', audio: false }),
    ],
    already_there: 211,
    audio_back: [restoredMeeting(3, { title: 'Lecture 4: tides' })],
    rows: [],
    audio_bytes: 138_000_000,
    settings: false,
    set_aside: null,
    lost: [],
    notes: [],
    ...change,
  }
}

/** A clean-up that keeps everything but exports and has nothing to do, with `change`. */
export function sampleCleanup(change: Partial<CleanupView> = {}): CleanupView {
  return {
    removed: false,
    at: '2026-03-03T15:00:00.000Z',
    last_run_at: '2026-03-03T14:30:00.000Z',
    settings: {
      cleanup_interval_hours: 1,
      job_retention_hours: null,
      export_retention_hours: 24,
      audio_retention_days: null,
      trash_retention_days: 30,
    },
    meetings: [],
    audio: [],
    exports: [],
    bytes: 0,
    confirmations: [],
    files_later: false,
    forecast: [],
    unknown_folders: [],
    missing_audio: [],
    ...change,
  }
}
