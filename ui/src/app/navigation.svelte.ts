/** What the centre of the window shows: the open meeting, or a page in front of it. */
import { tick } from 'svelte'
import type { ArchiveCare, ArchiveTab } from '../archive/care.svelte'
import type { Models } from '../models/models.svelte'
import type { People } from '../people/people.svelte'
import type { Place, Sheet } from './place'

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
  #place = $state<Place>('meeting')
  /** What lies over the place for a while. */
  sheet = $state<Sheet | null>(null)
  readonly #options: Options
  #focusBefore: Element | null = null

  constructor(options: Options) {
    this.#options = options
  }

  get place(): Place {
    return this.#place
  }

  /** Whatever lay over the old place goes with it. */
  set place(place: Place) {
    this.#place = place
    this.sheet = null
  }

  /** Shows a sheet over the place and focuses its title, or takes it away and returns the focus. */
  readonly showSheet = async (sheet: Sheet | null): Promise<void> => {
    if (sheet !== null && this.sheet === null) {
      this.#options.onleave()
      this.#focusBefore = document.activeElement
    }
    const shownBefore = this.sheet
    this.sheet = sheet
    if (shownBefore === sheet) return
    await tick()
    if (sheet !== null) {
      document.getElementById(`${sheet}-title`)?.focus()
      return
    }
    const before = this.#focusBefore
    this.#focusBefore = null
    if (before instanceof HTMLElement && before !== document.body && before.isConnected) before.focus()
    else this.#options.main()?.focus()
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
