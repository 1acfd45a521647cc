/** The desktop around the window: what the user chooses in its dialogs, and its clipboard. */
import { EXPORT_FORMATS, type JobView } from '../types'

export type Desktop = {
  /** Paths that the next choice of files or of a folder returns; empty if the user cancels it. */
  chosen: string[]
  clipboard: string
  /** Where the user saves an export; null if they cancel it. */
  exportPath: (job: JobView, format: string) => string | null
}

export function defaultExportPath(job: JobView, format: string): string {
  const ending = EXPORT_FORMATS.find((one) => one.key === format)?.extension
  return `/home/anna/Documents/${job.title}.${ending}`
}
