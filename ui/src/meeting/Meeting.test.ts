import { screen, waitFor, within } from '@testing-library/svelte'
import axe from 'axe-core'
import { tick } from 'svelte'
import { describe, expect, test, vi } from 'vitest'
import { sampleJob, sampleSegments, sampleTranscript } from '../lib/memory'
import type { JobView, OtherLanguage, TranscriptInfo } from '../lib/types'
import { audio, isolateTests, line, open, openWith, user } from './meeting-testing'
import { menuItem } from './testing'

isolateTests()

describe('the title', () => {
  const edit = async () => {
    await user.click(screen.getByRole('button', { name: 'Panel discussion' }))
    return screen.getByRole('textbox', { name: 'Title' })
  }

  test('is changed in place', async () => {
    const { client, job } = open()
    const field = await edit()
    expect(field).toHaveFocus()
    await user.clear(field)
    await user.type(field, '  Harbour   evening {Enter}')
    expect(client.calls).toContainEqual(['rename', job.id, 'Harbour evening', 'Panel discussion'])
    expect(await screen.findByRole('button', { name: 'Harbour evening' })).toHaveFocus()
  })

  test('is saved when the focus leaves it', async () => {
    const { client } = open()
    await user.type(await edit(), '!')
    await user.tab()
    expect(client.count('rename')).toBe(1)
  })

  test.each([
    ['Escape', 'Something else{Escape}'],
    ['an empty field', '{Enter}'],
    ['only spaces', '   {Enter}'],
    ['the same title', 'Panel discussion{Enter}'],
  ])('is unchanged after %s', async (_, typed) => {
    const { client } = open()
    const field = await edit()
    await user.clear(field)
    await user.type(field, typed)
    expect(await screen.findByRole('button', { name: 'Panel discussion' })).toHaveFocus()
    expect(client.count('rename')).toBe(0)
  })

  test('can be edited with F2', async () => {
    open()
    screen.getByRole('button', { name: 'Panel discussion' }).focus()
    await user.keyboard('{F2}')
    expect(await screen.findByRole('textbox', { name: 'Title' })).toHaveFocus()
  })

  test('that is rejected says why and keeps what was typed', async () => {
    const { client } = open()
    client.fail('rename', { message: 'A title has between 1 and 200 characters.' }, 1)
    const field = await edit()
    await user.clear(field)
    await user.type(field, 'Too long{Enter}')
    expect(await screen.findByRole('alert')).toHaveTextContent('A title has between 1 and 200 characters.')
    const again = screen.getByRole('textbox', { name: 'Title' })
    expect(again).toHaveValue('Too long')
    expect(again).toHaveAccessibleDescription('A title has between 1 and 200 characters.')
    await user.type(again, '{Enter}')
    expect(await screen.findByRole('button', { name: 'Too long' })).toBeVisible()
    expect(screen.queryByRole('alert')).toBeNull()
  })
})

describe('the state of the work', () => {
  const progress = {
    audio_done_ms: 750_000,
    audio_total_ms: 2_890_000,
    real_time_factor: 0.16,
    left_ms: 170_000,
    share: 0.22,
  }

  test('is shown as text, and can be cancelled', async () => {
    const { client, job } = open({ status: 'processing', workflow_state: 'transcribing', progress })
    const words = 'Transcribing with Whisper base · 12:30 of 48:10 · about 3 min left · 6.3× real time'
    expect(screen.getByText(words)).toBeVisible()
    expect(screen.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '22')
    client.addSegments(job.id, [line(0, 'one', 750_000)])
    await screen.findByText('one')
    await user.click(screen.getByRole('button', { name: 'Cancel' }))
    expect(await screen.findByText('Stopped at 12:30. What is done so far is kept.')).toBeVisible()
    await user.click(screen.getByRole('button', { name: 'Continue' }))
    expect(await screen.findByText('Waiting for its turn')).toBeVisible()
    expect(client.count('retry')).toBe(1)
  })

  test('a waiting meeting that is open is moved to the front of the queue', async () => {
    const { client, job } = open({ status: 'pending', workflow_state: 'queued' })
    await waitFor(() => expect(client.count('bringForward')).toBe(1))
    client.changeJob(job.id, { title: 'Another title' })
    expect(client.count('bringForward')).toBe(1)
    const { client: other } = open()
    await tick()
    expect(other.count('bringForward')).toBe(0)
  })

  test('names the last steps', async () => {
    const { client, job } = open({
      status: 'processing',
      workflow_state: 'diarizing',
      progress: { ...progress, real_time_factor: 0.03, left_ms: 66_000, share: 0.89 },
    })
    expect(screen.getByText('Detecting speakers · 12:30 of 48:10 · about 1 min left')).toBeVisible()
    expect(screen.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '89')
    client.changeJob(job.id, { workflow_state: 'aligning', progress: { ...progress, share: 1 } })
    expect(await screen.findByText('Finishing')).toBeVisible()
  })

  test('says why it cannot be cancelled', async () => {
    const { client } = open({ status: 'processing', workflow_state: 'transcribing' })
    client.fail('cancel', { message: 'There is nothing to cancel.' }, 1)
    await user.click(screen.getByRole('button', { name: 'Cancel' }))
    expect(await screen.findByText('There is nothing to cancel.')).toBeVisible()
  })

  test('a failure can be tried again, and has details', async () => {
    const failed: Partial<JobView> = {
      status: 'failed',
      workflow_state: 'decoding',
      error_message: 'panel.wav has no audio',
    }
    const { client, job } = open(failed)
    expect(screen.getByText('panel.wav has no audio.')).toBeVisible()
    await user.click(screen.getByRole('button', { name: 'Show details' }))
    await user.click(screen.getByRole('button', { name: 'Copy details' }))
    await waitFor(() => expect(client.clipboard).toContain(job.id))
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    await waitFor(() => expect(client.count('retry')).toBe(1))
    await waitFor(() => expect(screen.queryByText('panel.wav has no audio.')).toBeNull())
  })

  test('work on another computer cannot be continued here', () => {
    open({ status: 'failed', workflow_state: 'cancelled', is_here: false })
    expect(screen.getByText(/This recording is on another computer/)).toBeVisible()
    expect(screen.queryByRole('button', { name: 'Continue' })).toBeNull()
  })

  test('damaged audio is reported in a whole sentence', () => {
    open({ media_note: 'the file ends early: 3.1 s could be read' })
    expect(screen.getByText('The file ends early: 3.1 s could be read.')).toBeVisible()
  })
})

