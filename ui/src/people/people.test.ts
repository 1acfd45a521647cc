import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import axe from 'axe-core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import App from '../App.svelte'
import { memoryClient, sampleJob, samplePerson, type Seed } from '../lib/memory'
import { menuItem } from '../meeting/testing'

const user = userEvent.setup({ pointerEventsCheck: 0 })

afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
})

const job = sampleJob()
const meetings = Array.from({ length: 5 }, (_, index) => ({
  id: index === 0 ? job.id : `m${index}`,
  title: `Call ${index}`,
}))
const anna = samplePerson(1, {
  name: 'Anna',
  voices: 3,
  samples: [{ meeting_id: job.id, start_ms: 2_000, end_ms: 6_000 }],
  meetings,
})
const ben = samplePerson(2, { name: 'Ben' })

async function open(people: Seed['people'] = { enabled: true, people: [anna, ben] }) {
  const client = memoryClient({ jobs: [job], window: { hint_dismissed: true }, people })
  render(App, { client })
  await user.click(await screen.findByRole('button', { name: 'People' }))
  await screen.findByRole('heading', { level: 1, name: 'People' })
  return client
}

const card = (name: string) => within(screen.getByRole('listitem', { name }))
const choose = async (menu: string, ...ways: string[]) => {
  await user.click(screen.getByRole('button', { name: menu }))
  for (const way of ways) await user.click(await menuItem(way))
}

async function expectNoFaults() {
  const { violations } = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false } } })
  expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([])
}

test('a voice from an earlier version of MeetMemo is marked as outdated', async () => {
  await open({ enabled: true, people: [samplePerson(1, { name: 'Anna', voices: 0, outdated: true }), ben] })
  expect(await screen.findByText(/has to be learned again/)).toBeVisible()
  expect(card('Anna').queryByText('No voice samples')).toBeNull()
  expect(card('Ben').getByText('1 voice sample')).toBeVisible()
})

describe('before the consent', () => {
  test('the page only explains what would be stored', async () => {
    const client = await open({})
    expect(screen.getByRole('heading', { level: 1, name: 'People' })).toHaveFocus()
    expect(await screen.findByText(/A description of each voice in numbers/)).toBeVisible()
    expect(screen.queryByRole('switch')).toBeNull()
    await expectNoFaults()
    await user.click(screen.getByRole('button', { name: 'Not now' }))
    expect(screen.queryByRole('heading', { level: 1, name: 'People' })).toBeNull()
    expect(client.count('setPeople')).toBe(0)
  })

  test('agreeing leads to an empty list', async () => {
    const client = await open({})
    client.fail('setPeople', { message: 'the archive is read only' }, 1)
    await user.click(await screen.findByRole('button', { name: 'Remember voices' }))
    expect(await screen.findByText('The archive is read only.')).toBeVisible()
    await user.click(screen.getByRole('button', { name: 'Remember voices' }))
    expect(await screen.findByText('There are no people yet.')).toBeVisible()
    expect(client.calls).toContainEqual(['setPeople', true, false])
    await waitFor(() => expect(screen.getByRole('heading', { level: 1, name: 'People' })).toHaveFocus())
  })

  test('the settings lead there too', async () => {
    render(App, { client: memoryClient({ jobs: [job] }) })
    await user.click(await screen.findByRole('button', { name: 'Settings' }))
    await user.click(
      within(await screen.findByRole('dialog')).getByRole('button', { name: 'People you know' }),
    )
    await screen.findByRole('heading', { level: 1, name: 'People' })
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  })
})

