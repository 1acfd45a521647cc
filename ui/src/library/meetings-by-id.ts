/** The meetings by id. The map is never changed in place, so that components notice every change. */
import type { JobView } from '../lib/types'

export type Meetings = ReadonlyMap<string, JobView>

export const NO_MEETINGS: Meetings = new Map()

/** A meeting before and after a change; undefined where it was added or removed. */
export type Change = { before: JobView | undefined; after: JobView | undefined }

export function meetingsOf(jobs: readonly JobView[]): Meetings {
  return new Map(jobs.map((job) => [job.id, job]))
}

/** The map with `ids` replaced by `jobs`; ids without a job are removed. */
export function withChanges(before: Meetings, ids: readonly string[], jobs: readonly JobView[]): Meetings {
  const after = new Map(before)
  const found = new Set(jobs.map((job) => job.id))
  for (const id of ids) if (!found.has(id)) after.delete(id)
  // Existing ids keep their place in the map, so that sorting has little to do.
  for (const job of jobs) after.set(job.id, job)
  return after
}

/** The changes of `ids` between two maps. */
export function changesOf(before: Meetings, after: Meetings, ids: Iterable<string>): Change[] {
  return [...new Set(ids)]
    .map((id) => ({ before: before.get(id), after: after.get(id) }))
    .filter((change) => change.before !== undefined || change.after !== undefined)
}

/** The changes between two whole lists: another status or another time of change. */
export function differences(before: Meetings, after: Meetings): Change[] {
  return changesOf(before, after, [...before.keys(), ...after.keys()]).filter(
    ({ before: was, after: is }) => was?.updated_at !== is?.updated_at || was?.status !== is?.status,
  )
}

export function unique(ids: readonly string[]): string[] {
  return [...new Set(ids)]
}
