/** The state of the library beside its meetings: what is listed and selected, folders, tags, the trash, and undo. */
import { plainMap } from '../lib/plain'
import { untrack } from 'svelte'
import type { Preferences } from '../app/preferences.svelte'
import type { Client, Unsubscribe } from '../lib/client'
import { t } from '../lib/messages'
import { MeetingDrag, type Target } from '../organise/meeting-drag.svelte'
import { OrganiseDialogs } from '../organise/organise-dialogs.svelte'
import { Organisation } from '../organise/organisation.svelte'
import { Organising } from '../organise/organising.svelte'
import { EVERYTHING, fitsIn, samePlace, type Place } from '../organise/places'
import { Trash } from '../organise/trash.svelte'
import { Undo } from '../organise/undo.svelte'
import type { Archive } from './archive.svelte'
import { Order, type Arrangement, type FolderPaths } from './arrangement'
import { MeetingListing } from './meeting-listing.svelte'
import type { Change } from './meetings-by-id'
import { Selection } from './selection.svelte'

type Surroundings = {
  client: Client
  archive: Archive
  preferences: Preferences
  onerror: (error: unknown) => void
  /** Meetings went to the trash. */
  ontrashed: (ids: readonly string[]) => void
  /** Opens the export sheet. */
  onexport: (ids: readonly string[]) => void
  /** Has screen readers say a text. */
  announce: (text: string) => void
}

export class LibraryState {
  readonly archive: Archive
  readonly organisation: Organisation
  readonly organising: Organising
  readonly listing: MeetingListing
  readonly selection: Selection
  readonly trash: Trash
  readonly undo: Undo
  /** Opens the export sheet. */
  readonly exportMeetings: (ids: readonly string[]) => void
  readonly dialogs = new OrganiseDialogs()
  readonly drag = new MeetingDrag((ids, target) => void this.#drop(ids, target))
  readonly #preferences: Preferences

  /** The place whose meetings are listed. */
  place = $state.raw<Place>(EVERYTHING)
  arrangement: Arrangement = $derived.by(() => {
    const { library_group: group, library_sort: sort } = this.#preferences.window
    return { group, sort }
  })
  /** Whether there is anything to show above the list: nothing is until something is organised. */
  isOrganised = $derived.by(() => {
    const { folders, tags } = this.organisation
    const favourites = this.organisation.count({ kind: 'favourites' })
    return folders.length + tags.length + favourites + this.trash.all.length > 0
  })

  constructor({ client, archive, preferences, onerror, ontrashed, onexport, announce }: Surroundings) {
    this.archive = archive
    this.#preferences = preferences
    this.undo = new Undo(onerror, (text) => announce(t('undo.said', { text })))
    this.organisation = new Organisation(client, archive)
    this.listing = new MeetingListing(archive)
    this.selection = new Selection(this.listing)
    this.trash = new Trash(client, archive)
    this.exportMeetings = onexport
    this.organising = new Organising({
      client,
      archive,
      organisation: this.organisation,
      undo: this.undo,
      onerror,
      ontrashed,
    })
  }

  /** Follows the archive until the returned function is called. Belongs into an effect. */
  start(): Unsubscribe {
    const ends = untrack(() => [
      this.listing.start(),
      this.organisation.start(),
      this.trash.start(),
      this.archive.listen((changes) => this.selection.drop(this.#unlisted(changes))),
    ])
    return () => {
      for (const end of ends) end()
    }
  }

  /** Lists what the user chose. Belongs into an effect: it follows the place, the arrangement and the folders. */
  arrange(): void {
    const { place, arrangement, organisation } = this
    const isThere = organisation.exists(place) || !organisation.loaded
    // The folders arrange the list anew only where it depends on them.
    const paths: FolderPaths = arrangement.group === 'folder' ? organisation.paths : plainMap()
    const tree = place.kind === 'folder' ? organisation.tree : []
    untrack(() => {
      if (!isThere) this.choose(EVERYTHING)
      else this.listing.arrange(new Order(arrangement, paths), fitsIn(place, tree))
    })
  }

  choose(place: Place): void {
    if (!samePlace(place, this.place)) this.selection.clear()
    this.place = place
  }

  setArrangement({ group, sort }: Arrangement): void {
    this.#preferences.remember({ library_group: group, library_sort: sort })
  }

  get placesOpen(): boolean {
    return this.#preferences.window.places_open
  }

  set placesOpen(open: boolean) {
    this.#preferences.remember({ places_open: open })
  }

  /** The meetings that a change took out of the list. The listing has followed it already. */
  #unlisted(changes: readonly Change[]): string[] {
    return changes.flatMap(({ before }) => (before && !this.listing.has(before.id) ? [before.id] : []))
  }

  async #drop(ids: readonly string[], target: Target): Promise<void> {
    const { organising } = this
    if (target.kind === 'folder') await organising.move(ids, target.id)
    else if (target.kind === 'tag') await organising.tag(ids, target.id, true)
    else if (target.kind === 'favourites') await organising.favourite(ids, true)
    else await organising.trash(ids)
    this.selection.clear()
  }
}
