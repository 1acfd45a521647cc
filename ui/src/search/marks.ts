/** Texts with marked words, as pieces. The core counts in Unicode code points, the page in UTF-16 units. */

/** A part of a text, in UTF-16 units. The strong one was gone to last. */
export type Span = { from: number; to: number; strong?: boolean }

/** A part of a text that is marked or not. */
export type Piece = { text: string; mark: boolean; strong?: boolean }

/** So many characters of a passage are shown at most, and so many before its first marked word. */
const [LONGEST, BEFORE] = [320, 90]

/** The marks of the core as spans of the text: in order, apart from each other and within it. */
export function spansOf(text: string, marks: readonly (readonly [number, number])[]): Span[] {
  if (marks.length === 0) return []
  const starts = [0]
  for (const character of text) starts.push((starts.at(-1) ?? 0) + character.length)
  const at = (point: number) => starts[Math.min(Math.max(point, 0), starts.length - 1)] ?? text.length
  const spans: Span[] = []
  for (const [first, end] of [...marks].sort((a, b) => a[0] - b[0])) {
    const from = Math.max(at(first), spans.at(-1)?.to ?? 0)
    const to = at(end)
    if (to > from) spans.push({ from, to })
  }
  return spans
}

export function piecesOf(text: string, spans: readonly Span[]): Piece[] {
  const pieces: Piece[] = []
  let at = 0
  for (const { from, to, strong } of spans) {
    if (from > at) pieces.push({ text: text.slice(at, from), mark: false })
    pieces.push({ text: text.slice(from, to), mark: true, ...(strong && { strong }) })
    at = to
  }
  if (at < text.length || pieces.length === 0) pieces.push({ text: text.slice(at), mark: false })
  return pieces
}

/** A text with marks as pieces; of a long one, the part around its first marked word. */
export function excerpt(text: string, marks: readonly (readonly [number, number])[]): Piece[] {
  const spans = spansOf(text, marks)
  if (text.length <= LONGEST) return piecesOf(text, spans)
  const begin = wordStart(text, Math.min((spans[0]?.from ?? 0) - BEFORE, text.length - LONGEST))
  const end = begin + LONGEST >= text.length ? text.length : wordStart(text, begin + LONGEST)
  const inside = spans
    .filter(({ from, to }) => from >= begin && to <= end)
    .map(({ from, to }) => ({ from: from - begin, to: to - begin }))
  const pieces = piecesOf(text.slice(begin, end).trimEnd(), inside)
  if (begin > 0) pieces.unshift({ text: '… ', mark: false })
  if (end < text.length) pieces.push({ text: ' …', mark: false })
  return pieces
}

/** Where the word at or after a place begins; the place itself if no space is near, as in Chinese. */
function wordStart(text: string, place: number): number {
  if (place <= 0) return 0
  const space = text.indexOf(' ', place)
  if (space >= 0 && space - place < 30) return space + 1
  // Not between the two halves of a character.
  return /[\uDC00-\uDFFF]/.test(text[place] ?? '') ? place + 1 : place
}
