import { screen, waitFor, within } from '@testing-library/svelte'
import { describe, expect, test, vi } from 'vitest'
import { sampleJob, sampleSegments, sampleSummary, sampleTranscript } from '../lib/memory'
import { isolateTests, open, user } from '../meeting/meeting-testing'
import { asText } from './texts'

isolateTests()

const id = sampleJob().id
const lines = sampleSegments(10)
const sample = sampleSummary(id, lines)
const withText = { transcripts: { [id]: sampleTranscript(lines) } }

async function opened(seed: Parameters<typeof open>[1] = {}) {
  const view = open({}, { ...withText, ...seed })
  await user.click(await screen.findByRole('button', { name: 'Summary' }))
  return { ...view, pane: within(await screen.findByRole('complementary', { name: 'Summary' })) }
}

describe('the pane of summaries', () => {
  test('makes an extract by itself, and shows its sections with times', async () => {
    const { client, pane } = await opened()
    expect(await pane.findByRole('heading', { name: 'Key sentences', level: 3 })).toBeVisible()
    expect(pane.getByText('Who: Anna')).toBeVisible()
    expect(pane.getByText('By: Friday')).toBeVisible()
    expect(await client.summaries(id)).toHaveLength(1)
  })

  test('makes none while one is there', async () => {
    const { client, pane } = await opened({ summaries: { [id]: [sample] } })
    await pane.findByRole('heading', { name: 'Tasks' })
    expect(client.calls.some(([name]) => name === 'extractSummary')).toBe(false)
  })

  test('tells that the transcript has changed, and makes a new one', async () => {
    const { client, pane } = await opened({ summaries: { [id]: [sample] } })
    await pane.findByRole('heading', { name: 'Tasks' })
    client.outdateSummaries(id, [{ start_ms: 0, end_ms: 1_000, speaker: null, text: 'x' }])
    await pane.findByText('1 passage has changed since this summary was made.')
    await user.click(pane.getByRole('button', { name: 'Make a new extract' }))
    await waitFor(async () => expect(await client.summaries(id)).toHaveLength(2))
    await waitFor(() => expect(pane.queryByText(/has changed since/)).toBeNull())
    expect(pane.getByRole('button', { name: /^Summary that is shown/ })).toBeVisible()
  })

  test('marks the passage of a statement at the first click, and plays it at the second', async () => {
    const { playback, pane } = await opened({ summaries: { [id]: [sample] } })
    const text = lines[1]?.text ?? ''
    const statement = await pane.findByRole('button', { name: new RegExp(`^${text.replaceAll('?', '.')}`) })
    await user.click(statement)
    await waitFor(() => expect(document.querySelector('[data-text] mark')).toHaveTextContent(text))
    expect(playback.playing).toBe(false)
    const playFrom = vi.spyOn(playback, 'playFrom')
    await playback.open({ ...sampleJob(), duration_ms: 60_000 })
    await user.click(statement)
    expect(playFrom).toHaveBeenCalledWith(lines[1]?.start_ms)
  })

  test('saves an edited statement and marks it', async () => {
    const { client, pane } = await opened({ summaries: { [id]: [sample] } })
    await user.click((await pane.findAllByRole('button', { name: 'Edit this statement' }))[0]!)
    const field = pane.getByRole('textbox', { name: 'Text of the statement' })
    expect(field).toHaveFocus()
    await user.clear(field)
    await user.type(field, 'My own words{Enter}')
    await pane.findByText('Edited by hand')
    expect((await client.summaries(id))[0]?.sections[0]?.statements[0]?.text).toBe('My own words')
    await waitFor(() => expect(pane.getAllByRole('button', { name: 'Edit this statement' })[0]).toHaveFocus())
  })

  test('says when somebody else was faster, and shows what they wrote', async () => {
    const { client, pane } = await opened({ summaries: { [id]: [sample] } })
    await user.click((await pane.findAllByRole('button', { name: 'Edit this statement' }))[0]!)
    client.fail('summaries')
    await client.editSummary(sample.summary_id, { section: 0, statement: 0, text: 'Theirs', revision: 1 })
    await user.type(pane.getByRole('textbox'), ' mine{Enter}')
    await pane.findByText(/was changed meanwhile, so your change was not saved/)
    await user.keyboard('{Escape}')
    await pane.findByText('Theirs')
  })

  test('says why no summary could be made, and tries again', async () => {
    const { client } = open({}, withText)
    client.fail('extractSummary', { message: 'The database does not answer.' }, 1)
    await user.click(await screen.findByRole('button', { name: 'Summary' }))
    await screen.findByText('The summary could not be made. The database does not answer.')
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    await screen.findByRole('heading', { name: 'Key sentences' })
  })
})

test('a summary as text has times, and who does it by when', () => {
  const text = asText(sample, false)
  const [first] = lines
  expect(text.split('\n')[0]).toBe('Key sentences')
  expect(text).toContain(`] ${first?.text}`)
  expect(text).toMatch(/\(Anna, Friday\)$/)
})
