/** The selected text as whole words of segments. */
import type { SegmentView, TextSelection } from '../lib/types'

/** A place in the text: index of the segment, and characters from its start. */
type Place = { index: number; char: number }

/** The words of the segments in `root` that the selection touches; null if there are none. */
export function selectedWords(
  selection: Selection | null,
  segments: readonly SegmentView[],
  root: Node,
): TextSelection | null {
  if (!selection || selection.isCollapsed || selection.rangeCount === 0) return null
  const range = selection.getRangeAt(0)
  const from = placeOf(range.startContainer, range.startOffset, root)
  const to = placeOf(range.endContainer, range.endOffset, root)
  return from && to ? wholeWords(from, to, segments) : null
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

/**
 * The words between two places, from the first letter of the first word to the end of the last, with the punctuation that
 * follows it. Null if there are none.
 */
export function wholeWords(from: Place, to: Place, segments: readonly SegmentView[]): TextSelection | null {
  let [first, last] = [from, to]
  const textOf = (place: Place) => segments[place.index]?.text ?? ''
  // The end of a segment counts as the start of the next, its start as the end of the previous one.
  while (first.index < last.index && textOf(first).slice(first.char).trim() === '')
    first = { index: first.index + 1, char: 0 }
  while (last.index > first.index && textOf(last).slice(0, last.char).trim() === '')
    last = { index: last.index - 1, char: textOf({ ...last, index: last.index - 1 }).length }
  const [fromSegment, toSegment] = [segments[first.index], segments[last.index]]
  if (!fromSegment || !toSegment) return null
  const begin = first.char + leadingSpaces(fromSegment.text.slice(first.char))
  const end = toSegment.text.slice(0, last.char).trimEnd().length
  if (first.index === last.index && end <= begin) return null
  const fromChar = wordAt(fromSegment.text, begin)?.start ?? begin
  const wordEnd = wordAt(toSegment.text, end - 1)?.end ?? end
  const punctuation = /^[^\s\p{L}\p{N}]+/u.exec(toSegment.text.slice(wordEnd))?.[0].length ?? 0
  const toChar = Math.max(end, wordEnd + punctuation)
  return {
    from_line: fromSegment.id,
    from_char: fromChar,
    to_line: toSegment.id,
    to_char: toChar >= toSegment.text.length ? null : toChar,
  }
}

/** Number of spaces at the start. */
function leadingSpaces(text: string): number {
  return text.length - text.trimStart().length
}

const words = new Intl.Segmenter(undefined, { granularity: 'word' })

/** The word that a character belongs to; null for punctuation and spaces. */
function wordAt(text: string, char: number): { start: number; end: number } | null {
  const found = words.segment(text).containing(char)
  return found?.isWordLike ? { start: found.index, end: found.index + found.segment.length } : null
}