describe('people', () => {
  test('are listed with their voices and meetings', async () => {
    const client = await open()
    expect(card('Anna').getByText('3 voice samples')).toBeVisible()
    expect(card('Ben').getByText('No longer in any meeting')).toBeVisible()
    await expectNoFaults()
    await user.click(card('Anna').getByRole('button', { name: 'Listen to Anna, sample 1' }))
    expect(client.calls).toContainEqual(['sound', job.id])
    await user.click(card('Anna').getByRole('button', { name: 'Stop' }))
    expect(card('Anna').queryByText('Call 3')).toBeNull()
    await user.click(card('Anna').getByRole('button', { name: '2 more meetings' }))
    expect(card('Anna').getByText('Call 4')).toBeVisible()
    await user.click(card('Anna').getByRole('button', { name: 'Call 0' }))
    expect(await screen.findByRole('heading', { level: 1, name: 'Panel discussion' })).toBeVisible()
  })

  test('are renamed in place, but not to an empty name', async () => {
    const client = await open()
    const field = card('Anna').getByRole('textbox', { name: 'Name of Anna' })
    await user.clear(field)
    await user.type(field, '{Enter}')
    expect(client.count('renamePerson')).toBe(0)
    await user.clear(field)
    await user.type(field, 'Anna Berg{Enter}')
    await screen.findByRole('listitem', { name: 'Anna Berg' })
    expect(client.calls).toContainEqual(['renamePerson', 'person-1', 'Anna Berg'])
  })

  test('are merged', async () => {
    const client = await open()
    await choose('More about Ben', 'Merge into', 'Anna')
    await waitFor(() => expect(screen.queryByRole('listitem', { name: 'Ben' })).toBeNull())
    expect(client.calls).toContainEqual(['mergePeople', 'person-2', 'person-1'])
    expect(card('Anna').getByText('4 voice samples')).toBeVisible()
    expect(await screen.findByText('Ben is now part of Anna.')).toBeInTheDocument()
    await waitFor(() => expect(screen.getByRole('listitem', { name: 'Anna' })).toHaveFocus())
  })

  test('are forgotten after a confirmation that says what stays', async () => {
    const client = await open()
    await choose('More about Ben', 'Forget…')
    const dialog = await screen.findByRole('alertdialog', { name: 'Forget Ben?' })
    expect(dialog).toHaveTextContent('This forgets the voice everywhere. The name stays in the meetings.')
    await user.click(within(dialog).getByRole('button', { name: 'Cancel' }))
    expect(client.count('forgetPerson')).toBe(0)
    await choose('More about Ben', 'Forget…')
    await user.click(await screen.findByRole('button', { name: 'Forget' }))
    await waitFor(() => expect(screen.queryByRole('listitem', { name: 'Ben' })).toBeNull())
    expect(client.calls).toContainEqual(['forgetPerson', 'person-2'])
    await waitFor(() => expect(screen.getByRole('heading', { level: 1, name: 'People' })).toHaveFocus())
    expect(await screen.findByText('Ben has been forgotten.')).toBeInTheDocument()
  })

  test('can be named without asking, and can all be forgotten', async () => {
    const client = await open()
    await user.click(
      screen.getByRole('switch', { name: /^Name speakers without asking when the match is certain/ }),
    )
    expect(client.calls).toContainEqual(['setPeople', true, true])
    await user.click(screen.getByRole('button', { name: 'Stop remembering voices…' }))
    const dialog = await screen.findByRole('alertdialog')
    expect(dialog).toHaveTextContent('This forgets all voices. The names in your meetings stay.')
    await user.click(within(dialog).getByRole('button', { name: 'Forget all voices' }))
    expect(await screen.findByRole('button', { name: 'Remember voices' })).toBeVisible()
    expect(client.calls).toContainEqual(['setPeople', false, false])
  })

  test('a change that fails says why', async () => {
    const client = await open()
    client.fail('forgetPerson', { message: 'The archive is read only.' })
    await choose('More about Ben', 'Forget…')
    await user.click(await screen.findByRole('button', { name: 'Forget' }))
    expect(await screen.findByText('The archive is read only.')).toBeVisible()
    expect(screen.getByRole('listitem', { name: 'Ben' })).toBeVisible()
  })
})
