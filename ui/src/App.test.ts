import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import axe from 'axe-core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import App from './App.svelte'
import { memoryClient, sampleImport, sampleJob, sampleMeetings, type Seed } from './lib/memory'
import type { DropView, JobView } from './lib/types'

const user = userEvent.setup()

afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
})

const [one, two, three] = ['One', 'Two', 'Three'].map((title, index) =>
  sampleJob({ id: title.toLowerCase(), title, recorded_at: `2026-03-0${9 - index}T10:00:00+00:00` }),
) as [JobView, JobView, JobView]

const quiet: Seed = { window: { hint_dismissed: true } }

function start(seed: Seed = {}) {
  const client = memoryClient({ ...quiet, ...seed })
  render(App, { client })
  return client
}

async function startWith(jobs: JobView[], seed: Seed = {}) {
  const client = start({ jobs, ...seed })
  const list = await screen.findByRole('listbox', { name: 'Library' })
  await within(list).findAllByRole('option')
  return { client, list }
}

const titles = () =>
  screen.getAllByRole('option').map((option) => option.querySelector('.title')?.textContent)
const row = (title: string) => screen.getByRole('option', { name: new RegExp(title) })
const notices = () => screen.getByRole('region', { name: 'Notices' })
const opened = () => screen.getByRole('heading', { level: 1 }).textContent?.trim()
/** The row that the keyboard acts on. */
const active = (list: HTMLElement) =>
  document.getElementById(list.getAttribute('aria-activedescendant') ?? '')?.querySelector('.title')
    ?.textContent

async function expectNoFaults() {
  const { violations } = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false } } })
  expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([])
}

describe('opening', () => {
  test('is shown; the first time says that it takes longer', async () => {
    const client = start({ core: { state: 'opening', phase: 'starting' } })
    expect(screen.getByRole('status')).toHaveTextContent('Opening your archive …')
    client.setCore({ state: 'opening', phase: 'creating' })
    await screen.findByText('Preparing MeetMemo for the first time. This takes a few seconds.')
    client.setCore({ state: 'ready' })
    await screen.findByRole('button', { name: /Drop recordings here/ })
    await expectNoFaults()
  })

  test('that failed says why, that the recordings are safe, and can be tried again', async () => {
    const client = start({ core: { state: 'failed', code: 'disk_full', message: 'The disk is full.' } })
    await screen.findByText('The disk is full.')
    expect(screen.getByText(/Your recordings are safe\./)).toBeVisible()
    await user.click(screen.getByRole('button', { name: 'Open log folder' }))
    expect(client.count('openLogFolder')).toBe(1)
    await user.click(screen.getByRole('button', { name: 'Show details' }))
    await user.click(screen.getByRole('button', { name: 'Copy details' }))
    expect(client.clipboard).toContain('disk_full')
    await expectNoFaults()
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    await screen.findByRole('button', { name: /Drop recordings here/ })
  })

  test('that failed still lets the user see and download speech models', async () => {
    const message = 'The database cannot be reached.'
    const client = start({ core: { state: 'failed', code: 'database_unreachable', message } })
    await user.click(await screen.findByRole('button', { name: 'Speech models' }))
    expect(await screen.findByRole('heading', { name: 'Speech models' })).toHaveFocus()
    await user.click(await screen.findByRole('button', { name: 'Install Whisper small' }))
    expect(client.count('installModel')).toBe(1)
    await expectNoFaults()
    await user.click(screen.getByRole('button', { name: 'Close speech models' }))
    expect(await screen.findByText(message)).toBeVisible()
    client.setCore({ state: 'ready' })
    await screen.findByRole('button', { name: /Drop recordings here/ })
  })

  test('keeps the list and says so when the database stops answering', async () => {
    const { client } = await startWith([sampleJob({ title: 'Team call' })])
    const lost = { code: 'database_unreachable', message: 'The database gives no answer.' } as const
    client.setCore({ state: 'reconnecting', ...lost })
    expect(
      (await screen.findByText(/^Reconnecting … The database gives no answer\./)).closest('.notice'),
    ).toBeVisible()
    expect(screen.getByText('Team call')).toBeVisible()
    client.setCore({ state: 'ready' })
    await waitFor(() => expect(screen.queryByText(/^Reconnecting/)).toBeNull())
  })

  test('can be tried again when the database stops answering before the list is shown', async () => {
    const message = 'The database gives no answer.'
    start({ core: { state: 'reconnecting', code: 'database_unreachable', message } })
    await screen.findByText(message)
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    await screen.findByRole('button', { name: /Drop recordings here/ })
  })

  test('a list of meetings that cannot be fetched can be tried again', async () => {
    const client = memoryClient({ ...quiet, jobs: [one] })
    client.fail('meetingsPage', { message: 'The database does not answer.' }, 1)
    render(App, { client })
    await screen.findByText('The database does not answer.')
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    await screen.findByRole('option', { name: /One/ })
  })
})

