import { sampleSummary, type Seed } from '../../lib/memory'
import type { SummaryView } from '../../lib/types'
import { openAnd, pressAt } from './actions'
import { first, lines, withText } from './samples'
import type { Scenes } from './scene'

const sample = sampleSummary(first.id, lines)
const [keySentences, tasks] = sample.sections

/** A summary of a language model, of which one statement has no source and another one was edited. */
const ofModel: SummaryView = {
  ...sample,
  summary_id: 'summary-2',
  kind: 'model',
  template: 'General',
  engine: 'llama.cpp',
  model: 'A small model',
  sections: [
    { title: 'Summary', statements: [...(keySentences?.statements ?? [])] },
    {
      title: 'Decisions',
      statements: [
        { text: 'The committee approved 40 000 euros.', support: 'not_found', sources: [] },
        ...(tasks?.statements ?? []).map((statement) => ({ ...statement, edited: true })),
      ],
    },
  ],
}

const withSummary: Seed = { ...withText, summaries: { [first.id]: [sample] } }

export const summaryScenes: Scenes = {
  summary: { seed: withText, then: () => openAnd('Summary') },
  'summary-versions': {
    seed: { ...withText, summaries: { [first.id]: [ofModel, sample] } },
    then: () => openAnd('Summary'),
  },
  'summary-out-of-date': {
    seed: withSummary,
    then: (client) => {
      client.outdateSummaries(first.id, [
        { start_ms: 0, end_ms: 3_000, speaker: 'Anna', text: 'Good evening.' },
      ])
      openAnd('Summary')
    },
  },
  'summary-editing': {
    seed: withSummary,
    then: () => {
      openAnd('Summary')
      setTimeout(() => pressAt('[aria-label="Edit this statement"]'), 300)
    },
  },
  'summary-nothing': {
    seed: { ...withText, summaries: { [first.id]: [{ ...sample, sections: [] }] } },
    then: () => openAnd('Summary'),
  },
  'summary-making': {
    seed: withText,
    then: (client) => {
      client.hold('extractSummary')
      openAnd('Summary')
    },
  },
  'summary-failed': {
    seed: withText,
    then: (client) => {
      client.fail('extractSummary', { message: 'The database does not answer.' })
      openAnd('Summary')
    },
  },
}
