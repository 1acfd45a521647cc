import { fireEvent, screen, waitFor, within } from '@testing-library/svelte'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  user,
  job,
  known,
  maybeAnna,
  open,
  openPane,
  press,
  field,
  card,
  names,
  menuItem,
  chooseFrom,
  focusSegment,
  expectAnnounced,
  expectNoFaults,
  cleanUp,
} from './speakers-testing'

afterEach(cleanUp)

describe('the pane', () => {
  test('shows how much each speaker speaks, and replaces the pane of versions', async () => {
    const { pane } = await openPane({ 1: { name: 'Anna' } })
    expect(pane.getByText('Anna speaks for 0:18, 40 % of all speech.')).toBeInTheDocument()
    const table = within(pane.getByRole('table', { name: 'Statistics' }))
    expect(table.getByRole('row', { name: /Anna 0:18 40 % 1 17/ })).toBeInTheDocument()
    expect(table.getByRole('row', { name: /Silence 0:05/ })).toBeInTheDocument()
    expect(pane.getByText('3 words have no speaker.')).toBeVisible()
    expect(pane.getByText('Voices on this computer')).toBeVisible()
    await expectNoFaults()
    await press('Versions')
    expect(screen.queryByRole('complementary', { name: 'Speakers' })).toBeNull()
    await press('Speakers')
    ;(await field('Speaker 1')).focus()
    await user.keyboard('{Escape}')
    expect(screen.queryByRole('complementary', { name: 'Speakers' })).toBeNull()
    await waitFor(() => expect(screen.getByRole('button', { name: 'Speakers' })).toHaveFocus())
  })

  test('names: Enter accepts, Escape restores', async () => {
    const { client } = await openPane()
    const typed = await field('Speaker 1')
    expect(typed).toHaveAttribute('placeholder', 'Speaker 1')
    await user.type(typed, 'Zoe{Escape}')
    expect(typed).toHaveValue('')
    await user.type(typed, '  Zoe   Abel{Enter}')
    await waitFor(() => expect(names()[0]).toBe('Zoe Abel'))
    await user.clear(typed)
    await user.keyboard('{Enter}')
    await waitFor(() => expect(names()[0]).toBe('Speaker 1'))
    expect(client.calls.filter(([call]) => call === 'nameSpeaker').map((call) => call.slice(3))).toEqual([
      ['Zoe Abel', null],
      [null, null],
    ])
  })

  test('names: known people are suggested, for keyboard and mouse', async () => {
    const { client } = await openPane({}, known)
    const typed = await field('Speaker 1')
    await user.type(typed, 'ostergaa')
    // A letter with a stroke is none with a mark.
    expect(typed).toHaveAttribute('aria-expanded', 'false')
    await user.clear(typed)
    await user.type(typed, 'an')
    const list = await waitFor(() => {
      const found = document.querySelector('[role=listbox][aria-label="People you know"]')
      if (!found) throw new Error('no name is suggested')
      return found
    })
    expect([...list.querySelectorAll('[role=option]')].map((one) => one.textContent.trim())).toEqual([
      'Anna Østergaard',
    ])
    await user.keyboard('{ArrowDown}')
    expect(document.getElementById(typed.getAttribute('aria-activedescendant') ?? '')).toHaveTextContent(
      'Anna',
    )
    await user.keyboard('{Enter}')
    await waitFor(() =>
      expect(client.calls).toContainEqual([
        'nameSpeaker',
        job.id,
        'speaker-1',
        'Anna Østergaard',
        'person-1',
      ]),
    )
    const second = await field('Speaker 2')
    await user.type(second, 'be')
    await user.click(
      await waitFor(() => document.querySelector('[role=option][id$="-0"].item') as HTMLElement),
    )
    await waitFor(() =>
      expect(client.calls).toContainEqual(['nameSpeaker', job.id, 'speaker-2', 'Ben', 'person-2']),
    )
    // Typed to the end it is the same person.
    await user.type(await field('Speaker 3'), 'BEN{Enter}')
    await waitFor(() =>
      expect(client.calls).toContainEqual(['nameSpeaker', job.id, 'speaker-3', 'Ben', 'person-2']),
    )
  })

  test('merging by the menu, undo and redo', async () => {
    const { client, pane } = await openPane({ 1: { name: 'Anna' } })
    await chooseFrom('More about Speaker 3', 'Merge into', 'Anna')
    await waitFor(() =>
      expect(names()).toEqual(['Anna', 'Speaker 2', 'Anna', 'Unknown speaker', 'Speaker 2']),
    )
    expect(client.calls).toContainEqual(['mergeSpeakers', job.id, 'speaker-3', 'speaker-1'])
    await expectAnnounced('Speaker 3 is now part of Anna.')
    expect(pane.getByText('Last change: merged Speaker 3 into Anna')).toBeVisible()
    await waitFor(() => expect(card('Anna')).toHaveFocus())
    await press('Undo: merged Speaker 3 into Anna')
    await waitFor(() => expect(names()[2]).toBe('Speaker 3'))
    await expectAnnounced('Undone: merged Speaker 3 into Anna.')
    await press('Redo: merged Speaker 3 into Anna')
    await waitFor(() => expect(names()[2]).toBe('Anna'))
  })

  test('undo and redo have keys, except while the user types in a field', async () => {
    const { client } = await openPane()
    await chooseFrom('More about Speaker 3', 'Merge into', 'Speaker 1')
    await waitFor(() => expect(names()[2]).toBe('Speaker 1'))
    ;(await field('Speaker 1')).focus()
    await user.keyboard('{Control>}z{/Control}')
    expect(client.count('undoSpeakers')).toBe(0)
    await focusSegment('0:10')
    await user.keyboard('{Control>}z{/Control}')
    await waitFor(() => expect(names()[2]).toBe('Speaker 3'))
    await user.keyboard('{Control>}z{/Control}')
    await expectAnnounced('There is nothing to undo.')
    await user.keyboard('{Shift>}{Control>}z{/Control}{/Shift}')
    await waitFor(() => expect(names()[2]).toBe('Speaker 1'))
    expect([client.count('undoSpeakers'), client.count('redoSpeakers')]).toEqual([1, 1])
  })

  test('merging by dragging one card onto another', async () => {
    const { client } = await openPane({ 1: { name: 'Anna' } })
    const [from, into] = [card('Speaker 2'), card('Anna')]
    document.elementFromPoint = () => into
    await fireEvent.pointerDown(from, { button: 0, clientX: 0, clientY: 0 })
    await fireEvent.pointerMove(window, { clientX: 2, clientY: 2 })
    expect(screen.queryByText('Merge Speaker 2 into Anna')).toBeNull()
    await fireEvent.pointerMove(window, { clientX: 0, clientY: 60 })
    expect(screen.getByText('Merge Speaker 2 into Anna')).toBeVisible()
    // Escape lets go of it.
    await user.keyboard('{Escape}')
    await fireEvent.pointerUp(window)
    expect(client.count('mergeSpeakers')).toBe(0)

    await fireEvent.pointerDown(from, { button: 0, clientX: 0, clientY: 0 })
    await fireEvent.pointerMove(window, { clientX: 0, clientY: 60 })
    await fireEvent.pointerUp(window)
    expect(client.calls).toContainEqual(['mergeSpeakers', job.id, 'speaker-2', 'speaker-1'])
    await expectAnnounced('Speaker 2 is now part of Anna.')
  })

  test('a card assigns the chosen segment to its speaker', async () => {
    const { client } = await openPane()
    await press('More about Speaker 3')
    expect(await menuItem('Assign the chosen line to Speaker 3')).toHaveTextContent(
      'Choose a line or select words first.',
    )
    await user.keyboard('{Escape}')
    await focusSegment('0:10')
    await chooseFrom('More about Speaker 3', 'Assign the chosen line to Speaker 3')
    await waitFor(() => expect(client.count('assign')).toBe(1))
  })
})

