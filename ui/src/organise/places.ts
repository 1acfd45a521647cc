/** The places of the library: all meetings, favourites, a folder, or a tag. */
import type { FolderPaths } from '../library/arrangement'
import type { FolderView, JobView } from '../lib/types'

export type Place =
  { kind: 'all' } | { kind: 'favourites' } | { kind: 'folder'; id: string } | { kind: 'tag'; id: string }

export const EVERYTHING: Place = { kind: 'all' }

/** A folder in the tree. */
export type FolderNode = {
  folder: FolderView
  /** 0 at the top. */
  depth: number
  /** Its name with those above it: “Work / Clients”. */
  path: string
  hasChildren: boolean
  /** Ids of this folder and of all below it. */
  within: ReadonlySet<string>
}

/** The folders as a tree, each followed by those in it; siblings by name. */
export function treeOf(folders: readonly FolderView[]): FolderNode[] {
  const children = new Map<string | null, FolderView[]>()
  for (const folder of folders) {
    const beside = children.get(folder.parent_id) ?? []
    beside.push(folder)
    children.set(folder.parent_id, beside)
  }
  const nodes: FolderNode[] = []
  const add = (parent: string | null, depth: number, above: string): string[] =>
    (children.get(parent) ?? []).sort(byName).flatMap((folder) => {
      const path = above === '' ? folder.name : `${above} / ${folder.name}`
      const own = { folder, depth, path, hasChildren: children.has(folder.id), within: new Set<string>() }
      nodes.push(own)
      const below = [folder.id, ...add(folder.id, depth + 1, path)]
      for (const id of below) own.within.add(id)
      return below
    })
  add(null, 0, '')
  return nodes
}

export function pathsOf(tree: readonly FolderNode[]): FolderPaths {
  return new Map(tree.map(({ folder, path }, rank) => [folder.id, { rank, path }]))
}

/** Whether a meeting is in a place. A folder has the meetings of the folders in it, too. */
export function fitsIn(place: Place, tree: readonly FolderNode[]): (job: JobView) => boolean {
  switch (place.kind) {
    case 'all':
      return () => true
    case 'favourites':
      return (job) => job.favourite
    case 'folder': {
      const within = tree.find(({ folder }) => folder.id === place.id)?.within
      return (job) => job.folder_id !== null && within?.has(job.folder_id) === true
    }
    case 'tag':
      return (job) => job.tags.includes(place.id)
  }
}

export function samePlace(one: Place, other: Place): boolean {
  return one.kind === other.kind && idOf(one) === idOf(other)
}

function idOf(place: Place): string | null {
  return 'id' in place ? place.id : null
}

function byName(a: FolderView, b: FolderView): number {
  return a.name.localeCompare(b.name, 'en', { numeric: true, sensitivity: 'base' })
}
