import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { memoryClient, sampleImport } from '../lib/memory'
import { Imports, type EndedImport } from './imports.svelte'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function begin(client = memoryClient()) {
  const announced: EndedImport[] = []
  const imports = new Imports(client, (ended) => announced.push(ended))
  imports.start()
  return { client, imports, announced }
}

describe('an import', () => {
  test('shows a bar only if it takes a while', async () => {
    const { client, imports } = begin()
    client.importProgress({ id: 'a', state: 'running', done: 1, total: 1000 })
    expect(imports.running).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(1000)
    expect(imports.running).toHaveLength(1)
    client.importProgress({ id: 'a', done: 2 })
    expect(imports.running[0]?.done).toBe(2)
  })

  test('that ended is announced once, and shown until it is dismissed', async () => {
    const { client, imports, announced } = begin()
    client.importProgress({ id: 'a', state: 'finished', imported: ['x', 'y'] })
    client.importProgress({ id: 'a', state: 'finished', imported: ['x', 'y'] })
    expect(announced).toEqual([{ open: null, text: '2 added' }])
    expect(imports.ended).toHaveLength(1)
    await imports.dismiss('a')
    expect(imports.ended).toHaveLength(0)
    expect(client.calls).toContainEqual(['dismissImport', 'a'])
    client.importProgress({ id: 'a', state: 'finished' })
    expect(imports.ended).toHaveLength(0)
  })

  test('of one recording opens it without a summary', () => {
    const { client, imports, announced } = begin()
    client.importProgress({ id: 'a', state: 'finished', imported: ['x'] })
    expect(announced).toEqual([{ open: 'x', text: '1 added' }])
    expect(imports.ended).toHaveLength(0)
    expect(client.calls).toContainEqual(['dismissImport', 'a'])
  })

  test('does not hide another one', async () => {
    const { client, imports } = begin()
    client.importProgress({ id: 'a', state: 'running', done: 1, total: 1000 })
    client.importProgress({ id: 'b', state: 'finished', imported: ['x', 'y'] })
    await vi.advanceTimersByTimeAsync(1000)
    expect(imports.running.map(({ id }) => id)).toEqual(['a'])
    expect(imports.ended.map(({ id }) => id)).toEqual(['b'])
  })
})

describe('imports from before the page was loaded', () => {
  test('are fetched, and the one recording that MeetMemo was started with opens', async () => {
    const client = memoryClient({
      imports: [
        sampleImport({ id: 'running', done: 1, total: 9 }),
        sampleImport({ id: 'one', state: 'finished', imported: ['x'] }),
        sampleImport({ id: 'two', state: 'finished', imported: ['x', 'y'] }),
      ],
      interrupted: [{ id: 'left', done: 300, total: 1000 }],
    })
    const { imports, announced } = begin(client)
    await imports.fetch()
    expect(imports.running.map(({ id }) => id)).toEqual(['running'])
    expect(imports.ended.map(({ id }) => id)).toEqual(['two'])
    expect(imports.interrupted).toHaveLength(1)
    expect(announced).toEqual([{ open: 'x', text: '1 added' }])
  })

  test('do not replace events that came while they were being fetched', async () => {
    const client = memoryClient({ imports: [sampleImport({ id: 'a', done: 1, total: 9 })] })
    const { imports } = begin(client)
    const answer = client.hold('interruptedImports')
    const fetching = imports.fetch()
    client.importProgress({ id: 'a', state: 'finished', imported: ['x', 'y'] })
    answer()
    await fetching
    expect(imports.ended).toHaveLength(1)
    expect(imports.running).toHaveLength(0)
  })

  test.each(['resume', 'forget'] as const)(
    'an interrupted import is gone after %s succeeded',
    async (how) => {
      const client = memoryClient({ interrupted: [{ id: 'left', done: 300, total: 1000 }] })
      const { imports } = begin(client)
      await imports.fetch()
      client.fail(how === 'resume' ? 'continueImport' : 'forgetImport', {}, 1)
      await expect(imports[how]('left')).rejects.toThrow()
      expect(imports.interrupted).toHaveLength(1)
      await imports[how]('left')
      expect(imports.interrupted).toHaveLength(0)
    },
  )
})
