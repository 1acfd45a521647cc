import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import axe from 'axe-core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryClient, sampleJob, type MemoryClient } from '../lib/memory'
import { Playback } from './playback.svelte'
import Player from './Player.svelte'
import { FakeAudio, menuItem, stubLayout } from './testing'

const user = userEvent.setup({ pointerEventsCheck: 0 })
const job = sampleJob({ duration_ms: 2_890_000 })
let audio: FakeAudio
let client: MemoryClient
let playback: Playback

beforeEach(() => {
  stubLayout()
  audio = new FakeAudio()
  client = memoryClient({ jobs: [job] })
  playback = new Playback(client, audio.element)
})
afterEach(() => {
  cleanup()
  playback.destroy()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

async function open(durationMs = 2_890_000) {
  const onrate = vi.fn()
  const onvolume = vi.fn()
  const shown = render(Player, { playback, onrate, onvolume })
  await playback.open(job)
  audio.arrive(durationMs)
  return { onrate, onvolume, ...shown }
}

test('plays, stops and jumps', async () => {
  await open()
  await user.click(screen.getByRole('button', { name: 'Play' }))
  expect(playback.playing).toBe(true)
  playback.seek(60_000)
  await user.click(screen.getByRole('button', { name: 'Back 5 seconds' }))
  expect(playback.currentMs).toBe(55_000)
  await user.click(screen.getByRole('button', { name: 'Forward 5 seconds' }))
  expect(playback.currentMs).toBe(60_000)
  await user.click(screen.getByRole('button', { name: 'Pause' }))
  expect(playback.playing).toBe(false)
})

test('shows position and length as times', async () => {
  await open()
  playback.seek(750_000)
  const slider = await screen.findByRole('slider', { name: 'Position' })
  await expect.poll(() => slider.getAttribute('aria-valuetext')).toBe('12:30 of 48:10')
  expect(screen.getByText('12:30')).toBeVisible()
  expect(screen.getByText('48:10')).toBeVisible()
})

test('shows hours in both times if the recording has some', async () => {
  await open(3_700_000)
  expect(await screen.findByText('0:00:00')).toBeVisible()
  expect(screen.getByText('1:01:40')).toBeVisible()
})

test('moving the slider seeks', async () => {
  await open()
  await fireEvent.input(screen.getByRole('slider', { name: 'Position' }), { target: { value: '90000' } })
  expect(audio.element.currentTime).toBe(90)
})

test('the speed is chosen from a menu and reported', async () => {
  const { onrate } = await open()
  await user.click(screen.getByRole('button', { name: /Speed/ }))
  expect(await menuItem('1×')).toHaveAttribute('aria-checked', 'true')
  expect(document.querySelectorAll('[role=menuitemradio]')).toHaveLength(9)
  await user.click(await menuItem('1.25×'))
  expect([playback.rate, onrate.mock.calls]).toEqual([1.25, [[1.25]]])
})

test('the volume is set and reported', async () => {
  const { onvolume } = await open()
  await user.click(screen.getByRole('button', { name: 'Volume' }))
  const slider = await waitFor(() => {
    const found = document.querySelector('[aria-valuetext=\"100 %\"]')
    if (!found) throw new Error('no slider')
    return found
  })
  await fireEvent.input(slider, {
    target: { value: '40' },
  })
  expect([playback.volume, onvolume.mock.calls]).toEqual([0.4, [[0.4]]])
})

test('says why there is no audio, and tries again', async () => {
  render(Player, { playback })
  client.fail('sound', { message: 'The sound cannot be served.' }, 1)
  await playback.open(job)
  expect(await screen.findByText('The sound cannot be served.')).toBeVisible()
  expect(screen.getByRole('button', { name: /Play/ })).toHaveAttribute('aria-disabled', 'true')
  await user.click(screen.getByRole('button', { name: 'Try again' }))
  expect(await screen.findByRole('slider', { name: 'Position' })).toBeVisible()
})

test('has no accessibility faults', async () => {
  const { container } = await open()
  const { violations } = await axe.run(container, { rules: { 'color-contrast': { enabled: false } } })
  expect(violations.map((violation) => `${violation.id}: ${violation.nodes[0]?.html}`)).toEqual([])
})
