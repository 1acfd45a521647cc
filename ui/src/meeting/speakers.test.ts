import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import axe from 'axe-core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import App from '../App.svelte'
import {
  MemoryClient,
  sampleJob,
  sampleLine,
  sampleLines,
  sampleWords,
  type Seed,
} from '../lib/memory-client'
import { installed, roomWith, sampleVersion } from '../lib/memory-models'
import { samplePerson, sampleSpeakers, speakersOf, spoken } from '../lib/memory-speakers'
import type { LineView, SpeakersView, SpeakerView } from '../lib/types'

const user = userEvent.setup({ pointerEventsCheck: 0 })

afterEach(() => {
  cleanup()
  getSelection()?.removeAllRanges()
  vi.restoreAllMocks()
})

const job = sampleJob({ duration_ms: 60_000 })
const other = sampleJob({ id: 'other', title: 'Harbour evening' })
const said = [
  'Good morning.',
  'How are you?',
  'Very well, thank you.',
  'And the harbour?',
  'It is closed.',
  'Yes.',
]
const lines: LineView[] = spoken(
  said.map((text, index) =>
    sampleLine({ id: `line-${index}`, start_ms: index * 10_000, end_ms: index * 10_000 + 9_000, text }),
  ),
  [1, 1, 2, 3, null, 2],
  1,
)
const anna = samplePerson(1, {
  name: 'Anna Østergaard',
  voices: 3,
  samples: [{ meeting_id: 'other', start_ms: 2_000, end_ms: 6_000 }],
  meetings: [{ id: 'other', title: 'Harbour evening' }],
})
const ben = samplePerson(2, { name: 'Ben' })
const known: Seed = { people: { enabled: true, people: [anna, ben] } }
const maybeAnna: Partial<SpeakerView> = {
  suggestion: {
    person_id: anna.id,
    name: anna.name,
    percent: 87,
    sample: { meeting_id: 'other', start_ms: 2_000, end_ms: 6_000 },
  },
}

async function open(
  named: Record<number, Partial<SpeakerView>> = {},
  seed: Seed = {},
  change: Partial<SpeakersView> = {},
  all = lines,
) {
  const client = new MemoryClient({
    jobs: [job, other],
    window: { hint_dismissed: true },
    words: { [job.id]: sampleWords(all) },
    speakers: { [job.id]: speakersOf(all, named, change) },
    ...seed,
  })
  render(App, { client })
  await user.click(await screen.findByRole('option', { name: /Panel discussion/ }))
  return client
}

async function openPane(...seed: Parameters<typeof open>) {
  const client = await open(...seed)
  await press('Speakers')
  const pane = within(screen.getByRole('complementary', { name: 'Speakers' }))
  return { client, pane }
}

const press = async (name: string | RegExp) => user.click(await screen.findByRole('button', { name }))
const field = (label: string) => screen.findByLabelText(`Name of ${label}`)
const card = (name: string) =>
  within(screen.getByRole('complementary', { name: 'Speakers' })).getByRole('listitem', { name })
const names = () =>
  [...document.querySelectorAll('.lines [data-index] .name')].map((one) =>
    one.querySelector('.text')?.textContent.trim(),
  )
const lineButton = (time: string) => screen.findByRole('button', { name: new RegExp(`^Play from ${time}`) })
/** What a menu that is open offers under this name, whatever mark is beside it. */
const menuItem = (name: string) =>
  waitFor(() => {
    const items = [...document.querySelectorAll<HTMLElement>('[role^=menuitem]')]
    const item = items.find((one) => one.querySelector('.text')?.textContent.trim().startsWith(name))
    if (!item) throw new Error(`no menu offers ${name}`)
    return item
  })
const chooseFrom = async (menu: string, ...ways: string[]) => {
  await press(menu)
  for (const way of ways) await user.click(await menuItem(way))
}
const choosing = async (time: string) => {
  const button = await lineButton(time)
  button.focus()
  return button
}
const live = (text: string) =>
  waitFor(() => expect(document.querySelector('[aria-live=polite]')).toHaveTextContent(text))

async function expectNoFaults() {
  const { violations } = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false } } })
  expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([])
}

/** Selects from one character of a line to one of another. */
function select(from: [string, number], to: [string, number]) {
  const node = (text: string) => screen.getByText(text).firstChild as Node
  getSelection()?.setBaseAndExtent(node(from[0]), from[1], node(to[0]), to[1])
  document.dispatchEvent(new Event('selectionchange'))
}

