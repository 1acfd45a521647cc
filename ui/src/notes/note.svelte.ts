/**
 * The note of one meeting. What the user types is saved by itself after a pause. When somebody else has changed the note
 * meanwhile, nothing is overwritten: both texts are kept until the user chooses.
 */
import type { Client } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import type { NoteView } from '../lib/types'

/** The text is saved when it has not changed for this long. */
export const SAVE_DELAY_MS = 800

export class Note {
  /** The note as it is stored; null until it has been fetched. */
  stored = $state.raw<NoteView | null>(null)
  /** The text as the user has it. */
  text = $state('')
  saving = $state(false)
  /** What somebody else wrote meanwhile; null if nobody did. */
  theirs = $state.raw<NoteView | null>(null)
  /** Why the note could not be fetched. */
  notFetched = $state<string | null>(null)
  /** Why it could not be saved. */
  notSaved = $state<string | null>(null)
  /** Whether there is text that is not stored. */
  changed = $derived(this.stored !== null && this.text !== this.stored.text)

  readonly #client: Client
  readonly id: string
  #timer: ReturnType<typeof setTimeout> | undefined
  /** The text that is on its way. */
  #sent: string | null = null

  constructor(client: Client, id: string) {
    this.#client = client
    this.id = id
  }

  /** Fetches the note. Text that is not saved yet stays. */
  async fetch(): Promise<void> {
    try {
      const note = await this.#client.note(this.id)
      this.notFetched = null
      if (this.saving) return
      if (this.changed && this.stored?.revision !== note.revision) this.#collide(note)
      else if (!this.changed) this.#take(note)
    } catch (error) {
      this.notFetched = errorMessage(error)
    }
  }

  write(text: string): void {
    this.text = text
    clearTimeout(this.#timer)
    if (this.changed && !this.theirs) this.#timer = setTimeout(() => void this.save(), SAVE_DELAY_MS)
  }

  /** Saves at once what is not saved yet. */
  async save(): Promise<void> {
    clearTimeout(this.#timer)
    if (!this.changed || this.theirs || this.saving || !this.stored) return
    this.saving = true
    this.#sent = this.text
    try {
      const { saved, note } = await this.#client.saveNote(this.id, this.text, this.stored.revision)
      this.notSaved = null
      if (saved) this.stored = note
      else this.#collide(note)
    } catch (error) {
      this.notSaved = errorMessage(error)
    } finally {
      this.saving = false
    }
    // The user went on typing meanwhile.
    if (this.notSaved === null && this.changed && this.text !== this.#sent) this.write(this.text)
  }

  /** Ends the collision: the user's text stays, the other one, or both after each other. */
  async choose(which: 'mine' | 'theirs' | 'both'): Promise<void> {
    const { theirs } = this
    if (!theirs) return
    const mine = this.text
    this.theirs = null
    this.stored = theirs
    if (which === 'theirs') this.text = theirs.text
    else if (which === 'both') this.text = `${theirs.text.trimEnd()}\n\n${mine}`
    await this.save()
  }

  #take(note: NoteView): void {
    this.stored = note
    this.text = note.text
  }

  /** Somebody else has changed the note. The same text from both is no collision. */
  #collide(note: NoteView): void {
    clearTimeout(this.#timer)
    if (note.text === this.text) this.stored = note
    else this.theirs = note
  }
}
