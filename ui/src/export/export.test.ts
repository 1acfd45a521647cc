/** Exports in the whole window: the sheet, batches, and checks of exported files. */
import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import axe from 'axe-core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import App from '../App.svelte'
import { memoryClient, sampleBatch, sampleJob, sampleTranscript, type Seed } from '../lib/memory'
import { line } from '../meeting/meeting-testing'
import { menuItem } from '../meeting/testing'

// jsdom has no canvas to draw on.
vi.mock('./pdf', () => ({ openPdf: () => Promise.reject(new Error('there is no canvas')) }))

const user = userEvent.setup({ pointerEventsCheck: 0 })
const [one, two] = ['One', 'Two'].map((title) => sampleJob({ id: title.toLowerCase(), title }))
const jobs = [one, two].filter((job) => job !== undefined)

afterEach(() => {
  cleanup()
  localStorage.clear()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

async function start(seed: Seed = {}) {
  const transcripts = { one: sampleTranscript([line(0, 'Good morning.'), line(1_000, 'Shall we begin?')]) }
  const client = memoryClient({ jobs, transcripts, window: { hint_dismissed: true }, ...seed })
  render(App, { client })
  await within(await screen.findByRole('listbox', { name: 'Library' })).findAllByRole('option')
  return client
}
const row = (title: string) => screen.getByRole('option', { name: new RegExp(`^${title}`) })
const button = (name: string) => screen.getByRole('button', { name })
const radio = (name: RegExp) => screen.getByRole('radio', { name })
const sheet = () => screen.queryByRole('heading', { level: 1, name: /^Export/ })

async function openSheet(seed: Seed = {}) {
  const client = await start(seed)
  await user.click(row('One'))
  await waitFor(() => expect(button('Export')).not.toHaveAttribute('aria-disabled'))
  await user.click(button('Export'))
  await waitFor(() => expect(sheet()).toHaveFocus())
  return client
}

async function expectNoFaults() {
  const { violations } = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false } } })
  expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([])
}

