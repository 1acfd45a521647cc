/** Texts about a search: its filters, how much was found, and what to try if nothing was. */
import { language, localDay } from '../lib/format'
import { t } from '../lib/messages'
import type { SearchResults } from '../lib/types'
import { filtersOf, wordsOf, type FilterWord } from './query'

/** What a filter asks for: “Said by Anna”. */
export function filterText(word: FilterWord): string {
  const text = positiveText(word)
  return word.negated ? t('search.filters.negated', { filter: text }) : text
}

function positiveText({ key, value }: FilterWord): string {
  const lower = value.toLowerCase()
  switch (key) {
    case 'from':
    case 'to':
      return t(`search.chip.${key}`, { value: momentText(value) })
    case 'language':
      return t('search.chip.language', { value: /^[a-z]{2,3}$/.test(lower) ? language(lower) : value })
    case 'has':
      if (lower === 'note' || lower === 'summary') return t(`search.chip.has.${lower}`)
      return t('search.chip.has', { value })
    case 'is':
      return lower === 'favourite' ? t('search.chip.is.favourite') : t('search.chip.is', { value })
    default:
      return t(`search.chip.${key}`, { value })
  }
}

/** A day as it is shown elsewhere; a month, a year and “7d” as they are written. */
function momentText(value: string): string {
  return /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value))
    ? localDay(`${value}T12:00:00`)
    : value
}

/** How many meetings were found, for the text that was searched. */
export function countText(results: SearchResults, text: string): string {
  const { total: count } = results
  if (!results.total_is_exact) return t('search.count.at-most', { count })
  return t(wordsOf(text) === '' ? 'search.count.filters' : 'search.count', { count })
}

/** What to try when nothing was found. */
export function adviceFor(text: string): string[] {
  const words = wordsOf(text)
  return [
    ...(words.includes('"') ? [t('search.none.phrase')] : []),
    ...(filtersOf(text).length > 0 ? [t('search.none.filters')] : []),
    ...(words === '' ? [] : [t('search.none.words')]),
  ]
}
