import { describe, expect, test } from 'vitest'
import { MemoryClient, sampleJob, sampleLines, sampleWords } from '../lib/memory-client'
import type { LineView } from '../lib/types'
import { lineAt, Transcript } from './transcript.svelte'

const job = sampleJob({ status: 'processing', workflow_state: 'transcribing' })
const line = (start: number, text: string): LineView => ({
  id: `${start}-${text}`,
  start_ms: start,
  end_ms: start + 900,
  text,
  doubt: null,
  speaker_id: null,
  also: [],
  assigned: false,
})
const texts = (transcript: Transcript) => transcript.lines.map((one) => one.text)
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
  test('marks a line that is found doubtful later', async () => {
    const client = new MemoryClient({ jobs: [job] })
    const { transcript } = open(client)
    await settled(client, 1)
    client.addLines(job.id, [line(0, 'one')])
    await settled(client, 2)
    client.addLines(job.id, [{ ...line(0, 'one'), doubt: 'repetition' }])
    await settled(client, 3)
    expect(transcript.lines.map((one) => one.doubt)).toEqual(['repetition'])
  })

  test('keeps what is settled and replaces the rest', async () => {
    const client = new MemoryClient({ jobs: [job] })
    const { transcript } = open(client)
    await settled(client, 1)
    expect(transcript.lines).toEqual([])

    client.addLines(job.id, [line(0, 'one'), line(1000, 'tw')], { settledMs: 1000 })
    await settled(client, 2)
    const [first] = transcript.lines
    client.addLines(job.id, [line(1000, 'two'), line(2000, 'three')], { settledMs: 2000 })
    await settled(client, 3)

    expect(texts(transcript)).toEqual(['one', 'two', 'three'])
    expect(transcript.lines[0]).toBe(first)
    expect(asked(client)).toEqual([0, 0, 1000])
  })

  test('is fetched as a whole once it is complete: lines are cut anew where another one speaks', async () => {
    const client = new MemoryClient({ jobs: [job] })
    client.addLines(job.id, [line(0, 'one two'), line(2000, 'three')], { settledMs: 3000 })
    const { transcript } = open(client)
    await settled(client, 1)
    const cut = [
      { ...line(0, 'one'), speaker_id: 'a' },
      { ...line(1000, 'two'), speaker_id: 'b' },
      { ...line(2000, 'three'), speaker_id: 'a' },
    ]
    client.addLines(job.id, cut, { complete: true })
    await settled(client, 3)
    expect(transcript.lines).toEqual(cut)
    expect(asked(client)).toEqual([0, 3000, 0])
  })

  test('drops unsettled lines that are gone', async () => {
    const client = new MemoryClient({ jobs: [job] })
    client.addLines(job.id, [line(0, 'one'), line(1000, 'noise'), line(2000, 'more')], { settledMs: 1000 })
    const { transcript } = open(client)
    await settled(client, 1)
    client.addLines(job.id, [line(1000, 'two')], { settledMs: 1000 })
    await settled(client, 2)
    expect(texts(transcript)).toEqual(['one', 'two'])
  })

  test('asks once more however often it is told', async () => {
    const client = new MemoryClient({ jobs: [job] })
    const release = client.hold('meeting')
    const { transcript } = open(client)
    for (let i = 0; i < 20; i++) client.addLines(job.id, [line(i * 1000, `line ${i}`)])
    release()
    await settled(client, 2)
    expect(transcript.lines).toHaveLength(20)
  })

  test('leaves the lines as they are when nothing changed', async () => {
    const client = new MemoryClient({ jobs: [job] })
    client.addLines(job.id, [line(0, 'one'), line(1000, 'two')], { settledMs: 0 })
    const { transcript } = open(client)
    await settled(client, 1)
    const before = transcript.lines
    client.emitNews({ kind: 'job', id: job.id })
    await settled(client, 2)
    expect(transcript.lines).toBe(before)
  })

  test('hears only of its own', async () => {
    const client = new MemoryClient({ jobs: [job], words: { [job.id]: sampleWords(sampleLines(3)) } })
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
  const client = new MemoryClient({ jobs: [job], words: { [job.id]: sampleWords(sampleLines(30)) } })
  const { transcript } = open(client)
  await settled(client, 1)
  client.setWords(job.id, sampleWords([line(0, 'new'), line(500_000, 'version')], { id: 'v2', version: 2 }))
  await expect.poll(() => texts(transcript)).toEqual(['new', 'version'])
  expect(transcript.facts?.version).toBe(2)
  expect(asked(client).at(-1)).toBe(0)
})

test('a failure is said, keeps what is there, and can be tried again', async () => {
  const client = new MemoryClient({ jobs: [job], words: { [job.id]: sampleWords(sampleLines(3)) } })
  const { transcript } = open(client)
  await settled(client, 1)
  client.fail('meeting', { message: 'The archive could not be reached.' }, 1)
  client.emitNews({ kind: 'everything' })
  await expect.poll(() => transcript.failure).toBe('The archive could not be reached.')
  expect(transcript.lines).toHaveLength(3)
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
])('the line at %d ms is number %d', (ms, index) => {
  expect(lineAt([line(1000, 'a'), line(2000, 'b'), line(3000, 'c')], ms)).toBe(index)
})

describe('who speaks', () => {
  test('may change anywhere; lines that stay are the same', async () => {
    const all = [line(0, 'one'), line(1000, 'two'), line(2000, 'three')]
    const client = new MemoryClient({ jobs: [job], words: { [job.id]: sampleWords(all) } })
    const { transcript } = open(client)
    await settled(client, 1)
    const [, second] = transcript.lines
    const whole = { from_line: '0-one', from_char: 0, to_line: '0-one', to_char: null }
    await client.assign(job.id, whole, { kind: 'new' })
    await settled(client, 2)
    expect(asked(client)).toEqual([0, 0])
    expect(transcript.lines.map((one) => one.assigned)).toEqual([true, false, false])
    expect(transcript.lines[1]).toBe(second)
    client.emitNews({ kind: 'lines', id: 'another meeting' })
    await settled(client, 2)
  })

  test('is not asked for again because of a name', async () => {
    const client = new MemoryClient({ jobs: [job], words: { [job.id]: sampleWords([line(0, 'one')]) } })
    open(client)
    await settled(client, 1)
    client.emitNews({ kind: 'speakers', id: job.id })
    await settled(client, 1)
  })

  test('is fetched whole the next time where fetching it failed', async () => {
    const client = new MemoryClient({ jobs: [job], words: { [job.id]: sampleWords(sampleLines(3)) } })
    const { transcript } = open(client)
    await settled(client, 1)
    client.fail('meeting', { message: 'The archive could not be reached.' }, 1)
    client.emitNews({ kind: 'lines', id: job.id })
    await expect.poll(() => transcript.failure).not.toBeNull()
    await transcript.fetch()
    expect(transcript.failure).toBeNull()
    expect(asked(client)).toEqual([0, 0, 0])
  })

  test('is asked for once more where it changes while lines are on their way', async () => {
    const client = new MemoryClient({ jobs: [job], words: { [job.id]: sampleWords([line(0, 'one')]) } })
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
