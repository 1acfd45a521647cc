import { describe, expect, test } from 'vitest'
import { sampleImport } from '../lib/memory-client'
import type { DropView, ImportView } from '../lib/types'
import { dropWords, outcome, progressWords } from './words'

const folder = (recordings: number, counted = true, name = 'Interviews') => ({ name, recordings, counted })
const drop = (change: Partial<DropView>): DropView => ({
  recordings: 0,
  folders: [],
  unsuitable: [],
  ...change,
})

describe('what a drop would do', () => {
  test.each<[Partial<DropView>, string, string]>([
    [{ recordings: 1 }, 'Add 1 recording', 'recordings'],
    [{ recordings: 3 }, 'Add 3 recordings', 'recordings'],
    [{ folders: [folder(214)] }, 'Add folder: 214 recordings found', 'folder'],
    [{ folders: [folder(1)] }, 'Add folder: 1 recording found', 'folder'],
    [{ folders: [folder(2000, false)] }, 'Add folder: at least 2,000 recordings found', 'folder'],
    [{ folders: [folder(2), folder(3)] }, 'Add 2 folders: 5 recordings found', 'folder'],
    [
      { recordings: 3, folders: [folder(214)] },
      'Add 3 recordings and a folder: 214 recordings found',
      'recordings',
    ],
    [{ unsuitable: ['This file has no sound'] }, 'This file has no sound', 'nothing'],
    [{ unsuitable: ['A.', 'B.'] }, 'None of these files can be added', 'nothing'],
    [{ folders: [folder(0)] }, 'No recordings found in “Interviews”', 'nothing'],
    [{ folders: [folder(0), folder(0)] }, 'No recordings found', 'nothing'],
    [{}, 'No recordings found', 'nothing'],
  ])('%j: %s', (change, title, icon) => {
    const words = dropWords(drop(change))
    expect(words.title).toBe(title)
    expect(words.icon).toBe(icon)
    expect(words.takes).toBe(icon !== 'nothing')
  })

  test('names what cannot be added beside what can, and not all of many', () => {
    const unsuitable = ['A.', 'B.', 'C.', 'D.', 'E.']
    expect(dropWords(drop({ recordings: 1, unsuitable }))).toMatchObject({
      takes: true,
      title: 'Add 1 recording',
      lines: ['5 files cannot be added:', 'A.', 'B.', 'C.', 'and 2 more'],
    })
  })
})

describe('what an import did', () => {
  const duplicate = { file_name: 'a.wav', job_id: 'there', title: 'Team call', healed: false }
  const ended = (change: Partial<ImportView>) => outcome(sampleImport({ state: 'finished', ...change }))

  test('is one line of what was added, was there, and was refused', () => {
    const result = ended({
      imported: ['a', 'b', 'c'],
      duplicates: [duplicate],
      refused: ['A.', 'B.'],
      refused_count: 2,
    })
    expect(result.words).toBe('3 added · 1 was already here · 2 could not be added')
    expect(result.open).toBeNull()
    expect(result.needsNoWords).toBe(false)
  })

  test('a single new recording opens and needs no words', () => {
    expect(ended({ imported: ['new'] })).toMatchObject({ open: 'new', needsNoWords: true })
  })

  test('a new recording beside a refused one needs words', () => {
    const result = ended({ imported: ['new'], refused: ['A.'], refused_count: 1 })
    expect(result).toMatchObject({ open: null, needsNoWords: false })
  })

  test('a single duplicate opens what is there and says so', () => {
    const result = ended({ duplicates: [duplicate] })
    expect(result).toMatchObject({ open: 'there', words: '“Team call” is already here', needsNoWords: false })
  })

  test('a duplicate that brought the sound back says that', () => {
    const result = ended({ duplicates: [{ ...duplicate, healed: true }] })
    expect(result.words).toBe('“Team call” is already here. Its sound was missing and is back now.')
  })

  test('counts beyond the sentences that are kept', () => {
    expect(ended({ refused: ['A.'], refused_count: 1501 }).words).toBe('1,501 could not be added')
  })

  test('says when nothing was found', () => {
    expect(ended({}).words).toBe('No recordings were found')
    expect(ended({ skipped: ['A.'], skipped_count: 1 }).words).toBe(
      'No recordings were found · 1 other file was left alone',
    )
  })

  test('says where it was stopped', () => {
    const result = ended({ state: 'stopped', done: 300, total: 1000, imported: ['a'] })
    expect(result.words).toBe('Import stopped at 300 of 1,000 · 1 added')
    expect(result.open).toBeNull()
  })

  test('says why it failed', () => {
    expect(ended({ state: 'failed', message: 'The disk is full.' }).words).toBe('The disk is full.')
  })
})

test.each<[Partial<ImportView>, string]>([
  [{ state: 'listing' }, 'Looking for recordings …'],
  [{ done: 300, total: 1000 }, 'Adding 300 of 1,000'],
  [{ done: 3 }, 'Adding recordings: 3 so far'],
])('an import that goes on: %j is “%s”', (change, words) => {
  expect(progressWords(sampleImport(change))).toBe(words)
})
