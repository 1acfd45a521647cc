import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { afterEach, expect, test, vi } from 'vitest'
import { memoryClient, sampleJob, sampleSegment, sampleTranscript, type Seed } from '../lib/memory'
import { Search } from './search.svelte'
import SearchField from './SearchField.svelte'
import SearchPage from './SearchPage.svelte'

const user = userEvent.setup()
afterEach(cleanup)

const line = (id: string, start: number, text: string) =>
  sampleSegment({ id, start_ms: start, end_ms: start + 1_000, text })

const seed: Seed = {
  jobs: [
    sampleJob({ id: 'tides', title: 'Lecture on tides', recorded_at: '2026-03-03T10:00:00+00:00' }),
    sampleJob({ id: 'harbour', title: 'Harbour', recorded_at: '2026-03-01T10:00:00+00:00' }),
  ],
  transcripts: {
    tides: sampleTranscript([
      line('t1', 1_000, 'the tide is low'),
      line('t2', 65_000, 'when will the tide be high'),
      line('t3', 90_000, 'tide after tide'),
    ]),
    harbour: sampleTranscript([line('h1', 2_000, 'no ship at low tide')]),
  },
}

function setUp(change: Seed = {}) {
  const client = memoryClient({ ...seed, ...change })
  const onopen = vi.fn()
  const search = new Search(client, onopen)
  const onfield = vi.fn()
  const choices = {
    people: [{ id: 'p', label: 'Anna Smith' }],
    folders: ['Port'],
    tags: ['Budget', 'Draft'],
    languages: ['en', 'de'],
  }
  const nowMs = Date.parse('2026-03-04T12:00:00Z')
  const page = render(SearchPage, { search, choices, nowMs, onclose: vi.fn(), onfield })
  return { client, search, onopen, onfield, page: page.component }
}

const passages = () =>
  [...document.querySelectorAll('.passage')].map((row) => row.textContent.replace(/\s+/g, ' ').trim())
const marks = () => [...document.querySelectorAll('mark')].map((mark) => mark.textContent)
const focusedRow = () => document.activeElement?.getAttribute('data-row')

test('results are grouped by meeting, with title, day, length, times and marked words', async () => {
  const { search } = setUp()
  await search.searchFor('low tide')
  expect(await screen.findByRole('status')).toHaveTextContent('Found in 2 meetings')
  const titles = screen.getAllByRole('heading', { level: 2 }).map((one) => one.textContent.trim())
  expect(titles).toEqual(['Lecture on tides', 'Harbour'])
  expect(screen.getByText('Yesterday · 48 min')).toBeVisible()
  expect(passages()).toEqual(['0:01 the tide is low', '1:30 tide after tide', '0:02 no ship at low tide'])
  expect(marks()).toEqual(['tide', 'tide', 'low', 'tide', 'tide', 'low', 'tide'])
})

test('the arrow keys walk through the passages of all meetings; Enter plays from the word', async () => {
  const { search, onopen, onfield, page } = setUp()
  await search.searchFor('low tide')
  await page.focusFirst()
  expect(focusedRow()).toBe('tides/0')
  await user.keyboard('{ArrowDown}{ArrowDown}{ArrowDown}')
  expect(focusedRow()).toBe('harbour/0')
  await user.keyboard('{ArrowDown}')
  expect(focusedRow()).toBe('harbour/0')
  await user.keyboard('{Enter}')
  expect(onopen).toHaveBeenCalledExactlyOnceWith('harbour', search.meetings[1]?.passages[0]?.play_ms)
  await user.keyboard('{Home}')
  expect(focusedRow()).toBe('tides/0')
  await user.keyboard('{End}{ArrowUp}')
  expect(focusedRow()).toBe('tides/more')
  await user.keyboard('{Home}{ArrowUp}')
  expect(onfield).toHaveBeenCalledOnce()
  await user.keyboard('{Escape}')
  expect(onfield).toHaveBeenCalledTimes(2)
})

test('there is one tab stop among the passages, and it is where one was', async () => {
  const { search, page } = setUp()
  await search.searchFor('low tide')
  await page.focusFirst()
  await user.keyboard('{ArrowDown}')
  const stops = [...document.querySelectorAll('[data-row]')].filter(
    (row) => row.getAttribute('tabindex') === '0',
  )
  expect(stops.map((row) => row.getAttribute('data-row'))).toEqual(['tides/1'])
  screen.getByRole('button', { name: 'Close the search' }).focus()
  expect(page.focusActive()).toBe(true)
  expect(focusedRow()).toBe('tides/1')
})

