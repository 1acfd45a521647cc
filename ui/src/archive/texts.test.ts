import { describe, expect, test } from 'vitest'
import { sampleBackup, sampleBackupCheck, sampleBackupOverview, sampleRestore } from '../lib/memory'
import type { BackupOverview, EndedArchiveWork } from '../lib/types'
import { backupLine, endedText, moment, progressText } from './texts'

/** Noon on the third of March, in the time zone of this computer. */
const NOW = new Date(2026, 2, 3, 12).getTime()
const at = (day: number, hour: number, minute = 0) => new Date(2026, 2, day, hour, minute).toISOString()

test('a moment near now is named by its day', () => {
  expect(moment(at(3, 10, 14), NOW)).toBe('today 10:14')
  expect(moment(at(2, 23, 5), NOW)).toBe('yesterday 23:05')
  expect(moment(at(4, 0, 1), NOW)).toBe('tomorrow 00:01')
  expect(moment(at(1, 9), NOW)).toMatch(/^1 Mar 2026, 09:00$/)
})

describe('the line of the sidebar', () => {
  const last = { at: at(3, 10, 14), place: '/backup', meetings: 3 }
  const overview = (change: Partial<BackupOverview['state']>, next = at(4, 10)): BackupOverview =>
    sampleBackupOverview({
      state: { last_backup: null, last_check: null, last_failure: null, ...change },
      next_at: next,
    })
  const failure = { at: at(3, 11), message: 'The disk is full.' }

  test.each([
    ['nothing is backed up', overview({}), 'No backup yet', 'quiet'],
    ['a good backup', overview({ last_backup: last }), 'Backed up today 10:14', 'good'],
    ['an old backup', overview({ last_backup: last }, at(1, 9)), 'Backed up today 10:14', 'doubt'],
    ['a failure', overview({ last_failure: failure }), 'Backup failed today 11:00', 'danger'],
    [
      'a failure after a good backup',
      overview({ last_backup: last, last_failure: failure }),
      'Backup failed today 11:00',
      'danger',
    ],
  ] as const)('%s', (_, view, text, tone) => {
    expect(backupLine(view, NOW)).toEqual({ text, tone })
  })
})

test('progress is said as far as it is known', () => {
  const running = { kind: 'backup', phase: null, table: null, fraction: null } as const
  expect(progressText(running)).toBe('Starting')
  expect(progressText({ ...running, phase: 'copying', fraction: 0.439 })).toBe('Copying audio · 43 %')
  expect(progressText({ ...running, kind: 'maintenance', table: 'segments', fraction: 0.5 })).toBe(
    'Table segments · 50 %',
  )
})

test('how work ended is one sentence', () => {
  const failure = { code: 'disk_full', message: 'The disk is full.' } as const
  const cases: [EndedArchiveWork, string][] = [
    [{ outcome: 'backup', result: sampleBackup({ meetings: 1 }) }, '1 meeting is backed up.'],
    [
      { outcome: 'backup', result: sampleBackup({ problems: ['a'] }) },
      'A backup of 214 meetings was made, but something is missing in it.',
    ],
    [{ outcome: 'check', result: sampleBackupCheck() }, 'The backup is whole.'],
    [{ outcome: 'check', result: sampleBackupCheck({ damage: ['a'] }) }, 'The backup is damaged.'],
    [{ outcome: 'restore', result: sampleRestore() }, '2 meetings are back, and the audio of 1 more.'],
    [{ outcome: 'restore', result: sampleRestore({ audio_back: [] }) }, '2 meetings are back.'],
    [{ outcome: 'restore', result: sampleRestore({ added: [] }) }, 'The audio of 1 meeting is back.'],
    [
      { outcome: 'restore', result: sampleRestore({ added: [], audio_back: [] }) },
      'The archive has everything that is in this backup. Nothing was changed.',
    ],
    [{ outcome: 'failed', kind: 'backup', failure }, 'Backup: failed. The disk is full.'],
    [{ outcome: 'stopped', kind: 'check' }, 'Check of the backup: stopped. Nothing was left half done.'],
  ]
  for (const [ended, text] of cases) expect(endedText(ended)).toBe(text)
})
