/**
 * The panes beside the text of a meeting, in the order of their buttons. A new pane is one entry here; it takes what it
 * needs from the context (`getMeeting()`) and puts its content into `Pane.svelte`.
 */
import type { LucideIcon } from '@lucide/svelte'
import History from '@lucide/svelte/icons/history'
import NotebookPen from '@lucide/svelte/icons/notebook-pen'
import ListChecks from '@lucide/svelte/icons/list-checks'
import Users from '@lucide/svelte/icons/users'
import type { Component } from 'svelte'
import type { MessageKey } from '../lib/messages'
import NotesPane from '../notes/NotesPane.svelte'
import SummaryPane from '../summary/SummaryPane.svelte'
import SpeakersPane from './SpeakersPane.svelte'
import VersionsPane from './VersionsPane.svelte'

export type PaneId = 'summary' | 'speakers' | 'notes' | 'versions'

type PaneEntry = {
  id: PaneId
  /** Label of the button. */
  title: MessageKey
  icon: LucideIcon
  /** `id` is for the element of the pane, which the button names in `aria-controls`. */
  component: Component<{ id: string }>
}

export const PANES: readonly PaneEntry[] = [
  { id: 'summary', title: 'summary.title', icon: ListChecks, component: SummaryPane },
  { id: 'speakers', title: 'speakers.title', icon: Users, component: SpeakersPane },
  { id: 'notes', title: 'notes.title', icon: NotebookPen, component: NotesPane },
  { id: 'versions', title: 'versions.title', icon: History, component: VersionsPane },
]

/** Id of the element of a pane. */
export function elementIdOf(pane: PaneId): string {
  return `pane-${pane}`
}