describe('the empty library', () => {
  test('asks for files or a folder, and says what MeetMemo can transcribe', async () => {
    const client = start()
    await user.click(await screen.findByRole('button', { name: /Drop recordings here.*or choose files/ }))
    await user.click(screen.getByRole('button', { name: 'or choose a folder' }))
    expect(client.calls.map(([call]) => call)).toEqual(
      expect.arrayContaining(['chooseFiles', 'chooseFolder']),
    )
    expect(screen.getByText('Everything stays on this computer.')).toBeVisible()
    expect(screen.getByText('Ready in 99 languages.')).toBeVisible()
  })

  test('marks the time at which the window is usable, once', async () => {
    performance.clearMarks('usable')
    await startWith([one])
    await waitFor(() => expect(performance.getEntriesByName('usable')).toHaveLength(1))
  })
})

describe('the hint about larger models', () => {
  test('is shown until it is dismissed, and not again', async () => {
    const { client } = await startWith([one], { window: { hint_dismissed: false } })
    const hint = await screen.findByText(/^Ready in 99 languages\. For fewer mistakes/)
    expect(hint).toHaveTextContent('Ready in 99 languages. For fewer mistakes, choose a larger model.')
    await user.click(screen.getByRole('button', { name: 'Dismiss' }))
    expect(hint).not.toBeInTheDocument()
    await waitFor(() => expect(client.count('setWindowState')).toBe(1))
    await expect(client.windowState()).resolves.toMatchObject({ hint_dismissed: true })
  })
})

