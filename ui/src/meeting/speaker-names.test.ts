import { fireEvent, screen, waitFor, within } from '@testing-library/svelte'
import { afterEach, describe, expect, test } from 'vitest'
import { sampleSegments, sampleTranscript, sampleVersion, speakersOf, spokenBy } from '../lib/memory'
import {
  user,
  job,
  segments,
  known,
  open,
  openPane,
  press,
  field,
  names,
  playButton,
  menuItem,
  focusSegment,
  expectAnnounced,
  expectNoFaults,
  select,
  cleanUp,
} from './speakers-testing'

afterEach(cleanUp)

describe('names in the text', () => {
  test('are shown once per run; an unknown speaker is labelled as such', async () => {
    await open({ 1: { name: 'Anna' } })
    await screen.findByText('Good morning.')
    await waitFor(() =>
      expect(names()).toEqual(['Anna', 'Speaker 2', 'Speaker 3', 'Unknown speaker', 'Speaker 2']),
    )
    expect(screen.getByText(/· 1 min · 3 speakers ·/)).toBeVisible()
    await expectNoFaults()
  })

  test('are read with every segment by screen readers', async () => {
    const all = segments.map((line, index) => ({
      ...line,
      also: index === 2 ? ['speaker-1', 'speaker-3'] : [],
      assigned: index === 3,
    }))
    await open({ 1: { name: 'Anna' } }, {}, {}, all)
    expect(await screen.findByRole('button', { name: 'Play from 0:10. Anna' })).toBeVisible()
    expect(
      screen.getByRole('button', {
        name: 'Play from 0:20. Speaker 2. Anna and Speaker 3 speak at the same time.',
      }),
    ).toBeVisible()
    expect(screen.getByText('also Anna and Speaker 3')).toBeVisible()
    expect(screen.getByRole('button', { name: 'Play from 0:40. Unknown speaker' })).toBeVisible()
    expect(screen.getByTitle('You assigned this speaker.')).toHaveTextContent('0:30')
  })

  test('are not shown without speakers', async () => {
    const without = segments.map((line) => ({ ...line, speaker_id: null }))
    await open({}, { speakers: {} }, {}, without)
    expect(await screen.findByRole('button', { name: 'Play from 0:10' })).toBeVisible()
    expect(names()).toEqual([])
    expect(screen.queryByText(/Unknown speaker/)).toBeNull()
  })

  test('appear when diarization is done', async () => {
    const without = segments.map((line) => ({ ...line, speaker_id: null }))
    const client = await open({}, { speakers: {} }, {}, without)
    await screen.findByText('Good morning.')
    client.setTranscript(job.id, sampleTranscript(segments))
    client.setSpeakers(job.id, speakersOf(segments))
    await waitFor(() => expect(names()).toHaveLength(5))
  })

  test('stay visible while their run is scrolled', async () => {
    const long = spokenBy(sampleSegments(15_000), [1, 2], 30)
    await open({ 1: { name: 'Anna' } }, {}, {}, long)
    await waitFor(() => expect(names()).toEqual(['Anna']))
    const scroller = document.querySelector('.segments .scroller') as HTMLElement
    expect(document.querySelector('.pinned')).toBeNull()
    scroller.scrollTop = 500
    await fireEvent.scroll(scroller)
    await waitFor(() => expect(document.querySelector('.pinned')).toHaveTextContent('Anna'))
    scroller.scrollTop = 2_000
    await fireEvent.scroll(scroller)
    await waitFor(() => expect(document.querySelector('.pinned')).toHaveTextContent('Speaker 2'))
  })

  test('open a menu: renaming in place', async () => {
    const client = await open({}, known)
    await press('Speaker 3')
    await user.click(await menuItem('Rename'))
    const typed = await field('Speaker 3')
    await waitFor(() => expect(typed).toHaveFocus())
    await user.keyboard('Clara{Enter}')
    await waitFor(() => expect(names()[2]).toBe('Clara'))
    expect(client.calls).toContainEqual(['nameSpeaker', job.id, 'speaker-3', 'Clara', null])
    await waitFor(() => expect(screen.getByRole('button', { name: 'Clara' })).toHaveFocus())
    await expectAnnounced('Speaker 3 is now Clara.')
  })

  test('open a menu: Escape keeps the old name', async () => {
    const client = await open()
    await press('Speaker 3')
    await user.click(await menuItem('Rename'))
    await waitFor(async () => expect(await field('Speaker 3')).toHaveFocus())
    await user.keyboard('Clara{Escape}')
    await waitFor(() => expect(screen.getByRole('button', { name: 'Speaker 3' })).toHaveFocus())
    expect(client.count('nameSpeaker')).toBe(0)
  })

  test('open a menu: assigning the run to another speaker', async () => {
    const client = await open({ 1: { name: 'Anna' } })
    await press('Anna')
    await user.click(await menuItem('Assign these 2 lines to'))
    await user.click(await menuItem('Speaker 3'))
    await waitFor(() => expect(names()[0]).toBe('Speaker 3'))
    const [, , stretch, whom] = client.calls.find(([call]) => call === 'assign') ?? []
    expect(stretch).toEqual({ from_line: 'line-0', from_char: 0, to_line: 'line-1', to_char: null })
    expect(whom).toEqual({ kind: 'speaker', id: 'speaker-3' })
  })
})