test('the facts are in one line', async () => {
  openWith([line(0, 'one')], { recorded_at: '2026-03-03T14:05:00+09:00' })
  expect(
    await screen.findByText(
      '3 Mar 2026, 14:05 (UTC+9) · 1 min · English (detected) · Whisper base · panel.wav',
    ),
  ).toBeVisible()
})

describe('parts in another language', () => {
  const [german, french] = ['de', 'fr'].map((spoken) => (start: number): OtherLanguage => ({
    start_ms: start,
    language: spoken,
  })) as [(start: number) => OtherLanguage, (start: number) => OtherLanguage]

  function openSpoken(
    other_languages: OtherLanguage[],
    change: Partial<JobView> = {},
    facts: Partial<TranscriptInfo> = {},
  ) {
    const onagain = vi.fn()
    const transcripts = {
      [sampleJob().id]: sampleTranscript(sampleSegments(40), { other_languages, ...facts }),
    }
    return { onagain, ...open({ duration_ms: 2_890_000, ...change }, { transcripts }, { onagain }) }
  }
  const notice = () =>
    waitFor(() => {
      const found = screen.getAllByRole('status').find((one) => one.textContent.includes('may be in'))
      if (!found) throw new Error('nothing is said of other languages')
      return found
    })

  test('are not mentioned if there are none', async () => {
    openSpoken([])
    await waitFor(() => expect(screen.getAllByRole('listitem').length).toBeGreaterThan(2))
    expect(screen.queryByText(/may be in/)).toBeNull()
    expect(screen.queryByRole('button', { name: 'Transcribe again…' })).toBeNull()
  })

  test('are listed in one notice, which leads to them', async () => {
    const { playback } = openSpoken([german(750_000)])
    const found = await notice()
    expect(found).toHaveTextContent('From 12:30 on, some parts may be in German. The text is in English.')
    await user.click(within(found).getByRole('button', { name: 'Go to 12:30' }))
    expect([playback.currentMs, playback.playing, playback.jumps]).toEqual([750_000, false, 1])
  })

  test('can be transcribed again in that language', async () => {
    const { onagain, job } = openSpoken([german(750_000), french(900_000)])
    await user.click(within(await notice()).getByRole('button', { name: 'Transcribe again…' }))
    expect(onagain).toHaveBeenCalledExactlyOnceWith(job.id, { language: 'de' })
  })

  test('cannot be transcribed while the meeting is worked on', async () => {
    const { onagain } = openSpoken([german(750_000)], {
      status: 'processing',
      workflow_state: 'transcribing',
    })
    const again = within(await notice()).getByRole('button', { name: /^Transcribe again…/ })
    expect(again).toHaveAttribute('aria-disabled', 'true')
    expect(again).toHaveTextContent('It is being transcribed. Cancel that first.')
    await user.click(again)
    expect(onagain).not.toHaveBeenCalled()
  })

  test.each([
    [[german(60_000), german(120_000)], 'At 1:00 and 2:00, some parts may be in German. '],
    [
      [german(60_000), french(120_000), german(180_000), german(240_000)],
      'At 1:00, 2:00, 3:00 and 1 more place, some parts may be in German or French. ',
    ],
    [
      ['de', 'fr', 'it', 'es', 'de'].map((spoken, index) => ({ start_ms: index * 60_000, language: spoken })),
      'At 0:00, 1:00, 2:00 and 2 more places, some parts may be in other languages. ',
    ],
  ])('are summarised: %j', async (parts, text) => {
    openSpoken(parts)
    const found = await notice()
    expect(found).toHaveTextContent(text)
    expect(within(found).getAllByRole('button', { name: /^Go to/ })).toHaveLength(Math.min(3, parts.length))
  })

  test('are listed without the language of the text or audio, if these are missing', async () => {
    openSpoken([german(750_000)], { is_here: false }, { language: null })
    const found = await notice()
    expect(found).toHaveTextContent('From 12:30 on, some parts may be in German.')
    expect(found).not.toHaveTextContent('The text is in')
    expect(within(found).queryByRole('button', { name: 'Go to 12:30' })).toBeNull()
  })
})