describe('a suggestion', () => {
  test('can be listened to, accepted and refused', async () => {
    const { client } = await openPane({ 1: maybeAnna, 2: maybeAnna }, known)
    expect(screen.getByText('Is Speaker 1 Anna Østergaard? 87 % sure.')).toBeInTheDocument()
    await expectNoFaults()
    await user.click(
      within(card('Speaker 1')).getByRole('button', { name: 'Listen to Anna Østergaard in another meeting' }),
    )
    expect(client.calls).toContainEqual(['sound', 'other'])
    await user.click(within(card('Speaker 1')).getByRole('button', { name: 'Stop' }))
    await user.click(within(card('Speaker 1')).getByRole('button', { name: 'Yes, Anna Østergaard' }))
    await waitFor(() => expect(names()[0]).toBe('Anna Østergaard'))
    expect(client.calls).toContainEqual(['nameSpeaker', job.id, 'speaker-1', 'Anna Østergaard', 'person-1'])
    await waitFor(() => expect(card('Anna Østergaard')).toHaveFocus())
    await press('No, Speaker 2 is not Anna Østergaard')
    expect(client.calls).toContainEqual(['refuseSuggestion', job.id, 'speaker-2', 'person-1'])
    await waitFor(() => expect(screen.queryByRole('button', { name: /^Yes/ })).toBeNull())
    await expectAnnounced('Speaker 2 is not Anna Østergaard.')
  })

  test('is answered with Y and N in its card', async () => {
    const { client } = await openPane({ 1: maybeAnna, 2: maybeAnna }, known)
    within(card('Speaker 2')).getByRole('button', { name: 'More about Speaker 2' }).focus()
    await user.keyboard('n')
    await waitFor(() => expect(client.count('refuseSuggestion')).toBe(1))
    card('Speaker 1').focus()
    await user.keyboard('y')
    await waitFor(() => expect(names()[0]).toBe('Anna Østergaard'))
    expect(client.count('assign')).toBe(0)
  })

  test('the first one is accepted with A, from anywhere in the meeting', async () => {
    const client = await open({ 2: maybeAnna }, known)
    await focusSegment('0:10')
    await waitFor(() => expect(names()).toHaveLength(5))
    await user.keyboard('a')
    await waitFor(() => expect(names()[1]).toBe('Anna Østergaard'))
    await user.keyboard('a')
    expect(client.count('nameSpeaker')).toBe(1)
  })
})

