/** A summary as text for the clipboard. */
import { clock } from '../lib/format'
import type { SummaryView } from '../lib/types'

/** Titles, and below each a line for each statement with its time, who does it and by when. */
export function asText({ sections }: SummaryView, withHours: boolean): string {
  const line = (statement: SummaryView['sections'][number]['statements'][number]) => {
    const [source] = statement.sources
    const time = source ? `[${clock(source.start_ms, withHours)}] ` : ''
    const told = [statement.owner, statement.due].filter((part) => part).join(', ')
    return `- ${time}${statement.text}${told === '' ? '' : ` (${told})`}`
  }
  const section = (one: SummaryView['sections'][number]) =>
    [one.title, ...one.statements.map(line)].join('\n')
  return sections.map(section).join('\n\n')
}
