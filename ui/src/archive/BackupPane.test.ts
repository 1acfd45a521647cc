import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte'
import { afterEach, describe, expect, test } from 'vitest'
import App from '../App.svelte'
import {
  BACKUP_FOLDER,
  memoryClient,
  noBackups,
  restoredMeeting,
  sampleBackup,
  sampleBackupCheck,
  sampleRestore,
} from '../lib/memory'
import { button, expectNoFaults, job, openArchive, press, scheduled, user } from './archive-testing'

afterEach(() => cleanup())

describe('backups', () => {
  test('begin with a choice of the folder', async () => {
    const client = await openArchive()
    expect(await screen.findByText(/Nothing is backed up yet/)).toHaveTextContent('every day')
    expect(screen.getByText(/Best choose a folder on another disk/)).toBeVisible()
    expect(screen.queryByRole('button', { name: 'Back up now' })).toBeNull()
    await expectNoFaults()
    client.chosen = ['/media/USB']
    await press('Choose a folder…')
    expect(await screen.findByText('/media/USB')).toBeVisible()
    await waitFor(() => expect(button('Back up now')).toHaveFocus())
    expect(button(/^Check the backup/)).toHaveAccessibleName(/There is no backup to check yet/)
    expect(button(/^From the last backup/)).toHaveAttribute('aria-disabled', 'true')
  })

  test('run in the background, show their progress everywhere and their result on the page', async () => {
    const client = await openArchive(scheduled)
    await press('Back up now')
    expect(client.count('startBackup')).toBe(1)
    expect((await screen.findAllByRole('progressbar', { name: 'Progress: Backup' })).length).toBe(2)
    client.workProgress({ phase: 'copying', fraction: 0.43 })
    expect(await screen.findByText('Backup · Copying audio · 43 %')).toBeVisible()
    expect(button(/^Back up now/)).toHaveAttribute('aria-disabled', 'true')
    expect(button(/^From a folder/)).toHaveAttribute('aria-disabled', 'true')
    await expectNoFaults()

    // The user looks at something else meanwhile.
    await press('Close the archive page')
    expect(screen.getByText('Copying audio · 43 %')).toBeVisible()
    client.endWork({ outcome: 'backup', result: sampleBackup({ notes: ['five meetings are elsewhere'] }) })
    await waitFor(() => expect(screen.queryByRole('progressbar')).toBeNull())
    expect(await screen.findByText('214 meetings are backed up.')).toBeInTheDocument()

    await press(/^Archive/)
    expect(await screen.findByText(/209 with audio · 46 MB added · 9.8 GB in all/)).toBeVisible()
    expect(screen.getByText('It was read again after it was written.')).toBeVisible()
    expect(screen.getByText('Five meetings are elsewhere.')).toBeVisible()
    await press('Dismiss')
    expect(screen.queryByText(/46 MB added/)).toBeNull()
    expect(client.count('dismissArchiveWork')).toBe(1)
  })

  test('say what is missing in them', async () => {
    const problems = Array.from({ length: 12 }, (_, index) => `The audio of meeting ${index + 1} is missing`)
    await openArchive({
      ...scheduled,
      archiveWork: { ended: { outcome: 'backup', result: sampleBackup({ problems }) } },
    })
    expect(await screen.findByText(/but something is missing in it/)).toBeVisible()
    expect(screen.getByText('The audio of meeting 10 is missing.')).toBeVisible()
    expect(screen.queryByText('The audio of meeting 11 is missing.')).toBeNull()
    await press('Show 2 more')
    expect(screen.getByText('The audio of meeting 12 is missing.')).toBeVisible()
  })

  test('are stopped from the sidebar', async () => {
    const running = { kind: 'check', phase: 'checking', table: null, fraction: 0.1 } as const
    const client = memoryClient({ jobs: [job], ...scheduled, archiveWork: { running } })
    render(App, { client })
    await press('Stop: Check of the backup')
    await waitFor(() => expect(screen.queryByRole('progressbar')).toBeNull())
    expect(client.count('stopArchiveWork')).toBe(1)
    await press(/^Archive/)
    const main = within(screen.getByRole('main'))
    expect(await main.findByText('Check of the backup: stopped. Nothing was left half done.')).toBeVisible()
  })

  test('are checked, and damage is named', async () => {
    const client = await openArchive(scheduled)
    await press('Check the backup')
    await waitFor(() => expect(client.count('startBackupCheck')).toBe(1))
    await screen.findAllByRole('progressbar', { name: 'Progress: Check of the backup' })
    client.endWork({ outcome: 'check', result: sampleBackupCheck({ damage: ['objects/4f is damaged'] }) })
    expect(await screen.findByText('objects/4f is damaged.')).toBeVisible()
    expect(screen.getAllByText('The backup is damaged.').length).toBeGreaterThan(0)
  })

  test('are no longer made by themselves', async () => {
    const client = await openArchive(scheduled)
    await press('No scheduled backups')
    expect(
      await screen.findByText(/There are no scheduled backups\. Backups that were made stay/),
    ).toBeVisible()
    expect(client.count('endScheduledBackups')).toBe(1)
    await waitFor(() => expect(button('Choose a folder…')).toHaveFocus())
    // The last one can still be checked and restored.
    expect(button('Check the backup')).not.toHaveAttribute('aria-disabled')
    expect(screen.getByText(new RegExp(`in ${BACKUP_FOLDER}`))).toBeVisible()
  })

  test('that fail while the page is closed are named in the sidebar', async () => {
    const client = memoryClient({ jobs: [job], ...scheduled })
    render(App, { client })
    await screen.findByRole('button', { name: /^Archive/ })
    client.workProgress({ kind: 'restore' })
    await screen.findByRole('progressbar', { name: 'Progress: Restore' })
    client.endWork({
      outcome: 'failed',
      kind: 'restore',
      failure: { code: 'disk_full', message: 'the disk is full' },
    })
    await waitFor(() => expect(screen.queryByRole('progressbar')).toBeNull())
    const work = within(screen.getByRole('region', { name: 'Work on the archive' }))
    expect(work.getByText('The disk is full.')).toBeVisible()
    await user.click(work.getByRole('button', { name: 'Restore' }))
    const main = within(screen.getByRole('main'))
    expect(await main.findByText('Restore: failed. The disk is full.')).toBeVisible()
    expect(screen.queryByRole('region', { name: 'Work on the archive' })).toBeNull()
  })

  test('a state that cannot be read says why', async () => {
    const client = memoryClient({ jobs: [job] })
    client.fail('backupOverview', { message: 'The settings could not be read.' }, 2)
    render(App, { client })
    await press(/^Archive/)
    expect(await screen.findByText(/The settings could not be read/)).toBeVisible()
    await press('Try again')
    expect(await screen.findByText(/Nothing is backed up yet/)).toBeVisible()
    expect(screen.queryByText(/could not be read/)).toBeNull()
  })

  test('a command that fails says why', async () => {
    const client = await openArchive(scheduled)
    client.fail('startBackup', { message: 'The archive is closed.' }, 1)
    await press('Back up now')
    expect(await screen.findByText('The archive is closed.')).toBeVisible()
  })
})

