import { fireEvent, screen, waitFor, within } from '@testing-library/svelte'
import { describe, expect, test } from 'vitest'
import { sampleJob, sampleSegments, sampleTranscript } from '../lib/memory'
import type { JobView } from '../lib/types'
import { audio, isolateTests, item, line, open, openWith, user } from './meeting-testing'
import { SEGMENT_HEIGHT, VIEW_HEIGHT } from './testing'

isolateTests()

describe('segments', () => {
  test('appear while the recording is transcribed, and settled ones stay', async () => {
    const { client, job } = open({ status: 'processing', workflow_state: 'transcribing' })
    expect(await screen.findByText('The first words appear here as they are recognised.')).toBeVisible()
    client.addSegments(job.id, [line(0, 'Good morning.'), line(1000, 'Thank')], { settledMs: 1000 })
    const first = await screen.findByText('Good morning.')
    client.addSegments(job.id, [line(1000, 'Thank you all.'), line(2000, 'So.')], { settledMs: 2000 })
    await screen.findByText('Thank you all.')
    expect(screen.queryByText('Thank')).toBeNull()
    expect(screen.getByText('Good morning.')).toBe(first)
    await waitFor(() => expect(screen.getAllByRole('listitem')).toHaveLength(3))
  })

  test('are not a live region; only the end is announced', async () => {
    const { client, job, container } = open({ status: 'processing', workflow_state: 'transcribing' })
    client.addSegments(job.id, [line(0, 'Good morning.')])
    const first = await screen.findByText('Good morning.')
    expect(first.closest('[aria-live], [role=status], [role=log]')).toBeNull()
    client.changeJob(job.id, { status: 'completed', workflow_state: 'done' })
    await waitFor(() => expect(container).toHaveTextContent('The transcript is complete.'))
    expect(screen.getByText('The transcript is complete.')).toHaveAttribute('role', 'status')
  })

  test('are shown as text, even if they look like HTML', async () => {
    openWith([line(0, '<img src=x onerror=alert(1)> & <b>bold</b>')], { title: '<i>Title</i> {x}' })
    expect(await screen.findByText('<img src=x onerror=alert(1)> & <b>bold</b>')).toBeVisible()
    expect(screen.getByRole('heading', { level: 1 })).toHaveTextContent('<i>Title</i> {x}')
    expect(document.querySelector('main img, .meeting b, .meeting i')).toBeNull()
  })

  test('have times with hours if the recording is that long', async () => {
    openWith([line(0, 'one'), line(3_700_000, 'two')], { duration_ms: 4_000_000 })
    await screen.findByRole('button', { name: 'Play from 1:01:40' })
    expect(screen.getAllByRole('button', { name: /Play from/ }).map((b) => b.textContent.trim())).toEqual([
      '0:00:00',
      '1:01:40',
    ])
  })

  test('have times without hours if it is not', async () => {
    openWith([line(61_000, 'one')])
    expect(await screen.findByRole('button', { name: 'Play from 1:01' })).toBeVisible()
  })

  test('of a whole day are not all in the page, but each says its number', async () => {
    openWith(sampleSegments(15_000))
    await waitFor(() => expect(screen.getAllByRole('listitem').length).toBeGreaterThan(5))
    const all = screen.getAllByRole('listitem')
    expect(all.length).toBeLessThan(60)
    expect(all[0]).toHaveAttribute('aria-posinset', '1')
    expect(all[0]).toHaveAttribute('aria-setsize', '15000')
  })

  test('have a gap above them after a pause', async () => {
    openWith([line(0, 'one', 1000), line(2999, 'two', 4000), line(6000, 'three')])
    const spaced = async (text: string) => (await item(text))?.querySelector('.after-pause') !== null
    expect([await spaced('one'), await spaced('two'), await spaced('three')]).toEqual([false, false, true])
  })

  test.each<[Partial<JobView>, string | RegExp]>([
    [{ status: 'pending', workflow_state: 'queued' }, 'The text appears here once its turn comes.'],
    [{ status: 'completed' }, 'No speech was found in this recording.'],
    [{ status: 'failed', workflow_state: 'cancelled' }, 'Nothing was transcribed before it stopped.'],
    [{ status: 'failed', workflow_state: 'decoding' }, /could not be transcribed/],
    [{ status: 'pending', is_here: false }, /once the other computer has transcribed it/],
  ])('without any, the reason is shown: %o', async (change, text) => {
    open(change)
    expect(await within(document.querySelector('.body') as HTMLElement).findByText(text)).toBeVisible()
  })

  test('that cannot be fetched: the reason is shown, and they are fetched again', async () => {
    const id = sampleJob().id
    const { client } = open({}, { transcripts: { [id]: sampleTranscript([line(0, 'Here.')]) } })
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

  test('a click on a segment plays from there and highlights it', async () => {
    const { playback } = await openReady()
    await user.click(screen.getByText('two'))
    expect([playback.playing, audio.element.currentTime]).toEqual([true, 11])
    expect(await item('two')).toHaveAttribute('aria-current', 'true')
    expect(await item('one')).not.toHaveAttribute('aria-current')
    audio.element.currentTime = 21.4
    await waitFor(async () => expect(await item('three')).toHaveAttribute('aria-current', 'true'))
  })

  test('a click on its time does the same', async () => {
    const { playback } = await openReady()
    await user.click(await screen.findByRole('button', { name: 'Play from 0:21' }))
    expect([playback.playing, playback.currentMs]).toEqual([true, 21_000])
  })

  test('selecting text does not play, nor does the click that clears the selection', async () => {
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

  test('a recording on another computer cannot be played', async () => {
    const { playback } = openWith(three, { is_here: false })
    await user.click(await screen.findByText('two'))
    expect(playback.playing).toBe(false)
    expect(screen.getByText(/on another computer/)).toBeVisible()
    expect(screen.queryByRole('button', { name: /Play from/ })).toBeNull()
  })

  test('keeps the played segment in view until the user scrolls away', async () => {
    const lines = Array.from({ length: 200 }, (_, i) => line(i * 1000, i === 0 ? 'one' : `line ${i}`))
    const { playback } = await openReady(lines)
    const scroller = document.querySelector('.scroller') as HTMLElement
    await user.click(screen.getByText('one'))
    await waitFor(() => expect(screen.getAllByRole('listitem').length).toBeGreaterThan(8))
    audio.element.currentTime = 40
    await waitFor(() => expect(scroller.scrollTop).toBeGreaterThan(40 * SEGMENT_HEIGHT - VIEW_HEIGHT))
    expect(scroller.scrollTop).toBeLessThan(41 * SEGMENT_HEIGHT)
    expect(screen.queryByRole('button', { name: 'Jump to the playing line' })).toBeNull()

    // A jump of the list is only over once all that came into view is measured; until then it insists.
    const scrollAway = async () => {
      await fireEvent.wheel(scroller)
      scroller.scrollTop = 5000
      await fireEvent.scroll(scroller)
      return screen.getByRole('button', { name: 'Jump to the playing line' })
    }
    const pill = await waitFor(scrollAway, { interval: 200 })
    audio.element.currentTime = 42
    await waitFor(() => expect(playback.currentMs).toBe(42_000))
    expect(scroller.scrollTop).toBe(5000)

    await user.click(pill)
    await waitFor(() => expect(scroller.scrollTop).toBeLessThan(43 * SEGMENT_HEIGHT))
    expect(screen.queryByRole('button', { name: 'Jump to the playing line' })).toBeNull()
  })

  test('arrow keys move between segments; Enter plays', async () => {
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
