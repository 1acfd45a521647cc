/** The meeting with several speakers that the tests of speakers open in the whole window, and how they operate it. */
import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import axe from 'axe-core'
import { expect, vi } from 'vitest'
import App from '../App.svelte'
import {
  memoryClient,
  sampleJob,
  samplePerson,
  sampleSegment,
  sampleTranscript,
  speakersOf,
  spokenBy,
  type Seed,
} from '../lib/memory'
import type { SegmentView, SpeakersView, SpeakerView } from '../lib/types'

export const user = userEvent.setup({ pointerEventsCheck: 0 })

export function cleanUp() {
  cleanup()
  getSelection()?.removeAllRanges()
  vi.restoreAllMocks()
}

export const job = sampleJob({ duration_ms: 60_000 })
export const other = sampleJob({ id: 'other', title: 'Harbour evening' })
export const texts = [
  'Good morning.',
  'How are you?',
  'Very well, thank you.',
  'And the harbour?',
  'It is closed.',
  'Yes.',
]
export const segments: SegmentView[] = spokenBy(
  texts.map((text, index) =>
    sampleSegment({ id: `line-${index}`, start_ms: index * 10_000, end_ms: index * 10_000 + 9_000, text }),
  ),
  [1, 1, 2, 3, null, 2],
  1,
)
export const anna = samplePerson(1, {
  name: 'Anna Østergaard',
  voices: 3,
  samples: [{ meeting_id: 'other', start_ms: 2_000, end_ms: 6_000 }],
  meetings: [{ id: 'other', title: 'Harbour evening' }],
})
export const ben = samplePerson(2, { name: 'Ben' })
export const known: Seed = { people: { enabled: true, people: [anna, ben] } }
export const maybeAnna: Partial<SpeakerView> = {
  suggestion: {
    person_id: anna.id,
    name: anna.name,
    percent: 87,
    sample: { meeting_id: 'other', start_ms: 2_000, end_ms: 6_000 },
  },
}

export async function open(
  named: Record<number, Partial<SpeakerView>> = {},
  seed: Seed = {},
  change: Partial<SpeakersView> = {},
  all = segments,
) {
  const client = memoryClient({
    jobs: [job, other],
    window: { hint_dismissed: true },
    transcripts: { [job.id]: sampleTranscript(all) },
    speakers: { [job.id]: speakersOf(all, named, change) },
    ...seed,
  })
  render(App, { client })
  await user.click(await screen.findByRole('option', { name: /Panel discussion/ }))
  return client
}

export async function openPane(...seed: Parameters<typeof open>) {
  const client = await open(...seed)
  await press('Speakers')
  const pane = within(screen.getByRole('complementary', { name: 'Speakers' }))
  return { client, pane }
}

export const press = async (name: string | RegExp) => user.click(await screen.findByRole('button', { name }))
export const field = (label: string) => screen.findByLabelText(`Name of ${label}`)
export const card = (name: string) =>
  within(screen.getByRole('complementary', { name: 'Speakers' })).getByRole('listitem', { name })
export const names = () =>
  [...document.querySelectorAll('.segments [data-index] .name')].map((one) =>
    one.querySelector('.text')?.textContent.trim(),
  )
export const playButton = (time: string) =>
  screen.findByRole('button', { name: new RegExp(`^Play from ${time}`) })
/** What a menu that is open offers under this name, whatever mark is beside it. */
export const menuItem = (name: string) =>
  waitFor(() => {
    const items = [...document.querySelectorAll<HTMLElement>('[role^=menuitem]')]
    const item = items.find((one) => one.querySelector('.text')?.textContent.trim().startsWith(name))
    if (!item) throw new Error(`no menu offers ${name}`)
    return item
  })
export const chooseFrom = async (menu: string, ...ways: string[]) => {
  await press(menu)
  for (const way of ways) await user.click(await menuItem(way))
}
export const focusSegment = async (time: string) => {
  const button = await playButton(time)
  button.focus()
  return button
}
export const expectAnnounced = (text: string) =>
  waitFor(() => expect(document.querySelector('[aria-live=polite]')).toHaveTextContent(text))

export async function expectNoFaults() {
  const { violations } = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false } } })
  expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([])
}

/** Selects from one character of a line to one of another. */
export function select(from: [string, number], to: [string, number]) {
  const node = (text: string) => screen.getByText(text).firstChild as Node
  getSelection()?.setBaseAndExtent(node(from[0]), from[1], node(to[0]), to[1])
  document.dispatchEvent(new Event('selectionchange'))
}
