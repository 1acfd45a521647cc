import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import axe from 'axe-core'
import { tick, type ComponentProps } from 'svelte'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { MemoryClient, sampleJob, sampleLines, sampleWords, type Seed } from '../lib/memory-client'
import type { JobView, LineView, OtherLanguage, TranscriptFacts } from '../lib/types'
import { MeetingKeys } from './keys'
import Meeting from './Meeting.svelte'
import { Playback } from './playback.svelte'
import { FakeAudio, LINE_HEIGHT, menuItem, stubLayout, VIEW_HEIGHT } from './testing'

const user = userEvent.setup({ pointerEventsCheck: 0 })
let audio: FakeAudio

beforeEach(() => {
  stubLayout()
  audio = new FakeAudio()
})
afterEach(() => {
  cleanup()
  getSelection()?.removeAllRanges()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

const line = (start: number, text: string, end = start + 900): LineView => ({
  id: `line-${start}`,
  start_ms: start,
  end_ms: end,
  text,
  doubt: null,
  speaker_id: null,
  also: [],
  assigned: false,
})

function open(
  change: Partial<JobView> = {},
  seed: Seed = {},
  props: Partial<ComponentProps<typeof Meeting>> = {},
) {
  const job = sampleJob({ duration_ms: 60_000, ...change })
  const client = new MemoryClient({ jobs: [job], ...seed })
  const playback = new Playback(client, audio.element)
  const keys = new MeetingKeys(playback)
  const ondeleted = vi.fn()
  const shown = render(Meeting, { client, job, playback, keys, ondeleted, ...props })
  // As the library does it.
  client.onNews(async (news) => {
    if ((news.kind !== 'job' && news.kind !== 'progress') || news.id !== job.id) return
    const [changed] = await client.meetingsById([job.id])
    if (changed) await shown.rerender({ job: changed })
  })
  return { client, job, playback, keys, ondeleted, ...shown }
}

function openWith(lines: LineView[], change: Partial<JobView> = {}) {
  const id = sampleJob().id
  return open(change, { words: { [id]: sampleWords(lines) } })
}

const item = async (text: string | RegExp) =>
  (await screen.findByText(text)).closest<HTMLElement>('[role=listitem]')
const choose = async (menu: string, name: string) => {
  await user.click(screen.getByRole('button', { name: menu }))
  await user.click(await menuItem(name))
}

describe('lines', () => {
  test('come in while the recording is worked on, and those that are settled stay', async () => {
    const { client, job } = open({ status: 'processing', workflow_state: 'transcribing' })
    expect(await screen.findByText('The first words appear here as they are recognised.')).toBeVisible()
    client.addLines(job.id, [line(0, 'Good morning.'), line(1000, 'Thank')], { settledMs: 1000 })
    const first = await screen.findByText('Good morning.')
    client.addLines(job.id, [line(1000, 'Thank you all.'), line(2000, 'So.')], { settledMs: 2000 })
    await screen.findByText('Thank you all.')
    expect(screen.queryByText('Thank')).toBeNull()
    expect(screen.getByText('Good morning.')).toBe(first)
    await waitFor(() => expect(screen.getAllByRole('listitem')).toHaveLength(3))
  })

  test('are no live region; only the end is told', async () => {
    const { client, job, container } = open({ status: 'processing', workflow_state: 'transcribing' })
    client.addLines(job.id, [line(0, 'Good morning.')])
    const first = await screen.findByText('Good morning.')
    expect(first.closest('[aria-live], [role=status], [role=log]')).toBeNull()
    client.changeJob(job.id, { status: 'completed', workflow_state: 'done' })
    await waitFor(() => expect(container).toHaveTextContent('The transcript is complete.'))
    expect(screen.getByText('The transcript is complete.')).toHaveAttribute('role', 'status')
  })

  test('show what was said as text, whatever it looks like', async () => {
    openWith([line(0, '<img src=x onerror=alert(1)> & <b>bold</b>')], { title: '<i>Title</i> {x}' })
    expect(await screen.findByText('<img src=x onerror=alert(1)> & <b>bold</b>')).toBeVisible()
    expect(screen.getByRole('heading', { level: 1 })).toHaveTextContent('<i>Title</i> {x}')
    expect(document.querySelector('main img, .meeting b, .meeting i')).toBeNull()
  })

  test('have times with hours when the recording has some', async () => {
    openWith([line(0, 'one'), line(3_700_000, 'two')], { duration_ms: 4_000_000 })
    await screen.findByRole('button', { name: 'Play from 1:01:40' })
    expect(screen.getAllByRole('button', { name: /Play from/ }).map((b) => b.textContent.trim())).toEqual([
      '0:00:00',
      '1:01:40',
    ])
  })

  test('have times without hours when it has none', async () => {
    openWith([line(61_000, 'one')])
    expect(await screen.findByRole('button', { name: 'Play from 1:01' })).toBeVisible()
  })

  test('of a day are not all in the page, but each says which of all it is', async () => {
    openWith(sampleLines(15_000))
    await waitFor(() => expect(screen.getAllByRole('listitem').length).toBeGreaterThan(5))
    const all = screen.getAllByRole('listitem')
    expect(all.length).toBeLessThan(60)
    expect(all[0]).toHaveAttribute('aria-posinset', '1')
    expect(all[0]).toHaveAttribute('aria-setsize', '15000')
  })

  test('after a pause have room before them', async () => {
    openWith([line(0, 'one', 1000), line(2999, 'two', 4000), line(6000, 'three')])
    const spaced = async (text: string) => (await item(text))?.querySelector('.after-pause') !== null
    expect([await spaced('one'), await spaced('two'), await spaced('three')]).toEqual([false, false, true])
  })

  test.each<[Partial<JobView>, string | RegExp]>([
    [{ status: 'pending', workflow_state: 'queued' }, 'The words appear here once its turn has come.'],
    [{ status: 'completed' }, 'No speech was found in this recording.'],
    [{ status: 'failed', workflow_state: 'cancelled' }, 'Nothing was transcribed before it stopped.'],
    [{ status: 'failed', workflow_state: 'decoding' }, /could not be transcribed/],
    [{ status: 'pending', is_here: false }, /once the other computer has recognised them/],
  ])('that are missing: %o', async (change, text) => {
    open(change)
    expect(await within(document.querySelector('.body') as HTMLElement).findByText(text)).toBeVisible()
  })

  test('that cannot be fetched: says why, and tries again', async () => {
    const id = sampleJob().id
    const { client } = open({}, { words: { [id]: sampleWords([line(0, 'Here.')]) } })
    client.fail('meeting', { message: 'The archive could not be reached.' }, 1)
    expect(await screen.findByText('The archive could not be reached.')).toBeVisible()
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    expect(await screen.findByText('Here.')).toBeVisible()
    expect(screen.queryByText('The archive could not be reached.')).toBeNull()
  })
})

describe('playing', () => {
  const three = [line(1000, 'one'), line(11_000, 'two'), line(21_000, 'three')]

  async function openReady(lines = three) {
    const opened = openWith(lines)
    await screen.findByText('one')
    await waitFor(() => expect(audio.sources).toHaveLength(1))
    audio.arrive(60_000)
    return opened
  }

  test('a click on a line plays from there, and it is lit', async () => {
    const { playback } = await openReady()
    await user.click(screen.getByText('two'))
    expect([playback.playing, audio.element.currentTime]).toEqual([true, 11])
    expect(await item('two')).toHaveAttribute('aria-current', 'true')
    expect(await item('one')).not.toHaveAttribute('aria-current')
    audio.element.currentTime = 21.4
    await waitFor(async () => expect(await item('three')).toHaveAttribute('aria-current', 'true'))
  })

  test('so does its time', async () => {
    const { playback } = await openReady()
    await user.click(await screen.findByRole('button', { name: 'Play from 0:21' }))
    expect([playback.playing, playback.currentMs]).toEqual([true, 21_000])
  })

  test('a selection is no click, and a click that undoes it is none either', async () => {
    const { playback } = await openReady()
    const text = screen.getByText('two')
    fireEvent.pointerDown(text)
    getSelection()?.selectAllChildren(text)
    document.dispatchEvent(new Event('selectionchange'))
    fireEvent.click(text)
    expect(playback.playing).toBe(false)

    fireEvent.pointerDown(text)
    getSelection()?.removeAllRanges()
    document.dispatchEvent(new Event('selectionchange'))
    fireEvent.click(text)
    expect(playback.playing).toBe(false)

    fireEvent.pointerDown(text)
    fireEvent.click(text)
    expect(playback.playing).toBe(true)
  })

  test('on another computer a line cannot be played', async () => {
    const { playback } = openWith(three, { is_here: false })
    await user.click(await screen.findByText('two'))
    expect(playback.playing).toBe(false)
    expect(screen.getByText(/on another computer/)).toBeVisible()
    expect(screen.queryByRole('button', { name: /Play from/ })).toBeNull()
  })

  test('keeps what is said in view until the user scrolls away', async () => {
    const lines = Array.from({ length: 200 }, (_, i) => line(i * 1000, i === 0 ? 'one' : `line ${i}`))
    const { playback } = await openReady(lines)
    const scroller = document.querySelector('.scroller') as HTMLElement
    await user.click(screen.getByText('one'))
    await waitFor(() => expect(screen.getAllByRole('listitem').length).toBeGreaterThan(8))
    audio.element.currentTime = 40
    await waitFor(() => expect(scroller.scrollTop).toBeGreaterThan(40 * LINE_HEIGHT - VIEW_HEIGHT))
    expect(scroller.scrollTop).toBeLessThan(41 * LINE_HEIGHT)
    expect(screen.queryByRole('button', { name: 'Jump to playing' })).toBeNull()

    // A jump of the list is only over once all that came into view is measured; until then it insists.
    const scrollAway = async () => {
      await fireEvent.wheel(scroller)
      scroller.scrollTop = 5000
      await fireEvent.scroll(scroller)
      return screen.getByRole('button', { name: 'Jump to playing' })
    }
    const pill = await waitFor(scrollAway, { interval: 200 })
    audio.element.currentTime = 42
    await waitFor(() => expect(playback.currentMs).toBe(42_000))
    expect(scroller.scrollTop).toBe(5000)

    await user.click(pill)
    await waitFor(() => expect(scroller.scrollTop).toBeLessThan(43 * LINE_HEIGHT))
    expect(screen.queryByRole('button', { name: 'Jump to playing' })).toBeNull()
  })

  test('arrow keys go from line to line; Enter plays', async () => {
    const { keys, playback } = await openReady()
    window.addEventListener('keydown', keys.handle)
    await user.keyboard('{ArrowDown}{ArrowDown}')
    await waitFor(() => expect(screen.getByRole('button', { name: 'Play from 0:11' })).toHaveFocus())
    await user.keyboard('{Enter}')
    expect([playback.playing, playback.currentMs]).toEqual([true, 11_000])
    await user.keyboard('{End}')
    await waitFor(() => expect(screen.getByRole('button', { name: 'Play from 0:21' })).toHaveFocus())
    await user.keyboard(' ')
    expect(playback.playing).toBe(false)
    window.removeEventListener('keydown', keys.handle)
  })
})

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
    expect(client.calls).toContainEqual(['rename', job.id, 'Harbour evening'])
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
    ['nothing in it', '{Enter}'],
    ['spaces in it', '   {Enter}'],
    ['the same in it', 'Panel discussion{Enter}'],
  ])('stays as it was with %s', async (_, typed) => {
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

  test('that is refused says why and keeps what was typed', async () => {
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

describe('the work', () => {
  const progress = {
    audio_done_ms: 750_000,
    audio_total_ms: 2_890_000,
    real_time_factor: 0.16,
    left_ms: 170_000,
    share: 0.22,
  }

  test('is told in words, and can be cancelled', async () => {
    const { client, job } = open({ status: 'processing', workflow_state: 'transcribing', progress })
    const words = 'Transcribing with Whisper base · 12:30 of 48:10 · about 3 min left · 6.3× real time'
    expect(screen.getByText(words)).toBeVisible()
    expect(screen.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '22')
    client.addLines(job.id, [line(0, 'one', 750_000)])
    await screen.findByText('one')
    await user.click(screen.getByRole('button', { name: 'Cancel' }))
    expect(await screen.findByText('Stopped at 12:30. What was done is kept.')).toBeVisible()
    await user.click(screen.getByRole('button', { name: 'Continue' }))
    expect(await screen.findByText('Waiting for its turn')).toBeVisible()
    expect(client.count('retry')).toBe(1)
  })

  test('goes before what else waits where somebody looks at the meeting', async () => {
    const { client, job } = open({ status: 'pending', workflow_state: 'queued' })
    await waitFor(() => expect(client.count('bringForward')).toBe(1))
    client.changeJob(job.id, { title: 'Another title' })
    expect(client.count('bringForward')).toBe(1)
    const { client: other } = open()
    await tick()
    expect(other.count('bringForward')).toBe(0)
  })

  test('names its last steps', async () => {
    const { client, job } = open({
      status: 'processing',
      workflow_state: 'diarizing',
      progress: { ...progress, real_time_factor: 0.03, left_ms: 66_000, share: 0.89 },
    })
    expect(screen.getByText('Telling speakers apart · 12:30 of 48:10 · about 1 min left')).toBeVisible()
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

  test('that failed can be tried again, and has details', async () => {
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

  test('on another computer is not offered here', () => {
    open({ status: 'failed', workflow_state: 'cancelled', is_here: false })
    expect(screen.getByText(/This recording is on another computer/)).toBeVisible()
    expect(screen.queryByRole('button', { name: 'Continue' })).toBeNull()
  })

  test('that met bad audio says so in a whole sentence', () => {
    open({ media_note: 'the file ends early: 3.1 s could be read' })
    expect(screen.getByText('The file ends early: 3.1 s could be read.')).toBeVisible()
  })
})

test('facts are in one line', async () => {
  openWith([line(0, 'one')], { recorded_at: '2026-03-03T14:05:00+09:00' })
  expect(
    await screen.findByText(
      '3 Mar 2026, 14:05 (UTC+9) · 1 min · English, found by itself · Whisper base · panel.wav',
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
    facts: Partial<TranscriptFacts> = {},
  ) {
    const onagain = vi.fn()
    const words = { [sampleJob().id]: sampleWords(sampleLines(40), { other_languages, ...facts }) }
    return { onagain, ...open({ duration_ms: 2_890_000, ...change }, { words }, { onagain }) }
  }
  const notice = () =>
    waitFor(() => {
      const found = screen.getAllByRole('status').find((one) => one.textContent.includes('may be in'))
      if (!found) throw new Error('nothing is said of other languages')
      return found
    })

  test('are not spoken of where there are none', async () => {
    openSpoken([])
    await waitFor(() => expect(screen.getAllByRole('listitem').length).toBeGreaterThan(2))
    expect(screen.queryByText(/may be in/)).toBeNull()
    expect(screen.queryByRole('button', { name: 'Transcribe again…' })).toBeNull()
  })

  test('are told of in one notice, which leads there', async () => {
    const { playback } = openSpoken([german(750_000)])
    const told = await notice()
    expect(told).toHaveTextContent('From 12:30 on, some parts may be in German. The text is in English.')
    await user.click(within(told).getByRole('button', { name: 'Go to 12:30' }))
    expect([playback.currentMs, playback.playing, playback.jumps]).toEqual([750_000, false, 1])
  })

  test('can be transcribed again in that language', async () => {
    const { onagain, job } = openSpoken([german(750_000), french(900_000)])
    await user.click(within(await notice()).getByRole('button', { name: 'Transcribe again…' }))
    expect(onagain).toHaveBeenCalledExactlyOnceWith(job.id, { language: 'de' })
  })

  test('wait for the work that goes on', async () => {
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
  ])('are summed up: %j', async (parts, text) => {
    openSpoken(parts)
    const told = await notice()
    expect(told).toHaveTextContent(text)
    expect(within(told).getAllByRole('button', { name: /^Go to/ })).toHaveLength(Math.min(3, parts.length))
  })

  test('are told of without what is not known, and without sound', async () => {
    openSpoken([german(750_000)], { is_here: false }, { language: null })
    const told = await notice()
    expect(told).toHaveTextContent('From 12:30 on, some parts may be in German.')
    expect(told).not.toHaveTextContent('The text is in')
    expect(within(told).queryByRole('button', { name: 'Go to 12:30' })).toBeNull()
  })
})

describe('copying', () => {
  test('says when it is done', async () => {
    const { client } = openWith([line(0, 'one'), line(1000, 'two')])
    await screen.findByText('one')
    await choose('More', 'Copy as text')
    expect(await screen.findByText('Copied')).toHaveAttribute('role', 'status')
    expect(client.clipboard).toBe('one\ntwo')
  })

  test('has a reason when there is nothing', async () => {
    const { client } = open()
    await choose('More', 'Copy as text')
    expect(await menuItem('Copy as text')).toHaveTextContent('There is no text yet.')
    expect(client.count('copyTranscript')).toBe(0)
  })
})

describe('deleting', () => {
  test('says what goes and what stays, and asks first', async () => {
    const { client, job, ondeleted } = openWith([line(0, 'one')])
    client.deletions[job.id] = {
      title: job.title,
      own_exports: 2,
      kept_exports: ['/home/a.pdf', '/home/b.md', '/home/c.pdf', '/home/d.pdf', '/home/e.pdf'],
    }
    await choose('More', 'Delete…')
    const dialog = await screen.findByRole('alertdialog')
    expect(dialog).toHaveAccessibleName('Delete “Panel discussion”?')
    for (const text of ['2 exports in MeetMemo’s folder', '/home/c.pdf', '2 more exports saved elsewhere'])
      expect(dialog).toHaveTextContent(text)
    expect(dialog).toHaveTextContent('The original file, panel.wav')
    expect(dialog).not.toHaveTextContent('/home/d.pdf')
    expect(client.count('deleteMeeting')).toBe(0)
    await user.click(within(dialog).getByRole('button', { name: 'Delete for good' }))
    await waitFor(() => expect(ondeleted).toHaveBeenCalledOnce())
    expect(client.count('deleteMeeting')).toBe(1)
  })

  test('can be thought better of', async () => {
    const { client, ondeleted } = open()
    await choose('More', 'Delete…')
    const dialog = await screen.findByRole('alertdialog')
    expect(dialog).not.toHaveTextContent('exports')
    await user.click(within(dialog).getByRole('button', { name: 'Cancel' }))
    expect([client.count('deleteMeeting'), ondeleted.mock.calls.length]).toEqual([0, 0])
  })

  test('that fails says why', async () => {
    const { client, ondeleted } = open()
    client.fail('deleteMeeting', { message: 'The archive could not be reached.' }, 1)
    await choose('More', 'Delete…')
    await user.click(await screen.findByRole('button', { name: 'Delete for good' }))
    expect(await screen.findByText('The archive could not be reached.')).toBeVisible()
    expect(ondeleted).not.toHaveBeenCalled()
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    await waitFor(() => expect(ondeleted).toHaveBeenCalledOnce())
  })
})

describe('exporting', () => {
  test('ends in a notice with the file, which can be dragged', async () => {
    const { client } = openWith([line(0, 'one')])
    await screen.findByText('one')
    await choose('Export', 'PDF document')
    expect(await screen.findByText('Writing Panel discussion.pdf')).toBeVisible()
    const id = (await client.exportJob('made-1'))?.export_id ?? ''
    client.changeExport(id, { status: 'completed', progress: 100, note: 'one character is missing' })
    const name = await screen.findByText('Panel discussion.pdf')
    expect(screen.getByText('One character is missing.')).toBeVisible()

    const set = vi.fn()
    await fireEvent.dragStart(name.closest('[draggable=true]') as Element, {
      dataTransfer: { setData: set },
    })
    expect(set.mock.calls).toEqual([
      ['text/uri-list', 'file:///home/anna/Documents/Panel%20discussion.pdf'],
      ['text/plain', '/home/anna/Documents/Panel discussion.pdf'],
    ])
    await user.click(screen.getByRole('button', { name: 'Show in folder' }))
    expect(client.calls).toContainEqual(['showExport', id])
    await user.click(screen.getByRole('button', { name: 'Dismiss' }))
    expect(screen.queryByText('Panel discussion.pdf')).toBeNull()
  })

  test('that fails says why, and tries again', async () => {
    const { client } = openWith([line(0, 'one')])
    await screen.findByText('one')
    await choose('Export', 'Markdown text')
    await screen.findByText('Writing Panel discussion.md')
    client.changeExport('made-1', { status: 'failed', error_message: 'There is no room on the disk.' })
    expect(await screen.findByText('There is no room on the disk.')).toBeVisible()
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    expect(await screen.findByText('Writing Panel discussion.md')).toBeVisible()
  })

  test('waits for the whole transcript', async () => {
    const { client, job } = open({ status: 'processing', workflow_state: 'transcribing' })
    client.addLines(job.id, [line(0, 'one')])
    await screen.findByText('one')
    expect(screen.getByRole('button', { name: /Export/ })).toHaveAttribute('aria-disabled', 'true')
    client.addLines(job.id, [line(0, 'one')], { complete: true })
    await waitFor(() =>
      expect(screen.getByRole('button', { name: 'Export' })).not.toHaveAttribute('aria-disabled'),
    )
  })

  test('can be opened with the keys', async () => {
    const { keys } = openWith([line(0, 'one')])
    await screen.findByText('one')
    keys.openExport?.()
    expect(await menuItem('PDF document')).toBeInTheDocument()
  })
})

test('another meeting takes the place of this one with all it has', async () => {
  const { client, rerender } = openWith([line(0, 'one')])
  await screen.findByText('one')
  const other = sampleJob({ id: 'other', title: 'Another' })
  client.addJob(other)
  client.addLines('other', [line(0, 'something else')], { complete: true })
  await rerender({ job: other })
  expect(await screen.findByText('something else')).toBeVisible()
  expect(screen.queryByText('one')).toBeNull()
  await waitFor(() => expect(audio.sources.at(-1)).toBe('memory:/sound/other'))
})

test('a screen reader finds its way', async () => {
  const words = sampleWords(sampleLines(5), { other_languages: [{ start_ms: 4_000, language: 'de' }] })
  const { container } = open(
    { media_note: 'the file ends early' },
    { words: { [sampleJob().id]: words } },
    { onagain: vi.fn() },
  )
  await waitFor(() => expect(screen.getAllByRole('listitem')).toHaveLength(5))
  // Colours are not computed here.
  const { violations } = await axe.run(container, { rules: { 'color-contrast': { enabled: false } } })
  expect(violations.map((violation) => `${violation.id}: ${violation.nodes[0]?.html}`)).toEqual([])
})
