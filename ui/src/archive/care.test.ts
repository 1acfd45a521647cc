import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  BACKUP_FOLDER,
  memoryClient,
  sampleBackup,
  sampleBackupOverview,
  sampleCleanup,
  sampleJob,
  sampleRestore,
  type Seed,
} from '../lib/memory'
import { ArchiveCare } from './care.svelte'

const stops: (() => void)[] = []
afterEach(() => {
  while (stops.length > 0) stops.pop()?.()
  vi.useRealTimers()
})

async function opened(seed: Seed = {}) {
  const client = memoryClient(seed)
  const [onerror, announce] = [vi.fn(), vi.fn()]
  const care = new ArchiveCare(client, onerror, announce)
  stops.push(care.start())
  care.fetch()
  await expect.poll(() => care.backups.overview).not.toBeNull()
  const { work, backups, restore, cleanup } = care
  return { client, care, onerror, announce, work, backups, restore, cleanup }
}

const scheduled: Seed = { backup: sampleBackupOverview() }

describe('long work', () => {
  test('is followed from its start to its end, which is said once', async () => {
    const { client, care, work, announce } = await opened(scheduled)
    work.begin(client.startBackup())
    await expect.poll(() => work.running?.kind).toBe('backup')
    client.workProgress({ phase: 'copying', fraction: 0.4 })
    await expect.poll(() => work.running?.fraction).toBe(0.4)
    expect(announce).not.toHaveBeenCalled()
    const known = client.count('backupOverview')
    client.endWork({ outcome: 'backup', result: sampleBackup() })
    await expect.poll(() => work.ended?.outcome).toBe('backup')
    expect([work.running, announce.mock.calls]).toEqual([null, [['214 meetings are backed up.']]])
    // The state of the backups has changed with it.
    await expect.poll(() => client.count('backupOverview')).toBeGreaterThan(known)
    work.dismiss()
    expect(work.ended).toBeNull()
    await expect.poll(() => client.count('dismissArchiveWork')).toBe(1)
    await care.work.fetch()
    expect(work.ended).toBeNull()
  })

  test('that began before the page was loaded is shown', async () => {
    const running = { kind: 'check', phase: 'checking', table: null, fraction: 0.2 } as const
    const { work } = await opened({ archiveWork: { running } })
    await expect.poll(() => work.running).toEqual(running)
  })

  test('how it ended before the page was loaded is shown but not said', async () => {
    const { work, announce } = await opened({ archiveWork: { ended: { outcome: 'stopped', kind: 'check' } } })
    await expect.poll(() => work.ended?.outcome).toBe('stopped')
    expect(announce).not.toHaveBeenCalled()
  })

  test('is stopped once', async () => {
    const { client, work } = await opened(scheduled)
    work.stop()
    expect(client.count('stopArchiveWork')).toBe(0)
    work.begin(client.startBackup())
    await expect.poll(() => work.running?.kind).toBe('backup')
    const release = client.hold('stopArchiveWork')
    work.stop()
    expect(work.stopping).toBe(true)
    release()
    await expect.poll(() => work.ended).toEqual({ outcome: 'stopped', kind: 'backup' })
    expect(work.stopping).toBe(false)
  })

  test('that cannot be stopped or started says why', async () => {
    const { client, work, onerror } = await opened(scheduled)
    work.begin(client.startBackup())
    await expect.poll(() => work.running?.kind).toBe('backup')
    client.fail('stopArchiveWork', { message: 'No.' }, 1)
    work.stop()
    await expect.poll(() => work.stopping).toBe(false)
    work.begin(client.startBackupCheck())
    await expect.poll(() => onerror.mock.calls.length).toBe(2)
    expect(String(onerror.mock.calls[1]?.[0])).toContain('Something else is under way')
  })
})

describe('the state of the backups', () => {
  test('is fetched again by itself, because scheduled backups send no event', async () => {
    vi.useFakeTimers()
    const client = memoryClient()
    const care = new ArchiveCare(client, vi.fn(), vi.fn())
    stops.push(care.start())
    await vi.advanceTimersByTimeAsync(300_000)
    expect(client.count('backupOverview')).toBe(0)
    care.fetch()
    await vi.advanceTimersByTimeAsync(1)
    expect(care.backups.overview?.state.last_backup).toBeNull()
    client.setBackup(sampleBackupOverview())
    await vi.advanceTimersByTimeAsync(61_000)
    expect(care.backups.overview?.state.last_backup?.place).toBe(BACKUP_FOLDER)
    expect(care.backups.nowMs).toBe(Date.now() - 1_001)
  })

  test('keeps what is known when it cannot be fetched', async () => {
    const { client, backups } = await opened(scheduled)
    client.fail('backupOverview', { message: 'No.' }, 1)
    await backups.fetch()
    expect([backups.failure, backups.overview?.scheduled_place]).toEqual(['No.', BACKUP_FOLDER])
    window.dispatchEvent(new Event('focus'))
    await expect.poll(() => backups.failure).toBeNull()
  })

  test('changes with the folder', async () => {
    const { client, backups, onerror } = await opened()
    expect(await backups.choosePlace()).toBe(false)
    client.chosen = ['/media/USB']
    expect(await backups.choosePlace()).toBe(true)
    expect(backups.overview?.scheduled_place).toBe('/media/USB')
    expect(await backups.endSchedule()).toBe(true)
    expect(backups.overview?.scheduled_place).toBeNull()
    client.fail('chooseBackupPlace', { message: 'No.' })
    expect(await backups.choosePlace()).toBe(false)
    expect(onerror).toHaveBeenCalledOnce()
  })
})