describe('names in the text', () => {
  test('stand once per run, and say so where nobody knows', async () => {
    await open({ 1: { name: 'Anna' } })
    await screen.findByText('Good morning.')
    await waitFor(() =>
      expect(names()).toEqual(['Anna', 'Speaker 2', 'Speaker 3', 'Unknown speaker', 'Speaker 2']),
    )
    expect(screen.getByText(/· 1 min · 3 speakers ·/)).toBeVisible()
    await expectNoFaults()
  })

  test('are heard with every line', async () => {
    const all = lines.map((line, index) => ({
      ...line,
      also: index === 2 ? ['speaker-1', 'speaker-3'] : [],
      assigned: index === 3,
    }))
    await open({ 1: { name: 'Anna' } }, {}, {}, all)
    expect(await screen.findByRole('button', { name: 'Play from 0:10. Anna' })).toBeVisible()
    expect(
      screen.getByRole('button', {
        name: 'Play from 0:20. Speaker 2. Anna and Speaker 3 speak at the same time.',
      }),
    ).toBeVisible()
    expect(screen.getByText('also Anna and Speaker 3')).toBeVisible()
    expect(screen.getByRole('button', { name: 'Play from 0:40. Unknown speaker' })).toBeVisible()
    expect(screen.getByTitle('You said who speaks here.')).toHaveTextContent('0:30')
  })

  test('are nowhere where there are no speakers', async () => {
    const without = lines.map((line) => ({ ...line, speaker_id: null }))
    await open({}, { speakers: {} }, {}, without)
    expect(await screen.findByRole('button', { name: 'Play from 0:10' })).toBeVisible()
    expect(names()).toEqual([])
    expect(screen.queryByText(/Unknown speaker/)).toBeNull()
  })

  test('come when the speakers are told apart', async () => {
    const without = lines.map((line) => ({ ...line, speaker_id: null }))
    const client = await open({}, { speakers: {} }, {}, without)
    await screen.findByText('Good morning.')
    client.setWords(job.id, sampleWords(lines))
    client.setSpeakers(job.id, speakersOf(lines))
    await waitFor(() => expect(names()).toHaveLength(5))
  })

  test('stay in sight while their run is read', async () => {
    const long = spoken(sampleLines(15_000), [1, 2], 30)
    await open({ 1: { name: 'Anna' } }, {}, {}, long)
    await waitFor(() => expect(names()).toEqual(['Anna']))
    const scroller = document.querySelector('.lines .scroller') as HTMLElement
    expect(document.querySelector('.pinned')).toBeNull()
    scroller.scrollTop = 500
    await fireEvent.scroll(scroller)
    await waitFor(() => expect(document.querySelector('.pinned')).toHaveTextContent('Anna'))
    scroller.scrollTop = 2_000
    await fireEvent.scroll(scroller)
    await waitFor(() => expect(document.querySelector('.pinned')).toHaveTextContent('Speaker 2'))
  })

  test('lead to a menu: renaming in place', async () => {
    const client = await open({}, known)
    await press('Speaker 3')
    await user.click(await menuItem('Rename'))
    const typed = await field('Speaker 3')
    await waitFor(() => expect(typed).toHaveFocus())
    await user.keyboard('Clara{Enter}')
    await waitFor(() => expect(names()[2]).toBe('Clara'))
    expect(client.calls).toContainEqual(['nameSpeaker', job.id, 'speaker-3', 'Clara', null])
    await waitFor(() => expect(screen.getByRole('button', { name: 'Clara' })).toHaveFocus())
    await live('Speaker 3 is Clara now.')
  })

  test('lead to a menu: Escape leaves the name as it is', async () => {
    const client = await open()
    await press('Speaker 3')
    await user.click(await menuItem('Rename'))
    await waitFor(async () => expect(await field('Speaker 3')).toHaveFocus())
    await user.keyboard('Clara{Escape}')
    await waitFor(() => expect(screen.getByRole('button', { name: 'Speaker 3' })).toHaveFocus())
    expect(client.count('nameSpeaker')).toBe(0)
  })

  test('lead to a menu: giving the run to somebody else', async () => {
    const client = await open({ 1: { name: 'Anna' } })
    await press('Anna')
    await user.click(await menuItem('Give these 2 lines to'))
    await user.click(await menuItem('Speaker 3'))
    await waitFor(() => expect(names()[0]).toBe('Speaker 3'))
    const [, , stretch, whom] = client.calls.find(([call]) => call === 'assign') ?? []
    expect(stretch).toEqual({ from_line: 'line-0', from_char: 0, to_line: 'line-1', to_char: null })
    expect(whom).toEqual({ kind: 'speaker', id: 'speaker-3' })
  })
})

