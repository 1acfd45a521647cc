import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryClient, sampleJob, sampleSegment, sampleTranscript, type Seed } from '../lib/memory'
import type { SearchResults } from '../lib/types'
import { Search } from './search.svelte'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const line = (id: string, start: number, text: string) =>
  sampleSegment({ id, start_ms: start, end_ms: start + 1_000, text })

const seed: Seed = {
  jobs: [
    sampleJob({ id: 'tides', title: 'Tides', recorded_at: '2026-03-03T10:00:00Z' }),
    sampleJob({ id: 'harbour', title: 'Harbour', recorded_at: '2026-03-05T10:00:00Z' }),
  ],
  transcripts: {
    tides: sampleTranscript([
      line('t1', 1_000, 'the tide is low'),
      line('t2', 5_000, 'when will the tide be high'),
      line('t3', 9_000, 'tide after tide'),
    ]),
    harbour: sampleTranscript([line('h1', 2_000, 'no ship at low tide')]),
  },
}

/** Lets timers of this length run, and the answers arrive. */
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

function setUp(change: Partial<SearchResults> = {}) {
  const client = memoryClient({ ...seed, search: change })
  const onopen = vi.fn()
  const search = new Search(client, onopen)
  const unfollow = search.follow()
  return { client, search, onopen, unfollow }
}

const ids = (search: Search) => search.meetings.map((meeting) => meeting.job_id)

test('several keys within a moment are one request, for the last text', async () => {
  const { client, search } = setUp()
  for (const text of ['t', 'ti', 'tid', 'tide']) search.type(text)
  expect(client.count('search')).toBe(0)
  await pass(60)
  expect(client.calls.filter(([name]) => name === 'search')).toEqual([
    ['search', { text: 'tide', sort: 'relevance', offset: 0, limit: 20 }],
  ])
  expect(ids(search)).toEqual(['tides', 'harbour'])
  expect(search.searching).toBe(false)
})

test('the answer to an older text is dropped, and old results stay until the new ones are there', async () => {
  const { client, search } = setUp()
  await search.searchFor('high')
  const open = client.hold('search')
  search.type('low')
  await pass(60)
  search.type('ship')
  await pass(60)
  expect(ids(search)).toEqual(['tides'])
  expect(search.searching).toBe(true)
  open()
  await pass(1)
  expect(ids(search)).toEqual(['harbour'])
  expect(search.searchedText).toBe('ship')
})

test('a failure keeps the results and says why; trying again succeeds', async () => {
  const { client, search } = setUp()
  await search.searchFor('tide')
  client.fail('search', { message: 'The search took too long.' }, 1)
  await search.searchFor('low tide')
  expect(search.failure).toBe('The search took too long.')
  expect(ids(search)).toHaveLength(2)
  await search.again()
  expect(search.failure).toBeNull()
  expect(search.searchedText).toBe('low tide')
})

test('an empty text clears everything, also answers that are under way', async () => {
  const { client, search } = setUp()
  await search.searchFor('tide')
  search.open(search.meetings[0]!, search.meetings[0]!.passages[0]!)
  const open = client.hold('search')
  search.type('low')
  await pass(60)
  search.type('  ')
  open()
  await pass(60)
  expect([search.results, search.found, search.jump, search.searching]).toEqual([null, null, null, false])
})

test('more meetings are added, without the ones that are known', async () => {
  const { client, search } = setUp()
  const many = Array.from({ length: 45 }, (_, index) =>
    sampleJob({ id: `m${index}`, title: `Meeting ${index}`, recorded_at: null }),
  )
  for (const job of many) client.addJob(job)
  await search.searchFor('meeting')
  expect([search.meetings.length, search.hasMore]).toEqual([20, true])
  await search.fetchMore()
  await search.fetchMore()
  expect([search.meetings.length, search.hasMore]).toEqual([45, false])
  expect(new Set(ids(search)).size).toBe(45)
})

test('a page that brings nothing new ends the offer of more', async () => {
  const { client, search } = setUp({ total: 30 })
  await search.searchFor('tide')
  expect(search.hasMore).toBe(true)
  client.setSearch({ total: 30, meetings: [] })
  await search.fetchMore()
  expect(search.hasMore).toBe(false)
})

