import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte'
import { afterEach, describe, expect, test } from 'vitest'
import App from '../App.svelte'
import { memoryClient, noBackups, sampleBackupOverview, sampleRestore, type Seed } from '../lib/memory'
import { button, expectNoFaults, job, press, user } from './archive-testing'

afterEach(() => cleanup())

const core = {
  state: 'failed',
  code: 'database_damaged',
  message: 'The database server ended while starting.',
} as const

async function openDamaged(seed: Seed = {}) {
  const client = memoryClient({ core, backup: sampleBackupOverview(), ...seed })
  render(App, { client })
  await screen.findByRole('heading', { name: 'Restore from a backup' })
  return client
}

describe('a damaged database', () => {
  test('is restored from the last backup, and the window opens', async () => {
    const client = await openDamaged()
    expect(screen.getByText(/The damaged database is kept beside the new one/)).toBeVisible()
    await waitFor(() => expect(button('From the last backup')).not.toHaveAttribute('aria-disabled'))
    await press('From the last backup')
    const preview = await screen.findByRole('group', { name: 'What would come back' })
    await waitFor(() => expect(preview).toHaveFocus())
    expect(within(preview).queryByRole('button', { name: /^Bring back “/ })).toBeNull()
    await expectNoFaults()
    await press(/^Bring back \d+ meeting/)
    expect(client.calls).toContainEqual(['startRestore', null])
    expect(await screen.findByRole('progressbar', { name: 'Progress: Restore' })).toBeVisible()
    expect(screen.queryByText('You can leave this page meanwhile.')).toBeNull()
    const again = screen.getByRole('button', { name: /^Try again/ })
    expect(again).toHaveAttribute('aria-disabled', 'true')
    await expectNoFaults()
    client.endWork({ outcome: 'restore', result: sampleRestore({ dry_run: false }) })
    client.setCore({ state: 'ready' })
    expect(await screen.findByRole('button', { name: /^Archive/ })).toBeVisible()
    expect(screen.queryByRole('heading', { name: 'Restore from a backup' })).toBeNull()
  })

  test('says why a restore failed, and another backup can be chosen', async () => {
    const client = await openDamaged({ backup: noBackups() })
    expect(button(/^From the last backup/)).toHaveAttribute('aria-disabled', 'true')
    client.chosen = ['/media/USB/archive.tar']
    await press('From a file…')
    await press(/^Bring back \d+ meeting/)
    const failure = { code: 'other', message: 'The archive is open in another program' } as const
    client.endWork({ outcome: 'failed', kind: 'restore', failure })
    const sentence = 'Restore: failed. The archive is open in another program.'
    expect(await screen.findByText(sentence, { selector: '.first' })).toBeVisible()
    await waitFor(() => expect(button('From a folder…')).not.toHaveAttribute('aria-disabled'))
  })

  test('asks for the passphrase of an encrypted backup', async () => {
    const client = await openDamaged({ encrypted: true })
    await waitFor(() => expect(button('From the last backup')).not.toHaveAttribute('aria-disabled'))
    await press('From the last backup')
    expect(await screen.findByText(/is encrypted/)).toBeVisible()
    await press('Choose the file with the passphrase…')
    expect(screen.getByText(/is encrypted/)).toBeVisible()
    client.fail(
      'previewRestoreWithPassphrase',
      { code: 'passphrase_wrong', message: 'The passphrase does not fit this backup.' },
      1,
    )
    await press('Choose the file with the passphrase…')
    expect(await screen.findByText('The passphrase does not fit this backup.')).toBeVisible()
    client.chosen = ['/home/anna/passphrase']
    await press('Choose the file with the passphrase…')
    expect(await screen.findByRole('group', { name: 'What would come back' })).toBeVisible()
    expect(screen.queryByText(/does not fit/)).toBeNull()
  })

  test('other failures offer no restore', async () => {
    const client = memoryClient({ core: { ...core, code: 'database_unreachable' } })
    render(App, { client })
    await screen.findByText(core.message)
    expect(screen.queryByRole('heading', { name: 'Restore from a backup' })).toBeNull()
  })
})

describe('encryption of backups', () => {
  test('is switched on by choosing a file, and off again', async () => {
    const client = memoryClient({ jobs: [job], backup: sampleBackupOverview() })
    render(App, { client })
    await press(/^Archive/)
    await press('Choose a file with a passphrase…')
    expect(screen.getByText(/^Backups are not encrypted/)).toBeVisible()
    client.chosen = ['/home/anna/passphrase']
    await press('Choose a file with a passphrase…')
    expect(await screen.findByText(/with the passphrase in \/home\/anna\/passphrase\./)).toBeVisible()
    await expectNoFaults()
    client.fail('chooseBackupPassphrase', { message: 'other users can read it' }, 1)
    await press('Another file…')
    expect(await screen.findByText(/Other users can read it/)).toBeVisible()
    await user.click(button('Do not encrypt'))
    await waitFor(() => expect(button('Choose a file with a passphrase…')).toHaveFocus())
  })
})
