import { describe, expect, test } from 'vitest'
import { sampleFolder, sampleJob } from '../lib/memory'
import { fitsIn, pathsOf, treeOf } from './places'

const folders = [
  sampleFolder('b', 'Work 10'),
  sampleFolder('a', 'work 2'),
  sampleFolder('c', 'Clients', 'b'),
  sampleFolder('d', 'Berlin', 'c'),
]
const tree = treeOf(folders)

describe('the tree of folders', () => {
  test('has each folder below the one that it is in, siblings by name', () => {
    expect(tree.map(({ folder, depth, path }) => [folder.id, depth, path])).toEqual([
      ['a', 0, 'work 2'],
      ['b', 0, 'Work 10'],
      ['c', 1, 'Work 10 / Clients'],
      ['d', 2, 'Work 10 / Clients / Berlin'],
    ])
    expect(tree.map(({ hasChildren }) => hasChildren)).toEqual([false, true, true, false])
    expect(pathsOf(tree).get('c')).toEqual({ rank: 2, path: 'Work 10 / Clients' })
  })

  test('leaves out folders whose parents are not known', () => {
    expect(treeOf([sampleFolder('x', 'X', 'gone')])).toEqual([])
  })
})

describe('a place', () => {
  const job = sampleJob({ folder_id: 'd', tags: ['t'], favourite: true })
  test.each([
    [{ kind: 'all' } as const, true],
    [{ kind: 'favourites' } as const, true],
    [{ kind: 'folder', id: 'd' } as const, true],
    [{ kind: 'folder', id: 'b' } as const, true],
    [{ kind: 'folder', id: 'a' } as const, false],
    [{ kind: 'folder', id: 'gone' } as const, false],
    [{ kind: 'tag', id: 't' } as const, true],
    [{ kind: 'tag', id: 'other' } as const, false],
  ])('%j has the meeting: %s', (place, expected) => expect(fitsIn(place, tree)(job)).toBe(expected))
})