describe('restoring', () => {
  test('takes what came back out of the preview', async () => {
    const { client, restore, work } = await opened(scheduled)
    await restore.look('last_backup')
    expect(restore.preview?.added.map((one) => one.title)).toEqual(['Budget review', 'Choir committee'])
    const [first] = sampleRestore().added
    work.begin(client.startRestore(first!.id))
    await expect.poll(() => work.running?.kind).toBe('restore')
    client.endWork({
      outcome: 'restore',
      result: sampleRestore({ dry_run: false, added: [first!], audio_back: [], audio_bytes: 38_000_000 }),
    })
    await expect.poll(() => restore.preview?.added.length).toBe(1)
    expect(restore.preview).toMatchObject({ already_there: 212, audio_bytes: 100_000_000 })
    work.begin(client.startRestore(null))
    await expect.poll(() => work.running?.kind).toBe('restore')
    client.endWork({ outcome: 'restore', result: sampleRestore({ dry_run: false }) })
    await expect.poll(() => restore.preview).toBeNull()
  })

  test('a choice that is cancelled changes nothing', async () => {
    const { restore } = await opened(scheduled)
    await restore.look('last_backup')
    const { preview } = restore
    await restore.look('folder')
    expect(restore.preview).toBe(preview)
    expect(restore.looking).toBe(false)
  })

  test('an answer that arrives after Cancel is dropped', async () => {
    const { client, restore } = await opened(scheduled)
    const release = client.hold('previewRestore')
    const looking = restore.look('last_backup')
    expect(restore.looking).toBe(true)
    restore.close()
    release()
    await looking
    expect([restore.preview, restore.looking]).toEqual([null, false])
  })

  test('a folder without a backup is named', async () => {
    const { client, restore } = await opened(scheduled)
    await restore.look('last_backup')
    client.fail('previewRestore', { message: 'There is no backup here.' }, 1)
    await restore.look('last_backup')
    expect([restore.preview, restore.failure]).toEqual([null, 'There is no backup here.'])
    await restore.look('last_backup')
    expect([restore.preview?.place, restore.failure]).toEqual([BACKUP_FOLDER, null])
  })
})

describe('clean-up', () => {
  const job = sampleJob()
  const due = {
    id: job.id,
    title: job.title,
    rule: 'job_retention_hours' as const,
    due_since: '2026-03-03T10:00:00Z',
    bytes: 5_000_000,
  }

  test('saves one period and keeps the others', async () => {
    const { client, cleanup } = await opened()
    await cleanup.fetch()
    await cleanup.keep({ audio_retention_days: 90 })
    const settings = { ...sampleCleanup().settings, audio_retention_days: 90 }
    expect(client.calls).toContainEqual(['setRetention', settings])
    expect(cleanup.view?.settings).toEqual(settings)
  })

  test('shows new questions instead of removing, and removes once they are answered', async () => {
    const { client, cleanup } = await opened({ jobs: [job], cleanup: { meetings: [due] } })
    await cleanup.fetch()
    client.setCleanup({
      confirmations: [{ reason: 'restored', message: 'Meetings came back.', action: 'Look first.' }],
    })
    await cleanup.cleanUp(false)
    expect([cleanup.removed, cleanup.view?.confirmations.length]).toEqual([null, 1])
    expect((await client.meetingsPage(null, 10)).meetings).toHaveLength(1)
    await cleanup.cleanUp(true)
    expect(cleanup.removed?.meetings.map(({ id }) => id)).toEqual([job.id])
    expect([cleanup.view?.meetings, cleanup.cleaning]).toEqual([[], false])
    expect((await client.meetingsPage(null, 10)).meetings).toHaveLength(0)
  })

  test('that fails says why and can be tried again', async () => {
    const { client, cleanup } = await opened({ cleanup: { meetings: [due] }, jobs: [job] })
    await cleanup.fetch()
    client.fail('cleanUp', { message: 'The database does not answer.' }, 1)
    await cleanup.cleanUp(false)
    expect([cleanup.problem, cleanup.cleaning]).toEqual(['The database does not answer.', false])
    await cleanup.cleanUp(false)
    expect([cleanup.problem, cleanup.removed?.meetings.length]).toEqual([null, 1])
  })

  test('a meeting is kept for ever, and what is due is fetched again', async () => {
    const { client, cleanup } = await opened({ jobs: [job], cleanup: { meetings: [due] } })
    await cleanup.fetch()
    client.setCleanup({ meetings: [] })
    await cleanup.pin(job.id)
    expect(client.calls).toContainEqual(['setPinned', job.id, true])
    expect(cleanup.view?.meetings).toEqual([])
  })
})