test('all passages of a meeting unfold and fold, and the button keeps the focus', async () => {
  const { search } = setUp()
  await search.searchFor('tide')
  const more = await screen.findByRole('button', { name: 'More in this meeting (1) Lecture on tides' })
  expect(more).toHaveTextContent('More in this meeting (1)')
  await user.click(more)
  await waitFor(() => expect(passages()).toHaveLength(4))
  expect(passages().slice(0, 3)).toEqual([
    '0:01 the tide is low',
    '1:05 when will the tide be high',
    '1:30 tide after tide',
  ])
  expect(more).toHaveFocus()
  expect(more).toHaveAttribute('aria-expanded', 'true')
  await user.click(screen.getByRole('button', { name: 'Show fewer Lecture on tides' }))
  expect(passages()).toHaveLength(3)
})

test('a meeting that fits only by its title can be opened from its title', async () => {
  const { search, onopen, page } = setUp()
  await search.searchFor('lecture')
  await page.focusFirst()
  expect(focusedRow()).toBe('tides/title')
  expect(marks()).toEqual(['Lecture'])
  await user.keyboard('{Enter}')
  expect(onopen).toHaveBeenCalledExactlyOnceWith('tides', null)
})

test('filters in the text are chips that can be removed', async () => {
  const { search, onfield } = setUp()
  await search.searchFor('speaker:"Anna Smith" -tag:draft from:2026-03-01 tide')
  const chips = within(await screen.findByRole('list', { name: 'Active filters' }))
  const remove = chips.getAllByRole('button').map((button) => button.getAttribute('aria-label'))
  expect(remove.slice(0, 3)).toEqual([
    'Remove the filter “Said by Anna Smith”',
    'Remove the filter “Not: Tagged draft”',
    'Remove the filter “From 1 March 2026”',
  ])
  await user.click(screen.getByRole('button', { name: 'Remove the filter “Not: Tagged draft”' }))
  expect(search.text).toBe('speaker:"Anna Smith" from:2026-03-01 tide')
  await waitFor(() =>
    expect(screen.getByRole('button', { name: 'Remove the filter “From 1 March 2026”' })).toHaveFocus(),
  )
  await user.click(screen.getByRole('button', { name: 'Remove all' }))
  expect(search.text).toBe('tide')
  expect(onfield).toHaveBeenCalledOnce()
})

test('controls write filters into the text, and show what is written there', async () => {
  const { search } = setUp()
  await search.searchFor('tide')
  await user.click(screen.getByRole('button', { name: 'Filters' }))
  await user.click(screen.getByRole('checkbox', { name: 'Favourites only' }))
  expect(search.text).toBe('is:favourite tide')
  await user.type(screen.getByRole('combobox', { name: 'Said by' }), 'anna smith{Enter}')
  expect(search.text).toBe('speaker:"Anna Smith" is:favourite tide')
  search.type('from:2026-03-01 is:favourite tide')
  const from = await screen.findByRole('textbox', { name: 'From' })
  expect(from).toHaveValue('2026-03-01')
  await user.clear(from)
  await user.type(from, '2026-02{Enter}')
  expect(search.text).toBe('from:2026-02 is:favourite tide')
  await user.clear(from)
  await user.type(from, 'soon{Enter}')
  expect(from).toBeInvalid()
  expect(from).toHaveAccessibleDescription(/Write a day as 2026-03-31/)
  expect(search.text).toBe('from:2026-02 is:favourite tide')
  await user.click(screen.getByRole('checkbox', { name: 'Favourites only' }))
  expect(search.text).toBe('from:2026-02 tide')
})

test('what was meant is searched when one agrees', async () => {
  const { client, search } = setUp({ search: { suggestion: 'tide' } })
  await search.searchFor('tied')
  const offer = await screen.findByRole('button', { name: 'Did you mean “tide”?' })
  client.setSearch({})
  await user.click(offer)
  await waitFor(() => expect(screen.getByRole('status')).toHaveTextContent('Found in 2 meetings'))
  expect(search.text).toBe('tide')
  await waitFor(() => expect(focusedRow()).toBe('tides/0'))
})

test('a word that is still being typed is no typing error', async () => {
  const { search } = setUp({ search: { suggestion: 'tides' } })
  await search.searchFor('tide')
  await screen.findByText('Found in 2 meetings')
  expect(screen.queryByRole('button', { name: /Did you mean/ })).toBeNull()
})

