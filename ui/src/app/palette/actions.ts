/** The commands of the palette: one list, in the order in which it shows them. */
import type { LucideIcon } from '@lucide/svelte'
import AudioLines from '@lucide/svelte/icons/audio-lines'
import Boxes from '@lucide/svelte/icons/boxes'
import Brush from '@lucide/svelte/icons/brush-cleaning'
import CircleHelp from '@lucide/svelte/icons/circle-help'
import Database from '@lucide/svelte/icons/database'
import DatabaseBackup from '@lucide/svelte/icons/database-backup'
import FileCheck from '@lucide/svelte/icons/file-check'
import FolderPlus from '@lucide/svelte/icons/folder-plus'
import Info from '@lucide/svelte/icons/info'
import List from '@lucide/svelte/icons/list'
import Play from '@lucide/svelte/icons/play'
import Plus from '@lucide/svelte/icons/plus'
import Search from '@lucide/svelte/icons/search'
import Settings from '@lucide/svelte/icons/settings'
import TextSearch from '@lucide/svelte/icons/text-search'
import Trash from '@lucide/svelte/icons/trash-2'
import Upload from '@lucide/svelte/icons/upload'
import UsersRound from '@lucide/svelte/icons/users-round'
import { t, type MessageKey } from '../../lib/messages'
import { withCommand, withShiftAndCommand } from '../../ui/keys'

/** What the commands do. Null: not now, so that the palette leaves the command out. */
export type PaletteCommands = Record<
  | 'search'
  | 'addFiles'
  | 'addFolder'
  | 'models'
  | 'people'
  | 'backup'
  | 'cleanup'
  | 'database'
  | 'check'
  | 'settings'
  | 'keys'
  | 'about',
  () => void
> &
  Record<'results' | 'find' | 'exportOpen' | 'play' | 'again' | 'deleteOpen' | 'trash', (() => void) | null>

export type Action = { id: string; label: string; icon: LucideIcon; keys?: string; run: () => void }

type Entry = { command: keyof PaletteCommands; title: MessageKey; icon: LucideIcon; keys?: () => string }

const ACTIONS: readonly Entry[] = [
  { command: 'results', title: 'palette.do.results', icon: List, keys: () => t('keys.key.back') },
  { command: 'find', title: 'palette.do.find', icon: TextSearch, keys: () => withCommand('F') },
  { command: 'play', title: 'palette.do.play', icon: Play, keys: () => t('keys.key.space') },
  { command: 'exportOpen', title: 'palette.do.export', icon: Upload, keys: () => withCommand('E') },
  { command: 'again', title: 'palette.do.again', icon: AudioLines },
  { command: 'deleteOpen', title: 'palette.do.delete', icon: Trash, keys: () => t('keys.key.delete') },
  { command: 'addFiles', title: 'library.add', icon: Plus, keys: () => withCommand('O') },
  { command: 'addFolder', title: 'library.add-folder', icon: FolderPlus },
  { command: 'search', title: 'palette.do.search', icon: Search, keys: () => withShiftAndCommand('F') },
  { command: 'models', title: 'models.title', icon: Boxes },
  { command: 'people', title: 'people.title', icon: UsersRound },
  { command: 'backup', title: 'palette.do.backup', icon: DatabaseBackup },
  { command: 'cleanup', title: 'palette.do.cleanup', icon: Brush },
  { command: 'database', title: 'palette.do.database', icon: Database },
  { command: 'check', title: 'check.do', icon: FileCheck },
  { command: 'trash', title: 'palette.do.trash', icon: Trash },
  { command: 'settings', title: 'library.settings', icon: Settings },
  { command: 'keys', title: 'library.keys', icon: CircleHelp, keys: () => t('keys.key.help') },
  { command: 'about', title: 'library.about', icon: Info },
]

/** The commands that do something now. */
export function actionsOf(commands: PaletteCommands): Action[] {
  return ACTIONS.flatMap(({ command, title, icon, keys }) => {
    const run = commands[command]
    return run ? [{ id: command, label: t(title), icon, keys: keys?.(), run }] : []
  })
}