describe('assigning segments by keys', () => {
  test('a number assigns the chosen segment to that speaker; the focus stays', async () => {
    const client = await open()
    await focusSegment('0:10')
    await user.keyboard('2')
    await waitFor(() =>
      expect(names()).toEqual(['Speaker 1', 'Speaker 2', 'Speaker 3', 'Unknown speaker', 'Speaker 2']),
    )
    // The line has another id now.
    expect(client.calls).toContainEqual([
      'assign',
      job.id,
      { from_line: 'line-1', from_char: 0, to_line: 'line-1', to_char: null },
      { kind: 'speaker', id: 'speaker-2' },
    ])
    await waitFor(async () => expect(await playButton('0:10')).toHaveFocus())
    await expectAnnounced('Assigned to Speaker 2.')
    await user.keyboard('{ArrowDown}3')
    await waitFor(() => expect(names().slice(0, 3)).toEqual(['Speaker 1', 'Speaker 2', 'Speaker 3']))
    await waitFor(async () => expect(await playButton('0:20')).toHaveFocus())
  })

  test('keys pressed quickly are handled one after the other', async () => {
    const client = await open()
    await focusSegment('0:10')
    await user.keyboard('23n')
    await waitFor(() => expect(client.count('assign')).toBe(3))
    await waitFor(() => expect(names()[1]).toBe('Speaker 4'))
    expect(screen.queryByText(/there are no such segments/)).toBeNull()
  })

  test('a selection assigns exactly its words', async () => {
    const client = await open({ 1: { name: 'Anna' } })
    await screen.findByText('Good morning.')
    await waitFor(() => expect(names()).toHaveLength(5))
    select(['How are you?', 5], ['Very well, thank you.', 7])
    const bar = within(await screen.findByRole('toolbar', { name: 'Assign the selected words' }))
    await expectNoFaults()
    await user.click(bar.getByRole('button', { name: 'Assign the selected words to New speaker' }))
    expect(client.calls).toContainEqual([
      'assign',
      job.id,
      { from_line: 'line-1', from_char: 4, to_line: 'line-2', to_char: 10 },
      { kind: 'new' },
    ])
    await waitFor(() => expect(names().slice(0, 3)).toEqual(['Anna', 'Speaker 4', 'Speaker 2']))
    expect(screen.queryByRole('toolbar', { name: 'Assign the selected words' })).toBeNull()
    expect(await screen.findByText('are you?')).toBeVisible()
    expect(screen.getByText('thank you.')).toBeVisible()
  })

  test('a selection is assigned by keys too, and Escape clears it', async () => {
    const client = await open()
    await screen.findByText('Good morning.')
    await waitFor(() => expect(names()).toHaveLength(5))
    select(['Good morning.', 0], ['Good morning.', 4])
    const bar = await screen.findByRole('toolbar', { name: 'Assign the selected words' })
    const [first, second] = within(bar).getAllByRole('button') as [HTMLElement, HTMLElement]
    first.focus()
    await fireEvent.keyDown(first, { key: 'ArrowRight' })
    expect(second).toHaveFocus()
    await fireEvent.keyDown(second, { key: 'Escape' })
    await waitFor(() =>
      expect(screen.queryByRole('toolbar', { name: 'Assign the selected words' })).toBeNull(),
    )
    select(['Good morning.', 0], ['Good morning.', 4])
    await user.keyboard('3')
    await waitFor(() =>
      expect(client.calls).toContainEqual([
        'assign',
        job.id,
        { from_line: 'line-0', from_char: 0, to_line: 'line-0', to_char: 4 },
        { kind: 'speaker', id: 'speaker-3' },
      ]),
    )
  })

  test('brackets move between changes of speaker', async () => {
    await open()
    await focusSegment('0:10')
    await user.keyboard(']')
    await waitFor(async () => expect(await playButton('0:20')).toHaveFocus())
    await user.keyboard(']')
    await waitFor(async () => expect(await playButton('0:30')).toHaveFocus())
    await user.keyboard('[[')
    await user.keyboard('[[')
    await waitFor(async () => expect(await playButton('0:00')).toHaveFocus())
  })

  test('nothing is assigned while the focus is in the pane, or to numbers without a speaker', async () => {
    const { client } = await openPane()
    await focusSegment('0:10')
    await user.keyboard('9')
    ;(await screen.findByRole('button', { name: 'More about Speaker 1' })).focus()
    await user.keyboard('2n')
    expect(client.count('assign')).toBe(0)
  })

  test('a failure is shown, and can be tried again', async () => {
    const client = await open()
    client.fail('assign', { message: 'The archive is read only.' }, 1)
    await focusSegment('0:10')
    await user.keyboard('2')
    await screen.findByText('The archive is read only.')
    await press('Try again')
    await waitFor(() => expect(client.count('assign')).toBe(2))
  })
})

