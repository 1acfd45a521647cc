import { describe, expect, test } from 'vitest'
import { sampleJob } from '../lib/memory'
import { newestFirst } from './days'

/** A moment by the clock of this computer. */
const local = (day: number, hour: number, minute = 0) => new Date(2026, 2, day, hour, minute).toISOString()

const job = (id: string, recorded: string | null, created = local(9, 12)) =>
  sampleJob({ id, title: id, recorded_at: recorded, created_at: created })

describe('the order of the library', () => {
  test('is by the time of recording, or else by the time it was added', () => {
    const jobs = [job('old', local(1, 9)), job('unknown', null, local(5, 9)), job('new', local(7, 9))]
    expect(newestFirst(jobs).map(({ id }) => id)).toEqual(['new', 'unknown', 'old'])
  })

  test('compares points in time across time zones', () => {
    const jobs = [job('earlier', '2026-03-03T14:00:00+09:00'), job('later', '2026-03-03T08:00:00+00:00')]
    expect(newestFirst(jobs).map(({ id }) => id)).toEqual(['later', 'earlier'])
  })

  test('is stable for meetings of the same time', () => {
    const at = local(3, 9)
    const ids = (order: string[]) => newestFirst(order.map((id) => job(id, at))).map(({ id }) => id)
    expect(ids(['b', 'a', 'c'])).toEqual(ids(['c', 'b', 'a']))
  })

  test('copes with an invalid date', () => {
    const jobs = newestFirst([job('odd', 'yesterday', local(2, 9)), job('fine', local(3, 9))])
    expect(jobs.map(({ id }) => id)).toEqual(['fine', 'odd'])
  })
})
