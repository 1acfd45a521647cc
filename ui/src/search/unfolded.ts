/** The meetings in the results of which all passages are shown. The map is never changed in place. */
import type { FoundMeeting, Passage } from '../lib/types'

/** All passages of a meeting; null while they are fetched. */
export type Unfolded = { passages: readonly Passage[] | null; failure: string | null }

export type UnfoldedMeetings = ReadonlyMap<string, Unfolded>

export const NONE_UNFOLDED: UnfoldedMeetings = new Map()

export function withUnfolded(before: UnfoldedMeetings, id: string, unfolded: Unfolded): UnfoldedMeetings {
  return new Map(before).set(id, unfolded)
}

export function withoutUnfolded(before: UnfoldedMeetings, id: string): UnfoldedMeetings {
  const after = new Map(before)
  after.delete(id)
  return after
}

/** The meetings of a page that are not among those before it. */
export function freshOf(before: readonly FoundMeeting[], page: readonly FoundMeeting[]): FoundMeeting[] {
  const known = new Set(before.map((meeting) => meeting.job_id))
  return page.filter((meeting) => !known.has(meeting.job_id))
}
