import { describe, expect, test } from 'vitest'
import { memoryClient, sampleJob, sampleSegments, sampleTranscript, type MemoryClient } from '../lib/memory'
import type { SegmentView } from '../lib/types'
import { segmentAt } from './segments'
import { Transcript } from './transcript.svelte'

const job = sampleJob({ status: 'processing', workflow_state: 'transcribing' })
const line = (start: number, text: string): SegmentView => ({
  id: `${start}-${text}`,
  start_ms: start,
  end_ms: start + 900,
  text,
  doubt: null,
  speaker_id: null,
  also: [],
  assigned: false,
})
const texts = (transcript: Transcript) => transcript.segments.map((one) => one.text)
const asked = (client: MemoryClient) =>
  client.calls.filter(([call]) => call === 'meeting').map(([, , from]) => from)

async function settled(client: MemoryClient, count: number) {
  await expect.poll(() => client.count('meeting')).toBe(count)
  await new Promise((resolve) => setTimeout(resolve, 5))
}

function open(client: MemoryClient) {
  const transcript = new Transcript(client, job.id)
  return { transcript, stop: transcript.follow() }
}

describe('a transcript that grows', () => {
  test('marks a segment that becomes doubtful later', async () => {
    const client = memoryClient({ jobs: [job] })
    const { transcript } = open(client)
    await settled(client, 1)
    client.addSegments(job.id, [line(0, 'one')])
    await settled(client, 2)
    client.addSegments(job.id, [{ ...line(0, 'one'), doubt: 'repetition' }])
    await settled(client, 3)
    expect(transcript.segments.map((one) => one.doubt)).toEqual(['repetition'])
  })

  test('keeps what is settled and replaces the rest', async () => {
    const client = memoryClient({ jobs: [job] })
    const { transcript } = open(client)
    await settled(client, 1)
    expect(transcript.segments).toEqual([])

    client.addSegments(job.id, [line(0, 'one'), line(1000, 'tw')], { settledMs: 1000 })
    await settled(client, 2)
    const [first] = transcript.segments
    client.addSegments(job.id, [line(1000, 'two'), line(2000, 'three')], { settledMs: 2000 })
    await settled(client, 3)

    expect(texts(transcript)).toEqual(['one', 'two', 'three'])
    expect(transcript.segments[0]).toBe(first)
    expect(asked(client)).toEqual([0, 0, 1000])
  })

  test('is fetched as a whole once it is complete, as it is then divided by speaker', async () => {
    const client = memoryClient({ jobs: [job] })
    client.addSegments(job.id, [line(0, 'one two'), line(2000, 'three')], { settledMs: 3000 })
    const { transcript } = open(client)
    await settled(client, 1)
    const cut = [
      { ...line(0, 'one'), speaker_id: 'a' },
      { ...line(1000, 'two'), speaker_id: 'b' },
      { ...line(2000, 'three'), speaker_id: 'a' },
    ]
    client.addSegments(job.id, cut, { complete: true })
    await settled(client, 3)
    expect(transcript.segments).toEqual(cut)
    expect(asked(client)).toEqual([0, 3000, 0])
  })

  test('drops unsettled segments that no longer exist', async () => {
    const client = memoryClient({ jobs: [job] })
    client.addSegments(job.id, [line(0, 'one'), line(1000, 'noise'), line(2000, 'more')], { settledMs: 1000 })
    const { transcript } = open(client)
    await settled(client, 1)
    client.addSegments(job.id, [line(1000, 'two')], { settledMs: 1000 })
    await settled(client, 2)
    expect(texts(transcript)).toEqual(['one', 'two'])
  })

  test('many events during a fetch cause one more fetch', async () => {
    const client = memoryClient({ jobs: [job] })
    const release = client.hold('meeting')
    const { transcript } = open(client)
    for (let i = 0; i < 20; i++) client.addSegments(job.id, [line(i * 1000, `line ${i}`)])
    release()
    await settled(client, 2)
    expect(transcript.segments).toHaveLength(20)
  })

  test('keeps the same array when nothing changed', async () => {
    const client = memoryClient({ jobs: [job] })
    client.addSegments(job.id, [line(0, 'one'), line(1000, 'two')], { settledMs: 0 })
    const { transcript } = open(client)
    await settled(client, 1)
    const before = transcript.segments
    client.emitNews({ kind: 'job', id: job.id })
    await settled(client, 2)
    expect(transcript.segments).toBe(before)
  })

  test('ignores events about other transcripts', async () => {
    const client = memoryClient({
      jobs: [job],
      transcripts: { [job.id]: sampleTranscript(sampleSegments(3)) },
    })
    const { stop } = open(client)
    await settled(client, 1)
    client.emitNews({ kind: 'transcript', id: 'another' })
    client.emitNews({ kind: 'job', id: 'another' })
    client.emitNews({ kind: 'export', id: job.id })
    await settled(client, 1)
    client.emitNews({ kind: 'everything' })
    await settled(client, 2)
    stop()
    client.emitNews({ kind: 'everything' })
    await settled(client, 2)
  })
})

