/** Organising the library in the whole window. */
import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import axe from 'axe-core'
import { afterEach, describe, expect, test } from 'vitest'
import App from '../App.svelte'
import { memoryClient, sampleFolder, sampleJob, sampleTag, type Seed } from '../lib/memory'
import type { JobView } from '../lib/types'
import { menuItem } from '../meeting/testing'

const user = userEvent.setup({ pointerEventsCheck: 0 })

afterEach(cleanup)

const titlesOfAll = ['One', 'Two', 'Three', 'Four']
const jobs = titlesOfAll.map((title, index) =>
  sampleJob({ id: title.toLowerCase(), title, recorded_at: `2026-03-0${9 - index}T10:00:00+00:00` }),
)
const [one, two, three, four] = jobs as [JobView, JobView, JobView, JobView]
const folders = [sampleFolder('work', 'Work'), sampleFolder('clients', 'Clients', 'work')]
const tags = [sampleTag('todo', 'To do', 'c1'), sampleTag('done', 'Done', 'c5')]

async function start(seed: Seed = {}) {
  const client = memoryClient({ jobs, window: { hint_dismissed: true }, ...seed })
  render(App, { client })
  const list = await screen.findByRole('listbox', { name: 'Library' })
  await within(list).findAllByRole('option')
  return { client, list }
}

const rows = () => screen.queryAllByRole('option')
const titles = () => rows().map((option) => option.querySelector('.title')?.textContent)
const row = (title: string) => screen.getByRole('option', { name: new RegExp(`^${title}`) })
const selected = () =>
  rows().flatMap((option) =>
    option.getAttribute('aria-selected') === 'true' ? [option.querySelector('.title')?.textContent] : [],
  )
const place = (name: string) => screen.getByRole('treeitem', { name: new RegExp(`^${name},`) })
const organised = (client: Awaited<ReturnType<typeof start>>['client']) =>
  client.calls.filter(([call]) => call === 'organise').map(([, change, ids]) => [change, ids])

async function expectNoFaults() {
  const { violations } = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false } } })
  expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([])
}

describe('before anything is organised', () => {
  test('there is one quiet place for a new folder, which then shows the places', async () => {
    const { client } = await start()
    expect(screen.queryByRole('tree')).toBeNull()
    await user.click(screen.getByRole('button', { name: 'New folder' }))
    const dialog = await screen.findByRole('dialog', { name: 'New folder' })
    await user.type(within(dialog).getByRole('textbox', { name: 'Name' }), '  Work {Enter}')
    await screen.findByRole('treeitem', { name: 'Work, 0 meetings' })
    expect(client.calls).toContainEqual(['addFolder', 'Work', null])
    expect(screen.getByText(/^This folder is empty\./)).toBeVisible()
    await user.click(screen.getByRole('button', { name: 'Show all meetings' }))
    await waitFor(() => expect(titles()).toEqual(titlesOfAll))
  })
})

