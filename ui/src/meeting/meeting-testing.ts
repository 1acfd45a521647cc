/** Opens a meeting without the window around it, for tests. */
import { cleanup, render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import type { ComponentProps } from 'svelte'
import { afterEach, beforeEach, vi } from 'vitest'
import { memoryClient, sampleJob, sampleTranscript, type Seed } from '../lib/memory'
import type { JobView, SegmentView } from '../lib/types'
import { MeetingKeys } from './keys'
import Meeting from './Meeting.svelte'
import { Playback } from './playback.svelte'
import { FakeAudio, menuItem, stubLayout } from './testing'

export const user = userEvent.setup({ pointerEventsCheck: 0 })
export let audio: FakeAudio

/** Call it once in a test file: each test gets its own audio element, and what it changes is restored. */
export function isolateTests() {
  beforeEach(() => {
    stubLayout()
    audio = new FakeAudio()
  })
  afterEach(() => {
    cleanup()
    localStorage.clear()
    getSelection()?.removeAllRanges()
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
  })
}

export const line = (start: number, text: string, end = start + 900): SegmentView => ({
  id: `line-${start}`,
  start_ms: start,
  end_ms: end,
  text,
  doubt: null,
  speaker_id: null,
  also: [],
  assigned: false,
})

export function open(
  change: Partial<JobView> = {},
  seed: Seed = {},
  props: Partial<ComponentProps<typeof Meeting>> = {},
) {
  const job = sampleJob({ duration_ms: 60_000, ...change })
  const client = memoryClient({ jobs: [job], ...seed })
  const playback = new Playback(client, audio.element)
  const keys = new MeetingKeys(playback)
  const shown = render(Meeting, { client, job, playback, keys, ...props })
  // As the library does it.
  client.on('newsItem', async (news) => {
    if ((news.kind !== 'job' && news.kind !== 'progress') || news.id !== job.id) return
    const [changed] = await client.meetingsById([job.id])
    if (changed) await shown.rerender({ job: changed })
  })
  return { client, job, playback, keys, ...shown }
}

export function openWith(lines: SegmentView[], change: Partial<JobView> = {}) {
  const id = sampleJob().id
  return open(change, { transcripts: { [id]: sampleTranscript(lines) } })
}

export const item = async (text: string | RegExp) =>
  (await screen.findByText(text)).closest<HTMLElement>('[role=listitem]')
export const choose = async (menu: string, name: string) => {
  await user.click(screen.getByRole('button', { name: menu }))
  await user.click(await menuItem(name))
}