test('another version is fetched from its beginning', async () => {
  const client = memoryClient({
    jobs: [job],
    transcripts: { [job.id]: sampleTranscript(sampleSegments(30)) },
  })
  const { transcript } = open(client)
  await settled(client, 1)
  client.setTranscript(
    job.id,
    sampleTranscript([line(0, 'new'), line(500_000, 'version')], { id: 'v2', version: 2 }),
  )
  await expect.poll(() => texts(transcript)).toEqual(['new', 'version'])
  expect(transcript.info?.version).toBe(2)
  expect(asked(client).at(-1)).toBe(0)
})

test('a failure is reported, keeps the segments, and can be tried again', async () => {
  const client = memoryClient({ jobs: [job], transcripts: { [job.id]: sampleTranscript(sampleSegments(3)) } })
  const { transcript } = open(client)
  await settled(client, 1)
  client.fail('meeting', { message: 'The archive could not be reached.' }, 1)
  client.emitNews({ kind: 'everything' })
  await expect.poll(() => transcript.failure).toBe('The archive could not be reached.')
  expect(transcript.segments).toHaveLength(3)
  await transcript.fetch()
  expect(transcript.failure).toBeNull()
})

test.each([
  [0, -1],
  [999, -1],
  [1000, 0],
  [1999, 0],
  [2500, 1],
  [99_000, 2],
])('the segment at %d ms is number %d', (ms, index) => {
  expect(segmentAt([line(1000, 'a'), line(2000, 'b'), line(3000, 'c')], ms)).toBe(index)
})

describe('a change of speakers', () => {
  test('may affect any segment; unchanged ones stay the same objects', async () => {
    const all = [line(0, 'one'), line(1000, 'two'), line(2000, 'three')]
    const client = memoryClient({ jobs: [job], transcripts: { [job.id]: sampleTranscript(all) } })
    const { transcript } = open(client)
    await settled(client, 1)
    const [, second] = transcript.segments
    const whole = { from_line: '0-one', from_char: 0, to_line: '0-one', to_char: null }
    await client.assign(job.id, whole, { kind: 'new' })
    await settled(client, 2)
    expect(asked(client)).toEqual([0, 0])
    expect(transcript.segments.map((one) => one.assigned)).toEqual([true, false, false])
    expect(transcript.segments[1]).toBe(second)
    client.emitNews({ kind: 'lines', id: 'another meeting' })
    await settled(client, 2)
  })

  test('a new name causes no fetch', async () => {
    const client = memoryClient({
      jobs: [job],
      transcripts: { [job.id]: sampleTranscript([line(0, 'one')]) },
    })
    open(client)
    await settled(client, 1)
    client.emitNews({ kind: 'speakers', id: job.id })
    await settled(client, 1)
  })

  test('is fetched as a whole the next time if fetching it failed', async () => {
    const client = memoryClient({
      jobs: [job],
      transcripts: { [job.id]: sampleTranscript(sampleSegments(3)) },
    })
    const { transcript } = open(client)
    await settled(client, 1)
    client.fail('meeting', { message: 'The archive could not be reached.' }, 1)
    client.emitNews({ kind: 'lines', id: job.id })
    await expect.poll(() => transcript.failure).not.toBeNull()
    await transcript.fetch()
    expect(transcript.failure).toBeNull()
    expect(asked(client)).toEqual([0, 0, 0])
  })

  test('during a fetch causes another one', async () => {
    const client = memoryClient({
      jobs: [job],
      transcripts: { [job.id]: sampleTranscript([line(0, 'one')]) },
    })
    const { transcript } = open(client)
    await settled(client, 1)
    const answer = client.hold('meeting')
    const first = transcript.fetch()
    const whole = transcript.fetchAll()
    answer()
    await Promise.all([first, whole])
    expect(asked(client)).toEqual([0, 900, 0])
  })
})