describe('the library', () => {
  test('shows the status of a meeting only if there is one to show', async () => {
    const progress = {
      audio_done_ms: 1_000_000,
      audio_total_ms: 2_890_000,
      real_time_factor: 0.16,
      left_ms: 1,
      share: 0.294,
    }
    await startWith([
      one,
      sampleJob({ id: 'w', title: 'Waits', status: 'pending', workflow_state: 'queued', duration_ms: null }),
      sampleJob({ id: 't', title: 'Goes', status: 'processing', workflow_state: 'transcribing', progress }),
      sampleJob({ id: 'f', title: 'Broke', status: 'failed', workflow_state: 'transcribing' }),
      sampleJob({ id: 's', title: 'Halted', status: 'failed', workflow_state: 'cancelled' }),
      sampleJob({ id: 'e', title: 'Away', is_here: false }),
    ])
    expect(row('One').querySelector('.facts')).toHaveTextContent(/^48 min$/)
    expect(row('Waits')).toHaveTextContent('Waiting')
    expect(row('Goes')).toHaveTextContent('Transcribing 29 %')
    expect(row('Broke')).toHaveTextContent('Failed')
    expect(row('Halted')).toHaveTextContent('Stopped')
    expect(row('Away')).toHaveTextContent('On another computer')
    await expectNoFaults()
  })

  test('shows titles as plain text', async () => {
    await startWith([sampleJob({ title: '<img src=x onerror=alert(1)> & <b>notes</b>' })])
    expect(titles()).toEqual(['<img src=x onerror=alert(1)> & <b>notes</b>'])
    expect(document.querySelector('img')).toBeNull()
  })

  test('opens with a click', async () => {
    await startWith([one, two])
    expect(opened()).toBe('No meeting is open')
    await user.click(row('Two'))
    expect(opened()).toBe('Two')
    expect(row('Two')).toHaveAttribute('aria-selected', 'true')
    await expectNoFaults()
  })

  test('is operated with the keyboard', async () => {
    const { list } = await startWith([one, two, three])
    list.focus()
    await waitFor(() => expect(active(list)).toBe('One'))
    await user.keyboard('{ArrowDown}')
    expect(active(list)).toBe('Two')
    await user.keyboard('{End}')
    expect(active(list)).toBe('Three')
    await user.keyboard('{ArrowDown}{Home}{ArrowUp}')
    expect(active(list)).toBe('One')
    await user.keyboard('{End}{ArrowUp}{Enter}')
    expect(opened()).toBe('Two')
    expect(list).toHaveFocus()
  })

  test('renders only the visible rows of thousands', async () => {
    await startWith(sampleMeetings(5000))
    expect(titles().length).toBeLessThan(60)
    await waitFor(() => expect(screen.getAllByRole('option')[0]).toHaveAttribute('aria-setsize', '5000'))
    expect(titles().length).toBeLessThan(60)
  })

  test('follows the news', async () => {
    const { client } = await startWith([one])
    client.changeJob('one', { title: 'Renamed' })
    client.addJob(two)
    await screen.findByRole('option', { name: /Two/ })
    expect(titles()).toEqual(['Renamed', 'Two'])
  })

  test('says so when it could not be updated', async () => {
    const { client } = await startWith([one])
    client.fail('meetingsById', { message: 'The database does not answer.' }, 1)
    client.changeJob('one', { title: 'Renamed' })
    await screen.findByText(/could not be updated. The database does not answer\./)
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    await screen.findByRole('option', { name: /Renamed/ })
    expect(screen.queryByText(/could not be updated/)).toBeNull()
  })
})

describe('deleting', () => {
  test('goes to the trash at once and can be undone; the neighbour becomes active', async () => {
    const { client, list } = await startWith([one, two, three])
    list.focus()
    await user.keyboard('{ArrowDown}{Delete}')
    await waitFor(() => expect(titles()).toEqual(['One', 'Three']))
    expect(client.calls).toContainEqual(['organise', { kind: 'trash' }, ['two']])
    await waitFor(() => expect(list).toHaveFocus())
    expect(active(list)).toBe('Three')
    expect(await screen.findByText('“Two” is in the trash.')).toBeVisible()
    await user.click(screen.getByRole('button', { name: 'Undo' }))
    await waitFor(() => expect(titles()).toEqual(['One', 'Two', 'Three']))
    await waitFor(() => expect(screen.queryByText('“Two” is in the trash.')).toBeNull())
  })

  test('is undone with Ctrl+Z', async () => {
    const { list } = await startWith([one, two])
    list.focus()
    await user.keyboard('{Delete}')
    await waitFor(() => expect(titles()).toEqual(['Two']))
    await screen.findByText('“One” is in the trash.')
    await user.keyboard('{Control>}z{/Control}')
    await waitFor(() => expect(titles()).toEqual(['One', 'Two']))
  })

  test('the last row makes the one above active', async () => {
    const { list } = await startWith([one, two])
    list.focus()
    await user.keyboard('{End}{Delete}')
    await waitFor(() => expect(titles()).toEqual(['One']))
    expect(active(list)).toBe('One')
  })

  test('the open meeting from its own page leads back to the library', async () => {
    const { list } = await startWith([one, two])
    await user.click(row('One'))
    screen.getByRole('button', { name: 'One' }).focus()
    await user.keyboard('{Delete}')
    await waitFor(() => expect(opened()).toBe('No meeting is open'))
    await waitFor(() => expect(list).toHaveFocus())
    expect(active(list)).toBe('Two')
  })

  test('that fails says why and removes nothing', async () => {
    const { client, list } = await startWith([one, two])
    client.fail('organise', { message: 'The database does not answer.' })
    list.focus()
    await user.keyboard('{Delete}')
    await screen.findByText('The database does not answer.')
    expect(titles()).toEqual(['One', 'Two'])
  })

  test('the open meeting elsewhere closes it', async () => {
    const { client } = await startWith([one, two])
    await user.click(row('One'))
    client.removeJob('one')
    await waitFor(() => expect(opened()).toBe('No meeting is open'))
  })

  test('the only meeting shows the empty library, with the focus on the page', async () => {
    const { list } = await startWith([one])
    list.focus()
    await user.keyboard('{Delete}')
    await screen.findByRole('button', { name: /Drop recordings here/ })
    await waitFor(() => expect(screen.getByRole('main')).toHaveFocus())
  })
})

