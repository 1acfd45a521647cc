/** The comparison of two versions of a transcript, word by word. */
import type { Comparison, ComparePiece, CompareRow } from '../types'
import type { Version } from './stored'

/** One row for each line on the left, with the lines on the right that begin during it. */
export function compare(left: Version, right: Version): Comparison {
  const starts = left.lines.map((line) => line.start_ms)
  const rows: CompareRow[] = []
  let [equal, onlyLeft, onlyRight] = [0, 0, 0]
  left.lines.forEach((line, index) => {
    const from = index === 0 ? -Infinity : line.start_ms
    const to = starts[index + 1] ?? Infinity
    const other = right.lines.filter((one) => one.start_ms >= from && one.start_ms < to)
    const [ours, theirs] = [splitWords(line.text), other.flatMap((one) => splitWords(one.text))]
    const [a, b] = difference(ours, theirs)
    rows.push({
      start_ms: line.start_ms,
      left: pieces(ours, a),
      right: pieces(theirs, b),
      changed: a.includes(false) || b.includes(false),
    })
    equal += a.filter(Boolean).length
    onlyLeft += a.filter((same) => !same).length
    onlyRight += b.filter((same) => !same).length
  })
  return {
    left: left.view,
    right: right.view,
    rows,
    equal_words: equal,
    left_only: onlyLeft,
    right_only: onlyRight,
  }
}

export function splitWords(text: string): string[] {
  return text.split(/\s+/).filter(Boolean)
}

/** Whether each word of either side is part of their longest common subsequence. */
function difference(a: string[], b: string[]): [boolean[], boolean[]] {
  const same = (i: number, j: number) => plain(a[i]) === plain(b[j])
  const longest = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0))
  const at = (i: number, j: number) => longest[i]?.[j] ?? 0
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      longest[i]![j] = same(i, j) ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const [inA, inB] = [a.map(() => false), b.map(() => false)]
  let [i, j] = [0, 0]
  while (i < a.length && j < b.length) {
    if (same(i, j)) {
      inA[i++] = true
      inB[j++] = true
    } else if (at(i + 1, j) >= at(i, j + 1)) i++
    else j++
  }
  return [inA, inB]
}

function plain(word = ''): string {
  return word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
}

function pieces(all: string[], same: boolean[]): ComparePiece[] {
  const grouped: ComparePiece[] = []
  all.forEach((word, index) => {
    const changed = same[index] === false
    const last = grouped.at(-1)
    if (last && last.changed === changed) last.text += ` ${word}`
    else grouped.push({ text: word, changed })
  })
  return grouped
}