describe('giving lines by keys', () => {
  test('the chosen line goes to the speaker of that number; the focus stays', async () => {
    const client = await open()
    await choosing('0:10')
    await user.keyboard('2')
    await waitFor(() =>
      expect(names()).toEqual(['Speaker 1', 'Speaker 2', 'Speaker 3', 'Unknown speaker', 'Speaker 2']),
    )
    // The line has another id now.
    expect(client.calls).toContainEqual([
      'assign',
      job.id,
      { from_line: 'line-1', from_char: 0, to_line: 'line-1', to_char: null },
      { kind: 'speaker', id: 'speaker-2' },
    ])
    await waitFor(async () => expect(await lineButton('0:10')).toHaveFocus())
    await live('Given to Speaker 2.')
    await user.keyboard('{ArrowDown}3')
    await waitFor(() => expect(names().slice(0, 3)).toEqual(['Speaker 1', 'Speaker 2', 'Speaker 3']))
    await waitFor(async () => expect(await lineButton('0:20')).toHaveFocus())
  })

  test('keys that come fast are done one after the other', async () => {
    const client = await open()
    await choosing('0:10')
    await user.keyboard('23n')
    await waitFor(() => expect(client.count('assign')).toBe(3))
    await waitFor(() => expect(names()[1]).toBe('Speaker 4'))
    expect(screen.queryByText(/there are no such lines/)).toBeNull()
  })

  test('a selection gives exactly its words', async () => {
    const client = await open({ 1: { name: 'Anna' } })
    await screen.findByText('Good morning.')
    await waitFor(() => expect(names()).toHaveLength(5))
    select(['How are you?', 5], ['Very well, thank you.', 7])
    const bar = within(await screen.findByRole('toolbar', { name: 'Give the selected words' }))
    await expectNoFaults()
    await user.click(bar.getByRole('button', { name: 'Give the selected words to Somebody new' }))
    expect(client.calls).toContainEqual([
      'assign',
      job.id,
      { from_line: 'line-1', from_char: 4, to_line: 'line-2', to_char: 10 },
      { kind: 'new' },
    ])
    await waitFor(() => expect(names().slice(0, 3)).toEqual(['Anna', 'Speaker 4', 'Speaker 2']))
    expect(screen.queryByRole('toolbar', { name: 'Give the selected words' })).toBeNull()
    expect(await screen.findByText('are you?')).toBeVisible()
    expect(screen.getByText('thank you.')).toBeVisible()
  })

  test('a selection goes by keys too, and Escape lets go of it', async () => {
    const client = await open()
    await screen.findByText('Good morning.')
    await waitFor(() => expect(names()).toHaveLength(5))
    select(['Good morning.', 0], ['Good morning.', 4])
    const bar = await screen.findByRole('toolbar', { name: 'Give the selected words' })
    const [first, second] = within(bar).getAllByRole('button') as [HTMLElement, HTMLElement]
    first.focus()
    await fireEvent.keyDown(first, { key: 'ArrowRight' })
    expect(second).toHaveFocus()
    await fireEvent.keyDown(second, { key: 'Escape' })
    await waitFor(() => expect(screen.queryByRole('toolbar', { name: 'Give the selected words' })).toBeNull())
    select(['Good morning.', 0], ['Good morning.', 4])
    await user.keyboard('3')
    await waitFor(() =>
      expect(client.calls).toContainEqual([
        'assign',
        job.id,
        { from_line: 'line-0', from_char: 0, to_line: 'line-0', to_char: 4 },
        { kind: 'speaker', id: 'speaker-3' },
      ]),
    )
  })

  test('brackets go from change to change', async () => {
    await open()
    await choosing('0:10')
    await user.keyboard(']')
    await waitFor(async () => expect(await lineButton('0:20')).toHaveFocus())
    await user.keyboard(']')
    await waitFor(async () => expect(await lineButton('0:30')).toHaveFocus())
    await user.keyboard('[[')
    await user.keyboard('[[')
    await waitFor(async () => expect(await lineButton('0:00')).toHaveFocus())
  })

  test('nothing is given while the keys are in the pane, or to numbers nobody has', async () => {
    const { client } = await openPane()
    await choosing('0:10')
    await user.keyboard('9')
    ;(await screen.findByRole('button', { name: 'More about Speaker 1' })).focus()
    await user.keyboard('2n')
    expect(client.count('assign')).toBe(0)
  })

  test('what is refused is said, and can be tried again', async () => {
    const client = await open()
    client.fail('assign', { message: 'The archive is read only.' }, 1)
    await choosing('0:10')
    await user.keyboard('2')
    await screen.findByText('The archive is read only.')
    await press('Try again')
    await waitFor(() => expect(client.count('assign')).toBe(2))
  })
})

