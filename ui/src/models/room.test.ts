import { describe, expect, test, vi } from 'vitest'
import { MemoryClient, type Seed } from '../lib/memory-client'
import { installed, roomWith } from '../lib/memory-models'
import { Room } from './room.svelte'

const small = 'whisper-small-Q8_0'

async function opened(seed: Seed = {}) {
  const client = new MemoryClient(seed)
  const [onerror, onended] = [vi.fn(), vi.fn()]
  const room = new Room(client, onerror, onended)
  const stop = room.start()
  await room.fetch()
  return { client, room, onerror, onended, stop }
}

describe('the model room', () => {
  test('follows the news of one model without asking for all', async () => {
    const { client, room, onended } = await opened()
    client.setModel(small, { state: { state: 'checking' } })
    expect(room.get(small)?.state).toEqual({ state: 'checking' })
    client.setModel(small, { state: installed(small) })
    expect(room.hasOwn).toBe(true)
    expect(client.count('modelRoom')).toBe(1)
    expect(onended.mock.calls.map(([ended]) => [ended.model.id, ended.installed])).toEqual([[small, true]])
  })

  test('asks for all when it is told to, or of a model that it does not know', async () => {
    const { client, room } = await opened()
    client.setModel(small, { fits: false })
    await expect.poll(() => room.get(small)?.fits).toBe(false)
    client.chosen = ['/media/USB/my-own.gguf']
    room.addFile(true)
    await expect.poll(() => room.get('my-own')?.state.state).toBe('checking')
  })

  test('what is told while the answer is on its way is newer', async () => {
    const { client, room } = await opened()
    const open = client.hold('modelRoom')
    const fetched = room.fetch()
    vi.spyOn(client, 'modelRoom').mockResolvedValueOnce(roomWith({}))
    client.setModel(small, { state: { state: 'checking' } })
    open()
    await fetched
    expect(room.get(small)?.state.state).toBe('checking')
  })

  test('tells of a download that failed', async () => {
    const { client, room, onended } = await opened()
    room.install(small)
    await expect.poll(() => room.get(small)?.state.state).toBe('downloading')
    client.setModel(small, { state: { state: 'failed', message: 'No network.', done_bytes: 5 } })
    expect(onended).toHaveBeenCalledWith(expect.objectContaining({ installed: false }))
  })

  test('reports what a call was refused with', async () => {
    const { client, room, onerror } = await opened()
    client.fail('installModel', { message: 'The disk is full.' })
    room.install(small)
    await expect.poll(() => onerror.mock.calls.length).toBe(1)
  })

  test('says why it could not be fetched, and keeps what it had', async () => {
    const { client, room } = await opened()
    client.fail('modelRoom', { message: 'No.' }, 1)
    await room.fetch()
    expect(room.failure).toBe('No.')
    expect(room.models.length).toBeGreaterThan(10)
    await room.fetch()
    expect(room.failure).toBeNull()
  })

  test('a model that is removed while it is in use leaves new recordings to the included one', async () => {
    const defaults = { model: small, language: null, translate: true, vocabulary: ['Tønder'], speakers: null }
    const { client, room } = await opened({ room: roomWith({ [small]: installed(small) }, { defaults }) })
    room.remove(room.get(small)!)
    await expect.poll(() => room.get(small)?.state.state).toBe('available')
    expect(client.calls.filter(([call]) => call === 'setDefaults')).toEqual([
      [
        'setDefaults',
        { model: 'whisper-base', language: null, translate: true, vocabulary: [], speakers: null },
      ],
    ])
    expect(room.standard?.id).toBe('whisper-base')
    expect(room.hasOwn).toBe(false)
  })

  test('downloads go on by themselves where the client has a pace', async () => {
    const { client, room, onended } = await opened({ pace: 1 })
    room.install(small)
    await expect.poll(() => room.get(small)?.state.state).toBe('installed')
    expect(onended).toHaveBeenCalledOnce()
    expect(client.count('installModel')).toBe(1)
  })
})
