/** A meeting with several versions of its transcript. */
import { retiredVersion, sampleTranscript, sampleVersion, type Seed } from '../../lib/memory'
import type { SegmentView } from '../../lib/types'
import { first, lines, withText, small, withSmall } from './samples'

/** The same lines as an older engine recognised them. */
const olderLines: SegmentView[] = lines.map((line, index) => ({
  ...line,
  id: `draft-${index}`,
  text:
    index % 4 === 1
      ? line.text
      : line.text
          .replace('the numbers', 'the members')
          .replace('is not that', 'is that')
          .replace('the harbour', 'the hard core')
          .replace('something', 'some thing')
          .replace('thank you for', 'thank for')
          .replace(' by Friday', ''),
}))
export const doubtful = lines.map((line, index): SegmentView =>
  index === 2
    ? { ...line, doubt: 'repetition' }
    : index === 4
      ? { ...line, text: line.text.replace(/ .*$/, ' щ\u0302\ufffd\ufffd'), doubt: 'garbled' }
      : index % 17 === 5
        ? { ...line, doubt: 'invented' }
        : line,
)
export const withVersions: Seed = {
  ...withText,
  models: withSmall,
  transcripts: {
    [first.id]: sampleTranscript(doubtful, {
      id: 'version-2',
      version: 2,
      model: small,
      model_title: 'Whisper small',
      doubtful_lines: doubtful.filter((line) => line.doubt).length,
    }),
  },
  versions: {
    [first.id]: [
      {
        view: sampleVersion({
          id: 'version-3',
          number: 3,
          current: false,
          state: 'unfinished',
          model: 'whisper-large-v3-turbo-Q8_0',
          model_title: 'Whisper large-v3-turbo',
          model_here: false,
          language: 'de',
          done_ms: 750_000,
          work_ms: 610_000,
          words: 2_013,
          doubtful_lines: 1,
          completed_at: null,
        }),
        lines: lines.slice(0, 12),
      },
      {
        view: sampleVersion({
          doubtful_lines: doubtful.filter((line) => line.doubt).length,
          vocabulary: ['Østergaard'],
        }),
        lines: doubtful,
      },
      {
        view: retiredVersion(),
        lines: olderLines,
      },
    ],
  },
}
