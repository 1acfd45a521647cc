/** Folders, tags, favourites, the trash, and notes. */
import { CoreError } from '../client'
import type { FolderView, JobView, MeetingChange, NoteView, TagView, UndoStep } from '../types'
import { notFound, type Handlers } from './calls'
import { copy } from './copy'
import type { MemoryEvents } from './events'
import type { MemoryMeetings } from './meetings'

export type OrganisationSeed = {
  folders?: FolderView[]
  tags?: TagView[]
  /** The notes by meeting. */
  notes?: Record<string, string>
}

const COLOURS = 12

export class MemoryOrganisation {
  readonly #events: MemoryEvents
  readonly #meetings: MemoryMeetings
  #folders: FolderView[]
  #tags: TagView[]
  readonly #notes = new Map<string, NoteView>()

  constructor(events: MemoryEvents, meetings: MemoryMeetings, seed: OrganisationSeed) {
    this.#events = events
    this.#meetings = meetings
    this.#folders = copy(seed.folders ?? [])
    this.#tags = copy(seed.tags ?? [])
    for (const [id, text] of Object.entries(seed.notes ?? {})) this.#notes.set(id, noteOf(text, 1))
  }

  readonly handlers = {
    folders: () => {
      const counts = this.#counts((job) => (job.folder_id === null ? [] : [job.folder_id]))
      return this.#folders.map((folder) => ({ ...folder, meetings: counts.get(folder.id) ?? 0 }))
    },
    addFolder: (name, parent) => {
      this.#free(name, parent, null)
      const folder = { id: this.#events.newId(), parent_id: parent, name, meetings: 0 }
      this.#changeFolders([...this.#folders, folder])
      return folder
    },
    changeFolder: (id, name, parent) => {
      const folder = this.#folder(id)
      this.#free(name, parent, id)
      for (let above = parent; above !== null; above = this.#folder(above).parent_id)
        if (above === id) throw refused('A folder cannot be moved into itself.')
      const changed = { ...folder, name, parent_id: parent }
      this.#changeFolders(this.#folders.map((one) => (one.id === id ? changed : one)))
      return changed
    },
    deleteFolder: (id) => {
      const { parent_id } = this.#folder(id)
      for (const job of this.#meetings.all)
        if (job.folder_id === id) this.#meetings.change(job.id, { folder_id: parent_id })
      const left = this.#folders.filter((one) => one.id !== id)
      this.#changeFolders(left.map((one) => (one.parent_id === id ? { ...one, parent_id } : one)))
    },
    tags: () => {
      const counts = this.#counts((job) => job.tags)
      return this.#tags.map((tag) => ({ ...tag, meetings: counts.get(tag.id) ?? 0 }))
    },
    addTag: (name, colour) => {
      if (this.#tags.some((one) => equal(one.name, name))) throw existing(`There is a tag “${name}” already.`)
      const made = { id: this.#events.newId(), name, meetings: 0 }
      const tag = { ...made, colour: colour ?? `c${(this.#tags.length % COLOURS) + 1}` }
      this.#changeTags([...this.#tags, tag])
      return tag
    },
    changeTag: (id, name, colour) => {
      if (this.#tags.some((one) => one.id !== id && equal(one.name, name)))
        throw existing(`There is a tag “${name}” already.`)
      const tag = { ...this.#tag(id), name, colour }
      this.#changeTags(this.#tags.map((one) => (one.id === id ? tag : one)))
      return tag
    },
    deleteTag: (id) => {
      this.#tag(id)
      for (const job of this.#meetings.all)
        if (job.tags.includes(id))
          this.#meetings.change(job.id, { tags: job.tags.filter((tag) => tag !== id) })
      this.#changeTags(this.#tags.filter((one) => one.id !== id))
    },
    organise: (change, ids) => {
      if (change.kind === 'tag') this.#tag(change.tag)
      if (change.kind === 'move' && change.folder !== null) this.#folder(change.folder)
      const undo = new Map<string, UndoStep>()
      let changed = 0
      for (const id of ids) {
        if (!this.#meetings.has(id)) continue
        const effect = effectOf(change, this.#meetings.get(id))
        if (!effect) continue
        changed += 1
        const key = JSON.stringify(effect.back)
        const step = undo.get(key) ?? { change: effect.back, ids: [] }
        undo.set(key, { ...step, ids: [...step.ids, id] })
        this.#meetings.change(id, effect.to)
      }
      return { changed, undo: [...undo.values()] }
    },
    trashedMeetings: () =>
      this.#meetings.all
        .filter((job) => job.trashed_at !== null)
        .sort((a, b) => ((a.trashed_at ?? '') < (b.trashed_at ?? '') ? 1 : -1)),
    deleteNow: (ids) => {
      const gone = ids.filter((id) => this.#meetings.has(id) && this.#meetings.get(id).trashed_at !== null)
      for (const id of gone) this.#meetings.controls.removeJob(id)
      return gone.length
    },
    note: (id) => this.#note(id),
    saveNote: (id, text, revision) => {
      this.#meetings.get(id)
      const now = this.#note(id)
      if (now.revision !== revision) return { saved: false, note: now }
      return { saved: true, note: this.controls.writeNote(id, text) }
    },
  } satisfies Partial<Handlers>

  readonly controls = {
    /** Somebody writes the note of a meeting. */
    writeNote: (id: string, text: string): NoteView => {
      const note = noteOf(text, this.#note(id).revision + 1)
      this.#notes.set(id, note)
      this.#meetings.set(id, { has_note: text.trim() !== '' })
      this.#events.emitNews({ kind: 'note', id })
      return note
    },
  }

  #note(id: string): NoteView {
    return this.#notes.get(id) ?? { text: '', revision: 0, changed_at: null }
  }

  #folder(id: string): FolderView {
    const folder = this.#folders.find((one) => one.id === id)
    if (!folder) throw notFound('There is no such folder. It may have been deleted.')
    return folder
  }

  #tag(id: string): TagView {
    const tag = this.#tags.find((one) => one.id === id)
    if (!tag) throw notFound('There is no such tag. It may have been deleted.')
    return tag
  }

  #free(name: string, parent: string | null, own: string | null): void {
    const taken = this.#folders.some(
      (one) => one.id !== own && one.parent_id === parent && equal(one.name, name),
    )
    if (taken) throw existing(`There is a folder “${name}” here already.`)
  }

  #changeFolders(folders: FolderView[]): void {
    this.#folders = folders
    this.#events.emitNews({ kind: 'folders' })
  }

  #changeTags(tags: TagView[]): void {
    this.#tags = tags.sort((a, b) => a.name.localeCompare(b.name))
    this.#events.emitNews({ kind: 'folders' })
  }

  #counts(of: (job: JobView) => string[]): Map<string, number> {
    const counts = new Map<string, number>()
    for (const job of this.#meetings.all)
      if (job.trashed_at === null) for (const id of of(job)) counts.set(id, (counts.get(id) ?? 0) + 1)
    return counts
  }
}

/** What a change makes of a meeting, and the change that takes it back; null if the meeting is so already. */
function effectOf(change: MeetingChange, job: JobView): { to: Partial<JobView>; back: MeetingChange } | null {
  const trashed = job.trashed_at !== null
  switch (change.kind) {
    case 'tag':
      return job.tags.includes(change.tag)
        ? null
        : { to: { tags: [...job.tags, change.tag] }, back: { kind: 'untag', tag: change.tag } }
    case 'untag':
      return job.tags.includes(change.tag)
        ? {
            to: { tags: job.tags.filter((tag) => tag !== change.tag) },
            back: { kind: 'tag', tag: change.tag },
          }
        : null
    case 'move':
      return job.folder_id === change.folder
        ? null
        : { to: { folder_id: change.folder }, back: { kind: 'move', folder: job.folder_id } }
    case 'favourite':
      return job.favourite === change.on
        ? null
        : { to: { favourite: change.on }, back: { kind: 'favourite', on: job.favourite } }
    case 'trash':
      return trashed ? null : { to: { trashed_at: new Date().toISOString() }, back: { kind: 'restore' } }
    case 'restore':
      return trashed ? { to: { trashed_at: null }, back: { kind: 'trash' } } : null
  }
}

function noteOf(text: string, revision: number): NoteView {
  return { text, revision, changed_at: new Date().toISOString() }
}

function equal(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}

function existing(message: string): CoreError {
  return new CoreError({ code: 'already_exists', message })
}

function refused(message: string): CoreError {
  return new CoreError({ code: 'not_offered', message })
}
