/** The menu of what can be done to one or many meetings. */
import AudioLines from '@lucide/svelte/icons/audio-lines'
import FolderInput from '@lucide/svelte/icons/folder-input'
import Star from '@lucide/svelte/icons/star'
import StarOff from '@lucide/svelte/icons/star-off'
import Tags from '@lucide/svelte/icons/tags'
import Trash from '@lucide/svelte/icons/trash-2'
import Upload from '@lucide/svelte/icons/upload'
import Users from '@lucide/svelte/icons/users'
import { t } from '../lib/messages'
import type { LibraryState } from '../library/library-state.svelte'
import type { MenuItem } from '../ui/Menu.svelte'

/** Where they belong: favourites, folder, tags. */
export function orderItems(library: LibraryState, ids: readonly string[]): MenuItem[] {
  const { archive, dialogs, organising } = library
  const isFavourite = ids.every((id) => archive.get(id)?.favourite)
  return [
    {
      label: t(isFavourite ? 'organise.no-favourite' : 'organise.favourite'),
      icon: isFavourite ? StarOff : Star,
      onselect: () => void organising.toggleFavourite(ids),
    },
    { label: t('organise.move'), icon: FolderInput, onselect: () => dialogs.ask({ kind: 'move', ids }) },
    { label: t('organise.tags'), icon: Tags, onselect: () => dialogs.ask({ kind: 'tags', ids }) },
  ]
}

/** Work on all of them: export and recognition. `ids` is asked when one is chosen: many are sorted then. */
export function workItems(library: LibraryState, ids: () => readonly string[]): MenuItem[] {
  const { dialogs, organising } = library
  return [
    { label: t('organise.export'), icon: Upload, onselect: () => library.exportMeetings(ids()) },
    { label: t('again.menu'), icon: AudioLines, onselect: () => dialogs.ask({ kind: 'again', ids: ids() }) },
    {
      label: t('organise.speakers-again.do'),
      icon: Users,
      onselect: () => void organising.diarizeAgain(ids()),
    },
  ]
}

export function trashItem(library: LibraryState, ids: readonly string[]): MenuItem {
  return {
    label: t('organise.trash'),
    icon: Trash,
    danger: true,
    onselect: () => void library.organising.trash(ids),
  }
}

export function meetingItems(library: LibraryState, ids: readonly string[]): MenuItem[] {
  return [...orderItems(library, ids), ...workItems(library, () => ids), trashItem(library, ids)]
}
