import { describe, expect, test } from 'vitest'
import { sampleImport } from '../lib/memory'
import type { DropView, ImportView } from '../lib/types'
import { dropText, outcome, progressText } from './texts'

const folder = (recordings: number, counted = true, name = 'Interviews') => ({ name, recordings, counted })
const drop = (change: Partial<DropView>): DropView => ({
  recordings: 0,
  folders: [],
  unsuitable: [],
  ...change,
})

describe('the preview of a drop', () => {
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
    const text = dropText(drop(change))
    expect(text.title).toBe(title)
    expect(text.icon).toBe(icon)
    expect(text.accepts).toBe(icon !== 'nothing')
  })

  test('lists the first few files that cannot be added', () => {
    const unsuitable = ['A.', 'B.', 'C.', 'D.', 'E.']
    expect(dropText(drop({ recordings: 1, unsuitable }))).toMatchObject({
      accepts: true,
      title: 'Add 1 recording',
      lines: ['5 files cannot be added:', 'A.', 'B.', 'C.', 'and 2 more'],
    })
  })
})

describe('what an import did', () => {
  const duplicate = {
    file_name: 'a.wav',
    job_id: 'there',
    title: 'Team call',
    healed: false,
    restored: false,
  }
  const ended = (change: Partial<ImportView>) => outcome(sampleImport({ state: 'finished', ...change }))

  test('says in one line what was added, what was already there and what was refused', () => {
    const result = ended({
      imported: ['a', 'b', 'c'],
      duplicates: [duplicate],
      refused: ['A.', 'B.'],
      refused_count: 2,
    })
    expect(result.text).toBe('3 added · 1 was already in your library · 2 could not be added')
    expect(result.open).toBeNull()
    expect(result.isSelfEvident).toBe(false)
  })

  test('a single new recording opens and is self-evident', () => {
    expect(ended({ imported: ['new'] })).toMatchObject({ open: 'new', isSelfEvident: true })
  })

  test('a new recording next to a refused one is not self-evident', () => {
    const result = ended({ imported: ['new'], refused: ['A.'], refused_count: 1 })
    expect(result).toMatchObject({ open: null, isSelfEvident: false })
  })

  test('a single duplicate opens the existing meeting and says so', () => {
    const result = ended({ duplicates: [duplicate] })
    expect(result).toMatchObject({
      open: 'there',
      text: '“Team call” is already in your library',
      isSelfEvident: false,
    })
  })

  test('a duplicate that restored missing audio says so', () => {
    const result = ended({ duplicates: [{ ...duplicate, healed: true }] })
    expect(result.text).toBe(
      '“Team call” is already in your library. Its audio was missing and has been restored.',
    )
  })

  test('a duplicate that was in the trash says that it is back', () => {
    const result = ended({ duplicates: [{ ...duplicate, restored: true }] })
    expect(result.text).toBe('“Team call” was in the trash and is back in your library.')
  })

  test('counts refused files beyond the listed ones', () => {
    expect(ended({ refused: ['A.'], refused_count: 1501 }).text).toBe('1,501 could not be added')
  })

  test('says when nothing was found', () => {
    expect(ended({}).text).toBe('No recordings were found')
    expect(ended({ skipped: ['A.'], skipped_count: 1 }).text).toBe(
      'No recordings were found · 1 other file was skipped',
    )
  })

  test('says where it was stopped', () => {
    const result = ended({ state: 'stopped', done: 300, total: 1000, imported: ['a'] })
    expect(result.text).toBe('Import stopped at 300 of 1,000 · 1 added')
    expect(result.open).toBeNull()
  })

  test('says why it failed', () => {
    expect(ended({ state: 'failed', message: 'The disk is full.' }).text).toBe('The disk is full.')
  })
})

test.each<[Partial<ImportView>, string]>([
  [{ state: 'listing' }, 'Looking for recordings …'],
  [{ done: 300, total: 1000 }, 'Adding 300 of 1,000'],
  [{ done: 3 }, 'Adding recordings: 3 so far'],
])('the progress of an import: %j is “%s”', (change, text) => {
  expect(progressText(sampleImport(change))).toBe(text)
})
