import { cleanup, render, screen, waitFor } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import axe from 'axe-core'
import { afterEach, expect, test, vi } from 'vitest'
import App from '../App.svelte'
import { memoryClient, sampleJob, sampleSegment, sampleTranscript } from '../lib/memory'

const user = userEvent.setup({ pointerEventsCheck: 0 })
afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
})

const line = (id: string, start: number, text: string) =>
  sampleSegment({ id, start_ms: start, end_ms: start + 1_000, text })

async function start() {
  const client = memoryClient({
    window: { hint_dismissed: true },
    jobs: ['Tides', 'Harbour'].map((title, index) =>
      sampleJob({ id: title.toLowerCase(), title, recorded_at: `2026-03-0${9 - index}T10:00:00+00:00` }),
    ),
    transcripts: {
      tides: sampleTranscript([line('t1', 1_000, 'the tide is low'), line('t2', 5_000, 'a tide is high')]),
      harbour: sampleTranscript([line('h1', 2_000, 'no ship')]),
    },
  })
  render(App, { client })
  await screen.findByRole('listbox', { name: 'Library' })
  await screen.findByRole('option', { name: /Tides/ })
  return client
}

const field = () => screen.getByRole('searchbox', { name: 'Search everything said' })
const title = () => screen.getByRole('heading', { level: 1 }).textContent.trim()
const focusedRow = () => document.activeElement?.getAttribute('data-row')
const strong = () => document.querySelector('mark.strong')?.closest('[data-text]')?.textContent

async function expectNoFaults() {
  const { violations } = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false } } })
  expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([])
}

test('from any place: type, walk, play, come back, leave', async () => {
  const client = await start()
  await user.keyboard('{Control>}{Shift>}f{/Shift}{/Control}')
  await waitFor(() => expect(field()).toHaveFocus())
  expect(title()).toBe('Search')
  await user.keyboard('tide')
  await screen.findByText('Found in 1 meeting')
  await expectNoFaults()
  await user.keyboard('{ArrowDown}')
  await waitFor(() => expect(focusedRow()).toBe('tides/0'))
  await user.keyboard('{ArrowDown}{Enter}')
  await waitFor(() => expect(title()).toBe('Tides'))
  await waitFor(() => expect(strong()).toBe('a tide is high'))
  await waitFor(() => expect(client.count('sound')).toBe(1))
  await expectNoFaults()
  await user.keyboard('{Alt>}{ArrowLeft}{/Alt}')
  await waitFor(() => expect(focusedRow()).toBe('tides/1'))
  expect(title()).toBe('Search')
  await user.keyboard('{Escape}')
  await waitFor(() => expect(field()).toHaveFocus())
  await user.keyboard('{Escape}')
  await waitFor(() => expect(title()).toBe('Tides'))
  expect(field()).toHaveValue('')
  expect(document.querySelector('mark')).toBeNull()
  await user.keyboard('{Alt>}{ArrowLeft}{/Alt}')
  expect(title()).toBe('Tides')
})

test('opening a meeting from the library keeps the search, and the field shows its results again', async () => {
  await start()
  await user.type(field(), 'ship')
  await screen.findByText('Found in 1 meeting')
  await user.click(screen.getByRole('option', { name: /Tides/ }))
  await waitFor(() => expect(title()).toBe('Tides'))
  expect(field()).toHaveValue('ship')
  await user.click(field())
  expect(title()).toBe('Search')
  expect(screen.getByText('Found in 1 meeting')).toBeVisible()
})

test('a meeting that the library has not fetched yet opens all the same', async () => {
  const client = await start()
  const job = sampleJob({ id: 'far', title: 'Far away' })
  const answer = client.hold('meetingsPage')
  client.addJob(job)
  await user.type(field(), 'far')
  await user.click(await screen.findByRole('button', { name: 'Far away' }))
  await waitFor(() => expect(title()).toBe('Far away'))
  answer()
})

test('a place in a note opens the note', async () => {
  const client = await start()
  await user.type(field(), 'tide')
  await screen.findByText('Found in 1 meeting')
  const [found] = (await client.search({ text: 'tide', sort: 'relevance', offset: 0, limit: 1 })).meetings
  const note = {
    ...found!.passages[0]!,
    source: 'note' as const,
    segment_id: null,
    start_ms: null,
    play_ms: null,
  }
  client.setSearch({
    meetings: [{ ...found!, passages: [{ ...note, text: 'high tide at noon', marks: [[5, 9]] }] }],
  })
  await user.type(field(), 's')
  await user.click(await screen.findByRole('button', { name: /Note high tide at noon|high tide at noon/ }))
  await waitFor(() => expect(title()).toBe('Tides'))
  const pane = await screen.findByRole('complementary', { name: 'Notes' })
  await waitFor(() => expect(pane).toContainElement(document.activeElement as HTMLElement))
})

test('Ctrl+F finds in the open meeting; without one it goes to the search', async () => {
  await start()
  await user.keyboard('{Control>}f{/Control}')
  await waitFor(() => expect(field()).toHaveFocus())
  await user.click(screen.getByRole('option', { name: /Tides/ }))
  await screen.findByText('the tide is low')
  await user.keyboard('{Control>}f{/Control}')
  await waitFor(() => expect(screen.getByRole('textbox', { name: 'Find in this meeting' })).toHaveFocus())
  await user.keyboard('tide{F3}')
  expect(screen.getByText('2 of 2')).toBeVisible()
  await expectNoFaults()
  await user.keyboard('{Shift>}{F3}{/Shift}')
  expect(screen.getByText('1 of 2')).toBeVisible()
  await user.keyboard('{Escape}')
  expect(document.querySelector('mark')).toBeNull()
})

test('Ctrl+K goes to a page, to a meeting, to what is said, and to all results', async () => {
  await start()
  const palette = async (text: string) => {
    await user.keyboard('{Control>}k{/Control}')
    await waitFor(() => expect(document.activeElement).toHaveAttribute('role', 'combobox'))
    await user.keyboard(text)
  }
  await palette('people{Enter}')
  await waitFor(() => expect(title()).toBe('People'))
  await palette('harb{Enter}')
  await waitFor(() => expect(title()).toBe('Harbour'))
  await palette('high')
  await screen.findByRole('option', { name: /a tide is high/ })
  await expectNoFaults()
  await user.keyboard('{Enter}')
  await waitFor(() => expect(strong()).toBe('a tide is high'))
  expect(field()).toHaveValue('high')
  await palette('ship')
  await screen.findByRole('option', { name: /no ship/ })
  await user.keyboard('{ArrowUp}{Enter}')
  await waitFor(() => expect(title()).toBe('Search'))
  await screen.findByText('Found in 1 meeting')
  await waitFor(() => expect(field()).toHaveFocus())
})

test('the keys of search do nothing while a dialog is open', async () => {
  await start()
  await user.keyboard('?')
  await screen.findByRole('dialog', { name: 'Keyboard shortcuts' })
  await user.keyboard('{Control>}{Shift>}f{/Shift}k{/Control}')
  expect(screen.getAllByRole('dialog', { hidden: true })).toHaveLength(1)
  expect(document.querySelector('#search-title')).toBeNull()
})
