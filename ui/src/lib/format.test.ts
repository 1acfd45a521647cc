import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  clock,
  dayHeading,
  dayKey,
  doneOf,
  duration,
  language,
  localDateTime,
  recordedAt,
  recordedDay,
  sentence,
  speed,
  timeLeft,
} from './format'

beforeAll(() => void vi.stubEnv('TZ', 'Europe/Berlin'))
afterAll(() => void vi.unstubAllEnvs())

test.each([
  [0, undefined, '0:00'],
  [-5, undefined, '0:00'],
  [59_999, undefined, '0:59'],
  [3_599_999, undefined, '59:59'],
  [3_600_000, undefined, '1:00:00'],
  [12_000, true, '0:00:12'],
  [36_754_000, true, '10:12:34'],
])('clock of %d ms', (ms, withHours, text) => {
  expect(clock(ms, withHours)).toBe(text)
})

test.each([
  [0, '1 s'],
  [11_400, '11 s'],
  [59_600, '1 min'],
  [2_890_000, '48 min'],
  [3_590_000, '1 h'],
  [3_600_000, '1 h'],
  [4_320_000, '1 h 12 min'],
])('duration of %d ms', (ms, text) => {
  expect(duration(ms)).toBe(text)
})

describe('days', () => {
  test('are those of this computer', () => {
    expect(dayKey('2026-03-02T22:59:59Z')).toBe('2026-03-02')
    expect(dayKey('2026-03-02T23:00:00Z')).toBe('2026-03-03')
    expect(dayKey('2026-03-02T20:00:00-05:00')).toBe('2026-03-03')
    expect(dayKey('2026-07-02T22:00:00Z')).toBe('2026-07-03')
  })

  test.each([
    ['2026-04-01', 'Today'],
    ['2026-03-31', 'Yesterday'],
    ['2026-03-30', 'Monday'],
    ['2026-03-26', 'Thursday'],
    ['2026-03-25', '25 March'],
    ['2025-12-24', '24 December 2025'],
    ['2026-04-02', '2 April'],
  ])('%s is headed %s', (key, heading) => {
    // Three days after the clocks went forward, just after local midnight.
    expect(dayHeading(key, new Date('2026-03-31T22:30:00Z'))).toBe(heading)
  })
})

test.each([
  ['2026-03-03T14:05:00+01:00', '3 Mar 2026, 14:05'],
  ['2026-07-03T14:05:00+02:00', '3 Jul 2026, 14:05'],
  ['2026-07-03T14:05:00+01:00', '3 Jul 2026, 14:05 (UTC+1)'],
  ['2026-03-02T23:30:00-05:00', '2 Mar 2026, 23:30 (UTC−5)'],
  ['2026-03-02T23:30:00+05:30', '2 Mar 2026, 23:30 (UTC+5:30)'],
  ['2024-12-31T23:30:00Z', '1 Jan 2025, 00:30'],
  ['2026-07-02T22:30:00+00:00', '3 Jul 2026, 00:30'],
])('recorded at %s', (at, text) => {
  expect(recordedAt(at)).toBe(text)
})

test.each([
  ['2024-12-31T23:30:00Z', '2025-01-01'],
  ['2026-03-03T00:30:00+09:00', '2026-03-03'],
  ['2026-03-02T23:30:00-05:00', '2026-03-02'],
])('the day of what was recorded at %s is %s', (at, day) => {
  expect(recordedDay(at)).toBe(day)
})

test.each([
  [0, 'less than a minute left'],
  [59_999, 'less than a minute left'],
  [60_000, 'about 1 min left'],
  [170_000, 'about 3 min left'],
  [89 * 60_000, 'about 89 min left'],
  [90 * 60_000, 'about 2 h left'],
])('time left of %d ms', (ms, text) => {
  expect(timeLeft(ms)).toBe(text)
})

test('progress is shown as times', () => {
  expect(doneOf(750_000, 2_890_000)).toBe('12:30 of 48:10')
  expect(doneOf(750_000, 7_200_000)).toBe('0:12:30 of 2:00:00')
  expect(doneOf(750_000, null)).toBe('12:30')
  expect(speed(0.16)).toBe('6.3× real time')
  expect(speed(2)).toBe('0.5× real time')
})

test('languages have names', () => {
  expect(language('en')).toBe('English')
  expect(language('pt-BR')).toBe('Brazilian Portuguese')
  expect(language('no language')).toBe('no language')
})

test('a clause becomes a sentence', () => {
  expect(sentence('the file ends early: 3.1 s could be read')).toBe(
    'The file ends early: 3.1 s could be read.',
  )
  expect(sentence('panel.wav has no audio')).toBe('panel.wav has no audio.')
  expect(sentence('Enough.')).toBe('Enough.')
})

test('a point in time is shown in the time zone of this computer', () => {
  expect(localDateTime('2026-03-02T23:30:00.000Z')).toBe('3 Mar 2026, 00:30')
})
