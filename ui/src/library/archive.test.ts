import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { memoryClient, sampleJob, sampleMeetings, type MemoryClient } from '../lib/memory'
import type { CoreState } from '../lib/types'
import { Archive } from './archive.svelte'
import type { Change } from './meetings-by-id'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const jobs = sampleMeetings(60)
const [first, second] = jobs.map((job) => job.id) as [string, string]

function deferred<T>() {
  let answer: (value: T) => void = () => {}
  const promise = new Promise<T>((resolve) => (answer = resolve))
  return { promise, answer: (value: T) => answer(value) }
}

async function opened(client: MemoryClient) {
  const changes: Change[] = []
  const archive = new Archive(client, (change) => changes.push(change))
  archive.start()
  await vi.advanceTimersByTimeAsync(10)
  return { archive, changes }
}

describe('opening', () => {
  test('fetches the meetings once the archive is open, and not before', async () => {
    const client = memoryClient({ jobs, core: { state: 'opening', phase: 'creating' } })
    const { archive } = await opened(client)
    expect(client.count('meetingsPage')).toBe(0)
    client.setCore({ state: 'ready' })
    await vi.advanceTimersByTimeAsync(10)
    expect(archive.loaded).toBe(true)
    expect(archive.meetings).toHaveLength(60)
    expect(client.count('meetingsPage')).toBe(1)
  })

  test('while the database cannot be reached, the list stays; afterwards it is fetched again', async () => {
    const client = memoryClient({ jobs })
    const { archive } = await opened(client)
    client.setCore({ state: 'reconnecting', code: 'database_unreachable', message: 'It gives no answer.' })
    await vi.advanceTimersByTimeAsync(10)
    expect([archive.loaded, archive.lost, archive.meetings.length]).toEqual([true, 'It gives no answer.', 60])
    client.setCore({ state: 'ready' })
    await vi.advanceTimersByTimeAsync(10)
    expect([archive.loaded, archive.lost]).toEqual([true, null])
    expect(client.count('meetingsPage')).toBe(2)
  })

  test('an answer does not replace a state that was reported before it arrived', async () => {
    const client = memoryClient()
    const { promise, answer } = deferred<CoreState>()
    vi.spyOn(client, 'coreState').mockReturnValue(promise)
    const archive = new Archive(client)
    archive.start()
    client.setCore({ state: 'failed', code: 'disk_full', message: 'The disk is full.' })
    answer({ state: 'opening', phase: 'starting' })
    await vi.advanceTimersByTimeAsync(10)
    expect(archive.core.state).toBe('failed')
  })

  test('opening again says why it failed', async () => {
    const client = memoryClient({ core: { state: 'failed', code: 'other', message: 'First.' } })
    const { archive } = await opened(client)
    client.fail('openAgain', { code: 'disk_full', message: 'Second.' })
    await archive.openAgain()
    expect(archive.core).toEqual({ state: 'failed', code: 'disk_full', message: 'Second.' })
  })
})

describe('news', () => {
  test('in quick succession leads to one request for the changed meetings', async () => {
    const client = memoryClient({ jobs })
    const { archive } = await opened(client)
    client.changeJob(first, { title: 'A' })
    client.changeJob(second, { title: 'B' })
    client.changeJob(first, { title: 'C' })
    await vi.advanceTimersByTimeAsync(200)
    expect(client.calls.filter(([call]) => call === 'meetingsById')).toEqual([
      ['meetingsById', [first, second]],
    ])
    expect(client.count('meetingsPage')).toBe(1)
    expect(archive.get(first)?.title).toBe('C')
  })

  test('of progress is followed; news of transcripts and exports is not about meetings', async () => {
    const client = memoryClient({ jobs })
    const { archive } = await opened(client)
    client.emitNews({ kind: 'transcript', id: first })
    client.emitNews({ kind: 'export', id: first })
    await vi.advanceTimersByTimeAsync(200)
    expect(client.count('meetingsById')).toBe(0)
    const progress = {
      audio_done_ms: 1,
      audio_total_ms: 2,
      real_time_factor: null,
      left_ms: null,
      share: 0.4,
    }
    client.changeJob(first, { progress })
    await vi.advanceTimersByTimeAsync(200)
    expect(archive.get(first)?.progress).toEqual(progress)
  })

  test('of a note is followed, because a meeting says whether it has one', async () => {
    const client = memoryClient({ jobs })
    const { archive } = await opened(client)
    client.writeNote(first, 'Call back.')
    await vi.advanceTimersByTimeAsync(200)
    expect(archive.get(first)?.has_note).toBe(true)
  })

  test('of more than five hundred meetings fetches the whole list', async () => {
    const many = sampleMeetings(501)
    const client = memoryClient({ jobs: many })
    const { archive } = await opened(client)
    const before = client.count('meetingsPage')
    for (const job of many) client.changeJob(job.id, { title: 'Changed' })
    await vi.advanceTimersByTimeAsync(200)
    expect(client.count('meetingsById')).toBe(0)
    expect(client.count('meetingsPage')).toBe(2 * before)
    expect(archive.meetings.every((job) => job.title === 'Changed')).toBe(true)
  })

  test('of everything fetches the whole list', async () => {
    const client = memoryClient({ jobs })
    await opened(client)
    client.emitNews({ kind: 'everything' })
    await vi.advanceTimersByTimeAsync(200)
    expect(client.count('meetingsPage')).toBe(2)
  })

  test('that arrives during a request leads to another one', async () => {
    const client = memoryClient({ jobs })
    const { archive } = await opened(client)
    const answer = client.hold('meetingsById')
    client.changeJob(first, { title: 'A' })
    await vi.advanceTimersByTimeAsync(100)
    client.changeJob(second, { title: 'B' })
    await vi.advanceTimersByTimeAsync(300)
    expect(client.count('meetingsById')).toBe(1)
    answer()
    await vi.advanceTimersByTimeAsync(300)
    expect(client.count('meetingsById')).toBe(2)
    expect(archive.get(second)?.title).toBe('B')
  })

  test('of a deleted meeting removes it', async () => {
    const client = memoryClient({ jobs })
    const { archive, changes } = await opened(client)
    client.removeJob(first)
    await vi.advanceTimersByTimeAsync(200)
    expect(archive.get(first)).toBeUndefined()
    expect(archive.meetings).toHaveLength(59)
    expect(changes).toEqual([{ before: expect.objectContaining({ id: first }), after: undefined }])
  })

  test('of a new meeting adds it in its place', async () => {
    const client = memoryClient({ jobs })
    const { archive } = await opened(client)
    client.addJob(sampleJob({ id: 'new', recorded_at: '2030-01-01T00:00:00+00:00' }))
    await vi.advanceTimersByTimeAsync(200)
    expect(archive.meetings[0]?.id).toBe('new')
  })
})

