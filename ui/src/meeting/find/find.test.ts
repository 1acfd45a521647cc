import { expect, test } from 'vitest'
import { sampleSegment } from '../../lib/memory'
import { Find } from './find.svelte'

const segment = (id: string, text: string) => sampleSegment({ id, start_ms: 0, end_ms: 1, text })

function setUp(texts = ['low tide', 'ebb', 'Tide and tide', 'high tide']) {
  let segments = texts.map((text, index) => segment(`s${index}`, text))
  const find = new Find(() => segments)
  return { find, change: (all: typeof segments) => (segments = all), segments: () => segments }
}

const place = (find: Find) => `${find.at + 1} of ${find.hits.length}`

test('it begins at the first hit from where one reads, and goes around', () => {
  const { find } = setUp()
  find.begin(1)
  find.type('tide')
  expect(place(find)).toBe('2 of 4')
  find.step(1)
  find.step(1)
  expect(place(find)).toBe('4 of 4')
  find.step(1)
  expect(place(find)).toBe('1 of 4')
  find.step(-1)
  expect(place(find)).toBe('4 of 4')
})

test('case and whole words change what is found, and stay near the place', () => {
  const { find } = setUp()
  find.begin(2, 'Tide')
  expect(place(find)).toBe('2 of 4')
  find.setMatchCase(true)
  expect(place(find)).toBe('1 of 1')
  find.setMatchCase(false)
  find.type('tid')
  find.setWholeWord(true)
  expect(find.hits).toEqual([])
  expect([find.at, find.current]).toEqual([-1, null])
})

test('every step and every change is a jump, nothing found is none', () => {
  const { find } = setUp()
  find.begin(0, 'tide')
  const before = find.jumps
  find.step(1)
  expect(find.jumps).toBe(before + 1)
  find.type('xyz')
  find.step(1)
  expect(find.jumps).toBe(before + 1)
})

test('nothing is marked while the bar is closed', () => {
  const { find } = setUp()
  find.begin(0, 'tide')
  expect(find.bySegment.get('s2')).toHaveLength(2)
  find.close()
  expect([find.hits.length, find.bySegment.size]).toEqual([0, 0])
})
