/** What the centre of the window shows: the open meeting, or a page in front of it. */
import { tick } from 'svelte'
import type { ArchiveCare, ArchiveTab } from '../archive/care.svelte'
import type { Models } from '../models/models.svelte'
import type { People } from '../people/people.svelte'
import type { Place } from './place'

type Options = {
  models: Models
  people: People
  care: ArchiveCare
  /** Called before a page of its own is shown. */
  onleave: () => void
  /** Called before the meeting is shown again. */
  onback: () => void
  /** The element of the centre. */
  main: () => HTMLElement | undefined
}

export class Navigation {
  place = $state<Place>('meeting')
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  showPage(page: Exclude<Place, 'meeting' | 'search'>): void {
    const { models, people, onleave } = this.#options
    onleave()
    this.place = page
    if (page === 'models') void models.fetch()
    else if (page === 'people') void people.fetch()
    void tick().then(() => document.getElementById(`${page}-title`)?.focus())
  }

  readonly showModels = (): void => this.showPage('models')
  readonly showPeople = (): void => this.showPage('people')

  /** A place of the library was chosen, whose list lies beside the trash. */
  readonly leaveTrash = (): void => {
    if (this.place === 'trash') this.place = 'meeting'
  }

  showArchive(tab: ArchiveTab): void {
    this.#options.care.tab = tab
    this.showPage('archive')
  }

  /** Shows the meeting again, and focuses the centre. */
  readonly closePage = async (): Promise<void> => {
    const { onback, main } = this.#options
    onback()
    this.place = 'meeting'
    await tick()
    main()?.focus()
  }
}