describe('selecting', () => {
  test('with Ctrl, Shift and Ctrl+A; Escape ends it', async () => {
    const { list } = await start()
    await user.keyboard('{Control>}')
    await user.click(row('Two'))
    await user.click(row('Four'))
    await user.keyboard('{/Control}')
    expect(selected()).toEqual(['Two', 'Four'])
    expect(screen.getByRole('toolbar', { name: 'Selected meetings' })).toHaveTextContent('2 selected')
    await user.keyboard('{Shift>}')
    await user.click(row('Two'))
    await user.keyboard('{/Shift}')
    expect(selected()).toEqual(['Two', 'Three', 'Four'])
    list.focus()
    await user.keyboard('{Control>}a{/Control}')
    expect(selected()).toEqual(titlesOfAll)
    await expectNoFaults()
    await user.keyboard('{Escape}')
    expect(selected()).toEqual([])
    expect(screen.queryByRole('toolbar')).toBeNull()
  })

  test('with the keyboard alone', async () => {
    const { list } = await start()
    list.focus()
    await user.keyboard('{ArrowDown}{Shift>}{ArrowDown}{ArrowDown}{ArrowUp}{/Shift}')
    expect(selected()).toEqual(['Two', 'Three'])
    await user.keyboard('{Control>} {/Control}')
    expect(selected()).toEqual(['Two'])
  })

  test('in the mode for it, with a press on each', async () => {
    await start()
    await user.click(screen.getByRole('button', { name: 'Select several' }))
    expect(screen.getByRole('toolbar')).toHaveTextContent('None selected')
    expect(screen.getByRole('button', { name: 'Move to the trash' })).toHaveAttribute('aria-disabled', 'true')
    await user.click(row('One'))
    await user.click(row('Three'))
    expect(selected()).toEqual(['One', 'Three'])
    expect(screen.getByRole('heading', { level: 1 })).toHaveTextContent('No meeting is open')
    await user.click(screen.getByRole('button', { name: 'Select all' }))
    expect(selected()).toEqual(titlesOfAll)
  })

  test('with a long press on a touch screen, then with a tap on each', async () => {
    await start()
    const touch = { pointerType: 'touch' }
    fireEvent.pointerDown(row('Two'), touch)
    await waitFor(() => expect(selected()).toEqual(['Two']), { timeout: 3_000 })
    fireEvent.pointerUp(row('Two'), touch)
    fireEvent.click(row('Two'))
    expect(selected()).toEqual(['Two'])
    fireEvent.pointerDown(row('Four'), touch)
    fireEvent.pointerUp(row('Four'), touch)
    fireEvent.click(row('Four'))
    await waitFor(() => expect(selected()).toEqual(['Two', 'Four']))
    expect(screen.getByRole('heading', { level: 1 })).toHaveTextContent('No meeting is open')
  })
})

describe('many meetings at once', () => {
  async function selectTwo() {
    await user.keyboard('{Control>}')
    await user.click(row('One'))
    await user.click(row('Three'))
    await user.keyboard('{/Control}')
  }
  const undo = () => user.click(screen.getByRole('button', { name: 'Undo' }))

  test('go to the trash and come back', async () => {
    const { client } = await start()
    await selectTwo()
    await user.click(screen.getByRole('button', { name: 'Move to the trash' }))
    await waitFor(() => expect(titles()).toEqual(['Two', 'Four']))
    expect(organised(client)).toEqual([[{ kind: 'trash' }, ['one', 'three']]])
    expect(screen.getByText('2 meetings are in the trash.')).toBeVisible()
    await waitFor(() => expect(place('Trash')).toHaveAccessibleName('Trash, 2 meetings'))
    await undo()
    await waitFor(() => expect(titles()).toEqual(titlesOfAll))
  })

  test('are moved to a folder, also to a new one', async () => {
    const { client } = await start({ folders })
    await selectTwo()
    await user.click(screen.getByRole('button', { name: 'Move to…' }))
    const dialog = await screen.findByRole('dialog', { name: 'Move 2 meetings' })
    expect(within(dialog).getByRole('radio', { name: 'In no folder' })).toBeChecked()
    await user.click(within(dialog).getByRole('radio', { name: 'Clients' }))
    await expectNoFaults()
    await user.click(within(dialog).getByRole('button', { name: 'Move' }))
    await screen.findByText('2 meetings are in “Clients”.')
    expect(organised(client)).toEqual([[{ kind: 'move', folder: 'clients' }, ['one', 'three']]])
    await waitFor(() => expect(place('Work')).toHaveAccessibleName('Work, 2 meetings'))
    await undo()
    await waitFor(() => expect(place('Work')).toHaveAccessibleName('Work, 0 meetings'))
    await user.click(screen.getByRole('button', { name: 'Move to…' }))
    await user.click(await screen.findByRole('button', { name: 'New folder…' }))
    await user.type(await screen.findByRole('textbox', { name: 'Name' }), 'Board{Enter}')
    await screen.findByText('2 meetings are in “Board”.')
  })

  test('get tags, of which some have them already, and a new tag', async () => {
    const { client } = await start({ tags, jobs: [{ ...one, tags: ['todo'] }, two, three, four] })
    await selectTwo()
    await user.click(screen.getByRole('button', { name: 'Tags…' }))
    const dialog = await screen.findByRole('dialog', { name: 'Tags of 2 meetings' })
    const box = within(dialog).getByRole<HTMLInputElement>('checkbox', { name: 'To do' })
    expect([box.checked, box.indeterminate]).toEqual([false, true])
    await user.click(box)
    await waitFor(() => expect(box.indeterminate).toBe(false))
    await user.type(within(dialog).getByRole('textbox', { name: 'New tag' }), 'Budget{Enter}')
    await within(dialog).findByRole('checkbox', { name: 'Budget' })
    await waitFor(() => expect(client.count('organise')).toBe(2))
    expect(organised(client)[0]).toEqual([{ kind: 'tag', tag: 'todo' }, ['one', 'three']])
    await expectNoFaults()
    await user.click(within(dialog).getByRole('button', { name: 'Done' }))
    await waitFor(() => expect(place('Budget')).toHaveAccessibleName('Budget, 2 meetings'))
    expect(row('One')).toHaveTextContent('Tags: To do, Budget')
  })

  test('become favourites, and no favourites if all are', async () => {
    const { client } = await start()
    await selectTwo()
    const press = () => user.click(screen.getByRole('button', { name: 'Add to favourites' }))
    await press()
    await waitFor(() => expect(place('Favourites')).toHaveAccessibleName('Favourites, 2 meetings'))
    await press()
    await waitFor(() => expect(client.count('organise')).toBe(2))
    expect(organised(client).map(([change]) => change)).toEqual([
      { kind: 'favourite', on: true },
      { kind: 'favourite', on: false },
    ])
  })

  test('are transcribed again; undo cancels what waits, and failures are told', async () => {
    const { client } = await start()
    await selectTwo()
    await user.click(screen.getByRole('button', { name: 'More for the selected meetings' }))
    await user.click(await menuItem('Transcribe again'))
    const dialog = await screen.findByRole('dialog', { name: 'Transcribe 2 meetings again' })
    client.fail('transcribeAgain', { message: 'The audio is on another computer.' }, 1)
    await user.click(within(dialog).getByRole('button', { name: 'Transcribe again' }))
    await screen.findByText(
      'One meeting waits to be transcribed again. One could not: The audio is on another computer.',
    )
    await undo()
    await waitFor(() => expect(client.calls).toContainEqual(['cancel', 'three']))
  })
})

