import { expect, test } from 'vitest'
import { sampleSpeaker } from '../lib/memory'
import { pathsOf } from './turns'

const turn = (speaker: number, start: number, end: number) => ({
  speaker_id: `speaker-${speaker}`,
  start_ms: start,
  end_ms: end,
  confidence: null,
  overlap: false,
})

test('each speaker is one path; the shortest turn is visible', () => {
  const speakers = [sampleSpeaker(1), sampleSpeaker(2), sampleSpeaker(3)]
  const turns = [turn(1, 0, 500), turn(1, 500, 1000), turn(2, 1000, 1001), turn(1, 2000, 4000)]
  expect(pathsOf(speakers, turns, 4000).map(({ d }) => d)).toEqual([
    'M0 0h500v6H0zM1000 0h1000v6H1000z',
    'M500 0h1v6H500z',
    '',
  ])
  expect(pathsOf(speakers, turns, 0).every(({ d }) => d === '')).toBe(true)
})

test('where two speak, each has half of the strip', () => {
  const speakers = [sampleSpeaker(1), sampleSpeaker(2)]
  const turns = [turn(1, 0, 3000), turn(2, 1000, 2000), turn(2, 2900, 4000)]
  expect(pathsOf(speakers, turns, 4000).map(({ speaker, d }) => `${speaker.number} ${d}`)).toEqual([
    '1 M0 0h1500v6H0z',
    '2 M500 0h500v6H500zM1450 0h550v6H1450z',
    '1 M500 0h500v3H500z',
    '2 M500 3h500v3H500z',
  ])
  // An overlap of a tenth of a second is not drawn.
  expect(pathsOf(speakers, turns.slice(2), 4000)).toHaveLength(2)
})

test('five thousand turns are drawn quickly, and within the strip', () => {
  const turns = Array.from({ length: 5000 }, (_, index) =>
    turn(1 + (index % 9), index * 2000, index * 2000 + 1900),
  )
  const speakers = Array.from({ length: 9 }, (_, index) => sampleSpeaker(index + 1))
  const began = performance.now()
  const paths = pathsOf(speakers, turns, 10_000_000)
  expect(performance.now() - began).toBeLessThan(200)
  expect(
    Math.max(...paths.flatMap(({ d }) => [...d.matchAll(/H(\d+)/g)].map(([, x]) => Number(x)))),
  ).toBeLessThan(2000)
})
