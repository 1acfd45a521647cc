/**
 * Filters as words in the text of a search: `speaker:"Anna Smith" from:2026-03`. The controls of the page write such words
 * into the text and read them from it, so that both say the same. What the words mean is decided by the core.
 */

export const FILTERS = [
  'speaker',
  'from',
  'to',
  'folder',
  'tag',
  'longer',
  'shorter',
  'language',
  'has',
  'is',
] as const

export type FilterKey = (typeof FILTERS)[number]

/** A filter and where it stands in the text. */
export type FilterWord = { key: FilterKey; value: string; negated: boolean; start: number; end: number }

/** Other names of filters that the core understands. */
const ALIASES: Partial<Record<string, FilterKey>> = {
  who: 'speaker',
  since: 'from',
  until: 'to',
  in: 'folder',
  lang: 'language',
}

/** Of these a search may have several; of the others, the controls write one. */
const SEVERAL: readonly FilterKey[] = ['speaker', 'tag', 'has']

/** A phrase, a word with a key and a value, or anything else between spaces. */
const WORDS = /-?"[^"]*"?|(-?)(\p{L}+):("[^"]*"?|[^\s"]*)|\S+/gu

/** The filters in a text, in their order. Keys without a value are left out: they are still being typed. */
export function filtersOf(text: string): FilterWord[] {
  return [...text.matchAll(WORDS)].flatMap((found) => {
    const [word, minus = '', name = '', quoted = ''] = found
    const key = FILTERS.find((one) => one === name.toLowerCase()) ?? ALIASES[name.toLowerCase()]
    const value = quoted.replaceAll('"', '').trim()
    if (!key || value === '') return []
    return [{ key, value, negated: minus !== '', start: found.index, end: found.index + word.length }]
  })
}

/** The text without its filters. */
export function wordsOf(text: string): string {
  return filtersOf(text)
    .reverse()
    .reduce((rest, word) => rest.slice(0, word.start) + rest.slice(word.end), text)
    .replace(/\s+/g, ' ')
    .trim()
}

/** A filter as it is written. */
export function written(key: FilterKey, value: string, negated = false): string {
  const plain = value.replaceAll('"', ' ').replace(/\s+/g, ' ').trim()
  return `${negated ? '-' : ''}${key}:${/\s/.test(plain) ? `"${plain}"` : plain}`
}

/**
 * The text with a filter. It stands before the words, because the last word counts as the beginning of a word while it is
 * typed. A filter of a kind that the controls write only once replaces the one that is there.
 */
export function withFilter(text: string, key: FilterKey, value: string): string {
  const word = written(key, value)
  const own = filtersOf(text).filter((one) => one.key === key && !one.negated)
  if (own.some((one) => sameValue(one.value, value))) return text
  const [old] = SEVERAL.includes(key) ? [] : own
  if (old) return text.slice(0, old.start) + word + text.slice(old.end)
  return text.trim() === '' ? `${word} ` : `${word} ${text.trimStart()}`
}

/** The text without one of its filters. */
export function withoutFilter(text: string, word: FilterWord): string {
  const [before, after] = [text.slice(0, word.start), text.slice(word.end)]
  return before === '' ? after.trimStart() : before.trimEnd() + (after === '' ? '' : ` ${after.trimStart()}`)
}

/** The text without all filters of these kinds. */
export function without(text: string, ...keys: FilterKey[]): string {
  return filtersOf(text)
    .filter((word) => keys.includes(word.key))
    .reverse()
    .reduce(withoutFilter, text)
}

/** The value of the filter of this kind; empty if there is none. */
export function valueOf(filters: readonly FilterWord[], key: FilterKey): string {
  return filters.find((word) => word.key === key && !word.negated)?.value ?? ''
}

/** Whether there is such a filter. */
export function hasFilter(filters: readonly FilterWord[], key: FilterKey, value: string): boolean {
  return filters.some((word) => word.key === key && !word.negated && sameValue(word.value, value))
}

function sameValue(one: string, other: string): boolean {
  return one.toLowerCase() === other.replaceAll('"', ' ').replace(/\s+/g, ' ').trim().toLowerCase()
}

/** Whether the core understands this as a day, a month or a year, or counted back from today. */
export function isMoment(text: string): boolean {
  const words = text.trim().toLowerCase()
  if (/^(today|yesterday|\d{1,4}[dwmy])$/.test(words)) return true
  const [, year, month = '01', day = '01'] = /^(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?$/.exec(words) ?? []
  if (!year) return false
  const at = new Date(`${year}-${month}-${day}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(`${year}-${month}-${day}`)
}