describe('work', () => {
  const progress = {
    audio_done_ms: 750_000,
    audio_total_ms: 2_890_000,
    real_time_factor: 0.161,
    left_ms: 190_000,
    share: 0.22,
  }
  const working = sampleJob({
    id: 'w',
    title: 'Team call',
    status: 'processing',
    workflow_state: 'transcribing',
    progress,
  })
  const waiting = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      sampleJob({
        id: `q${index}`,
        title: `Queued ${index}`,
        status: 'pending',
        workflow_state: 'queued',
        created_at: `2026-03-03T15:00:0${index}.000Z`,
      }),
    )
  const strip = () => screen.findByRole('region', { name: /Working/ })

  test('lists waiting meetings in the order in which they will be worked on', async () => {
    const { client } = await startWith([working, ...waiting(3)])
    const region = await strip()
    const open = within(region).queryByRole('button', { name: 'and 3 waiting' })
    if (open) await user.click(open)
    const order = () => [...(region.textContent ?? '').matchAll(/Queued \d/g)].map(String)
    expect(order()).toEqual(['Queued 0', 'Queued 1', 'Queued 2'])
    client.changeJob('q2', { priority: 1 })
    await waitFor(() => expect(order()).toEqual(['Queued 2', 'Queued 0', 'Queued 1']))
  })

  test('is described with numbers and times', async () => {
    await startWith([working])
    const region = await strip()
    expect(region).toHaveTextContent('Transcribing · 12:30 of 48:10')
    expect(region).toHaveTextContent('about 3 min left · 6.2× real time')
    expect(within(region).getByRole('progressbar')).toHaveAttribute('aria-valuenow', '22')
  })

  test('names each step, while the bar goes on from where it was', async () => {
    const { client } = await startWith([working])
    const bar = () => screen.getByRole('progressbar', { name: 'Progress of “Team call”' })
    client.changeJob('w', {
      workflow_state: 'diarizing',
      progress: { ...progress, audio_done_ms: 0, real_time_factor: null, left_ms: null, share: 0.85 },
    })
    const region = await strip()
    await within(region).findByText('Detecting speakers · 0:00 of 48:10')
    expect(bar()).toHaveAttribute('aria-valuenow', '85')
    expect(row('Team call')).toHaveTextContent('Detecting speakers 85 %')
    client.changeJob('w', {
      workflow_state: 'diarizing',
      progress: { ...progress, real_time_factor: 0.03, left_ms: 66_000, share: 0.89 },
    })
    await within(region).findByText('Detecting speakers · 12:30 of 48:10')
    expect(region).toHaveTextContent('about 1 min left')
    expect(region).not.toHaveTextContent('real time')
    client.changeJob('w', {
      workflow_state: 'aligning',
      progress: { ...progress, audio_done_ms: 2_890_000, left_ms: 0, share: 1 },
    })
    await within(region).findByText('Finishing')
    expect(bar()).toHaveAttribute('aria-valuenow', '100')
  })

  test('of unknown length has an indeterminate bar', async () => {
    await startWith([
      { ...working, duration_ms: null, progress: { ...progress, audio_total_ms: null, share: null } },
    ])
    const region = await strip()
    expect(region).toHaveTextContent('Transcribing · 12:30')
    expect(within(region).getByRole('progressbar')).not.toHaveAttribute('aria-valuenow')
    expect(row('Team call').querySelector('.facts')).toHaveTextContent(/^Transcribing$/)
  })

  test('that waits is summed up, and listed on demand, the next one first', async () => {
    await startWith([working, ...waiting(4)])
    const region = await strip()
    expect(region).not.toHaveTextContent('Queued')
    await user.click(within(region).getByRole('button', { name: 'and 4 waiting' }))
    const names = within(region).getAllByText(/^Queued/)
    expect(names.map((name) => name.textContent)).toEqual(['Queued 0', 'Queued 1', 'Queued 2', 'Queued 3'])
  })

  test('can be cancelled; a stopped meeting is not a failed one', async () => {
    const { client } = await startWith([working])
    await user.click(screen.getByRole('button', { name: 'Cancel “Team call”' }))
    expect(client.calls).toContainEqual(['cancel', 'w'])
    await waitFor(() => expect(row('Team call')).toHaveTextContent('Stopped'))
    expect(screen.getByRole('listbox')).toHaveFocus()
    expect(screen.queryByRole('region', { name: /Working/ })).toBeNull()
  })

  test('that fails says why, as plain text, and can be tried again', async () => {
    const { client } = await startWith([working, two])
    client.changeJob('w', { status: 'failed', error_message: 'the <b>file</b> ends after 12:30' })
    await screen.findByText('The <b>file</b> ends after 12:30.')
    await user.click(screen.getByRole('button', { name: 'Try again with “Team call”' }))
    expect(client.calls).toContainEqual(['retry', 'w'])
    await waitFor(() => expect(row('Team call')).toHaveTextContent('Waiting'))
    expect(screen.queryByText(/ends after/)).toBeNull()
  })

  test('that cannot be tried again says why', async () => {
    const { client } = await startWith([working, two])
    client.changeJob('w', { status: 'failed', error_message: 'It broke.' })
    client.fail('retry', { message: 'The recording is not here any more.' })
    await user.click(await screen.findByRole('button', { name: 'Try again with “Team call”' }))
    await screen.findByText('The recording is not here any more.')
  })

  test('that is done is announced, unless the meeting is open and announces it itself', async () => {
    const { client } = await startWith([working, two])
    client.changeJob('w', { status: 'completed', workflow_state: 'done', progress: null })
    await screen.findByText('“Team call” has been transcribed.')
  })
})

