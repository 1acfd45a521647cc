/** The meetings by id. A change gives another map, so that whoever looks knows of it. */
import type { JobView } from '../lib/types'

export type Meetings = ReadonlyMap<string, JobView>

export const NO_MEETINGS: Meetings = new Map()

/** A meeting as it was and is; undefined before it came and after it went. */
export type Change = { before: JobView | undefined; after: JobView | undefined }

export function meetingsOf(jobs: readonly JobView[]): Meetings {
  return new Map(jobs.map((job) => [job.id, job]))
}

/** The meetings `ids` are now `jobs`; those that are not among them are gone. */
export function changed(before: Meetings, ids: readonly string[], jobs: readonly JobView[]): Meetings {
  const after = new Map(before)
  const found = new Set(jobs.map((job) => job.id))
  for (const id of ids) if (!found.has(id)) after.delete(id)
  // In its old place, so that there is little to sort.
  for (const job of jobs) after.set(job.id, job)
  return after
}

/** What became of `ids`. */
export function changesOf(before: Meetings, after: Meetings, ids: Iterable<string>): Change[] {
  return [...new Set(ids)]
    .map((id) => ({ before: before.get(id), after: after.get(id) }))
    .filter((change) => change.before !== undefined || change.after !== undefined)
}

/** What differs between two lists that were fetched whole. */
export function differences(before: Meetings, after: Meetings): Change[] {
  return changesOf(before, after, [...before.keys(), ...after.keys()]).filter(
    ({ before: was, after: is }) => was?.updated_at !== is?.updated_at || was?.status !== is?.status,
  )
}

export function unique(ids: readonly string[]): string[] {
  return [...new Set(ids)]
}
