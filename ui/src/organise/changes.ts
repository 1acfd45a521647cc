/** Changes of the order of meetings: what they make of a meeting, and texts for them. */
import { t } from '../lib/messages'
import type { JobView, MeetingChange } from '../lib/types'

/** A meeting after a change. */
export function applied(job: JobView, change: MeetingChange): JobView {
  switch (change.kind) {
    case 'tag':
      return job.tags.includes(change.tag) ? job : { ...job, tags: [...job.tags, change.tag] }
    case 'untag':
      return { ...job, tags: job.tags.filter((tag) => tag !== change.tag) }
    case 'move':
      return { ...job, folder_id: change.folder }
    case 'favourite':
      return { ...job, favourite: change.on }
    case 'trash':
      return { ...job, trashed_at: new Date().toISOString() }
    case 'restore':
      return { ...job, trashed_at: null }
  }
}

/** What was done to meetings: “Moved 3 meetings to the trash”. `name` is that of the folder or the tag. */
export function said(change: MeetingChange, count: number, title: string, name: string | null): string {
  const values = { count, title, name: name ?? '' }
  switch (change.kind) {
    case 'tag':
      return t('organise.said.tagged', values)
    case 'untag':
      return t('organise.said.untagged', values)
    case 'move':
      return t(name === null ? 'organise.said.unfiled' : 'organise.said.moved', values)
    case 'favourite':
      return t(change.on ? 'organise.said.favourite' : 'organise.said.no-favourite', values)
    case 'trash':
      return t('organise.said.trashed', values)
    case 'restore':
      return t('organise.said.restored', values)
  }
}