describe('restoring', () => {
  test('shows what would come back, and brings one meeting back', async () => {
    const client = await openArchive(scheduled)
    await press('From the last backup')
    const preview = await screen.findByRole('group', { name: 'What would come back' })
    expect(preview).toHaveFocus()
    expect(preview).toHaveTextContent(
      '2 meetings come back · the audio of 1 meeting comes back · 138 MB of audio.',
    )
    expect(preview).toHaveTextContent('211 meetings are in the archive already; they stay as they are.')
    expect(within(preview).getByText('Text only: its audio is not in the backup')).toBeVisible()
    await expectNoFaults()
    const [first] = sampleRestore().added
    await press('Bring back “Budget review”')
    expect(client.calls).toContainEqual(['startRestore', first!.id])
    expect((await screen.findAllByRole('progressbar', { name: 'Progress: Restore' })).length).toBe(2)
    client.endWork({
      outcome: 'restore',
      result: sampleRestore({ dry_run: false, added: [first!], audio_back: [], audio_bytes: 0 }),
    })
    expect(await screen.findByRole('button', { name: 'Bring back 1 meeting' })).toBeVisible()
    expect(screen.queryByRole('button', { name: 'Bring back “Budget review”' })).toBeNull()
    // It is in the library.
    expect(await screen.findByRole('option', { name: /Budget review/ })).toBeVisible()
  })

  test('brings everything back', async () => {
    const client = await openArchive(scheduled)
    await press('From the last backup')
    await press('Bring back 2 meetings')
    expect(client.calls).toContainEqual(['startRestore', null])
    await screen.findAllByRole('progressbar')
    client.endWork({
      outcome: 'restore',
      result: sampleRestore({
        dry_run: false,
        settings: true,
        rows: [{ table: 'jobs', rows: 2 }],
        lost: ['one audio is damaged'],
      }),
    })
    expect(await screen.findByText('The settings were taken over from the backup.')).toBeVisible()
    expect(screen.getByText('138 MB of audio · 2 rows in 1 table')).toBeVisible()
    expect(screen.getByText('One audio is damaged.')).toBeVisible()
    expect(screen.queryByRole('group', { name: 'What would come back' })).toBeNull()
  })

  test('from a folder or a file that the user chooses', async () => {
    const client = await openArchive({ backup: noBackups() })
    await press('From a folder…')
    expect(client.calls).toContainEqual(['previewRestore', 'folder'])
    expect(screen.queryByRole('group', { name: 'What would come back' })).toBeNull()
    client.chosen = ['/media/USB/archive.tar']
    await press('From a file…')
    expect(client.calls).toContainEqual(['previewRestore', 'file'])
    expect(await screen.findByText(/in \/media\/USB\/archive\.tar/)).toBeVisible()
    await press('Cancel')
    expect(screen.queryByText(/archive\.tar/)).toBeNull()
    expect(screen.getByRole('heading', { level: 1, name: 'Archive' })).toHaveFocus()
  })

  test('a long list is shown in parts', async () => {
    const added = Array.from({ length: 230 }, (_, index) => restoredMeeting(index))
    await openArchive({ ...scheduled, restore: sampleRestore({ added, audio_back: [] }) })
    await press('From the last backup')
    const list = await screen.findByRole('list', { name: 'Meetings that come back' })
    expect(within(list).getAllByRole('listitem')).toHaveLength(20)
    await press('Show 200 more')
    expect(within(list).getAllByRole('listitem')).toHaveLength(220)
    expect(within(list).getAllByRole('listitem')[20]).toHaveFocus()
    await press('Show 10 more')
    expect(within(list).getAllByRole('listitem')).toHaveLength(230)
  })

  test('a backup with nothing new offers nothing', async () => {
    await openArchive({ ...scheduled, restore: sampleRestore({ added: [], audio_back: [], audio_bytes: 0 }) })
    await press('From the last backup')
    expect(await screen.findByText('The archive has everything that is in this backup.')).toBeVisible()
    expect(screen.queryByRole('button', { name: /^Bring back/ })).toBeNull()
  })

  test('a folder without a backup is refused with its sentence', async () => {
    const client = await openArchive(scheduled)
    client.fail('previewRestore', { message: 'there is no backup here' }, 1)
    await press('From a folder…')
    expect(await screen.findByText('There is no backup here.')).toBeVisible()
  })
})