describe('the menu of a meeting', () => {
  test('opens with the keyboard and concerns all that are selected', async () => {
    const { client, list } = await start()
    list.focus()
    await user.keyboard('{Shift>}{ArrowDown}{F10}{/Shift}')
    const item = await menuItem('Move to the trash')
    // By the DOM: in jsdom a menu takes itself to be outside of the window.
    expect(item.closest('[role=menu]')).toHaveAttribute('aria-label', 'What to do with 2 meetings')
    await user.click(item)
    await waitFor(() => expect(titles()).toEqual(['Three', 'Four']))
    expect(organised(client)).toEqual([[{ kind: 'trash' }, ['one', 'two']]])
  })

  test('concerns only the meeting that is pressed if it is not selected', async () => {
    const { client } = await start()
    fireEvent.contextMenu(row('Three'))
    await user.click(await menuItem('Add to favourites'))
    await waitFor(() => expect(organised(client)).toEqual([[{ kind: 'favourite', on: true }, ['three']]]))
    expect(screen.getByRole('listbox', { name: 'Library' })).toHaveFocus()
  })
})

describe('places', () => {
  const seed: Seed = {
    folders,
    tags,
    jobs: [
      { ...one, folder_id: 'clients' },
      { ...two, favourite: true, tags: ['done'] },
      { ...three, folder_id: 'work' },
      four,
    ],
  }

  test('filter the list, say so, and lead back', async () => {
    await start(seed)
    await user.click(place('Work'))
    expect(titles()).toEqual(['One', 'Three'])
    expect(screen.getByText('2 meetings')).toBeVisible()
    expect(place('Work')).toHaveAttribute('aria-selected', 'true')
    await user.click(place('Done'))
    expect(titles()).toEqual(['Two'])
    await expectNoFaults()
    await user.click(screen.getByRole('button', { name: 'Show all meetings' }))
    expect(titles()).toEqual(titlesOfAll)
  })

  test('are a tree for the keyboard', async () => {
    await start(seed)
    place('All meetings').focus()
    await user.keyboard('{ArrowDown}{ArrowDown}')
    expect(place('Work')).toHaveFocus()
    expect(place('Work')).toHaveAttribute('aria-expanded', 'true')
    await user.keyboard('{ArrowLeft}')
    expect(screen.queryByRole('treeitem', { name: /^Clients/ })).toBeNull()
    await user.keyboard('{ArrowRight}{ArrowRight}')
    expect(place('Clients')).toHaveFocus()
    await user.keyboard('{Enter}')
    expect(titles()).toEqual(['One'])
    await user.keyboard('{F2}')
    const dialog = await screen.findByRole('dialog', { name: 'Rename “Clients”' })
    const field = within(dialog).getByRole('textbox')
    await user.clear(field)
    await user.type(field, 'Customers{Enter}')
    await waitFor(() => expect(place('Customers')).toBeVisible())
    await waitFor(() => expect(place('Customers')).toHaveFocus())
  })

  test('a folder that is deleted leaves its meetings in the one above, and the list', async () => {
    const { client } = await start(seed)
    await user.click(place('Clients'))
    place('Clients').focus()
    await user.keyboard('{Delete}')
    const dialog = await screen.findByRole('alertdialog', { name: 'Delete the folder “Clients”?' })
    expect(dialog).toHaveTextContent('What is in the folder moves to “Work”.')
    await user.click(within(dialog).getByRole('button', { name: 'Delete the folder' }))
    await waitFor(() => expect(titles()).toEqual(titlesOfAll))
    expect(client.calls).toContainEqual(['deleteFolder', 'clients'])
    expect(client.count('organise')).toBe(0)
    await waitFor(() => expect(place('Work')).toHaveAccessibleName('Work, 2 meetings'))
  })

  test('a name that is taken says so, and can be changed', async () => {
    const { client } = await start({ folders: [...folders, sampleFolder('choir', 'Choir')] })
    place('Choir').focus()
    await user.keyboard('{F2}')
    const field = await screen.findByRole('textbox', { name: 'Name' })
    await user.clear(field)
    await user.type(field, 'work{Enter}')
    expect(await screen.findByText('There is a folder “work” here already.')).toBeVisible()
    await user.type(field, ' 2{Enter}')
    await waitFor(() => expect(place('work 2')).toBeVisible())
    expect(client.count('changeFolder')).toBe(2)
  })

  test('a tag gets another name and colour', async () => {
    const { client } = await start(seed)
    place('Done').focus()
    await user.keyboard('{F2}')
    const dialog = await screen.findByRole('dialog', { name: 'Tag “Done”' })
    await user.click(within(dialog).getByRole('radio', { name: 'Violet' }))
    await user.click(within(dialog).getByRole('button', { name: 'Save' }))
    await waitFor(() => expect(client.calls).toContainEqual(['changeTag', 'done', 'Done', 'c9']))
  })

  test('follow what others do', async () => {
    const { client } = await start(seed)
    await client.addFolder('From elsewhere', null)
    await screen.findByRole('treeitem', { name: /^From elsewhere/ })
    await client.organise({ kind: 'move', folder: 'clients' }, ['four'])
    await waitFor(() => expect(place('Clients')).toHaveAccessibleName('Clients, 2 meetings'))
    await client.organise({ kind: 'trash' }, ['two'])
    await waitFor(() => expect(place('Trash')).toHaveAccessibleName('Trash, 1 meeting'))
    await waitFor(() => expect(titles()).toEqual(['One', 'Three', 'Four']))
  })
})

