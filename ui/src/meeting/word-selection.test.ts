import { expect, test } from 'vitest'
import { sampleSegment } from '../lib/memory'
import { wholeWords } from './word-selection'

const lines = ['Good morning, Mr Østergaard.', 'Yes, it is closed.', '今日は会議です。'].map((text, index) =>
  sampleSegment({ id: `${index}`, start_ms: index * 1000, end_ms: index * 1000 + 900, text }),
)

/** The selected words, as the core understands the selection. */
function wordsFrom(from: [number, number], to: [number, number]): string | null {
  const stretch = wholeWords({ index: from[0], char: from[1] }, { index: to[0], char: to[1] }, lines)
  if (!stretch) return null
  const [first, last] = [Number(stretch.from_line), Number(stretch.to_line)]
  return lines
    .slice(first, last + 1)
    .map(({ text }, index) =>
      text.slice(
        index === 0 ? stretch.from_char : 0,
        index === last - first ? (stretch.to_char ?? text.length) : text.length,
      ),
    )
    .join(' | ')
}

test.each([
  ['a part of a word selects the word', [0, 1], [0, 3], 'Good'],
  ['punctuation after a word belongs to it', [0, 6], [0, 9], 'morning,'],
  ['spaces at the ends are left out', [0, 4], [0, 14], 'morning,'],
  ['over two segments', [0, 18], [1, 2], 'Østergaard. | Yes,'],
  ['a segment that the end only touches is left out', [0, 0], [1, 0], 'Good morning, Mr Østergaard.'],
  ['a segment that the start only touches is left out', [0, 28], [1, 3], 'Yes,'],
  ['only spaces are nothing', [1, 4], [1, 5], null],
  ['words without spaces between them are found', [2, 0], [2, 2], '今日'],
] as const)('%s', (_, from, to, words) => {
  expect(wordsFrom([...from], [...to])).toBe(words)
})

test('the end of a segment is null', () => {
  expect(wholeWords({ index: 1, char: 5 }, { index: 1, char: 18 }, lines)).toEqual({
    from_line: '1',
    from_char: 5,
    to_line: '1',
    to_char: null,
  })
})
