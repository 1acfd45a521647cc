/** What tests of the archive page share. */
import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import axe from 'axe-core'
import { expect } from 'vitest'
import App from '../App.svelte'
import { memoryClient, sampleBackupOverview, sampleJob, type Seed } from '../lib/memory'

export const user = userEvent.setup({ pointerEventsCheck: 0 })

export const job = sampleJob()
/** An archive that is backed up every day. */
export const scheduled: Seed = { backup: sampleBackupOverview() }

export const button = (name: string | RegExp) => screen.getByRole('button', { name })
export const press = async (name: string | RegExp) => user.click(await screen.findByRole('button', { name }))

/** The window with one meeting. */
export function start(seed: Seed = {}) {
  const client = memoryClient({ jobs: [job], window: { hint_dismissed: true }, ...seed })
  render(App, { client })
  return client
}

export async function openArchive(seed: Seed = {}) {
  const client = start(seed)
  await press(/^Archive/)
  await screen.findByRole('heading', { level: 1, name: 'Archive' })
  return client
}

export async function openCleanup(seed: Seed = {}) {
  const client = await openArchive(seed)
  await user.click(screen.getByRole('tab', { name: 'Clean-up' }))
  await screen.findByRole('heading', { name: 'How long to keep' })
  return client
}

export async function expectNoFaults() {
  const { violations } = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false } } })
  expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([])
}