test.each([
  [{ widened: true, suggestion: 'tide' }, 'Nothing was found for “low”. These meetings fit “tide”.'],
  [{ best_of_newest: 100 }, 'These words are in very many meetings. Only the newest 100 were compared.'],
  [{ preparing: 1 }, '1 meeting is being prepared for search and may be missing here.'],
  [{ hints: ['there is no filter “speakr:”'] }, 'There is no filter “speakr:”.'],
  [{ total: 1_000, total_is_exact: false }, 'Found in up to 1,000 meetings'],
])('%j is said in a sentence', async (answer, text) => {
  const { search } = setUp({ search: answer })
  await search.searchFor('low')
  await waitFor(() => expect(document.querySelector('.page')).toHaveTextContent(text))
})

test('where only the newest were compared, all can be had, newest first', async () => {
  const { client, search } = setUp({ search: { best_of_newest: 100 } })
  await search.searchFor('low')
  await user.click(await screen.findByRole('button', { name: 'Show all, newest first' }))
  expect(client.calls.at(-1)?.[1]).toMatchObject({ sort: 'date' })
  expect(screen.queryByRole('button', { name: 'Show all, newest first' })).toBeNull()
})

test('nothing found: it is said, with what to try; the filters can be left out', async () => {
  const { search } = setUp()
  await search.searchFor('speaker:nobody "low tide"')
  expect(await screen.findByRole('status')).toHaveTextContent('Nothing found for “low tide”')
  expect(screen.getAllByText(/all of them must fit|quotation marks|fewer words/)).toHaveLength(3)
  await user.click(screen.getByRole('button', { name: 'Search without filters' }))
  expect(search.text).toBe('"low tide"')
})

test('a failure is said, the results stay, and it can be tried again', async () => {
  const { client, search } = setUp()
  await search.searchFor('tide')
  client.fail('search', { message: 'The search took too long.' }, 1)
  await search.searchFor('low tide')
  expect(await screen.findByText('The search did not work. The search took too long.')).toBeVisible()
  expect(passages()).toHaveLength(3)
  await user.click(screen.getByRole('button', { name: 'Try again' }))
  await waitFor(() => expect(screen.queryByText(/did not work/)).toBeNull())
})

test('more meetings are added at the end, and the focus stays near', async () => {
  const { client, search } = setUp()
  for (let number = 0; number < 25; number += 1)
    client.addJob(sampleJob({ id: `m${number}`, title: `Meeting ${number}` }))
  await search.searchFor('meeting')
  await user.click(await screen.findByRole('button', { name: 'Show more meetings' }))
  await waitFor(() => expect(screen.getAllByRole('heading', { level: 2 })).toHaveLength(25))
  expect(screen.queryByRole('button', { name: 'Show more meetings' })).toBeNull()
  await waitFor(() => expect(focusedRow()).toBe(`${search.meetings[20]?.job_id}/title`))
})

test('before anything is typed there are examples, and each can be searched', async () => {
  const { search, onfield } = setUp()
  await user.click(screen.getByRole('button', { name: 'low tide words in any order' }))
  await waitFor(() => expect(search.meetings).toHaveLength(2))
  expect(search.text).toBe('low tide')
  expect(onfield).not.toHaveBeenCalled()
})

test('text from the archive is never HTML', async () => {
  const { client, search } = setUp()
  client.addJob(sampleJob({ id: 'evil', title: '<b>tide</b><img src=x>' }))
  await search.searchFor('tide')
  await waitFor(() => expect(screen.getAllByRole('heading', { level: 2 })).toHaveLength(3))
  expect(document.querySelector('.page b, .page img')).toBeNull()
})

test('the field: typing shows the results, arrow down goes to them, Escape clears and closes', async () => {
  const client = memoryClient(seed)
  const search = new Search(client, vi.fn())
  const calls = { onshow: vi.fn(), onclose: vi.fn(), onresults: vi.fn(), onlist: vi.fn(), onpalette: vi.fn() }
  const field = render(SearchField, { search, shown: false, ...calls })
  const input = screen.getByRole('searchbox', { name: 'Search everything said' })
  await user.type(input, '{ArrowDown}')
  expect(calls.onlist).toHaveBeenCalledOnce()
  await user.type(input, 'tide{Enter}')
  await waitFor(() => expect(calls.onresults).toHaveBeenCalledOnce())
  expect(search.searchedText).toBe('tide')
  expect(calls.onshow).toHaveBeenCalled()
  await field.rerender({ shown: true })
  await user.keyboard('{Escape}')
  expect([search.text, search.results]).toEqual(['', null])
  expect(calls.onclose).toHaveBeenCalledOnce()
  expect(input).toHaveFocus()
})
