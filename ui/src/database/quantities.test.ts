import { expect, test } from 'vitest'
import { count, latest, milliseconds, size, time } from './quantities'

// The same cases as in the core (`database/figures.rs`): a list and a figure show the same words.
test.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1000, '1.0 kB'],
  [12_900_000, '12.3 MB'],
  [300_000_000, '286 MB'],
  [null, '–'],
])('%s bytes are %s', (bytes, text) => {
  expect(size(bytes)).toBe(text)
})

test.each([
  [0.34, '0.3 s'],
  [59.9, '59 s'],
  [61, '1 min 1 s'],
  [7500, '2 h 5 min'],
  [273_600, '3 d 4 h'],
  [null, '–'],
])('%s seconds are %s', (seconds, text) => {
  expect(time(seconds)).toBe(text)
})

test('short times are in milliseconds', () => {
  expect([12.4, 999, 1200, null].map(milliseconds)).toEqual(['12 ms', '999 ms', '1.2 s', '–'])
})

test('counts have groups of digits', () => {
  expect([12_345, null].map(count)).toEqual(['12,345', '–'])
})

test('of two moments the later one counts', () => {
  expect(latest(null, null)).toBe('never')
  expect(latest('2026-03-01T10:00:00Z', '2026-03-02T10:00:00Z')).toContain('2 Mar 2026')
  expect(latest('2026-03-01T10:00:00Z', null)).toContain('1 Mar 2026')
})
