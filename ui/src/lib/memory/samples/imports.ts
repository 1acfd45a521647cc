/** Imports that tests and the page of states show. */
import type { ImportView } from '../../types'

/** An import that has just begun, with `change`. */
export function sampleImport(change: Partial<ImportView> = {}): ImportView {
  return {
    id: 'import-1',
    state: 'running',
    done: 0,
    total: null,
    imported: [],
    duplicates: [],
    refused: [],
    refused_count: 0,
    skipped: [],
    skipped_count: 0,
    message: null,
    ...change,
  }
}