describe('files dragged over the window', () => {
  const drop = (change: Partial<DropView>) => () => ({
    recordings: 0,
    folders: [],
    unsuitable: [],
    ...change,
  })
  const paths = ['/a.wav', '/b.wav', '/c.wav']

  test('show what a drop would add, even while another import runs', async () => {
    const client = start({ imports: [sampleImport({ done: 300, total: 1000 })] })
    await screen.findByText('Adding 300 of 1,000')
    client.drag({ kind: 'enter', paths })
    expect(await screen.findAllByText('Add 3 recordings')).not.toHaveLength(0)
    client.drag({ kind: 'leave' })
    await waitFor(() => expect(document.querySelector('.veil')).toBeNull())
    expect(client.count('importPaths')).toBe(0)
  })

  test('are imported at once when they are dropped', async () => {
    const client = start()
    await screen.findByRole('button', { name: /Drop recordings here/ })
    client.drag({ kind: 'enter', paths })
    client.drag({ kind: 'drop', paths })
    expect(client.calls).toContainEqual(['importPaths', paths])
    expect(screen.queryByRole('alertdialog')).toBeNull()
    await waitFor(() => expect(notices()).toHaveTextContent('3 added'))
  })

  test('without audio are reported', async () => {
    const client = start({ drop: drop({ unsuitable: ['This file has no sound'] }) })
    await screen.findByRole('button', { name: /Drop recordings here/ })
    client.drag({ kind: 'enter', paths })
    expect(await screen.findAllByText('This file has no sound')).not.toHaveLength(0)
  })

  test('that left the window before the answer show no preview', async () => {
    const client = start()
    await screen.findByRole('button', { name: /Drop recordings here/ })
    const answerLate = client.hold('describeDrop')
    client.drag({ kind: 'enter', paths })
    client.drag({ kind: 'leave' })
    const answer = client.hold('describeDrop')
    client.drag({ kind: 'enter', paths: ['/d.wav'] })
    answer()
    expect(await screen.findAllByText('Add 1 recording')).not.toHaveLength(0)
    answerLate()
    await new Promise((resolve) => setTimeout(resolve))
    expect(screen.queryByText('Add 3 recordings')).toBeNull()
    expect(screen.queryAllByText('Add 1 recording')).not.toHaveLength(0)
  })

  test('say why when the drop fails', async () => {
    const client = start()
    await screen.findByRole('button', { name: /Drop recordings here/ })
    client.fail('importPaths', { message: 'The disk is full.' })
    client.drag({ kind: 'drop', paths })
    await screen.findByText('The disk is full.')
  })
})