test('sorting asks again; the same order does not', async () => {
  const { client, search } = setUp()
  await search.searchFor('tide')
  search.sortBy('relevance')
  search.sortBy('date')
  await pass(1)
  expect(client.count('search')).toBe(2)
  expect(ids(search)).toEqual(['harbour', 'tides'])
})

test('all passages of a meeting are shown in order; a failure can be tried again', async () => {
  const { client, search } = setUp()
  await search.searchFor('tide')
  client.fail('passages', { message: 'It did not answer.' }, 1)
  await search.unfold('tides')
  expect(search.unfolded.get('tides')).toEqual({ passages: null, failure: 'It did not answer.' })
  await search.unfold('tides')
  expect(search.unfolded.get('tides')?.passages?.map((one) => one.segment_id)).toEqual(['t1', 't2', 't3'])
  search.fold('tides')
  expect(search.unfolded.has('tides')).toBe(false)
})

test('opening a passage plays from its word, and marks all passages of the meeting', async () => {
  const { search, onopen } = setUp()
  await search.searchFor('tide')
  const [meeting] = search.meetings
  const passage = meeting!.passages.find((one) => one.segment_id === 't1')!
  search.open(meeting!, passage)
  expect(onopen).toHaveBeenCalledExactlyOnceWith('tides', passage.play_ms)
  expect(search.takeJump('harbour')).toBeNull()
  expect(search.takeJump('tides')?.segment_id).toBe('t1')
  expect(search.takeJump('tides')).toBeNull()
  await pass(1)
  expect(search.found?.passages.map((one) => one.segment_id)).toEqual(['t1', 't2', 't3'])
  expect([search.found?.words, search.found?.at]).toEqual(['tide', 0])
})

test('one goes from place to place, around the ends', async () => {
  const { search } = setUp()
  await search.searchFor('tide')
  search.open(search.meetings[0]!, null)
  await pass(1)
  expect(search.found?.at).toBe(-1)
  const went = [1, 1, 1, 1, -1, -1].map((by) => {
    search.step(by as 1 | -1)
    return search.takeJump('tides')?.segment_id
  })
  expect(went).toEqual(['t1', 't2', 't3', 't1', 't3', 't2'])
})

test('passages of widened results are fetched with the text that was meant', async () => {
  const { client, search } = setUp({ widened: true, suggestion: 'tide' })
  await search.searchFor('tied')
  await search.unfold('tides')
  expect(client.calls.at(-1)).toEqual([
    'passages',
    { text: 'tide', sort: 'relevance', offset: 0, limit: 20 },
    'tides',
  ])
})

test('a change of a found meeting refreshes the results; another one does not', async () => {
  const { client, search, unfollow } = setUp()
  await search.searchFor('ship')
  client.changeJob('tides', { title: 'Ebb' })
  await pass(600)
  expect(client.count('search')).toBe(1)
  client.changeJob('harbour', { title: 'Port' })
  client.changeJob('harbour', { title: 'The port' })
  await pass(600)
  expect(client.count('search')).toBe(2)
  expect(search.meetings[0]?.title).toBe('The port')
  client.emitNews({ kind: 'everything' })
  await pass(600)
  expect(client.count('search')).toBe(3)
  await search.searchFor('nowhere')
  client.changeJob('tides', { title: 'Nowhere' })
  await pass(600)
  expect(ids(search)).toEqual(['tides'])
  unfollow()
  client.emitNews({ kind: 'everything' })
  await pass(600)
  expect(client.count('search')).toBe(5)
})

test('while meetings are prepared, the results are fetched again', async () => {
  const { client, search } = setUp({ preparing: 3 })
  await search.searchFor('tide')
  await search.unfold('tides')
  client.setSearch({})
  await pass(3_100)
  expect(client.count('search')).toBe(2)
  expect(search.results?.preparing).toBe(0)
  expect(search.unfolded.has('tides')).toBe(true)
  await pass(10_000)
  expect(client.count('search')).toBe(2)
})
