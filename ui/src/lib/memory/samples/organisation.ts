/** Folders and tags that tests and the page of states show. */
import type { FolderView, TagView } from '../../types'

export function sampleFolder(id: string, name: string, parent_id: string | null = null): FolderView {
  return { id, name, parent_id, meetings: 0 }
}

export function sampleTag(id: string, name: string, colour: string): TagView {
  return { id, name, colour, meetings: 0 }
}