describe('copying', () => {
  const openMenu = async () => {
    await user.click(screen.getByRole('button', { name: 'More' }))
    ;(await menuItem('Copy the text')).focus()
    await user.keyboard('{ArrowRight}')
  }

  test('says when it is done', async () => {
    const { client } = openWith([line(0, 'one'), line(1000, 'two')])
    await screen.findByText('one')
    await openMenu()
    await user.click(await menuItem('As text'))
    expect(await screen.findByText('Copied')).toHaveAttribute('role', 'status')
    expect(client.clipboard).toBe('one\ntwo')
  })

  test('as Markdown with times, which are remembered', async () => {
    const { client, unmount } = openWith([line(0, 'one'), line(1000, 'two')])
    await screen.findByText('one')
    await openMenu()
    await user.click(await menuItem('With times'))
    expect(await menuItem('With times')).toHaveAttribute('aria-checked', 'true')
    await user.click(await menuItem('As Markdown'))
    await waitFor(() => expect(client.clipboard).toBe('0 **one**\n1000 **two**'))
    unmount()
    const { client: next } = openWith([line(0, 'one')])
    await screen.findByText('one')
    await openMenu()
    await user.click(await menuItem('As text'))
    await waitFor(() => expect(next.clipboard).toBe('0 one'))
  })

  test('gives a reason when there is no text', async () => {
    const { client } = open()
    await user.click(screen.getByRole('button', { name: 'More' }))
    expect(await menuItem('Copy the text')).toHaveTextContent('There is no text yet.')
    expect(client.count('copyTranscript')).toBe(0)
  })
})

describe('exporting', () => {
  test('waits for the whole transcript', async () => {
    const onexport = vi.fn()
    const { client, job } = open({ status: 'processing', workflow_state: 'transcribing' }, {}, { onexport })
    client.addSegments(job.id, [line(0, 'one')])
    await screen.findByText('one')
    expect(screen.getByRole('button', { name: /Export/ })).toHaveAttribute('aria-disabled', 'true')
    client.addSegments(job.id, [line(0, 'one')], { complete: true })
    await waitFor(() =>
      expect(screen.getByRole('button', { name: 'Export' })).not.toHaveAttribute('aria-disabled'),
    )
    await user.click(screen.getByRole('button', { name: 'Export' }))
    expect(onexport).toHaveBeenCalledWith(job.id)
  })

  test('can be opened with the keys', async () => {
    const onexport = vi.fn()
    const id = sampleJob().id
    const { keys } = open({}, { transcripts: { [id]: sampleTranscript([line(0, 'one')]) } }, { onexport })
    await screen.findByText('one')
    keys.openExport?.()
    expect(onexport).toHaveBeenCalledWith(id)
  })
})

test('another meeting replaces this one completely', async () => {
  const { client, rerender } = openWith([line(0, 'one')])
  await screen.findByText('one')
  const other = sampleJob({ id: 'other', title: 'Another' })
  client.addJob(other)
  client.addSegments('other', [line(0, 'something else')], { complete: true })
  await rerender({ job: other })
  expect(await screen.findByText('something else')).toBeVisible()
  expect(screen.queryByText('one')).toBeNull()
  await waitFor(() => expect(audio.sources.at(-1)).toBe('memory:/sound/other'))
})

test('has no accessibility faults', async () => {
  const words = sampleTranscript(sampleSegments(5), {
    other_languages: [{ start_ms: 4_000, language: 'de' }],
  })
  const { container } = open(
    { media_note: 'the file ends early' },
    { transcripts: { [sampleJob().id]: words } },
    { onagain: vi.fn() },
  )
  await waitFor(() => expect(screen.getAllByRole('listitem')).toHaveLength(5))
  // Colours are not computed here.
  const { violations } = await axe.run(container, { rules: { 'color-contrast': { enabled: false } } })
  expect(violations.map((violation) => `${violation.id}: ${violation.nodes[0]?.html}`)).toEqual([])
})
