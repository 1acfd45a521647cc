/** What the user does to one or many meetings of the library. Each change can be undone for a while. */
import type { Client } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import { sentence } from '../lib/format'
import { t } from '../lib/messages'
import type { JobView, MeetingChange, TranscriptionOptions } from '../lib/types'
import type { Archive } from '../library/archive.svelte'
import { applied, said } from './changes'
import type { Organisation } from './organisation.svelte'
import type { Undo } from './undo.svelte'

/** What organising needs of the window around it. */
export type Surroundings = {
  client: Client
  archive: Archive
  organisation: Organisation
  undo: Undo
  onerror: (error: unknown) => void
  /** Meetings went to the trash. */
  ontrashed: (ids: readonly string[]) => void
}

export class Organising {
  readonly #around: Surroundings

  constructor(around: Surroundings) {
    this.#around = around
  }

  tag = (ids: readonly string[], tag: string, on: boolean) =>
    this.#change({ kind: on ? 'tag' : 'untag', tag }, ids)
  move = (ids: readonly string[], folder: string | null) => this.#change({ kind: 'move', folder }, ids)
  favourite = (ids: readonly string[], on: boolean) => this.#change({ kind: 'favourite', on }, ids)
  trash = (ids: readonly string[]) => this.#change({ kind: 'trash' }, ids)
  restore = (ids: readonly string[], titles: readonly string[]) =>
    this.#change({ kind: 'restore' }, ids, titles[0])

  /** Marks meetings as favourites, unless all of them are. */
  toggleFavourite = (ids: readonly string[]) =>
    this.favourite(ids, !this.#jobs(ids).every((job) => job.favourite))

  /** Transcribes meetings again, one after the other. Resolves when all of them wait. */
  async transcribeAgain(ids: readonly string[], options: TranscriptionOptions): Promise<void> {
    await this.#queue('organise.again', ids, (id) => this.#around.client.transcribeAgain(id, options))
  }

  /** Detects the speakers of meetings again, with the number of speakers that each expects. */
  async diarizeAgain(ids: readonly string[]): Promise<void> {
    const { client } = this.#around
    await this.#queue('organise.speakers-again', ids, async (id) =>
      client.rerunSpeakers(id, (await client.speakers(id)).expected),
    )
  }

  async #change(change: MeetingChange, ids: readonly string[], title?: string): Promise<void> {
    const { client, archive, organisation, undo, onerror, ontrashed } = this.#around
    if (ids.length === 0) return
    const first = title ?? this.#jobs(ids)[0]?.title ?? ''
    try {
      const done = await client.organise(change, [...ids])
      archive.patch(ids, (job) => applied(job, change))
      if (change.kind === 'trash') ontrashed(ids)
      if (change.kind === 'restore') archive.fetchAgain(ids)
      if (done.changed === 0) return
      const name = nameOf(change, organisation)
      undo.offer(said(change, done.changed, first, name), async () => {
        for (const step of done.undo) {
          await client.organise(step.change, step.ids)
          archive.patch(step.ids, (job) => applied(job, step.change))
          if (step.change.kind === 'restore') archive.fetchAgain(step.ids)
        }
      })
    } catch (error) {
      onerror(error)
    }
  }

  /** Begins work on each meeting; says how many wait now, and why others do not. Undo cancels what waits. */
  async #queue(
    key: 'organise.again' | 'organise.speakers-again',
    ids: readonly string[],
    begin: (id: string) => Promise<JobView>,
  ): Promise<void> {
    const { client, archive, undo } = this.#around
    const begun: string[] = []
    const failures: string[] = []
    for (const job of this.#jobs(ids)) {
      try {
        archive.put(await begin(job.id))
        begun.push(job.id)
      } catch (error) {
        failures.push(sentence(errorMessage(error)))
      }
    }
    const why =
      failures.length === 0
        ? ''
        : ` ${t('organise.not-all', { count: failures.length, why: failures[0] ?? '' })}`
    const cancel = async () => {
      for (const id of begun) archive.put(await client.cancel(id))
    }
    undo.offer(t(key, { count: begun.length }) + why, begun.length === 0 ? null : cancel)
  }

  #jobs(ids: readonly string[]): JobView[] {
    return ids.flatMap((id) => this.#around.archive.get(id) ?? [])
  }
}

function nameOf(change: MeetingChange, organisation: Organisation): string | null {
  if (change.kind === 'tag' || change.kind === 'untag') return organisation.tag(change.tag)?.name ?? null
  if (change.kind === 'move') return organisation.node(change.folder)?.folder.name ?? null
  return null
}