describe('an import', () => {
  test('of one recording simply opens it', async () => {
    const { client } = await startWith([one])
    client.drag({ kind: 'drop', paths: ['/new.wav'] })
    await waitFor(() => expect(opened()).toBe('new'))
    expect(notices()).not.toHaveTextContent('added')
  })

  test('of a recording that is already in the library opens it', async () => {
    const { client } = await startWith([one, two])
    const duplicates = [{ file_name: 'x.wav', job_id: 'two', title: 'Two', healed: false, restored: false }]
    client.importProgress({ id: 'i', state: 'finished', done: 1, total: 1, duplicates })
    await waitFor(() => expect(opened()).toBe('Two'))
    expect(notices()).toHaveTextContent('“Two” is already in your library')
  })

  test('of many ends with one summary that can list everything', async () => {
    const { client } = await startWith([one, two])
    client.importProgress({
      id: 'i',
      state: 'finished',
      imported: ['a', 'b', 'c'],
      duplicates: [{ file_name: 'x.wav', job_id: 'two', title: 'Two', healed: false, restored: false }],
      refused: Array.from({ length: 5 }, (_, index) => `“<i>${index}</i>.mp4” has no sound.`),
      refused_count: 7,
    })
    await waitFor(() =>
      expect(notices()).toHaveTextContent(/3 added.*1 was already in your library.*7 could not be added/),
    )
    await user.click(within(notices()).getByRole('button', { name: 'Show what could not be added' }))
    expect(within(notices()).getByText('“<i>0</i>.mp4” has no sound.')).toBeVisible()
    expect(within(notices()).getByText('and 2 more')).toBeVisible()
    await expectNoFaults()
    await user.click(within(notices()).getByRole('button', { name: 'Open “Two”' }))
    expect(opened()).toBe('Two')
    await user.click(within(notices()).getByRole('button', { name: 'Dismiss' }))
    expect(client.calls).toContainEqual(['dismissImport', 'i'])
    await waitFor(() => expect(notices()).toHaveTextContent(/^$/))
    expect(screen.getByRole('main')).toHaveFocus()
  })

  test('that takes long can be stopped', async () => {
    const client = start({ jobs: [one], imports: [sampleImport({ id: 'i', done: 300, total: 1000 })] })
    await user.click(await screen.findByRole('button', { name: 'Stop' }))
    expect(client.calls).toContainEqual(['stopImport', 'i'])
    await waitFor(() => expect(notices()).toHaveTextContent('Import stopped at 300 of 1,000'))
    expect(screen.queryByRole('button', { name: 'Stop' })).toBeNull()
    await waitFor(() => expect(screen.getByRole('main')).toHaveFocus())
  })

  test.each([
    ['Continue', 'continueImport'],
    ['Skip the rest', 'forgetImport'],
  ] as const)('that was interrupted: %s', async (name, call) => {
    const client = start({ jobs: [one], interrupted: [{ id: 'i', done: 300, total: 1000 }] })
    await screen.findByText('Import stopped at 300 of 1,000.')
    await user.click(screen.getByRole('button', { name }))
    expect(client.calls).toContainEqual([call, 'i'])
    await waitFor(() => expect(screen.queryByText('Import stopped at 300 of 1,000.')).toBeNull())
  })
})

