import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { memoryClient, sampleJob } from '../lib/memory'
import { Note, SAVE_DELAY_MS } from './note.svelte'
import { Notes } from './notes.svelte'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const id = sampleJob().id

async function opened(text = 'first') {
  const client = memoryClient({ jobs: [sampleJob()], notes: text === '' ? {} : { [id]: text } })
  const note = new Note(client, id)
  await note.fetch()
  return { client, note }
}

const pause = () => vi.advanceTimersByTimeAsync(SAVE_DELAY_MS)

describe('writing', () => {
  test('is saved after a pause, once', async () => {
    const { client, note } = await opened('')
    note.write('a')
    await vi.advanceTimersByTimeAsync(SAVE_DELAY_MS / 2)
    note.write('ab')
    expect(note.changed).toBe(true)
    await pause()
    expect(client.calls.filter(([call]) => call === 'saveNote')).toEqual([['saveNote', id, 'ab', 0]])
    expect([note.changed, note.stored?.revision]).toEqual([false, 1])
  })

  test('goes on while it is saved, and is saved again', async () => {
    const { client, note } = await opened()
    const answer = client.hold('saveNote')
    note.write('one')
    await pause()
    note.write('one two')
    await pause()
    answer()
    await vi.advanceTimersByTimeAsync(2 * SAVE_DELAY_MS)
    expect(client.count('saveNote')).toBe(2)
    expect((await client.note(id)).text).toBe('one two')
  })

  test('that cannot be saved says why, keeps the text, and can be tried again', async () => {
    const { client, note } = await opened()
    client.fail('saveNote', { message: 'The database does not answer.' }, 1)
    note.write('mine')
    await pause()
    expect([note.notSaved, note.text, note.changed]).toEqual(['The database does not answer.', 'mine', true])
    await note.save()
    expect([note.notSaved, note.changed]).toEqual([null, false])
  })
})

describe('somebody else', () => {
  test('changes a note that the user only reads: it is shown', async () => {
    const { client, note } = await opened()
    client.writeNote(id, 'theirs')
    await note.fetch()
    expect([note.text, note.theirs]).toEqual(['theirs', null])
  })

  test.each([
    ['mine', 'mine'],
    ['theirs', 'theirs'],
    ['both', 'theirs\n\nmine'],
  ] as const)('changes it while the user writes: the user chooses %s', async (which, expected) => {
    const { client, note } = await opened()
    note.write('mine')
    client.writeNote(id, 'theirs')
    await pause()
    expect([note.text, note.theirs?.text]).toEqual(['mine', 'theirs'])
    expect((await client.note(id)).text).toBe('theirs')
    await note.choose(which)
    expect([note.text, note.theirs, note.changed]).toEqual([expected, null, false])
    expect((await client.note(id)).text).toBe(expected)
  })

  test('is noticed before saving by the news', async () => {
    const { client, note } = await opened()
    note.write('mine')
    client.writeNote(id, 'theirs')
    await note.fetch()
    await pause()
    expect(note.theirs?.text).toBe('theirs')
    expect(client.count('saveNote')).toBe(0)
  })

  test('wrote the same: nothing is to be chosen', async () => {
    const { client, note } = await opened()
    note.write('same')
    client.writeNote(id, 'same')
    await pause()
    expect([note.theirs, note.changed, note.stored?.revision]).toEqual([null, false, 2])
  })
})

describe('the notes of the window', () => {
  test('follow the news, and save what is not saved when a pane closes', async () => {
    const client = memoryClient({ jobs: [sampleJob()] })
    const notes = new Notes(client)
    const end = notes.start()
    const note = notes.open(id)
    await vi.advanceTimersByTimeAsync(0)
    client.writeNote(id, 'theirs')
    await vi.advanceTimersByTimeAsync(0)
    expect(note.text).toBe('theirs')
    note.write('mine')
    await notes.close(note)
    expect((await client.note(id)).text).toBe('mine')
    end()
  })

  test('keep a text that could not be saved until the meeting is opened again', async () => {
    const client = memoryClient({ jobs: [sampleJob()] })
    const notes = new Notes(client)
    const note = notes.open(id)
    await vi.advanceTimersByTimeAsync(0)
    client.fail('saveNote', {}, 1)
    note.write('precious')
    await notes.close(note)
    expect(notes.open(id).text).toBe('precious')
  })

  test('are saved when the window loses the focus', async () => {
    const client = memoryClient({ jobs: [sampleJob()] })
    const notes = new Notes(client)
    const end = notes.start()
    const note = notes.open(id)
    await vi.advanceTimersByTimeAsync(0)
    note.write('mine')
    window.dispatchEvent(new Event('blur'))
    await vi.advanceTimersByTimeAsync(0)
    expect((await client.note(id)).text).toBe('mine')
    end()
  })
})
