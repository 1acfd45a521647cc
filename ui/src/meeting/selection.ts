/** What of the text is selected, as words of lines. */
import type { LineView, Stretch } from '../lib/types'

type Place = { index: number; char: number }

/** The selected words of the lines in `root`, whole ones; null if there are none. */
export function stretchOf(
  selection: Selection | null,
  lines: readonly LineView[],
  root: Node,
): Stretch | null {
  if (!selection || selection.isCollapsed || selection.rangeCount === 0) return null
  const range = selection.getRangeAt(0)
  const from = placeOf(range.startContainer, range.startOffset, root)
  const to = placeOf(range.endContainer, range.endOffset, root)
  return from && to ? wholeWords(from, to, lines) : null
}

function placeOf(node: Node, offset: number, root: Node): Place | null {
  const element = node instanceof Element ? node : node.parentElement
  const item = element?.closest('[data-index]')
  const text = item?.querySelector('[data-text]')
  if (!item || !text || !root.contains(item)) return null
  const index = Number(item.getAttribute('data-index'))
  if (text.contains(node)) {
    const before = document.createRange()
    before.selectNodeContents(text)
    before.setEnd(node, offset)
    return { index, char: before.toString().length }
  }
  const begin = document.createRange()
  begin.selectNode(text)
  const isBefore = begin.comparePoint(node, offset) < 0
  return { index, char: isBefore ? 0 : (text.textContent ?? '').length }
}

/** Words that are touched, from the first letter of the first to the end of the last. */
export function wholeWords(from: Place, to: Place, lines: readonly LineView[]): Stretch | null {
  let [first, last] = [from, to]
  const textOf = (place: Place) => lines[place.index]?.text ?? ''
  // Past the end of a line is the next, before the first word of one is the line above.
  while (first.index < last.index && textOf(first).slice(first.char).trim() === '')
    first = { index: first.index + 1, char: 0 }
  while (last.index > first.index && textOf(last).slice(0, last.char).trim() === '')
    last = { index: last.index - 1, char: textOf({ ...last, index: last.index - 1 }).length }
  const [fromLine, toLine] = [lines[first.index], lines[last.index]]
  if (!fromLine || !toLine) return null
  const begin = first.char + blanks(fromLine.text.slice(first.char))
  const end = toLine.text.slice(0, last.char).trimEnd().length
  if (first.index === last.index && end <= begin) return null
  const fromChar = wordAt(fromLine.text, begin)?.start ?? begin
  const wordEnd = wordAt(toLine.text, end - 1)?.end ?? end
  const sign = /^[^\s\p{L}\p{N}]+/u.exec(toLine.text.slice(wordEnd))?.[0].length ?? 0
  const toChar = Math.max(end, wordEnd + sign)
  return {
    from_line: fromLine.id,
    from_char: fromChar,
    to_line: toLine.id,
    to_char: toChar >= toLine.text.length ? null : toChar,
  }
}

function blanks(text: string): number {
  return text.length - text.trimStart().length
}

const words = new Intl.Segmenter(undefined, { granularity: 'word' })

/** The word that a character belongs to; signs belong to none. */
function wordAt(text: string, char: number): { start: number; end: number } | null {
  const found = words.segment(text).containing(char)
  return found?.isWordLike ? { start: found.index, end: found.index + found.segment.length } : null
}
