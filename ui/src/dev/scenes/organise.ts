import { sampleFolder, sampleMeetings, sampleTag, type MemoryClient, type Seed } from '../../lib/memory'
import type { JobView } from '../../lib/types'
import { openAnd, press, pressAt, type as typeInto } from './actions'
import { first, now, withText } from './samples'
import type { Scenes } from './scene'

const folders = [
  sampleFolder('work', 'Work'),
  sampleFolder('clients', 'Clients', 'work'),
  sampleFolder('board', 'Board meetings of the association and its committees', 'work'),
  sampleFolder('choir', 'Choir'),
]
const tags = [
  sampleTag('decision', 'Decision', 'c1'),
  sampleTag('follow', 'To follow up', 'c3'),
  sampleTag('quiet', 'For the archive', 'c8'),
]

/** Meetings in folders, with tags, favourites and notes; every sixth is in the trash if `trashes`. */
function organised(count: number, trashes = true): JobView[] {
  const places = [null, 'work', 'clients', 'choir', null]
  return sampleMeetings(count, now).map((job, index) => ({
    ...job,
    folder_id: places[index % places.length] ?? null,
    tags:
      index % 3 === 0 ? ['decision', 'follow'].slice(0, (index % 2) + 1) : index % 7 === 1 ? ['quiet'] : [],
    favourite: index % 5 === 2,
    has_note: index % 4 === 1,
    pinned: index === 11,
    trashed_at:
      trashes && index % 6 === 5 ? new Date(now.getTime() - index * 3_600_000 * 20).toISOString() : null,
  }))
}

const seed: Seed = { jobs: organised(40), folders, tags }
const withNote: Seed = {
  ...withText,
  jobs: organised(14, false),
  folders,
  tags,
  notes: {
    [first.id]: [
      '# Budget',
      'The **hall** costs *more* than last year, see https://example.org/offers?year=2026.',
      '- [x] ask for an offer\n- [ ] tell the board <b>before</b> Friday\n- read `minutes.md`',
      '> We decide next week.',
      '| what | how much |\n|---|---|\n| hall | 1 200 |\n| tea | 80 |',
      '1. first\n2. second',
    ].join('\n\n'),
  },
}

const rows = () => [...document.querySelectorAll<HTMLElement>('[data-meeting]')]
const place = (key: string) => pressAt(`[data-key="${key}"]`)

/** Selects meetings by their place in the list, as with Ctrl. */
function select(...places: number[]) {
  for (const at of places)
    rows()[at]?.dispatchEvent(new MouseEvent('click', { bubbles: true, ctrlKey: true }))
}

/** Selects meetings and holds them over a place. */
function dragOver(key: string) {
  select(1, 2, 5)
  setTimeout(() => {
    const place = document.querySelector(`[data-key="${key}"]`)?.getBoundingClientRect()
    const move = (type: string, target: EventTarget | undefined, clientX: number, clientY: number) =>
      target?.dispatchEvent(new PointerEvent(type, { bubbles: true, button: 0, clientX, clientY }))
    move('pointerdown', rows()[1], 100, 500)
    if (place) move('pointermove', window, place.left + 90, place.top + 10)
  }, 100)
}

function menuAt(element: Element | null | undefined) {
  element?.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true }))
}

/** Presses the entry of an open menu whose text begins with `text`. */
function pressItem(text: string, tries = 10) {
  const items = [...document.querySelectorAll<HTMLElement>('[role=menuitem]')]
  const item = items.find((one) => one.textContent.trim().startsWith(text))
  if (!item && tries > 0) setTimeout(() => pressItem(text, tries - 1), 30)
  for (const type of ['pointerdown', 'pointermove', 'pointerup'])
    item?.dispatchEvent(new PointerEvent(type, { bubbles: true, button: 0 }))
  item?.click()
}

/** Opens the menu of a place and chooses an entry. */
function inMenu(key: string, item: string) {
  menuAt(document.querySelector(`[data-key="${key}"]`))
  setTimeout(() => pressItem(item), 100)
}

/** Selects meetings, then presses a button of the bar. */
function selectAnd(button: string) {
  select(1, 2, 5)
  setTimeout(() => press(button), 100)
}

function trashOpened(client: MemoryClient, then: () => void = () => {}) {
  void client
  place('trash')
  setTimeout(then, 200)
}

