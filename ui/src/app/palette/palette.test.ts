import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { memoryClient, sampleJob, sampleSegment, sampleTranscript } from '../../lib/memory'
import { actionsOf, type PaletteCommands } from './actions'
import { byName, byTitle, Palette } from './palette.svelte'
import PaletteDialog from './PaletteDialog.svelte'

const user = userEvent.setup()
afterEach(cleanup)

const jobs = ['Budget review', 'Café planning', 'Choir', 'Harbour', 'Standup', 'Tides', 'Weekly'].map(
  (title, index) => sampleJob({ id: `job-${index}`, title, recorded_at: `2026-03-0${9 - index}T10:00:00Z` }),
)
const spoken = sampleSegment({ id: 's', start_ms: 65_000, end_ms: 66_000, text: 'the settings of the choir' })

function commands(): PaletteCommands {
  const names = [
    'search',
    'addFiles',
    'addFolder',
    'models',
    'people',
    'backup',
    'cleanup',
    'database',
    'check',
  ] as const
  const all = [
    ...names,
    'settings',
    'keys',
    'about',
    'results',
    'find',
    'exportOpen',
    'play',
    'again',
  ] as const
  const made = Object.fromEntries([...all, 'deleteOpen', 'trash'].map((name) => [name, vi.fn()]))
  return made as unknown as PaletteCommands
}

async function open() {
  const client = memoryClient({ jobs, transcripts: { 'job-2': sampleTranscript([spoken]) } })
  const palette = new Palette(client)
  const does = commands()
  const calls = { onopen: vi.fn(), onfound: vi.fn(), onall: vi.fn() }
  render(PaletteDialog, {
    palette,
    actions: actionsOf({ ...does, find: null }),
    meetings: jobs,
    get: (id: string) => jobs.find((job) => job.id === id),
    selected: 'job-0',
    nowMs: Date.parse('2026-03-10T12:00:00Z'),
    ...calls,
  })
  palette.noteOpened('job-5')
  palette.noteOpened('job-0')
  palette.show()
  const field = await screen.findByRole('combobox', { name: 'Search, open a meeting, or type a command' })
  await waitFor(() => expect(field).toHaveFocus())
  return { client, palette, does, field, ...calls }
}

const group = (name: string) =>
  within(screen.getByRole('group', { name }))
    .getAllByRole('option')
    .map((option) => option.textContent.replace(/\s+/g, ' ').trim())
const active = () => document.querySelector('[role=option][aria-selected=true]')?.textContent.trim()

test('at first: the meetings that were opened last, then the newest, and all commands', async () => {
  const { field } = await open()
  expect(group('Recent meetings').map((text) => text.split(' ')[0])).toEqual([
    'Tides',
    'Café',
    'Choir',
    'Harbour',
    'Standup',
  ])
  expect(group('Commands')).toContain('Settings')
  expect(group('Commands')).not.toContain('Find in this meeting')
  expect(field).toHaveAttribute('aria-activedescendant', document.querySelector('[role=option]')?.id)
})

test('what is typed filters commands and titles, and is searched in the archive', async () => {
  const { client, onfound } = await open()
  await user.keyboard('choir')
  expect(group('Meetings')).toEqual(['Choir Saturday · 48 min'])
  await waitFor(() => expect(group('Said in meetings')[0]).toBe('the settings of the choir Choir · 1:05'))
  expect(client.count('search')).toBe(1)
  await user.keyboard('{ArrowDown}{Enter}')
  await waitFor(() => expect(onfound).toHaveBeenCalledOnce())
  const [text, meeting, passage] = onfound.mock.calls[0] ?? []
  expect([text, meeting.job_id, passage.segment_id]).toEqual(['choir', 'job-2', 's'])
  expect(screen.queryByRole('dialog')).toBeNull()
})

test('Enter runs the first command that fits; what comes from the archive stands below it', async () => {
  const { does } = await open()
  await user.keyboard('settings')
  await waitFor(() => expect(group('Said in meetings')[0]).toMatch(/^the settings/))
  expect(active()).toBe('Settings')
  await user.keyboard('{Enter}')
  await waitFor(() => expect(does.settings).toHaveBeenCalledOnce())
})

test('the arrow keys go around, and all results can be shown', async () => {
  const { onall } = await open()
  await user.keyboard('xyz')
  expect(active()).toBe('Show everything found for “xyz”')
  await user.keyboard('{ArrowDown}{ArrowUp}{Enter}')
  await waitFor(() => expect(onall).toHaveBeenCalledExactlyOnceWith('xyz'))
})

test('the entry one went to stays chosen when answers arrive', async () => {
  const { client, onopen } = await open()
  const answer = client.hold('search')
  await user.keyboard('choir{ArrowDown}')
  const before = active()
  answer()
  await waitFor(() => expect(group('Said in meetings').length).toBe(1))
  expect(active()).toBe(before)
  expect(onopen).not.toHaveBeenCalled()
})

test('a failure of the search is said; commands still work', async () => {
  const { client } = await open()
  client.fail('search', { message: 'the database does not answer' })
  await user.keyboard('people')
  expect(
    await screen.findByText('The archive could not be searched. The database does not answer.'),
  ).toBeVisible()
  expect(group('Commands')).toEqual(['People'])
})

test('Ctrl+K and Escape close it without doing anything', async () => {
  const { palette, does } = await open()
  await user.keyboard('{Control>}k{/Control}')
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  palette.show()
  await screen.findByRole('dialog')
  await user.keyboard('{Escape}')
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  expect(Object.values(does).some((command) => vi.mocked(command!).mock.calls.length > 0)).toBe(false)
})

test('titles and commands are found without case and accents, by all words', () => {
  expect(byTitle(jobs, 'cafe PLAN').map(({ title }) => title)).toEqual(['Café planning'])
  expect(byTitle(jobs, 'cafe choir')).toEqual([])
  expect(byTitle(jobs, '')).toHaveLength(5)
  const names = byName(actionsOf(commands()), 'sear').map(({ label }) => label)
  expect(names).toEqual(['Search the archive', 'Back to the search results'])
})

describe('meetings by title', () => {
  const titles = ['Interview with Dr Østergaard', 'Café meeting', 'Board meeting']
  const jobs = titles.map((title, index) => sampleJob({ id: String(index), title }))
  const found = (text: string) => byTitle(jobs, text).map(({ title }) => title)

  test.each([
    ['', titles],
    ['   ', titles],
    ['MEETING', ['Café meeting', 'Board meeting']],
    ['cafe', ['Café meeting']],
    ['meet board', ['Board meeting']],
    ['(', []],
  ])('%j finds %j', (text, expected) => expect(found(text)).toEqual(expected))
})
