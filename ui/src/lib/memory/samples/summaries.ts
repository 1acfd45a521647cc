/** Summaries of meetings. */
import type { SegmentView, SummaryView } from '../../types'

type Statement = SummaryView['sections'][number]['statements'][number]

/** An extract of the first lines, with `change`. */
export function sampleSummary(
  id: string,
  lines: readonly SegmentView[],
  change: Partial<SummaryView> = {},
): SummaryView {
  const statement = (line: SegmentView, more: Partial<Statement> = {}): Statement => ({
    text: line.text,
    support: 'found',
    sources: [{ segment_id: line.id, start_ms: line.start_ms, end_ms: line.end_ms, quote: line.text }],
    ...more,
  })
  const [first, second, third] = lines
  const sections = [
    {
      title: 'Key sentences',
      statements: [first, second].flatMap((line) => (line ? [statement(line)] : [])),
    },
    {
      title: 'Tasks',
      statements: third ? [statement(third, { owner: 'Anna', due: 'Friday' })] : [],
    },
  ]
  return {
    summary_id: 'summary-1',
    job_id: id,
    kind: 'extract',
    template: null,
    engine: 'extract',
    model: null,
    language: 'en',
    covered: { from_ms: 0, to_ms: lines.at(-1)?.end_ms ?? 0, share: 1 },
    sections: sections.filter(({ statements }) => statements.length > 0),
    created_at: '2026-03-03T11:00:00.000Z',
    revision: 1,
    edited_at: null,
    is_out_of_date: false,
    changed: [],
    ...change,
  }
}