describe('an older version', () => {
  test('shows names too, but cannot be corrected', async () => {
    const old = segments.map((line) => ({ ...line, id: `old-${line.id}`, text: `${line.text} Then.` }))
    const version = (id: string, number: number) => sampleVersion({ id, number, current: number === 2 })
    const client = await open(
      { 1: { name: 'Anna' } },
      {
        versions: {
          [job.id]: [
            { view: version('v2', 2), lines: segments },
            { view: version('v1', 1), lines: old },
          ],
        },
      },
    )
    await press('Versions')
    await press('View version 1')
    await screen.findByText('Good morning. Then.')
    await waitFor(() => expect(names()[0]).toBe('Anna'))
    await focusSegment('0:10')
    await user.keyboard('2')
    expect(client.count('assign')).toBe(0)
    await press('Compare with current: version 1')
    await waitFor(() => expect(document.querySelectorAll('.compare .who')).toHaveLength(4))
    expect(document.querySelector('.compare .who')).toHaveTextContent('Anna')
  })
})

test('the dialog lists all keys', async () => {
  await open()
  await user.keyboard('?')
  const dialog = within(await screen.findByRole('dialog', { name: 'Keyboard shortcuts' }))
  for (const key of ['1 … 9', 'A', '[ / ]', 'Ctrl+Z', 'Shift+Ctrl+Z'])
    expect(dialog.getAllByText(key)[0]).toBeVisible()
})