describe('a sample', () => {
  test('is played by the player, which then returns to its position', async () => {
    const played: Event[] = []
    vi.spyOn(HTMLMediaElement.prototype, 'play').mockImplementation(function (this: HTMLMediaElement) {
      this.dispatchEvent(new Event('play'))
      played.push(new Event('play'))
      return Promise.resolve()
    })
    await openPane()
    await user.click(within(card('Speaker 2')).getByRole('button', { name: 'Listen to Speaker 2' }))
    await waitFor(() => expect(played).toHaveLength(1))
    expect(screen.getByRole('slider', { name: 'Position' })).toHaveAttribute('aria-valuetext', '0:20 of 1:00')
    await user.click(within(card('Speaker 2')).getByRole('button', { name: 'Stop' }))
    await waitFor(() =>
      expect(screen.getByRole('slider', { name: 'Position' })).toHaveAttribute(
        'aria-valuetext',
        '0:00 of 1:00',
      ),
    )
  })
})

describe('remembering voices', () => {
  test('is offered once, below the speaker that was named', async () => {
    const { client, pane } = await openPane()
    expect(pane.queryByText(/in other meetings/)).toBeNull()
    await user.type(await field('Speaker 1'), 'Anna{Enter}')
    expect(await pane.findByText('Recognise Anna in other meetings?')).toBeVisible()
    expect(screen.queryByRole('dialog')).toBeNull()
    await press('Not now')
    await user.type(await field('Speaker 2'), 'Ben{Enter}')
    await waitFor(() => expect(names()[1]).toBe('Ben'))
    expect(pane.queryByText(/in other meetings/)).toBeNull()
    expect(client.count('setPeople')).toBe(0)
  })

  test('begins after the consent, with that speaker', async () => {
    const { client, pane } = await openPane()
    await user.type(await field('Speaker 1'), 'Anna{Enter}')
    await press('How this works…')
    const dialog = within(await screen.findByRole('dialog', { name: 'Remember voices?' }))
    expect(dialog.getByText(/It is never sent anywhere and is never part of an export/)).toBeVisible()
    await expectNoFaults()
    await user.click(dialog.getByRole('button', { name: 'Remember voices' }))
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    expect(client.calls).toContainEqual(['setPeople', true, false])
    expect((await client.people()).people.map((person) => person.name)).toEqual(['Anna'])
    await waitFor(() => expect(pane.queryByText(/in other meetings/)).toBeNull())
  })
})
