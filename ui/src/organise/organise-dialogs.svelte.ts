/** Which dialog about folders, tags and many meetings is open. `OrganiseDialogs.svelte` shows them. */
import type { FolderView, TagView } from '../lib/types'

export type OrganiseDialog =
  /** Choose a folder for meetings. */
  | { kind: 'move'; ids: readonly string[] }
  /** Choose the tags of meetings; without meetings, only look after the tags. */
  | { kind: 'tags'; ids: readonly string[] }
  /** A new folder in `parent`; then `ids` move there. */
  | { kind: 'add-folder'; parent: string | null; ids: readonly string[] }
  | { kind: 'rename-folder'; folder: FolderView }
  | { kind: 'move-folder'; folder: FolderView }
  | { kind: 'delete-folder'; folder: FolderView }
  | { kind: 'change-tag'; tag: TagView }
  | { kind: 'delete-tag'; tag: TagView }
  | { kind: 'again'; ids: readonly string[] }

export class OrganiseDialogs {
  /** What is asked. Stays set while its dialog closes. */
  asked = $state.raw<OrganiseDialog | null>(null)
  open = $state(false)

  ask(dialog: OrganiseDialog): void {
    this.asked = dialog
    this.open = true
  }

  close(): void {
    this.open = false
  }
}
