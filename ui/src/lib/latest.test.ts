import { expect, test } from 'vitest'
import { Latest } from './latest'

/** A promise that the test settles by hand. */
function deferred() {
  let resolve: (answer: string) => void = () => {}
  const promise = new Promise<string>((settle) => (resolve = settle))
  return { promise, resolve }
}

test('an answer that was overtaken is dropped, whichever comes first', async () => {
  const [latest, used] = [new Latest(), [] as string[]]
  const [first, second] = [deferred(), deferred()]
  const both = [first, second].map(({ promise }) => latest.take(promise, (answer) => used.push(answer)))
  second.resolve('second')
  first.resolve('first')
  await Promise.all(both)
  expect(used).toEqual(['second'])
})

test('a request that fails rejects, and does not bring an older answer back', async () => {
  const [latest, used] = [new Latest(), [] as string[]]
  const older = deferred()
  const taken = latest.take(older.promise, (answer) => used.push(answer))
  await expect(latest.take(Promise.reject(new Error('no')), () => {})).rejects.toThrow('no')
  older.resolve('older')
  await taken
  expect(used).toEqual([])
})

test('cancelling makes requests out of date, and watching begins none', () => {
  const latest = new Latest()
  const isNewest = latest.begin()
  const isUnchanged = latest.watch()
  expect([isNewest(), isUnchanged()]).toEqual([true, true])
  latest.cancel()
  expect([isNewest(), isUnchanged()]).toEqual([false, false])
})
