/** The rows of the tree of places. */
import { t } from '../lib/messages'
import type { FolderView, TagView } from '../lib/types'
import { dropText } from './meeting-drag.svelte'
import type { Organisation } from './organisation.svelte'
import { EVERYTHING, type Place } from './places'

export type PlaceRow = {
  key: string
  label: string
  /** Where a press leads; the trash is a page. */
  to: Place | 'trash'
  /** 1 at the top. */
  level: number
  count: number
  /** Whether the folders in it are shown; null if there are none. */
  expanded: boolean | null
  folder?: FolderView
  tag?: TagView
  /** What can be dropped on it is told by this text; null: nothing can. */
  drop: string | null
}

/** The rows that are shown: those in a folder that is closed are not. */
export function rowsOf(organisation: Organisation, trashed: number, closed: ReadonlySet<string>): PlaceRow[] {
  const place = (to: Place, label: string, change: Partial<PlaceRow>): PlaceRow => ({
    key: '',
    label,
    to,
    level: 1,
    count: organisation.count(to),
    expanded: null,
    drop: null,
    ...change,
  })
  const rows = [
    place(EVERYTHING, t('places.all'), { key: 'all' }),
    place({ kind: 'favourites' }, t('places.favourites'), {
      key: 'favourites',
      drop: dropText({ kind: 'favourites' }),
    }),
  ]
  let hiddenBelow = Infinity
  for (const { folder, depth, hasChildren } of organisation.tree) {
    if (depth > hiddenBelow) continue
    const isClosed = closed.has(folder.id)
    hiddenBelow = hasChildren && isClosed ? depth : Infinity
    const to = { kind: 'folder', id: folder.id } as const
    rows.push(
      place(to, folder.name, {
        key: `folder-${folder.id}`,
        level: depth + 1,
        expanded: hasChildren ? !isClosed : null,
        folder,
        drop: dropText(to),
      }),
    )
  }
  for (const tag of organisation.tags) {
    const to = { kind: 'tag', id: tag.id } as const
    rows.push(place(to, tag.name, { key: `tag-${tag.id}`, tag, drop: dropText(to) }))
  }
  rows.push({
    key: 'trash',
    label: t('places.trash'),
    to: 'trash',
    level: 1,
    count: trashed,
    expanded: null,
    drop: dropText({ kind: 'trash' }),
  })
  return rows
}
