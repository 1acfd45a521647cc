/** Where a text occurs in another one, as find-in-page does it: any part of it, or whole words only. */

export type FindOptions = { matchCase: boolean; wholeWord: boolean }

/** A part of a text, in UTF-16 units. */
export type Match = { from: number; to: number }

/**
 * A text without accents and in lower case, and for each of its characters where it stands in the original; null: at the
 * same place.
 */
type Folded = { text: string; places: readonly number[] | null }

const WORD = /[\p{L}\p{N}\p{M}_]/u
/** A letter with what is combined with it. */
const LETTERS = /.\p{M}*/suy

/** `wanted` in the form in which `matchesIn` looks for it; empty if there is nothing to look for. */
export function needleOf(wanted: string, { matchCase }: FindOptions): string {
  const text = wanted.replace(/\s+/g, ' ')
  if (text.trim() === '') return ''
  return matchCase ? text : foldText(text).text
}

/** Where `needle` occurs, from the start, without overlaps. Without `matchCase`, case and accents make no difference. */
export function matchesIn(haystack: string, needle: string, options: FindOptions): Match[] {
  if (needle === '') return []
  const { text, places } = options.matchCase ? asWritten(haystack) : folded(haystack)
  const placeOf = (unit: number) => (places ? places[unit] : unit)
  const matches: Match[] = []
  let at = text.indexOf(needle)
  while (at >= 0) {
    // One letter can be two in the folded text: it is found as a whole.
    const last = placeOf(at + needle.length - 1)
    let end = at + needle.length
    while (placeOf(end) === last) end += 1
    const match = { from: placeOf(at) ?? 0, to: placeOf(end) ?? haystack.length }
    const begins = at === 0 || placeOf(at - 1) !== placeOf(at)
    const fits = begins && (!options.wholeWord || isWhole(haystack, match))
    if (fits) matches.push(match)
    at = text.indexOf(needle, fits ? at + needle.length : at + 1)
  }
  return matches
}

/** Whether neither end of a match is within a word. */
function isWhole(text: string, { from, to }: Match): boolean {
  const before = lastCharacter(text.slice(Math.max(0, from - 2), from))
  const [after = ''] = text.slice(to, to + 2)
  const [first = ''] = text.slice(from, from + 2)
  const last = lastCharacter(text.slice(from, to))
  return !(WORD.test(before) && WORD.test(first)) && !(WORD.test(last) && WORD.test(after))
}

function lastCharacter(text: string): string {
  return [...text].at(-1) ?? ''
}

// Texts are looked through once per key that is pressed, so their folded forms are kept for a while.
const MOST_KEPT = 20_000
const kept = new Map<string, Folded>()

function folded(text: string): Folded {
  let known = kept.get(text)
  if (!known) {
    if (kept.size >= MOST_KEPT) kept.clear()
    known = foldText(text)
    kept.set(text, known)
  }
  return known
}

function foldText(text: string): Folded {
  if (ASCII.test(text)) return { text: simple(text), places: null }
  let plain = ''
  const places: number[] = []
  for (let at = 0; at < text.length;) {
    const letter = letterAt(text, at)
    const folded = letter.length === 1 && AS_IT_IS.test(letter) ? simple(letter) : unaccented(letter)
    for (let unit = 0; unit < folded.length; unit += 1) places.push(at)
    plain += folded
    at += letter.length
  }
  places.push(text.length)
  return { text: plain, places }
}

const ASCII = /^[\0-\x7f]*$/
/** Letters without accents. In Chinese, Japanese and Korean, what Unicode decomposes makes another letter. */
const AS_IT_IS = /[\0-\x7f\u2e80-\ufaff]/
/** The first of all combining marks. */
const MARKS_BEGIN = 0x300

/** The letter that begins here, with what is combined with it. */
function letterAt(text: string, at: number): string {
  // Nearly always, and much faster.
  if (text.charCodeAt(at) < MARKS_BEGIN && !(text.charCodeAt(at + 1) >= MARKS_BEGIN)) return text[at] ?? ''
  LETTERS.lastIndex = at
  return LETTERS.exec(text)?.[0] ?? text[at] ?? ''
}

function simple(text: string): string {
  return text.toLowerCase().replace(/\s/g, ' ')
}

function unaccented(letter: string): string {
  return simple(letter.normalize('NFKD').replace(/\p{M}/gu, '')).replace(
    /[ßøłđæœı’‘]/g,
    (one) => UNACCENTED[one] ?? one,
  )
}

/** Letters that Unicode does not decompose. */
const UNACCENTED: Partial<Record<string, string>> = {
  ß: 'ss',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  æ: 'ae',
  œ: 'oe',
  ı: 'i',
  '’': "'",
  '‘': "'",
}

function asWritten(text: string): Folded {
  return { text: text.replace(/\s/g, ' '), places: null }
}