describe('closing', () => {
  const working = sampleJob({
    title: 'Team call',
    status: 'processing',
    progress: {
      audio_done_ms: 750_000,
      audio_total_ms: 2_890_000,
      real_time_factor: null,
      left_ms: null,
      share: 0.22,
    },
  })

  test.each([
    ['Close', 'closeWindow'],
    ['Keep open', 'keepOpen'],
  ] as const)('while work goes on asks: %s', async (name, call) => {
    const { client } = await startWith([working])
    client.closing(working)
    const dialog = await screen.findByRole('alertdialog', { name: 'Close MeetMemo?' })
    expect(dialog).toHaveTextContent(
      '“Team call” is at 12:30 of 48:10. What is done so far is kept, and the work continues the next time MeetMemo runs.',
    )
    await waitFor(() => expect(within(dialog).getByRole('button', { name: 'Keep open' })).toHaveFocus())
    await user.click(within(dialog).getByRole('button', { name }))
    expect(client.calls.filter(([made]) => made === 'closeWindow' || made === 'keepOpen')).toEqual([[call]])
  })

  test('says so when only the diarization is missing', async () => {
    const telling: JobView = { ...working, workflow_state: 'diarizing' }
    const { client } = await startWith([telling])
    client.closing(telling)
    expect(await screen.findByRole('alertdialog')).toHaveTextContent(
      '“Team call” is transcribed, but its speakers are still being detected. What is done so far is kept, and the work continues the next time MeetMemo runs.',
    )
  })
})

describe('settings', () => {
  test('change the appearance at once and are saved', async () => {
    const { client } = await startWith([one])
    expect(document.documentElement.dataset.theme).toBe('light')
    await user.click(screen.getByRole('button', { name: 'Settings' }))
    const dialog = await screen.findByRole('dialog', { name: 'Settings' })
    await user.click(within(dialog).getByRole('radio', { name: 'Dark' }))
    expect(document.documentElement.dataset.theme).toBe('dark')
    await user.click(within(dialog).getByRole('checkbox', { name: /^Notify me when/ }))
    await expect(client.preferences()).resolves.toEqual({ theme: 'dark', notify: false })
    await user.click(within(dialog).getByRole('button', { name: 'Open data folder' }))
    expect(client.count('openDataFolder')).toBe(1)
    await expectNoFaults()
    await user.keyboard('{Escape}')
    await waitFor(() => expect(screen.getByRole('button', { name: 'Settings' })).toHaveFocus())
  })

  test('follow the system when that is chosen', async () => {
    const computer = Object.assign(new EventTarget(), { matches: true })
    vi.spyOn(window, 'matchMedia').mockReturnValue(computer as unknown as MediaQueryList)
    await startWith([one])
    expect(document.documentElement.dataset.theme).toBe('dark')
    computer.matches = false
    computer.dispatchEvent(new Event('change'))
    expect(document.documentElement.dataset.theme).toBe('light')
  })
})

