/** The folders and tags, and how many meetings each has. */
import { plainMap } from '../lib/plain'
import type { Client, Unsubscribe } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import { Latest } from '../lib/latest'
import type { FolderView, JobView, TagView } from '../lib/types'
import type { Archive } from '../library/archive.svelte'
import type { Change } from '../library/meetings-by-id'
import { pathsOf, treeOf, type FolderNode, type Place } from './places'

/** Counts what changes are told of. */
class Counts {
  readonly #counts = plainMap<string, number>()

  get(key: string): number {
    return this.#counts.get(key) ?? 0
  }

  add(job: JobView | undefined, by: 1 | -1): void {
    if (!job) return
    const keys = job.folder_id === null ? job.tags : [...job.tags, job.folder_id]
    for (const key of job.favourite ? [...keys, FAVOURITES] : keys) this.#counts.set(key, this.get(key) + by)
  }
}

const FAVOURITES = 'favourites'

export class Organisation {
  folders = $state.raw<readonly FolderView[]>([])
  tags = $state.raw<readonly TagView[]>([])
  loaded = $state(false)
  /** Why folders and tags could not be fetched; what is shown may be out of date. */
  failure = $state<string | null>(null)
  tree: readonly FolderNode[] = $derived(treeOf(this.folders))
  paths = $derived(pathsOf(this.tree))
  #nodes = $derived(plainMap(this.tree.map((node) => [node.folder.id, node])))
  #byId = $derived(plainMap(this.tags.map((tag) => [tag.id, tag])))

  readonly #client: Client
  readonly #archive: Archive
  readonly #latest = new Latest()
  readonly #counts = new Counts()
  #counted = $state(0)

  constructor(client: Client, archive: Archive) {
    this.#client = client
    this.#archive = archive
  }

  /** Follows folders, tags and counts until the returned function is called. */
  start(): Unsubscribe {
    for (const job of this.#archive.all()) this.#counts.add(job, 1)
    const unsubscribes = [
      this.#archive.listen((changes) => this.#count(changes)),
      this.#client.on('newsItem', (news) => {
        if (news.kind === 'folders' || news.kind === 'everything') void this.fetch()
      }),
    ]
    void this.fetch()
    return () => {
      for (const unsubscribe of unsubscribes) unsubscribe()
    }
  }

  async fetch(): Promise<void> {
    try {
      await this.#latest.take(
        Promise.all([this.#client.folders(), this.#client.tags()]),
        ([folders, tags]) => {
          this.folders = folders
          this.tags = tags
          this.loaded = true
        },
      )
      this.failure = null
    } catch (error) {
      this.failure = errorMessage(error)
    }
  }

  node(id: string | null): FolderNode | undefined {
    return id === null ? undefined : this.#nodes.get(id)
  }

  tag(id: string): TagView | undefined {
    return this.#byId.get(id)
  }

  /** The number of meetings in a place, with those of the folders in a folder. */
  count(place: Place): number {
    void this.#counted
    switch (place.kind) {
      case 'all':
        return this.#archive.count
      case 'favourites':
        return this.#counts.get(FAVOURITES)
      case 'folder': {
        let sum = 0
        // Until the whole list has arrived, the core knows better.
        for (const id of this.node(place.id)?.within ?? [])
          sum += this.#archive.complete ? this.#counts.get(id) : (this.#nodes.get(id)?.folder.meetings ?? 0)
        return sum
      }
      case 'tag':
        return this.#archive.complete ? this.#counts.get(place.id) : (this.tag(place.id)?.meetings ?? 0)
    }
  }

  /** Whether a place is still there. */
  exists(place: Place): boolean {
    if (place.kind === 'folder') return this.node(place.id) !== undefined
    if (place.kind === 'tag') return this.tag(place.id) !== undefined
    return true
  }

  // These reject with why nothing was changed.

  async addFolder(name: string, parent: string | null): Promise<FolderView> {
    const folder = await this.#client.addFolder(name, parent)
    await this.fetch()
    return folder
  }

  async changeFolder(id: string, name: string, parent: string | null): Promise<void> {
    await this.#client.changeFolder(id, name, parent)
    await this.fetch()
  }

  async deleteFolder(id: string): Promise<void> {
    await this.#client.deleteFolder(id)
    await this.fetch()
  }

  async addTag(name: string): Promise<TagView> {
    const tag = await this.#client.addTag(name, null)
    await this.fetch()
    return tag
  }

  async changeTag(id: string, name: string, colour: string): Promise<void> {
    await this.#client.changeTag(id, name, colour)
    await this.fetch()
  }

  async deleteTag(id: string): Promise<void> {
    await this.#client.deleteTag(id)
    await this.fetch()
  }

  #count(changes: readonly Change[]): void {
    const moved = changes.filter(({ before, after }) => !before || !after || !sameKeys(before, after))
    if (moved.length === 0) return
    for (const { before, after } of moved) {
      this.#counts.add(before, -1)
      this.#counts.add(after, 1)
    }
    this.#counted += 1
  }
}

/** Whether two states of a meeting count for the same places. */
function sameKeys(one: JobView, other: JobView): boolean {
  return (
    one.folder_id === other.folder_id &&
    one.favourite === other.favourite &&
    one.tags.length === other.tags.length &&
    one.tags.every((tag, index) => tag === other.tags[index])
  )
}