describe('the order of the list', () => {
  test('is chosen in a menu and remembered', async () => {
    const { client } = await start()
    await user.click(screen.getByRole('button', { name: 'Group and sort' }))
    await user.click(await menuItem('Oldest first'))
    await waitFor(() => expect(titles()).toEqual([...titlesOfAll].reverse()))
    await waitFor(() => expect(client.count('setWindowState')).toBe(1))
    await expect(client.windowState()).resolves.toMatchObject({
      library_sort: 'oldest',
      library_group: 'day',
    })
  })
})

describe('the trash', () => {
  const trashed = (job: JobView, days: number): JobView => ({
    ...job,
    trashed_at: new Date(Date.now() - days * 24 * 3_600_000).toISOString(),
  })
  const seed: Seed = {
    jobs: [one, trashed(two, 1), trashed(three, 40), { ...trashed(four, 2), pinned: true }],
  }

  async function opened() {
    const { client } = await start(seed)
    await screen.findByRole('treeitem', { name: 'Trash, 3 meetings' })
    await user.click(place('Trash'))
    const list = await screen.findByRole('list', { name: 'Meetings in the trash' })
    return { client, list }
  }

  test('says since when, and when each meeting goes', async () => {
    const { list } = await opened()
    expect(screen.getByRole('heading', { name: 'Trash' })).toHaveFocus()
    await screen.findByText(/Meetings stay here for 30 days/)
    const items = within(list).getAllByRole('listitem')
    expect(items.map((item) => item.querySelector('.title')?.textContent)).toEqual(['Two', 'Four', 'Three'])
    expect(items[0]).toHaveTextContent(/since yesterday.*goes on/)
    expect(items[1]).toHaveTextContent('kept for ever')
    expect(items[2]).toHaveTextContent('goes at the next clean-up')
    await expectNoFaults()
  })

  test('gives a meeting back', async () => {
    await opened()
    await user.click(screen.getByRole('button', { name: 'Restore “Two”' }))
    await waitFor(() => expect(titles()).toEqual(['One', 'Two']))
    expect(screen.getByText('“Two” is back in the library.')).toBeVisible()
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Restore “Two”' })).toBeNull())
  })

  test('asks before a meeting is deleted for good, and lists what goes', async () => {
    const { client } = await opened()
    client.deletions.two = {
      title: 'Two',
      own_exports: 2,
      kept_exports: ['/home/a.pdf', '/home/b.md', '/home/c.pdf', '/home/d.pdf', '/home/e.pdf'],
    }
    await user.click(screen.getByRole('button', { name: 'Delete “Two” now' }))
    const dialog = await screen.findByRole('alertdialog', { name: 'Delete “Two”?' })
    for (const text of ['2 exports in MeetMemo’s folder', '/home/c.pdf', '2 more exports saved elsewhere'])
      expect(dialog).toHaveTextContent(text)
    expect(dialog).not.toHaveTextContent('/home/d.pdf')
    expect(client.count('deleteNow')).toBe(0)
    await user.click(within(dialog).getByRole('button', { name: 'Delete for good' }))
    await waitFor(() => expect(client.calls).toContainEqual(['deleteNow', ['two']]))
    await screen.findByText('One meeting was deleted for good.')
    await waitFor(() => expect(screen.queryByText('Two')).toBeNull())
  })

  test('is emptied after a question', async () => {
    const { client } = await opened()
    await user.click(screen.getByRole('button', { name: 'Empty the trash…' }))
    const dialog = await screen.findByRole('alertdialog', { name: 'Empty the trash?' })
    expect(dialog).toHaveTextContent('3 meetings are deleted for good')
    await user.keyboard('{Escape}')
    expect(client.count('deleteNow')).toBe(0)
    await user.click(screen.getByRole('button', { name: 'Empty the trash…' }))
    await user.click(await screen.findByRole('button', { name: 'Delete for good' }))
    await screen.findByText('The trash is empty.')
  })

  test('that cannot be emptied says why', async () => {
    const { client } = await opened()
    client.fail('deleteNow', { message: 'The database does not answer.' })
    await user.click(screen.getByRole('button', { name: 'Empty the trash…' }))
    await user.click(await screen.findByRole('button', { name: 'Delete for good' }))
    expect(await screen.findByText('The database does not answer.')).toBeVisible()
  })
})
