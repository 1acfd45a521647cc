import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte'
import { afterEach, describe, expect, test } from 'vitest'
import App from '../App.svelte'
import { memoryClient, sampleBackupOverview } from '../lib/memory'
import { menuItem } from '../meeting/testing'
import { job, openArchive, openCleanup, press, scheduled, user } from './archive-testing'

afterEach(() => cleanup())

describe('the row of the sidebar', () => {
  test('says that there is no backup yet', async () => {
    render(App, { client: memoryClient({ jobs: [job] }) })
    expect(await screen.findByRole('button', { name: 'Archive No backup yet' })).toBeVisible()
  })

  test('says a failure although there is a good backup', async () => {
    const overview = sampleBackupOverview()
    const last_failure = { at: '2026-03-03T11:00:00Z', message: 'the disk is full' }
    const backup = { ...overview, state: { ...overview.state, last_failure } }
    render(App, { client: memoryClient({ jobs: [job], backup }) })
    const row = await screen.findByRole('button', { name: /^Archive Backup failed 3 Mar 2026/ })
    expect(row).toHaveAttribute('title', 'The disk is full.')
  })

  test('is there when nothing has been imported', async () => {
    render(App, { client: memoryClient() })
    expect(await screen.findByRole('button', { name: 'Archive No backup yet' })).toBeVisible()
  })
})

describe('the page', () => {
  test('is operated with the keyboard', async () => {
    await openArchive(scheduled)
    expect(screen.getByRole('heading', { level: 1, name: 'Archive' })).toHaveFocus()
    screen.getByRole('tab', { name: 'Backup' }).focus()
    await user.keyboard('{ArrowRight}')
    expect(screen.getByRole('tab', { name: 'Clean-up' })).toHaveFocus()
    expect(screen.getByRole('tabpanel', { name: 'Clean-up' })).toBeVisible()
    await user.keyboard('{Home}{ArrowLeft}')
    expect(screen.getByRole('tab', { name: 'Database' })).toHaveAttribute('aria-selected', 'true')
    await user.keyboard('{ArrowRight}')
    expect(screen.getByRole('tabpanel', { name: 'Backup' })).toBeVisible()
    await press('Close the archive page')
    expect(screen.queryByRole('tab')).toBeNull()
  })

  test('remembers its tab', async () => {
    await openCleanup()
    await press('Close the archive page')
    await press(/^Archive/)
    expect(await screen.findByRole('tabpanel', { name: 'Clean-up' })).toBeVisible()
  })
})

describe('an open meeting', () => {
  const pinItem = async (name: string) => {
    await press('More')
    await user.click(await menuItem(name))
  }

  test('is kept for ever and no longer', async () => {
    const client = memoryClient({ jobs: [job], window: { hint_dismissed: true } })
    render(App, { client })
    await user.click(await screen.findByRole('option', { name: new RegExp(job.title) }))
    await pinItem('Keep for ever')
    expect(await screen.findByRole('option', { name: /Kept for ever/ })).toBeVisible()
    expect(client.calls).toContainEqual(['setPinned', job.id, true])
    expect(await screen.findByText(`“${job.title}” is kept for ever.`)).toBeInTheDocument()
    await pinItem('Keep no longer')
    await waitFor(() => expect(screen.queryByRole('option', { name: /Kept for ever/ })).toBeNull())
    expect(client.calls).toContainEqual(['setPinned', job.id, false])
  })

  test('whose audio was removed says when, and how to bring it back', async () => {
    const removed = { ...job, audio_removed_at: '2026-02-10T12:00:00Z' }
    const client = memoryClient({ jobs: [removed], window: { hint_dismissed: true } })
    render(App, { client })
    await user.click(await screen.findByRole('option', { name: /Audio removed/ }))
    const player = within(await screen.findByRole('region', { name: 'Player' }))
    expect(await player.findByText(/removed on 10 February 2026.*add “panel\.wav” again/)).toBeVisible()
    expect(player.queryByRole('button', { name: 'Try again' })).toBeNull()
    expect(client.count('sound')).toBe(0)
    // It comes back while the meeting is open.
    client.changeJob(job.id, { audio_removed_at: null })
    await waitFor(() => expect(client.count('sound')).toBe(1))
    expect(player.queryByText(/removed on/)).toBeNull()
  })
})