describe('the pane', () => {
  test('says who speaks how much, and takes the place of the versions', async () => {
    const { pane } = await openPane({ 1: { name: 'Anna' } })
    expect(pane.getByText('Anna speaks for 0:18, 40 % of all speech.')).toBeInTheDocument()
    const table = within(pane.getByRole('table', { name: 'Statistics' }))
    expect(table.getByRole('row', { name: /Anna 0:18 40 % 1 17/ })).toBeInTheDocument()
    expect(table.getByRole('row', { name: /Silence 0:05/ })).toBeInTheDocument()
    expect(pane.getByText('3 words were given to nobody.')).toBeVisible()
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

  test('names: Enter keeps, Escape goes back', async () => {
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

  test('names: known people are offered, with the keys and the mouse', async () => {
    const { client } = await openPane({}, known)
    const typed = await field('Speaker 1')
    await user.type(typed, 'ostergaa')
    // A letter with a stroke is none with a mark.
    expect(typed).toHaveAttribute('aria-expanded', 'false')
    await user.clear(typed)
    await user.type(typed, 'an')
    const list = await waitFor(() => {
      const found = document.querySelector('[role=listbox][aria-label="People you know"]')
      if (!found) throw new Error('nobody is offered')
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

  test('merging by the menu; undone and done again', async () => {
    const { client, pane } = await openPane({ 1: { name: 'Anna' } })
    await chooseFrom('More about Speaker 3', 'Merge into', 'Anna')
    await waitFor(() =>
      expect(names()).toEqual(['Anna', 'Speaker 2', 'Anna', 'Unknown speaker', 'Speaker 2']),
    )
    expect(client.calls).toContainEqual(['mergeSpeakers', job.id, 'speaker-3', 'speaker-1'])
    await live('Speaker 3 is part of Anna now.')
    expect(pane.getByText('Last: merged Speaker 3 into Anna')).toBeVisible()
    await waitFor(() => expect(card('Anna')).toHaveFocus())
    await press('Undo: merged Speaker 3 into Anna')
    await waitFor(() => expect(names()[2]).toBe('Speaker 3'))
    await live('Undone: merged Speaker 3 into Anna.')
    await press('Redo: merged Speaker 3 into Anna')
    await waitFor(() => expect(names()[2]).toBe('Anna'))
  })

  test('undo and redo have keys, that belong to a field while one is typed in', async () => {
    const { client } = await openPane()
    await chooseFrom('More about Speaker 3', 'Merge into', 'Speaker 1')
    await waitFor(() => expect(names()[2]).toBe('Speaker 1'))
    ;(await field('Speaker 1')).focus()
    await user.keyboard('{Control>}z{/Control}')
    expect(client.count('undoSpeakers')).toBe(0)
    await choosing('0:10')
    await user.keyboard('{Control>}z{/Control}')
    await waitFor(() => expect(names()[2]).toBe('Speaker 3'))
    await user.keyboard('{Control>}z{/Control}')
    await live('There is nothing to undo.')
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
    await live('Speaker 2 is part of Anna now.')
  })

  test('a card gives the chosen line to its speaker, once there is one', async () => {
    const { client } = await openPane()
    await press('More about Speaker 3')
    expect(await menuItem('Give the chosen line to Speaker 3')).toHaveTextContent(
      'Choose a line or select words first.',
    )
    await user.keyboard('{Escape}')
    await choosing('0:10')
    await chooseFrom('More about Speaker 3', 'Give the chosen line to Speaker 3')
    await waitFor(() => expect(client.count('assign')).toBe(1))
  })
})

describe('a suggestion', () => {
  test('can be heard, accepted and refused', async () => {
    const { client } = await openPane({ 1: maybeAnna, 2: maybeAnna }, known)
    expect(screen.getByText('Is Speaker 1 Anna Østergaard? 87 % sure.')).toBeInTheDocument()
    await expectNoFaults()
    await user.click(
      within(card('Speaker 1')).getByRole('button', { name: 'Hear Anna Østergaard in another meeting' }),
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
    await live('Speaker 2 is not Anna Østergaard.')
  })

  test('is answered with y and n in its card', async () => {
    const { client } = await openPane({ 1: maybeAnna, 2: maybeAnna }, known)
    within(card('Speaker 2')).getByRole('button', { name: 'More about Speaker 2' }).focus()
    await user.keyboard('n')
    await waitFor(() => expect(client.count('refuseSuggestion')).toBe(1))
    card('Speaker 1').focus()
    await user.keyboard('y')
    await waitFor(() => expect(names()[0]).toBe('Anna Østergaard'))
    expect(client.count('assign')).toBe(0)
  })

  test('that is the first is accepted with A, from anywhere in the meeting', async () => {
    const client = await open({ 2: maybeAnna }, known)
    await choosing('0:10')
    await waitFor(() => expect(names()).toHaveLength(5))
    await user.keyboard('a')
    await waitFor(() => expect(names()[1]).toBe('Anna Østergaard'))
    await user.keyboard('a')
    expect(client.count('nameSpeaker')).toBe(1)
  })
})

describe('a sample', () => {
  test('is played to its end through the player, which goes back to where it was', async () => {
    const played: Event[] = []
    vi.spyOn(HTMLMediaElement.prototype, 'play').mockImplementation(function (this: HTMLMediaElement) {
      this.dispatchEvent(new Event('play'))
      played.push(new Event('play'))
      return Promise.resolve()
    })
    await openPane()
    await user.click(within(card('Speaker 2')).getByRole('button', { name: 'Hear Speaker 2' }))
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

describe('telling apart', () => {
  test('is offered where it was never done', async () => {
    const { client, pane } = await openPane({}, { speakers: {} })
    expect(pane.getByText('Who speaks in this meeting has not been found out yet.')).toBeVisible()
    expect(pane.queryByRole('button', { name: /^Undo/ })).toBeNull()
    await press('Tell the speakers apart')
    expect(client.calls).toContainEqual(['rerunSpeakers', job.id, { min: null, max: null }])
    await pane.findByText('The speakers are told apart once its turn has come.')
    client.changeJob(job.id, {
      status: 'processing',
      workflow_state: 'diarizing',
      progress: {
        audio_done_ms: 12_000,
        audio_total_ms: 60_000,
        real_time_factor: 0.05,
        left_ms: 2_400,
        share: 0.2,
      },
    })
    client.setSpeakers(job.id, { state: 'running' })
    const words = 'Telling speakers apart · 0:12 of 1:00 · less than a minute left'
    await pane.findByText(words)
    expect(pane.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '20')
    client.setSpeakers(job.id, speakersOf(lines))
    await pane.findByRole('listitem', { name: 'Speaker 3' })
    await expectNoFaults()
  })

  test('that failed says why, and can be tried again', async () => {
    const view = sampleSpeakers({ state: 'failed', note: 'there was not enough memory', method: null })
    const { client, pane } = await openPane({}, { speakers: { [job.id]: view } })
    await pane.findByText('There was not enough memory.')
    await press('Try again')
    expect(client.count('rerunSpeakers')).toBe(1)
  })

  test('again asks how many there are, and says what stays', async () => {
    const { client } = await openPane()
    await press('Tell apart again…')
    const dialog = within(await screen.findByRole('dialog', { name: 'Tell the speakers apart again' }))
    expect(
      dialog.getByText('Names stay with their voices, and what you corrected stays as it is.'),
    ).toBeVisible()
    expect(dialog.getByRole('radio', { name: 'Find out' })).toBeChecked()
    const least = dialog.getByRole('spinbutton', { name: 'At least so many people' })
    await user.clear(least)
    await user.type(least, '7')
    expect(dialog.getByRole('radio', { name: 'Between' })).toBeChecked()
    expect(dialog.getByRole('alert')).toHaveTextContent('The second number is smaller than the first.')
    await user.click(dialog.getByRole('button', { name: /^Tell apart again/ }))
    expect(client.count('rerunSpeakers')).toBe(0)
    await expectNoFaults()
    await user.clear(least)
    await user.type(least, '3')
    await user.click(dialog.getByRole('button', { name: /^Tell apart again/ }))
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    expect(client.calls).toContainEqual(['rerunSpeakers', job.id, { min: 3, max: 6 }])
  })

  test('is part of transcribing again', async () => {
    const small = 'whisper-small-Q8_0'
    const client = await open({}, { room: roomWith({ [small]: installed(small) }) })
    await press('More')
    await user.click(await menuItem('Transcribe again…'))
    const dialog = within(await screen.findByRole('dialog'))
    const number = dialog.getByRole('spinbutton', { name: 'Number of people' })
    await user.clear(number)
    await user.type(number, '5')
    await user.click(dialog.getByRole('button', { name: 'Transcribe again' }))
    await waitFor(() => expect(client.count('transcribeAgain')).toBe(1))
    const [, , choice] = client.calls.find(([call]) => call === 'transcribeAgain') ?? []
    expect(choice).toMatchObject({ speakers: { min: 5, max: 5 } })
  })

  test.each([
    [1, 'One person speaks in this recording.'],
    [0, 'Nobody was heard in this recording.'],
  ])('with %d found says so', async (count, words) => {
    const all = lines.map((line) => ({ ...line, speaker_id: count === 1 ? 'speaker-1' : null }))
    const { pane } = await openPane({}, {}, {}, all)
    expect(await pane.findByText(words)).toBeVisible()
  })
})

describe('voices that may be remembered', () => {
  test('are asked for once, quietly, below the speaker who was named', async () => {
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

  test('are remembered after the consent, beginning with that one', async () => {
    const { client, pane } = await openPane()
    await user.type(await field('Speaker 1'), 'Anna{Enter}')
    await press('How that works…')
    const dialog = within(await screen.findByRole('dialog', { name: 'Remember voices?' }))
    expect(dialog.getByText(/It is never sent anywhere and is in no export/)).toBeVisible()
    await expectNoFaults()
    await user.click(dialog.getByRole('button', { name: 'Remember voices' }))
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    expect(client.calls).toContainEqual(['setPeople', true, false])
    expect((await client.people()).people.map((person) => person.name)).toEqual(['Anna'])
    await waitFor(() => expect(pane.queryByText(/in other meetings/)).toBeNull())
  })
})

describe('older text', () => {
  test('shows names too, but is not corrected', async () => {
    const old = lines.map((line) => ({ ...line, id: `old-${line.id}`, text: `${line.text} Then.` }))
    const version = (id: string, number: number) => sampleVersion({ id, number, current: number === 2 })
    const client = await open(
      { 1: { name: 'Anna' } },
      {
        versions: {
          [job.id]: [
            { view: version('v2', 2), lines },
            { view: version('v1', 1), lines: old },
          ],
        },
      },
    )
    await press('Versions')
    await press('Look at version 1')
    await screen.findByText('Good morning. Then.')
    await waitFor(() => expect(names()[0]).toBe('Anna'))
    await choosing('0:10')
    await user.keyboard('2')
    expect(client.count('assign')).toBe(0)
    await press('Compare with current: version 1')
    await waitFor(() => expect(document.querySelectorAll('.compare .who')).toHaveLength(4))
    expect(document.querySelector('.compare .who')).toHaveTextContent('Anna')
  })
})

test('who speaks when is drawn in the player, for eyes only', async () => {
  await open({ 1: { name: 'Anna' } })
  await waitFor(() => expect(document.querySelectorAll('.player .strip path')).toHaveLength(3))
  expect(document.querySelector('.player .strip')).toHaveAttribute('aria-hidden', 'true')
})

test('all keys are listed', async () => {
  await open()
  await user.keyboard('?')
  const dialog = within(await screen.findByRole('dialog', { name: 'All keys' }))
  for (const key of ['1 … 9', 'A', '[ / ]', 'Ctrl+Z', 'Shift+Ctrl+Z'])
    expect(dialog.getByText(key)).toBeVisible()
})
