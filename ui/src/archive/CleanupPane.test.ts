import { cleanup, screen, waitFor, within } from '@testing-library/svelte'
import { afterEach, describe, expect, test } from 'vitest'
import { sampleCleanup } from '../lib/memory'
import { menuItem } from '../meeting/testing'
import { button, expectNoFaults, job, openArchive, openCleanup, press, user } from './archive-testing'

afterEach(() => cleanup())

describe('clean-up', () => {
  const due = {
    id: job.id,
    title: job.title,
    rule: 'job_retention_hours' as const,
    due_since: '2026-03-03T10:00:00Z',
    bytes: 92_000_000,
  }
  const settings = sampleCleanup().settings
  const number = (what: string) => screen.getByRole('spinbutton', { name: `${what}: how many` })
  async function choose(what: string, unit: string) {
    await user.click(button(new RegExp(`^${what}: kept for`)))
    await user.click(await menuItem(unit))
  }

  test('keeps meetings and audio for ever by default', async () => {
    await openCleanup()
    expect(button('Meetings: kept for: For ever')).toBeVisible()
    expect(button('Audio: kept for: For ever')).toBeVisible()
    // 24 hours are shown as a day.
    expect(number('Exports')).toHaveValue(1)
    expect(button('Exports: kept for: Days')).toBeVisible()
    expect(screen.getByText('Nothing is due.')).toBeVisible()
    expect(screen.queryByRole('button', { name: 'Clean up now' })).toBeNull()
    await expectNoFaults()
  })

  test('a shorter period needs a second click, because clean-up runs by itself', async () => {
    const client = await openCleanup()
    await choose('Meetings', 'Days')
    await waitFor(() => expect(number('Meetings')).toHaveFocus())
    expect(number('Meetings')).toHaveValue(null)
    await user.keyboard('30{Enter}')
    expect(client.count('setRetention')).toBe(0)
    expect(screen.getByText(/meetings older than 30 days are removed with everything in them/)).toBeVisible()
    await press('Cancel')
    expect(button('Meetings: kept for: For ever')).toBeVisible()
    await choose('Meetings', 'Days')
    await waitFor(() => expect(number('Meetings')).toHaveFocus())
    await user.keyboard('30')
    await press('Keep only 30 days')
    expect(client.calls).toContainEqual(['setRetention', { ...settings, job_retention_hours: 720 }])
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Keep only 30 days' })).toBeNull())
    expect(number('Meetings')).toHaveValue(30)
  })

  test('a longer period, and for ever, are saved at once', async () => {
    const kept = { ...settings, audio_retention_days: 30 }
    const client = await openCleanup({ cleanup: { settings: kept } })
    await user.clear(number('Audio'))
    await user.type(number('Audio'), '90')
    await user.tab()
    expect(client.calls).toContainEqual(['setRetention', { ...kept, audio_retention_days: 90 }])
    await choose('Audio', 'For ever')
    await waitFor(() =>
      expect(client.calls).toContainEqual(['setRetention', { ...kept, audio_retention_days: null }]),
    )
    expect(await screen.findByRole('button', { name: 'Audio: kept for: For ever' })).toBeVisible()
  })

  test('exports are saved at once, in hours', async () => {
    const client = await openCleanup()
    await choose('Exports', 'Hours')
    await user.clear(number('Exports'))
    await user.type(number('Exports'), '12')
    await user.tab()
    await waitFor(() =>
      expect(client.calls).toContainEqual(['setRetention', { ...settings, export_retention_hours: 12 }]),
    )
  })

  test('a wrong number is named and not saved', async () => {
    const client = await openCleanup()
    for (const wrong of ['0', '1.5', '999999999']) {
      await user.clear(number('Exports'))
      await user.type(number('Exports'), wrong)
      await user.tab()
      expect(await screen.findByRole('alert')).toHaveTextContent('Type a whole number from 1 to 36,500.')
      expect(number('Exports')).toBeInvalid()
    }
    expect(client.count('setRetention')).toBe(0)
  })

  test('a period that cannot be saved says why', async () => {
    const client = await openCleanup()
    client.fail('setRetention', { message: 'settings.toml is read only' })
    await user.clear(number('Exports'))
    await user.type(number('Exports'), '9')
    await user.tab()
    expect(await screen.findByText(/That did not work\. settings\.toml is read only/)).toBeVisible()
  })

  test('removes what is due after a second click', async () => {
    const client = await openCleanup({ cleanup: { meetings: [due], bytes: 92_000_000 } })
    expect(screen.getByText(/92 MB become free\. This goes by itself with the next clean-up/)).toBeVisible()
    await expectNoFaults()
    await press('Clean up now')
    const dialog = await screen.findByRole('alertdialog', { name: 'Clean up now?' })
    expect(dialog).toHaveTextContent('1 meeting with everything in them.')
    await user.click(within(dialog).getByRole('button', { name: 'Cancel' }))
    expect(client.count('cleanUp')).toBe(0)
    await press('Clean up now')
    await press('Remove')
    expect(client.calls).toContainEqual(['cleanUp', false])
    expect(await screen.findByText(/Removed: 1 meeting\./)).toHaveTextContent('92 MB became free.')
    await waitFor(() => expect(screen.queryByRole('option')).toBeNull())
  })

  test('asks its questions first', async () => {
    const confirmations = [
      {
        reason: 'most_meetings' as const,
        message: '1 of 1 meetings would go',
        action: 'Clean up if you want that',
      },
    ]
    const client = await openCleanup({ cleanup: { meetings: [due], confirmations } })
    const questions = screen.getByRole('group', { name: 'Questions before anything is removed' })
    expect(questions).toHaveTextContent('1 of 1 meetings would go. Clean up if you want that.')
    expect(screen.getByText(/clean-up waits for your answer/)).toBeVisible()
    await press('Clean up now…')
    expect(await screen.findByRole('alertdialog')).toHaveTextContent('1 of 1 meetings would go.')
    await press('Remove')
    expect(client.calls).toContainEqual(['cleanUp', true])
  })

  test('exports alone go with one click', async () => {
    const exports = [
      {
        export_id: 'e1',
        job_id: job.id,
        title: job.title,
        type: 'pdf',
        path: '/exports/Panel.pdf',
        rule: 'export_retention_hours' as const,
        due_since: '2026-03-03T10:00:00Z',
        bytes: 1_000_000,
      },
    ]
    const client = await openCleanup({ cleanup: { exports } })
    expect(screen.getByText('/exports/Panel.pdf')).toBeVisible()
    await press('Clean up now')
    expect(client.calls).toContainEqual(['cleanUp', false])
    expect(await screen.findByText(/Removed: 1 export/)).toBeVisible()
  })

  test('says what becomes due, and keeps a meeting for ever', async () => {
    const forecast = [
      {
        id: job.id,
        title: job.title,
        rule: 'audio_retention_days' as const,
        due_at: '2026-03-09T10:00:00Z',
        bytes: 0,
      },
    ]
    const client = await openCleanup({ cleanup: { forecast } })
    expect(screen.getByText(/9 Mar 2026.* · only the audio/)).toBeVisible()
    client.setCleanup({ forecast: [] })
    await press(`Keep for ever: “${job.title}”`)
    expect(client.calls).toContainEqual(['setPinned', job.id, true])
    expect(await screen.findByText('Nothing becomes due.')).toBeVisible()
    expect(await screen.findByRole('option', { name: /Kept for ever/ })).toBeVisible()
  })

  test('shows what it found, and opens a meeting', async () => {
    await openCleanup({
      cleanup: {
        unknown_folders: [{ path: '/library/unknown', action: 'Remove it yourself' }],
        missing_audio: [{ id: job.id, title: job.title, action: 'Add the recording again' }],
      },
    })
    expect(screen.getByText('/library/unknown')).toBeVisible()
    expect(screen.getByText('Remove it yourself.')).toBeVisible()
    expect(screen.getByText('Add the recording again.')).toBeVisible()
    await expectNoFaults()
    await press(`Open “${job.title}”`)
    expect(await screen.findByRole('heading', { level: 1, name: job.title })).toBeVisible()
  })

  test('what cannot be read says why', async () => {
    const client = await openArchive()
    client.fail('cleanupPreview', { message: 'The database does not answer.' }, 1)
    await user.click(screen.getByRole('tab', { name: 'Clean-up' }))
    expect(await screen.findByText(/The database does not answer/)).toBeVisible()
    await press('Try again')
    expect(await screen.findByRole('heading', { name: 'How long to keep' })).toBeVisible()
  })
})
