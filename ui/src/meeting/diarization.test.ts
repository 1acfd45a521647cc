import { screen, waitFor, within } from '@testing-library/svelte'
import { afterEach, describe, expect, test } from 'vitest'
import { installed, overviewWith, sampleSpeakers, speakersOf } from '../lib/memory'
import {
  user,
  job,
  segments,
  open,
  openPane,
  press,
  menuItem,
  expectNoFaults,
  cleanUp,
} from './speakers-testing'

afterEach(cleanUp)

describe('diarization', () => {
  test('is offered if it has never run', async () => {
    const { client, pane } = await openPane({}, { speakers: {} })
    expect(pane.getByText('The speakers of this meeting have not been detected yet.')).toBeVisible()
    expect(pane.queryByRole('button', { name: /^Undo/ })).toBeNull()
    await press('Detect speakers')
    expect(client.calls).toContainEqual(['rerunSpeakers', job.id, { min: null, max: null }])
    await pane.findByText('Speakers are detected once its turn comes.')
    client.changeJob(job.id, {
      status: 'processing',
      workflow_state: 'diarizing',
      progress: {
        audio_done_ms: 12_000,
        audio_total_ms: 60_000,
        real_time_factor: 0.05,
        left_ms: 2_400,
        share: 0.2,
      },
    })
    client.setSpeakers(job.id, { state: 'running' })
    const words = 'Detecting speakers · 0:12 of 1:00 · less than a minute left'
    await pane.findByText(words)
    expect(pane.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '20')
    client.setSpeakers(job.id, speakersOf(segments))
    await pane.findByRole('listitem', { name: 'Speaker 3' })
    await expectNoFaults()
  })

  test('a failure says why, and can be tried again', async () => {
    const view = sampleSpeakers({ state: 'failed', note: 'there was not enough memory', method: null })
    const { client, pane } = await openPane({}, { speakers: { [job.id]: view } })
    await pane.findByText('There was not enough memory.')
    await press('Try again')
    expect(client.count('rerunSpeakers')).toBe(1)
  })

  test('running it again asks for the number of speakers, and says what is kept', async () => {
    const { client } = await openPane()
    await press('Detect again…')
    const dialog = within(await screen.findByRole('dialog', { name: 'Detect the speakers again' }))
    expect(dialog.getByText('Names stay with their voices, and your corrections are kept.')).toBeVisible()
    expect(dialog.getByRole('radio', { name: 'Detect automatically' })).toBeChecked()
    const least = dialog.getByRole('spinbutton', { name: 'Minimum number of people' })
    await user.clear(least)
    await user.type(least, '7')
    expect(dialog.getByRole('radio', { name: 'Between' })).toBeChecked()
    expect(dialog.getByRole('alert')).toHaveTextContent('The second number is smaller than the first.')
    await user.click(dialog.getByRole('button', { name: /^Detect again/ }))
    expect(client.count('rerunSpeakers')).toBe(0)
    await expectNoFaults()
    await user.clear(least)
    await user.type(least, '3')
    await user.click(dialog.getByRole('button', { name: /^Detect again/ }))
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    expect(client.calls).toContainEqual(['rerunSpeakers', job.id, { min: 3, max: 6 }])
  })

  test('is part of transcribing again', async () => {
    const small = 'whisper-small-Q8_0'
    const client = await open({}, { models: overviewWith({ [small]: installed(small) }) })
    await press('More')
    await user.click(await menuItem('Transcribe again…'))
    const dialog = within(await screen.findByRole('dialog'))
    const number = dialog.getByRole('spinbutton', { name: 'Number of people' })
    await user.clear(number)
    await user.type(number, '5')
    await user.click(dialog.getByRole('button', { name: 'Transcribe again' }))
    await waitFor(() => expect(client.count('transcribeAgain')).toBe(1))
    const [, , choice] = client.calls.find(([call]) => call === 'transcribeAgain') ?? []
    expect(choice).toMatchObject({ speakers: { min: 5, max: 5 } })
  })

  test.each([
    [1, 'One person speaks in this recording.'],
    [0, 'Nobody was heard in this recording.'],
  ])('with %d speakers found, says so', async (count, words) => {
    const all = segments.map((line) => ({ ...line, speaker_id: count === 1 ? 'speaker-1' : null }))
    const { pane } = await openPane({}, {}, {}, all)
    expect(await pane.findByText(words)).toBeVisible()
  })
})

test('the player shows who speaks when, hidden from screen readers', async () => {
  await open({ 1: { name: 'Anna' } })
  await waitFor(() => expect(document.querySelectorAll('.player .strip path')).toHaveLength(3))
  expect(document.querySelector('.player .strip')).toHaveAttribute('aria-hidden', 'true')
})
