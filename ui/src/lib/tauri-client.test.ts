import { expect, test, vi } from 'vitest'
import { CoreError } from './client'
import { tauriClient } from './tauri-client'

const { core } = vi.hoisted(() => ({ core: { listening: () => {}, sent: [] as unknown[][] } }))

vi.mock('@tauri-apps/api/webview', () => ({ getCurrentWebview: vi.fn() }))
vi.mock('../bindings', () => ({
  EXPORT_FORMATS: [],
  commands: {
    rename: (...args: unknown[]) => Promise.resolve(core.sent.push(['rename', ...args])),
    retry: () => Promise.reject({ code: 'not_found', message: 'This meeting is gone.' }),
    cancel: () => Promise.reject('the command is not known'),
  },
  events: {
    newsItem: {
      listen: () => new Promise((resolve) => (core.listening = () => resolve(() => {}))),
    },
  },
}))

test('a command is passed on with its arguments', async () => {
  await tauriClient().rename('id', 'title', null)
  expect(core.sent.pop()).toEqual(['rename', 'id', 'title', null])
})

test('a command waits until the subscriptions before it hold', async () => {
  const client = tauriClient()
  client.on('newsItem', () => {})
  const renaming = client.rename('id', 'title', null)
  await Promise.resolve()
  expect(core.sent).toEqual([])
  core.listening()
  await renaming
  expect(core.sent.pop()).toEqual(['rename', 'id', 'title', null])
})

test('a command fails with the code and the sentence of the core', async () => {
  await expect(tauriClient().retry('id')).rejects.toEqual(
    new CoreError({ code: 'not_found', message: 'This meeting is gone.' }),
  )
})

test('a command that never reached the core fails as well', async () => {
  const failure = tauriClient().cancel('id')
  await expect(failure).rejects.toBeInstanceOf(CoreError)
  await expect(failure).rejects.toMatchObject({ code: 'other', message: 'the command is not known' })
})
