/** The menus of folders and tags. */
import FolderInput from '@lucide/svelte/icons/folder-input'
import FolderPlus from '@lucide/svelte/icons/folder-plus'
import Pencil from '@lucide/svelte/icons/pencil'
import Trash from '@lucide/svelte/icons/trash-2'
import { t } from '../lib/messages'
import type { LibraryState } from '../library/library-state.svelte'
import type { MenuItem } from '../ui/Menu.svelte'
import type { PlaceRow } from './place-rows'

/** Empty for a place that is neither a folder nor a tag. */
export function placeItems({ folder, tag }: PlaceRow, { dialogs }: LibraryState): MenuItem[] {
  if (folder)
    return [
      {
        label: t('places.rename'),
        icon: Pencil,
        keys: t('keys.key.rename'),
        onselect: () => dialogs.ask({ kind: 'rename-folder', folder }),
      },
      {
        label: t('places.new-folder.inside'),
        icon: FolderPlus,
        onselect: () => dialogs.ask({ kind: 'add-folder', parent: folder.id, ids: [] }),
      },
      {
        label: t('organise.move'),
        icon: FolderInput,
        onselect: () => dialogs.ask({ kind: 'move-folder', folder }),
      },
      {
        label: t('places.delete-folder'),
        icon: Trash,
        danger: true,
        onselect: () => dialogs.ask({ kind: 'delete-folder', folder }),
      },
    ]
  if (tag)
    return [
      {
        label: t('places.change-tag'),
        icon: Pencil,
        keys: t('keys.key.rename'),
        onselect: () => dialogs.ask({ kind: 'change-tag', tag }),
      },
      {
        label: t('places.delete-tag'),
        icon: Trash,
        danger: true,
        onselect: () => dialogs.ask({ kind: 'delete-tag', tag }),
      },
    ]
  return []
}
