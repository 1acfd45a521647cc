/** Texts that say what an import did and what a drop would add. */
import { t } from '../lib/messages'
import type { DroppedFolder, DropView, ImportView } from '../lib/types'

/** One group of files of an import, and a text for it. */
export type Part = { kind: 'added' | 'duplicates' | 'refused' | 'skipped'; text: string }

export type Outcome = {
  /** Comes before the parts: that the import was stopped, failed or found nothing. */
  lead: string | null
  parts: Part[]
  /** The lead and all parts as one text. */
  text: string
  /** The meeting to open. */
  open: string | null
  /** The one new meeting opens, and nothing else needs to be said. */
  isSelfEvident: boolean
}

export function outcome(view: ImportView): Outcome {
  const parts: Part[] = []
  const [added, here, refused, skipped] = [
    view.imported.length,
    view.duplicates.length,
    view.refused_count,
    view.skipped_count,
  ]
  const finished = view.state === 'finished'
  const onlyDuplicate = finished && added + refused === 0 && here === 1 ? view.duplicates[0] : undefined
  const onlyAdded = finished && added === 1 && here + refused === 0 ? view.imported[0] : undefined

  if (added > 0) parts.push({ kind: 'added', text: t('import.added', { count: added }) })
  if (onlyDuplicate) {
    parts.push({ kind: 'duplicates', text: duplicateText(onlyDuplicate) })
  } else if (here > 0) parts.push({ kind: 'duplicates', text: t('import.here', { count: here }) })
  if (refused > 0) parts.push({ kind: 'refused', text: t('import.refused', { count: refused }) })
  if (skipped > 0) parts.push({ kind: 'skipped', text: t('import.skipped', { count: skipped }) })

  const lead = leadOf(view, added + here + refused)
  const text = [...(lead ? [lead] : []), ...parts.map((part) => part.text)].join(' · ')
  return {
    lead,
    parts,
    text,
    open: onlyAdded ?? onlyDuplicate?.job_id ?? null,
    isSelfEvident: onlyAdded !== undefined && skipped === 0,
  }
}

/** The result for a file that is in the archive already. */
export function duplicateText({ healed, restored, title }: ImportView['duplicates'][number]): string {
  if (restored) return t('import.restored', { title })
  return t(healed ? 'import.healed' : 'import.here.one', { title })
}

function leadOf(view: ImportView, recordings: number): string | null {
  if (view.state === 'failed') return view.message ?? t('import.failed')
  if (view.state === 'stopped')
    return view.total === null
      ? t('import.stopped')
      : t('import.stopped.at', { done: view.done, total: view.total })
  return recordings === 0 ? t('import.nothing') : null
}

/** The progress of an import: “Adding 300 of 1,000”. */
export function progressText(view: ImportView): string {
  if (view.state === 'listing') return t('import.listing')
  if (view.total === null) return t('import.adding.some', { done: view.done })
  return t('import.adding', { done: view.done, total: view.total })
}

export type DropText = {
  /** Whether a drop would add anything. */
  accepts: boolean
  icon: 'recordings' | 'folder' | 'models' | 'exports' | 'nothing'
  title: string
  lines: string[]
}

const SENTENCES_SHOWN = 3

/** For a drag of speech models and nothing else. */
export function modelDropText(paths: readonly string[]): DropText {
  const names = paths.map((path) => path.split(/[\\/]/).at(-1) ?? path)
  const title = t('drop.models', { count: paths.length })
  return { accepts: true, icon: 'models', title, lines: shown(names) }
}

/** For a drag of files that may be exports and nothing else. */
export function exportDropText(paths: readonly string[]): DropText {
  const names = paths.map((path) => path.split(/[\\/]/).at(-1) ?? path)
  return {
    accepts: true,
    icon: 'exports',
    title: t('drop.exports', { count: paths.length }),
    lines: shown(names),
  }
}

export function dropText(drop: DropView): DropText {
  const { recordings, folders, unsuitable } = drop
  const found = folders.reduce((sum, folder) => sum + folder.recordings, 0)
  const counted = folders.every((folder) => folder.counted)
  // A folder that was not searched to its end may hold recordings.
  const accepts = recordings + found > 0 || !counted
  if (!accepts) return { accepts, icon: 'nothing', ...refusal(unsuitable, folders) }
  const lines = unsuitable.length > 0 ? [t('drop.some-not', { count: unsuitable.length })] : []
  lines.push(...shown(unsuitable))
  const icon = recordings === 0 ? 'folder' : 'recordings'
  return { accepts, icon, title: titleOf(recordings, folders, found, counted), lines }
}

function titleOf(recordings: number, folders: DroppedFolder[], found: number, counted: boolean): string {
  if (folders.length === 0) return t('drop.recordings', { count: recordings })
  const among = t(counted ? 'drop.found' : 'drop.found.at-least', { count: found })
  if (recordings === 0) return t('drop.folders', { folders: folders.length, found: among })
  return t('drop.both', { count: recordings, folders: folders.length, found: among })
}

function refusal(unsuitable: string[], folders: DroppedFolder[]): { title: string; lines: string[] } {
  const [only, ...others] = unsuitable
  if (only !== undefined && others.length === 0 && folders.length === 0) return { title: only, lines: [] }
  if (only !== undefined) return { title: t('drop.none'), lines: shown(unsuitable) }
  const folder = folders[0]
  if (folder && folders.length === 1)
    return { title: t('drop.empty-folder', { name: folder.name }), lines: [] }
  return { title: t('drop.nothing'), lines: [] }
}

function shown(sentences: string[]): string[] {
  const some = sentences.slice(0, SENTENCES_SHOWN)
  const rest = sentences.length - some.length
  return rest > 0 ? [...some, t('more', { count: rest })] : some
}
