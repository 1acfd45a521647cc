import { expect, test } from 'vitest'
import { initialOf } from './speaker-display'

test.each([
  ['Anna', 'A'],
  ['émile', 'É'],
  ['村上さん', '村'],
  ['😀', '😀'],
  [null, '4'],
])('%s is marked %s', (name, mark) => {
  expect(initialOf({ name, number: 4 })).toBe(mark)
})
