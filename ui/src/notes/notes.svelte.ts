/** The notes of the meetings that were opened. A note with text that is not saved outlives its meeting on the screen. */
import { SvelteMap } from 'svelte/reactivity'
import type { Client, Unsubscribe } from '../lib/client'
import { Note } from './note.svelte'

export class Notes {
  readonly #client: Client
  readonly #open = new SvelteMap<string, Note>()

  constructor(client: Client) {
    this.#client = client
  }

  /** Follows the changes of others until the returned function is called. */
  start(): Unsubscribe {
    const unsubscribe = this.#client.on('newsItem', (news) => {
      if (news.kind === 'note') void this.#open.get(news.id)?.fetch()
      else if (news.kind === 'everything') for (const note of this.#open.values()) void note.fetch()
    })
    const saveAll = () => {
      for (const note of this.#open.values()) void note.save()
    }
    window.addEventListener('blur', saveAll)
    return () => {
      unsubscribe()
      window.removeEventListener('blur', saveAll)
    }
  }

  /** The note of a meeting, which begins to be fetched. */
  open(id: string): Note {
    const note = this.#open.get(id) ?? new Note(this.#client, id)
    this.#open.set(id, note)
    void note.fetch()
    return note
  }

  /** The pane of a note was closed. What is not saved is saved, and kept until it is. */
  async close(note: Note): Promise<void> {
    await note.save()
    if (!note.changed && this.#open.get(note.id) === note) this.#open.delete(note.id)
  }
}