describe('the sheet', () => {
  test('previews a format with its options only, and remembers both', async () => {
    const client = await openSheet()
    await user.click(radio(/^Plain text/))
    expect(await screen.findByText(/Good morning\.\s+Shall we begin\?/)).toBeVisible()
    expect(screen.getByText('One.txt')).toBeVisible()
    expect(screen.queryByRole('button', { name: 'Paper: A4' })).toBeNull()
    const before = client.count('previewExport')
    await user.click(screen.getByRole('checkbox', { name: 'Names of the speakers' }))
    await waitFor(() => expect(client.count('previewExport')).toBe(before + 1))
    expect(client.calls.at(-1)).toMatchObject(['previewExport', 'one', 'txt', { speakers: false }])
    await expectNoFaults()
    await user.keyboard('{Escape}')
    await waitFor(() => expect(sheet()).toBeNull())
    expect(button('Export')).toHaveFocus()
    await user.click(button('Export'))
    await waitFor(() => expect(radio(/^Plain text/)).toBeChecked())
    expect(screen.getByRole('checkbox', { name: 'Names of the speakers' })).not.toBeChecked()
  })

  test('drops a preview that another one has overtaken', async () => {
    const client = await openSheet({ preview: (format) => ({ content: `as ${format}` }) })
    const release = client.hold('previewExport')
    await user.click(radio(/^Plain text/))
    release()
    const second = client.hold('previewExport')
    await user.click(radio(/^Markdown/))
    await new Promise((resolve) => setTimeout(resolve))
    expect(screen.queryByText('as txt')).toBeNull()
    second()
    expect(await screen.findByText('as markdown_transcript')).toBeVisible()
    expect(screen.queryByText('as txt')).toBeNull()
  })

  test('says why there is no preview, and tries again', async () => {
    const client = await start()
    client.fail('previewExport', { message: 'the logo is no picture' }, 1)
    await user.click(row('One'))
    await waitFor(() => expect(button('Export')).not.toHaveAttribute('aria-disabled'))
    await user.click(button('Export'))
    expect(await screen.findByText('There is no preview. The logo is no picture.')).toBeVisible()
    await user.click(button('Try again'))
    expect(await screen.findByText(/Good morning\./, { selector: 'pre' })).toBeVisible()
  })

  test('changes the template of file names, and says what is wrong with one', async () => {
    const client = await openSheet()
    client.fail('setExportFileName', { message: 'a template has a value' }, 1)
    await user.click(await screen.findByRole('button', { name: 'Change how files are named' }))
    const field = screen.getByRole('textbox', { name: 'Template' })
    expect(field).toHaveValue('{date} {title}')
    await user.clear(field)
    await user.click(
      within(screen.getByRole('group', { name: 'Insert' })).getByRole('button', { name: 'Speakers' }),
    )
    expect(field).toHaveValue('{speakers}')
    await user.click(button('Use this template'))
    expect(await screen.findByText('A template has a value.')).toBeVisible()
    await user.click(button('Use this template'))
    await waitFor(() => expect(client.calls).toContainEqual(['setExportFileName', '{speakers}']))
    await waitFor(() => expect(screen.queryByText('A template has a value.')).toBeNull())
  })

  test('stays when the user cancels the choice of a file, and closes when the export has begun', async () => {
    const client = await openSheet()
    const { exportPath } = client
    client.exportPath = () => null
    await waitFor(() => expect(button('Export…')).not.toHaveAttribute('aria-disabled'))
    await user.click(button('Export…'))
    await waitFor(() => expect(client.count('exportMeeting')).toBe(1))
    expect(sheet()).toBeVisible()
    client.exportPath = exportPath
    await waitFor(() => expect(button('Export…')).not.toHaveAttribute('aria-disabled'))
    await user.click(button('Export…'))
    expect(await screen.findByText('Writing One.pdf')).toBeVisible()
    expect(sheet()).toBeNull()
    client.changeExport('made-1', { status: 'completed', progress: 100, note: 'one character is missing' })
    const name = await screen.findByText('One.pdf')
    expect(screen.getByText('One character is missing.')).toBeVisible()
    const set = vi.fn()
    await fireEvent.dragStart(name.closest('[draggable=true]') as Element, { dataTransfer: { setData: set } })
    expect(set.mock.calls).toEqual([
      ['text/uri-list', 'file:///home/anna/Documents/One.pdf'],
      ['text/plain', '/home/anna/Documents/One.pdf'],
    ])
    // Beside another meeting it is still told.
    await user.click(row('Two'))
    await screen.findByRole('heading', { level: 1, name: 'Two' })
    await user.click(button('Show in folder'))
    expect(client.calls).toContainEqual(['showExport', 'made-1'])
    await user.click(button('Dismiss'))
    expect(screen.queryByText('One.pdf')).toBeNull()
  })

  test('a failure says why, and tries again with the same options', async () => {
    const client = await openSheet()
    await user.click(radio(/^Markdown/))
    await user.click(button('Export…'))
    await screen.findByText('Writing One.md')
    client.changeExport('made-1', { status: 'failed', error_message: 'There is no room on the disk.' })
    expect(await screen.findByText('There is no room on the disk.')).toBeVisible()
    await user.click(button('Try again'))
    expect(await screen.findByText('Writing One.md')).toBeVisible()
    await user.click(button('Cancel'))
    await waitFor(() => expect(screen.queryByText('Writing One.md')).toBeNull())
  })
})

