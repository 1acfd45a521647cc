import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { MemoryClient, sampleImport } from '../lib/memory-client'
import { Imports, type Ended } from './imports.svelte'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function begin(client = new MemoryClient()) {
  const told: Ended[] = []
  const imports = new Imports(client, (ended) => told.push(ended))
  imports.start()
  return { client, imports, told }
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

  test('that ended is told once, and kept until it is dismissed', async () => {
    const { client, imports, told } = begin()
    client.importProgress({ id: 'a', state: 'finished', imported: ['x', 'y'] })
    client.importProgress({ id: 'a', state: 'finished', imported: ['x', 'y'] })
    expect(told).toEqual([{ open: null, words: '2 added' }])
    expect(imports.ended).toHaveLength(1)
    await imports.dismiss('a')
    expect(imports.ended).toHaveLength(0)
    expect(client.calls).toContainEqual(['dismissImport', 'a'])
    client.importProgress({ id: 'a', state: 'finished' })
    expect(imports.ended).toHaveLength(0)
  })

  test('of one recording opens it without a summary', () => {
    const { client, imports, told } = begin()
    client.importProgress({ id: 'a', state: 'finished', imported: ['x'] })
    expect(told).toEqual([{ open: 'x', words: '1 added' }])
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

describe('what went on before the window opened', () => {
  test('is fetched, and the one recording the program was started with opens', async () => {
    const client = new MemoryClient({
      imports: [
        sampleImport({ id: 'running', done: 1, total: 9 }),
        sampleImport({ id: 'one', state: 'finished', imported: ['x'] }),
        sampleImport({ id: 'two', state: 'finished', imported: ['x', 'y'] }),
      ],
      interrupted: [{ id: 'left', done: 300, total: 1000 }],
    })
    const { imports, told } = begin(client)
    await imports.fetch()
    expect(imports.running.map(({ id }) => id)).toEqual(['running'])
    expect(imports.ended.map(({ id }) => id)).toEqual(['two'])
    expect(imports.interrupted).toHaveLength(1)
    expect(told).toEqual([{ open: 'x', words: '1 added' }])
  })

  test('does not undo what was told while it was on its way', async () => {
    const client = new MemoryClient({ imports: [sampleImport({ id: 'a', done: 1, total: 9 })] })
    const { imports } = begin(client)
    const answer = client.hold('interruptedImports')
    const fetching = imports.fetch()
    client.importProgress({ id: 'a', state: 'finished', imported: ['x', 'y'] })
    answer()
    await fetching
    expect(imports.ended).toHaveLength(1)
    expect(imports.running).toHaveLength(0)
  })

  test.each(['goOn', 'forget'] as const)(
    'an interrupted one is gone after %s, if that worked',
    async (how) => {
      const client = new MemoryClient({ interrupted: [{ id: 'left', done: 300, total: 1000 }] })
      const { imports } = begin(client)
      await imports.fetch()
      client.fail(how === 'goOn' ? 'continueImport' : 'forgetImport', {}, 1)
      await expect(imports[how]('left')).rejects.toThrow()
      expect(imports.interrupted).toHaveLength(1)
      await imports[how]('left')
      expect(imports.interrupted).toHaveLength(0)
    },
  )
})