describe('a list that cannot be fetched', () => {
  test('stays as it was, says so, and is fetched whole by the next try', async () => {
    const client = memoryClient({ jobs })
    const { archive } = await opened(client)
    client.fail('meetingsById', { message: 'The database does not answer.' })
    client.changeJob(first, { title: 'A' })
    await vi.advanceTimersByTimeAsync(500)
    expect(archive.failure).toBe('The database does not answer.')
    expect(archive.meetings).toHaveLength(60)
    expect(client.count('meetingsById')).toBe(1)
    archive.refresh()
    await vi.advanceTimersByTimeAsync(200)
    expect(archive.failure).toBeNull()
    expect(archive.get(first)?.title).toBe('A')
  })
})

describe('a long list', () => {
  const many = sampleMeetings(2500)

  test('is shown after its first page, while the rest arrives', async () => {
    const client = memoryClient({ jobs: many })
    const archive = new Archive(client)
    archive.start()
    await vi.waitFor(() => expect(client.count('meetingsPage')).toBe(1))
    const answer = client.hold('meetingsPage')
    await vi.advanceTimersByTimeAsync(10)
    expect([archive.loaded, archive.complete, archive.count]).toEqual([true, false, 200])
    expect(archive.meetings[0]?.id).toBe(many[0]?.id)
    answer()
    await vi.advanceTimersByTimeAsync(10)
    expect([archive.complete, archive.count]).toEqual([true, 2500])
    expect(client.calls.filter(([call]) => call === 'meetingsPage').map(([, , limit]) => limit)).toEqual([
      200, 1000, 1000, 1000,
    ])
  })

  test('does not bring back a meeting that was deleted while it arrived', async () => {
    const client = memoryClient({ jobs: many })
    const { archive } = await opened(client)
    const answer = client.hold('meetingsPage')
    archive.refresh()
    await vi.advanceTimersByTimeAsync(10)
    client.removeJob(first)
    answer()
    await vi.advanceTimersByTimeAsync(200)
    expect([archive.count, archive.get(first)]).toEqual([2499, undefined])
  })

  test('loses what is not there any more when it is fetched again', async () => {
    const client = memoryClient({ jobs: many })
    const { archive, changes } = await opened(client)
    const emit = vi.spyOn(client.events, 'emitNews').mockImplementation(() => {})
    client.removeJob(many[1234]?.id ?? '')
    emit.mockRestore()
    archive.refresh()
    await vi.advanceTimersByTimeAsync(50)
    expect(archive.count).toBe(2499)
    expect(changes.map(({ before, after }) => [before?.id, after])).toEqual([[many[1234]?.id, undefined]])
  })
})

describe('the trash', () => {
  test('takes a meeting out of the list, and tells whoever listens', async () => {
    const client = memoryClient({ jobs })
    const { archive } = await opened(client)
    const told: string[] = []
    archive.listen((_, trashed) => told.push(...trashed.map(({ id }) => id)))
    await client.organise({ kind: 'trash' }, [first, second])
    await vi.advanceTimersByTimeAsync(200)
    expect(archive.count).toBe(58)
    expect(told).toEqual([first, second])
  })
})

describe('listeners', () => {
  test('get only what changed', async () => {
    const client = memoryClient({ jobs })
    const { archive } = await opened(client)
    const told: (string | undefined)[] = []
    archive.listen((changes) => told.push(...changes.map(({ after }) => after?.title)))
    client.changeJob(first, { title: 'A' })
    await vi.advanceTimersByTimeAsync(200)
    archive.patch([second], (job) => ({ ...job, title: 'B' }))
    expect(told).toEqual(['A', 'B'])
  })

  test('the meetings in work are followed without looking at the others', async () => {
    const client = memoryClient({ jobs })
    const { archive } = await opened(client)
    client.changeJob(first, { status: 'processing' })
    client.changeJob(second, { status: 'pending' })
    await vi.advanceTimersByTimeAsync(200)
    expect(archive.active.map(({ id }) => id)).toEqual([first, second])
    client.changeJob(first, { status: 'completed' })
    await vi.advanceTimersByTimeAsync(200)
    expect(archive.active.map(({ id }) => id)).toEqual([second])
  })
})