describe('batches', () => {
  test('go to a folder; what is there already and what failed is told', async () => {
    const client = await start()
    client.chosen = ['/home/anna/Meetings']
    await user.keyboard('{Control>}')
    await user.click(row('One'))
    await user.click(row('Two'))
    await user.keyboard('{/Control}')
    await user.click(button('More for the selected meetings'))
    await user.click(await menuItem('Export…'))
    expect(await screen.findByRole('heading', { level: 1, name: 'Export 2 meetings' })).toBeVisible()
    await waitFor(() => expect(button('Export to a folder…')).not.toHaveAttribute('aria-disabled'))
    await user.click(button('Export to a folder…'))
    expect(await screen.findByText('Exporting to “Meetings”: 0 of 2')).toBeVisible()
    client.changeBatch('made-1', { completed: 1 })
    expect(await screen.findByText('Exporting to “Meetings”: 1 of 2')).toBeVisible()
    client.changeBatch('made-1', { failed: 1, ended: true, failures: ['the disk is full'] })
    const text = await screen.findByText(/One meeting was exported to “Meetings”\./)
    expect(text).toHaveTextContent(/One could not be exported:.*The disk is full\./)
    client.exportsUpToDate.push('one')
    await user.click(button('Export again…'))
    client.changeBatch('made-2', { completed: 1, ended: true })
    expect(
      await screen.findByText(
        /to “Meetings”\. One was already there and up to date\./,
        {},
        { timeout: 10_000 },
      ),
    ).toBeVisible()
    expect(screen.queryByText(/The disk is full/)).toBeNull()
    await user.click(button('Show in folder'))
    expect(client.calls).toContainEqual(['showExportBatch', 'made-2'])
  })

  test('that an earlier start began are shown again, and can be cancelled', async () => {
    const client = await start({ batches: [sampleBatch({ completed: 210 })] })
    expect(await screen.findByText('Exporting to “Meetings”: 210 of 500')).toBeVisible()
    await expectNoFaults()
    await user.click(button('Cancel'))
    expect(await screen.findByText(/210 meetings were exported to “Meetings”\./)).toBeVisible()
    expect(screen.getByText(/285 more/)).toBeVisible()
    expect(client.calls).toContainEqual(['cancelExportBatch', 'batch-1'])
  })

  test('whose state is not known are asked for again', async () => {
    const client = await start({ batches: [sampleBatch({ completed: 210 })] })
    client.fail('exportBatch', { message: 'the database does not answer' }, 1)
    await user.click(await screen.findByRole('button', { name: 'Try again' }))
    client.changeBatch('batch-1', { completed: 500, ended: true })
    expect(await screen.findByText('500 meetings were exported to “Meetings”.')).toBeVisible()
  })
})

describe('an exported file', () => {
  test('that is dropped is checked; a changed passage opens its meeting there', async () => {
    const client = await start({
      verified: () => ({
        state: 'corrected',
        message: 'The transcript of “One” has been corrected since: 1 passage.',
        job_id: 'one',
        title: 'One',
        passages: [{ start_ms: 1_000, end_ms: 1_900, speaker: 'Anna', text: 'Shall we begin?' }],
      }),
    })
    client.drag({ kind: 'enter', paths: ['/home/anna/One.pdf'] })
    expect(await screen.findByText('Check this exported file')).toBeVisible()
    client.drag({ kind: 'drop', paths: ['/home/anna/One.pdf'] })
    expect(
      await screen.findByRole('heading', { name: 'The transcript has been corrected since' }),
    ).toBeVisible()
    expect(client.count('importPaths')).toBe(0)
    expect(screen.getByText('One.pdf')).toBeVisible()
    await expectNoFaults()
    await user.click(button('Show 0:01'))
    await screen.findByRole('heading', { level: 1, name: 'One' })
    const line = (await screen.findByText('Shall we begin?')).closest('[data-index]')
    await waitFor(() => expect(line?.contains(document.activeElement)).toBe(true))
  })

  test('can be chosen in the palette; a failure is told', async () => {
    const client = await start()
    client.chosen = ['/home/anna/One.pdf']
    client.fail('verifyExport', { message: 'One.pdf could not be read: it is not a file' }, 1)
    await user.keyboard('{Control>}k{/Control}')
    await user.type(await screen.findByRole('combobox', { name: /^Search, open/ }), 'check an')
    await user.keyboard('{Enter}')
    expect(await screen.findByRole('heading', { name: 'It could not be checked' })).toBeVisible()
    await user.click(button('Check another file…'))
    expect(await screen.findByRole('heading', { name: 'As it was exported' })).toBeVisible()
    await user.click(button('Close the check'))
    expect(screen.queryByRole('heading', { name: 'As it was exported' })).toBeNull()
  })
})
