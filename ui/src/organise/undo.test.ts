import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { OFFERED_MS, Undo } from './undo.svelte'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function started() {
  const [onerror, onundone] = [vi.fn(), vi.fn()]
  return { undo: new Undo(onerror, onundone), onerror, onundone }
}

test('is offered for ten seconds, and for as long as the pointer is on it', async () => {
  const { undo } = started()
  undo.offer('Done.', async () => {})
  await vi.advanceTimersByTimeAsync(OFFERED_MS - 1)
  expect(undo.last?.text).toBe('Done.')
  undo.hold()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(undo.last?.text).toBe('Done.')
  undo.release()
  await vi.advanceTimersByTimeAsync(OFFERED_MS)
  expect(undo.last).toBeNull()
  expect(undo.undo()).toBe(false)
})

test('takes back the last change only, once', async () => {
  const { undo, onundone } = started()
  const [first, second] = [vi.fn(async () => {}), vi.fn(async () => {})]
  undo.offer('One.', first)
  undo.offer('Two.', second)
  expect([undo.undo(), undo.undo()]).toEqual([true, false])
  await vi.advanceTimersByTimeAsync(0)
  expect([first.mock.calls.length, second.mock.calls.length]).toEqual([0, 1])
  expect(onundone).toHaveBeenCalledExactlyOnceWith('Two.')
  expect([undo.last, undo.undo()]).toEqual([null, false])
})

test('that fails says why', async () => {
  const { undo, onerror, onundone } = started()
  undo.offer('One.', () => Promise.reject(new Error('The database does not answer.')))
  undo.undo()
  await vi.advanceTimersByTimeAsync(0)
  expect(onerror).toHaveBeenCalledOnce()
  expect(onundone).not.toHaveBeenCalled()
})

test('of what cannot be taken back is not offered', () => {
  const { undo } = started()
  undo.offer('Begun.', null)
  expect([undo.last?.text, undo.undo()]).toEqual(['Begun.', false])
})