describe('about', () => {
  const about = async (seed: Seed = {}) => {
    const { client } = await startWith([one], seed)
    await user.click(screen.getByRole('button', { name: 'About MeetMemo' }))
    const dialog = await screen.findByRole('dialog', { name: 'About MeetMemo' })
    await within(dialog).findByText('Version 0.1.0')
    return { client, dialog }
  }

  test('says what runs where, and that MeetMemo makes no connections', async () => {
    const { dialog } = await about()
    expect(
      within(dialog).getByRole('row', { name: /Database.*PostgreSQL 16\.9.*on this computer/ }),
    ).toBeVisible()
    expect(
      within(dialog).getByText(
        'MeetMemo makes no connections, except to download a speech model that you install.',
      ),
    ).toBeVisible()
    await expectNoFaults()
  })

  test('does not claim that with a database on a server', async () => {
    const { dialog } = await about({ about: { private_database: false } })
    expect(
      within(dialog).queryByText(
        'MeetMemo makes no connections, except to download a speech model that you install.',
      ),
    ).toBeNull()
    expect(within(dialog).getByRole('row', { name: /Database.*on the server you chose/ })).toBeVisible()
  })

  test('shows the licence texts on demand', async () => {
    const { client, dialog } = await about({ licences: 'MIT License\n\n<b>Copyright</b> the authors' })
    expect(client.count('licences')).toBe(0)
    await user.click(within(dialog).getByRole('button', { name: 'Show licence texts' }))
    await screen.findByText(/<b>Copyright<\/b> the authors/)
  })
})

describe('keys', () => {
  test('work, except while the user is typing', async () => {
    const { client } = await startWith([one])
    const field = screen.getByRole('searchbox', { name: 'Search everything said' })
    await user.type(field, '?')
    await user.keyboard('{Control>}o{/Control}')
    expect(screen.queryByRole('dialog')).toBeNull()
    expect(client.count('chooseFiles')).toBe(0)
    field.blur()
    await user.keyboard('{Control>}o{/Control}')
    expect(client.count('chooseFiles')).toBe(1)
    await user.keyboard('?')
    const dialog = await screen.findByRole('dialog', { name: 'Keyboard shortcuts' })
    await user.keyboard('{Control>}o{/Control}')
    expect(client.count('chooseFiles')).toBe(1)
    expect(dialog).toHaveTextContent('Ctrl+O')
  })

  test('Delete moves the open meeting to the trash', async () => {
    await startWith([one, two])
    await user.click(row('Two'))
    screen.getByRole('main').focus()
    await user.keyboard('{Delete}')
    await waitFor(() => expect(titles()).toEqual(['One']))
  })

  test('Space plays the meeting that was just clicked in the library', async () => {
    const play = vi.spyOn(HTMLMediaElement.prototype, 'play')
    const { list } = await startWith([one])
    await user.click(row('One'))
    await waitFor(() => expect(screen.getByRole('button', { name: 'Play' })).toBeEnabled())
    list.focus()
    await user.keyboard(' ')
    await waitFor(() => expect(play).toHaveBeenCalled())
  })

  test('change the width of the library within bounds, and it is remembered', async () => {
    const { client } = await startWith([one])
    const separator = screen.getByRole('separator', { name: 'Width of the library' })
    separator.focus()
    await user.keyboard('{ArrowRight}')
    expect(separator).toHaveAttribute('aria-valuenow', '296')
    await user.keyboard('{End}{ArrowRight}')
    expect(separator).toHaveAttribute('aria-valuenow', '380')
    await user.keyboard('{Home}{ArrowLeft}')
    expect(separator).toHaveAttribute('aria-valuenow', '240')
    await waitFor(() => expect(client.count('setWindowState')).toBe(1))
    await expect(client.windowState()).resolves.toMatchObject({ sidebar_width: 240 })
  })
})
