import { expect, test } from 'vitest'
import {
  filtersOf,
  hasFilter,
  isMoment,
  valueOf,
  withFilter,
  without,
  withoutFilter,
  wordsOf,
  written,
} from './query'

const short = (text: string) =>
  filtersOf(text).map(({ key, value, negated }) => `${negated ? '-' : ''}${key}=${value}`)

test.each([
  ['harbour', []],
  ['speaker:anna harbour', ['speaker=anna']],
  ['harbour speaker:"Anna Smith" -tag:budget', ['speaker=Anna Smith', '-tag=budget']],
  ['Speaker:Østergaard FROM:2026-03', ['speaker=Østergaard', 'from=2026-03']],
  [
    'who:anna since:2026 until:7d in:port lang:de',
    ['speaker=anna', 'from=2026', 'to=7d', 'folder=port', 'language=de'],
  ],
  ['folder:"still typed', ['folder=still typed']],
  ['speaker: from:""', []],
  ['"from:2026 in a phrase" x', []],
  ['-"not speaker:this" is:favourite', ['is=favourite']],
  ['http://from:here ratio:3', []],
])('the filters of %j are %j', (text, filters) => {
  expect(short(text)).toEqual(filters)
})

test('words are what is left without filters', () => {
  expect(wordsOf('  speaker:"Anna Smith" low  tide from:2026 -ebb')).toBe('low tide -ebb')
  expect(wordsOf('is:favourite')).toBe('')
})

test('a filter stands before the words, and is quoted if it has spaces', () => {
  expect(written('speaker', 'Anna  "Ann" Smith')).toBe('speaker:"Anna Ann Smith"')
  expect(withFilter('', 'is', 'favourite')).toBe('is:favourite ')
  expect(withFilter('low ti', 'speaker', 'Anna Smith')).toBe('speaker:"Anna Smith" low ti')
})

test('a filter that exists once is replaced in its place; speakers and tags add up', () => {
  expect(withFilter('from:2025 tide', 'from', '2026')).toBe('from:2026 tide')
  expect(withFilter('speaker:anna tide', 'speaker', 'Ben')).toBe('speaker:Ben speaker:anna tide')
  expect(withFilter('speaker:anna tide', 'speaker', 'Anna')).toBe('speaker:anna tide')
  expect(withFilter('-folder:old tide', 'folder', 'new')).toBe('folder:new -folder:old tide')
})

test.each([
  ['speaker:anna tide', 'tide'],
  ['tide speaker:anna', 'tide'],
  ['low speaker:"Anna Smith"  tide', 'low tide'],
])('%j without its filter is %j', (text, rest) => {
  const [word] = filtersOf(text)
  expect(withoutFilter(text, word!)).toBe(rest)
})

test('all filters of some kinds are taken away', () => {
  expect(without('from:2026 low tag:a to:2027 tide', 'from', 'to')).toBe('low tag:a tide')
})

test('the value of a filter is found, not that of a negated one', () => {
  const filters = filtersOf('-language:de language:fr tag:"Budget 2026"')
  expect(valueOf(filters, 'language')).toBe('fr')
  expect(valueOf(filters, 'from')).toBe('')
  expect(hasFilter(filters, 'tag', 'budget 2026')).toBe(true)
  expect(hasFilter(filters, 'tag', 'budget')).toBe(false)
})

test.each([
  ['2026', true],
  ['2026-03', true],
  [' 2026-03-31 ', true],
  ['yesterday', true],
  ['7d', true],
  ['2026-13', false],
  ['2026-02-30', false],
  ['soon', false],
  ['', false],
])('%j is a moment: %s', (text, is) => {
  expect(isMoment(text)).toBe(is)
})
