import { expect, test } from 'vitest'
import { excerpt, piecesOf, spansOf, type Piece } from './marks'

const shown = (pieces: Piece[]) => pieces.map(({ text, mark }) => (mark ? `[${text}]` : text)).join('')
const marked = (text: string, marks: [number, number][]) => shown(piecesOf(text, spansOf(text, marks)))

test.each<[string, [number, number][], string]>([
  ['the low tide', [[4, 7]], 'the [low] tide'],
  [
    'low tide',
    [
      [4, 8],
      [0, 3],
    ],
    '[low] [tide]',
  ],
  ['𝄞 tide 😀 tide', [[9, 13]], '𝄞 tide 😀 [tide]'],
  ['ebb', [], 'ebb'],
  ['', [], ''],
  ['ebb', [[1, 99]], 'e[bb]'],
  [
    'overlap',
    [
      [0, 4],
      [2, 7],
    ],
    '[over][lap]',
  ],
  ['ebb', [[5, 2]], 'ebb'],
])('marks of %j count code points', (text, marks, expected) => {
  expect(marked(text, marks)).toBe(expected)
})

test('of a long text the part around the first mark is shown, with whole words', () => {
  const text = `${'before '.repeat(60)}tide ${'after '.repeat(80)}`
  const from = 7 * 60
  const pieces = excerpt(text, [[from, from + 4]])
  const all = pieces.map((piece) => piece.text).join('')
  expect(pieces.filter((piece) => piece.mark)).toEqual([{ text: 'tide', mark: true }])
  expect(all).toMatch(/^… before /)
  expect(all).toMatch(/ after …$/)
  expect(all.length).toBeLessThan(360)
})

test('the end of a long text is shown whole when the mark is there', () => {
  const text = `${'a few words '.repeat(50)}at last`
  const pieces = excerpt(text, [[text.length - 4, text.length]])
  expect(pieces.at(-1)).toEqual({ text: 'last', mark: true })
})

test('a text without spaces is not cut within a character', () => {
  const text = '😀'.repeat(300)
  const whole = excerpt(text, [[250, 252]])
    .map((piece) => piece.text)
    .join('')
  expect(whole).not.toMatch(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/)
})
