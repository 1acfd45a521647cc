import { expect, test } from 'vitest'
import { Runs } from './runs'

test('a run is consecutive segments of one speaker', () => {
  const runs = new Runs(['a', 'a', 'b', null, null, 'a'].map((speaker_id) => ({ speaker_id })))
  expect(runs.starts).toEqual([0, 2, 3, 5])
  expect([0, 1, 2, 4, 5].map((index) => runs.startOf(index))).toEqual([0, 0, 2, 3, 5])
  expect([runs.nextAfter(1), runs.nextAfter(5), runs.previousBefore(1), runs.previousBefore(4)]).toEqual([
    2,
    null,
    null,
    2,
  ])
  expect(new Runs([]).startOf(0)).toBe(0)
})