export const organiseScenes: Scenes = {
  organised: { seed },
  'organised-many-folders': {
    seed: {
      ...seed,
      folders: Array.from({ length: 40 }, (_, index) =>
        sampleFolder(`f${index}`, `Client ${index + 1}`, index % 4 === 0 ? null : `f${index - (index % 4)}`),
      ),
    },
  },
  'organised-closed': { seed: { ...seed, window: { places_open: false } } },
  'organised-failed': {
    seed: { ...seed, core: { state: 'opening', phase: 'starting' } },
    then: (client) => {
      client.fail('tags', { message: 'The database does not answer.' })
      client.setCore({ state: 'ready' })
    },
  },
  'place-folder': { seed, then: () => place('folder-work') },
  'place-empty-folder': {
    seed: { ...seed, folders: [...folders, sampleFolder('new', 'Not used yet')] },
    then: () => place('folder-new'),
  },
  'place-tag': { seed, then: () => place('tag-decision') },
  'place-menu': { popup: true, seed, then: () => menuAt(document.querySelector('[data-key="folder-work"]')) },
  'arrange-menu': {
    popup: true,
    seed,
    then: () => {
      const button = document.querySelector<HTMLElement>('[aria-label="Group and sort"]')
      button?.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, button: 0 }))
    },
  },
  'arrange-folder': { seed: { ...seed, window: { library_group: 'folder', library_sort: 'title' } } },
  'arrange-length': { seed: { ...seed, window: { library_group: 'length', library_sort: 'longest' } } },
  'arrange-month': { seed: { ...seed, window: { library_group: 'month', library_sort: 'oldest' } } },
  'select-none': { seed, then: () => press('Select several') },
  'select-some': { seed, then: () => select(1, 2, 5) },
  dragging: { seed, then: () => dragOver('folder-clients') },
  'meeting-menu': { popup: true, seed, then: () => menuAt(rows()[1]) },
  'move-dialog': { seed, then: () => selectAnd('Move to…') },
  'move-dialog-many': {
    seed: {
      ...seed,
      folders: Array.from({ length: 60 }, (_, index) => sampleFolder(`f${index}`, `Client ${index + 1}`)),
    },
    then: () => {
      selectAnd('Move to…')
      setTimeout(() => typeInto('Filter folders', '5'), 250)
    },
  },
  'tags-dialog': { seed, then: () => selectAnd('Tags…') },
  'tags-dialog-none': {
    seed: { ...seed, jobs: organised(12).map((job) => ({ ...job, tags: [] })), tags: [] },
    then: () => selectAnd('Tags…'),
  },
  'tag-dialog': { seed, then: () => inMenu('tag-decision', 'Name and colour') },
  'tag-delete': { seed, then: () => inMenu('tag-decision', 'Delete the tag') },
  'folder-new': { seed: { jobs: organised(12, false).map(plain) }, then: () => press('New folder') },
  'folder-taken': {
    seed,
    then: (client) => {
      client.fail('changeFolder', {
        code: 'already_exists',
        message: 'There is a folder “Choir” here already.',
      })
      inMenu('folder-work', 'Rename')
      setTimeout(() => {
        const field = document.querySelector<HTMLInputElement>('[role=dialog] input')
        if (field) field.value = 'Choir'
        field?.dispatchEvent(new Event('input', { bubbles: true }))
        setTimeout(() => press('Rename'), 100)
      }, 400)
    },
  },
  'folder-move': { seed, then: () => inMenu('folder-clients', 'Move to') },
  'folder-delete': { seed, then: () => inMenu('folder-work', 'Delete the folder') },
  'bulk-again': {
    popup: true,
    seed,
    then: () => selectAnd('More for the selected meetings'),
  },
  'bulk-trashed': { seed, then: () => selectAnd('Move to the trash') },
  trash: { seed, then: trashOpened },
  'trash-empty': {
    seed: { ...seed, jobs: organised(12, false) },
    then: trashOpened,
  },
  'trash-delete': {
    seed,
    then: (client) => trashOpened(client, () => pressAt('[aria-label^="Delete “"]')),
  },
  'trash-clear': { seed, then: (client) => trashOpened(client, () => press('Empty the trash…')) },
  'trash-failed': {
    seed: { ...seed, core: { state: 'opening', phase: 'starting' } },
    then: (client) => {
      client.fail('trashedMeetings', { message: 'The database does not answer.' })
      client.setCore({ state: 'ready' })
      setTimeout(() => place('trash'), 300)
    },
  },
  notes: { seed: withNote, then: () => openAnd('Notes') },
  'notes-empty': { seed: { ...withNote, notes: {} }, then: () => openAnd('Notes') },
  'notes-writing': {
    seed: withNote,
    then: () => {
      openAnd('Notes')
      setTimeout(() => pressAt('#note-view-write'), 250)
    },
  },
  'notes-failed': {
    seed: withNote,
    then: (client) => {
      client.fail('saveNote', { message: 'The database does not answer.' })
      openAnd('Notes')
      setTimeout(() => pressAt('#note-view-write'), 250)
      setTimeout(() => typeInto('Note', 'We meet again on Tuesday.')?.blur(), 350)
    },
  },
  'notes-conflict': {
    seed: withNote,
    then: (client) => {
      openAnd('Notes')
      setTimeout(() => pressAt('#note-view-write'), 250)
      setTimeout(() => {
        const field = typeInto('Note', '# Budget\n\nWe meet again on Tuesday.')
        client.writeNote(first.id, '# Budget\n\nThe hall is booked for Wednesday.')
        setTimeout(() => field?.blur(), 100)
      }, 350)
    },
  },
  'title-conflict': {
    seed: withNote,
    then: (client) => {
      openAnd()
      setTimeout(() => pressAt('h1 button'), 200)
      setTimeout(() => {
        const field = typeInto('Title', 'Budget, first reading')
        client.changeJob(first.id, { title: 'Budget 2027' })
        field?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }))
      }, 400)
    },
  },
}

function plain(job: JobView): JobView {
  return { ...job, folder_id: null, tags: [], favourite: false, trashed_at: null }
}
