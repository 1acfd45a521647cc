import { describe, expect, test, vi } from 'vitest'
import { installed, memoryClient, overviewWith, type Seed } from '../lib/memory'
import { Models } from './models.svelte'

const small = 'whisper-small-Q8_0'

async function opened(seed: Seed = {}) {
  const client = memoryClient(seed)
  const [onerror, onended] = [vi.fn(), vi.fn()]
  const models = new Models(client, onerror, onended)
  const stop = models.start()
  await models.fetch()
  return { client, models, onerror, onended, stop }
}

describe('the speech models', () => {
  test('an event about one model causes no fetch of all', async () => {
    const { client, models, onended } = await opened()
    client.setModel(small, { state: { state: 'checking' } })
    expect(models.get(small)?.state).toEqual({ state: 'checking' })
    client.setModel(small, { state: installed(small) })
    expect(models.hasInstalled).toBe(true)
    expect(client.count('modelsOverview')).toBe(1)
    expect(onended.mock.calls.map(([ended]) => [ended.model.id, ended.installed])).toEqual([[small, true]])
  })

  test('all are fetched if an event says so, or is about an unknown model', async () => {
    const { client, models } = await opened()
    client.setModel(small, { fits: false })
    await expect.poll(() => models.get(small)?.fits).toBe(false)
    client.chosen = ['/media/USB/my-own.gguf']
    models.addFile(true)
    await expect.poll(() => models.get('my-own')?.state.state).toBe('checking')
  })

  test('an event during a fetch is newer than the answer', async () => {
    const { client, models } = await opened()
    const open = client.hold('modelsOverview')
    const fetched = models.fetch()
    vi.spyOn(client, 'modelsOverview').mockResolvedValueOnce(overviewWith({}))
    client.setModel(small, { state: { state: 'checking' } })
    open()
    await fetched
    expect(models.get(small)?.state.state).toBe('checking')
  })

  test('a failed download is reported', async () => {
    const { client, models, onended } = await opened()
    models.install(small)
    await expect.poll(() => models.get(small)?.state.state).toBe('downloading')
    client.setModel(small, { state: { state: 'failed', message: 'No network.', done_bytes: 5 } })
    expect(onended).toHaveBeenCalledWith(expect.objectContaining({ installed: false }))
  })

  test('a failed command is reported', async () => {
    const { client, models, onerror } = await opened()
    client.fail('installModel', { message: 'The disk is full.' })
    models.install(small)
    await expect.poll(() => onerror.mock.calls.length).toBe(1)
  })

  test('a failed fetch says why, and keeps the models', async () => {
    const { client, models } = await opened()
    client.fail('modelsOverview', { message: 'No.' }, 1)
    await models.fetch()
    expect(models.failure).toBe('No.')
    expect(models.all.length).toBeGreaterThan(10)
    await models.fetch()
    expect(models.failure).toBeNull()
  })

  test('when the default model is removed, the included one takes its place', async () => {
    const defaults = { model: small, language: null, translate: true, vocabulary: ['Tønder'], speakers: null }
    const { client, models } = await opened({
      models: overviewWith({ [small]: installed(small) }, { defaults }),
    })
    models.remove(models.get(small)!)
    await expect.poll(() => models.get(small)?.state.state).toBe('available')
    expect(client.calls.filter(([call]) => call === 'setDefaults')).toEqual([
      [
        'setDefaults',
        { model: 'whisper-base', language: null, translate: true, vocabulary: [], speakers: null },
      ],
    ])
    expect(models.defaultModel?.id).toBe('whisper-base')
    expect(models.hasInstalled).toBe(false)
  })

  test('downloads proceed by themselves if the client has a pace', async () => {
    const { client, models, onended } = await opened({ pace: 1 })
    models.install(small)
    await expect.poll(() => models.get(small)?.state.state).toBe('installed')
    expect(onended).toHaveBeenCalledOnce()
    expect(client.count('installModel')).toBe(1)
  })
})
