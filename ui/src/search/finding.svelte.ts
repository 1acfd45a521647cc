/** Brings the search, its field, its page and the palette together in the window. */
import { tick } from 'svelte'
import { Palette } from '../app/palette/palette.svelte'
import type { Client } from '../lib/client'
import type { FoundMeeting, Passage } from '../lib/types'
import type { Archive } from '../library/archive.svelte'
import type { Playback } from '../meeting/playback.svelte'
import { Search } from './search.svelte'

type Options = {
  client: Client
  archive: Archive
  playback: Playback
  /** Shows the page of the search, or what was there before. */
  show: (place: 'search' | 'meeting') => void
  /** Opens a meeting. */
  open: (id: string) => void
  report: (error: unknown) => void
}

type Field = { focus: () => void }
type Results = { focusFirst: () => Promise<void>; focusActive: () => boolean }

export class Finding {
  readonly search: Search
  readonly palette: Palette
  /** The components; the page is there while it is shown. */
  field = $state<Field>()
  page = $state<Results>()
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
    this.palette = new Palette(options.client)
    this.search = new Search(options.client, (id, playMs) => void this.#open(id, playMs))
  }

  /** Shows the search and focuses its field. */
  toField = (): void => {
    this.#options.show('search')
    void tick().then(() => this.field?.focus())
  }

  /** Shows the results again, at the passage that had the focus last. */
  toResults = (): void => {
    this.#options.show('search')
    void tick().then(() => {
      if (!this.page?.focusActive()) this.field?.focus()
    })
  }

  /** Focuses the first result. */
  toFirst = (): void => {
    void this.page?.focusFirst()
  }

  /** Opens what the palette found for a text; the results of the search are then those for this text. */
  openFound = async (text: string, meeting: FoundMeeting, passage: Passage | null): Promise<void> => {
    await this.search.searchFor(text)
    this.search.open(meeting, passage)
  }

  /** Shows all that is found for a text. */
  showAll = (text: string): void => {
    this.search.type(text)
    this.toField()
  }

  /** Opens a meeting, at a moment of its text if one is given. */
  openAt = (id: string, ms: number | null): void => {
    const passage: Passage = {
      source: 'transcript',
      segment_id: null,
      start_ms: ms,
      play_ms: null,
      speaker: null,
      text: '',
      marks: [],
    }
    this.search.jump = ms === null ? null : { id, passage }
    void this.#open(id, null)
  }

  async #open(id: string, playMs: number | null): Promise<void> {
    const { client, archive, playback, open, report } = this.#options
    try {
      if (!archive.get(id)) {
        const [job] = await client.meetingsById([id])
        if (!job) return
        archive.put(job)
      }
    } catch (reason) {
      report(reason)
      return
    }
    open(id)
    // The meeting then loads its audio.
    await tick()
    if (playMs !== null && playback.id === id) playback.playFrom(playMs)
  }
}
