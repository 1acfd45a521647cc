import { screen, waitFor, within } from '@testing-library/svelte'
import { describe, expect, test } from 'vitest'
import { sampleJob } from '../lib/memory'
import { isolateTests, open, user } from '../meeting/meeting-testing'

isolateTests()

const id = sampleJob().id
const pane = () => screen.findByRole('complementary', { name: 'Notes' })

async function opened(note = '') {
  const { client } = open({}, note === '' ? {} : { notes: { [id]: note } })
  await user.click(await screen.findByRole('button', { name: 'Notes' }))
  return { client, pane: await pane() }
}

describe('the pane of notes', () => {
  test('lets one write at once where there is no note, and saves it by itself', async () => {
    const { client, pane } = await opened()
    await user.type(await within(pane).findByRole('textbox', { name: 'Note' }), 'The **hall** is booked.')
    await waitFor(() => expect(within(pane).getByText(/^Saved/)).toBeVisible(), { timeout: 5_000 })
    expect((await client.note(id)).text).toBe('The **hall** is booked.')
    await user.click(within(pane).getByRole('tab', { name: 'Read' }))
    expect(within(pane).getByText('hall').tagName).toBe('STRONG')
  })

  test('shows a note as it reads, and follows what others write', async () => {
    const { client, pane } = await opened('# Budget')
    expect(await within(pane).findByRole('heading', { name: 'Budget', level: 3 })).toBeVisible()
    client.writeNote(id, '# Harbour')
    await within(pane).findByRole('heading', { name: 'Harbour' })
  })

  test('shows both texts when somebody else has written meanwhile', async () => {
    const { client, pane } = await opened('first')
    await user.click(await within(pane).findByRole('tab', { name: 'Write' }))
    await user.type(within(pane).getByRole('textbox'), ' mine')
    client.writeNote(id, 'theirs')
    expect(await within(pane).findByRole('region', { name: 'Your text' })).toHaveTextContent('first mine')
    expect(within(pane).getByRole('region', { name: /^Their text, today/ })).toHaveTextContent('theirs')
    await user.click(within(pane).getByRole('button', { name: 'Keep yours' }))
    await waitFor(async () => expect((await client.note(id)).text).toBe('first mine'))
    await waitFor(() => expect(within(pane).getByRole('textbox')).toHaveFocus())
  })

  test('says why a note could not be saved, and keeps it', async () => {
    const { client, pane } = await opened()
    client.fail('saveNote', { message: 'The database does not answer.' }, 1)
    await user.type(await within(pane).findByRole('textbox', { name: 'Note' }), 'precious')
    await user.tab()
    await within(pane).findByText(/could not be saved\. The database does not answer\. Your text is kept/)
    await user.click(within(pane).getByRole('button', { name: 'Try again' }))
    await waitFor(async () => expect((await client.note(id)).text).toBe('precious'))
  })

  test('says why a note could not be opened', async () => {
    const { client } = open()
    client.fail('note', { message: 'The database does not answer.' }, 1)
    await user.click(await screen.findByRole('button', { name: 'Notes' }))
    await screen.findByText('The note could not be opened. The database does not answer.')
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    await screen.findByRole('textbox', { name: 'Note' })
  })
})

describe('a title that somebody else changes meanwhile', () => {
  async function collided() {
    const { client } = open()
    await user.click(await screen.findByRole('button', { name: 'Panel discussion' }))
    const field = screen.getByRole('textbox', { name: 'Title' })
    await user.clear(field)
    client.changeJob(id, { title: 'Theirs' })
    await user.type(field, 'Mine{Enter}')
    await screen.findByText(/renamed this meeting to “Theirs”/)
    expect(screen.getByRole('textbox', { name: 'Title' })).toHaveValue('Mine')
    return client
  }

  test('is not overwritten: the user can keep it', async () => {
    const client = await collided()
    await user.click(screen.getByRole('button', { name: 'Keep the other title' }))
    expect(await screen.findByRole('button', { name: 'Theirs' })).toHaveFocus()
    expect((await client.meetingsById([id]))[0]?.title).toBe('Theirs')
  })

  test('is replaced if the user says so', async () => {
    const client = await collided()
    await user.click(screen.getByRole('button', { name: 'Use your title' }))
    await waitFor(async () => expect((await client.meetingsById([id]))[0]?.title).toBe('Mine'))
    expect(
      client.calls.filter(([call]) => call === 'rename').map(([, , title, expected]) => [title, expected]),
    ).toEqual([
      ['Mine', 'Panel discussion'],
      ['Mine', 'Theirs'],
    ])
  })
})
