import { cleanup, render, screen, waitFor } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { afterEach, describe, expect, test } from 'vitest'
import App from '../App.svelte'
import { installed, memoryClient, overviewWith, sampleJob } from '../lib/memory'

const user = userEvent.setup({ pointerEventsCheck: 0 })
const small = 'whisper-small-Q8_0'
const inUse = overviewWith(
  { [small]: installed(small) },
  { defaults: { model: small, language: null, translate: false, vocabulary: [], speakers: null } },
)

afterEach(cleanup)

describe('the hint to better models', () => {
  const hint = () => screen.queryByRole('button', { name: 'choose a larger model' })

  test('leads from the empty library to the models page, and disappears once a model is installed', async () => {
    const client = memoryClient()
    render(App, { client })
    await user.click(await screen.findByRole('button', { name: 'choose a larger model' }))
    await screen.findByRole('heading', { level: 1, name: 'Speech models' })
    await user.click(screen.getByRole('button', { name: 'Close speech models' }))
    await waitFor(() => expect(hint()).toBeVisible())
    client.setModel(small, { state: installed(small) })
    await waitFor(() => expect(hint()).toBeNull())
    expect(screen.getByText('Ready in 99 languages.')).toBeVisible()
  })

  test('can be dismissed', async () => {
    const client = memoryClient()
    render(App, { client })
    await screen.findByRole('button', { name: 'choose a larger model' })
    await user.click(screen.getByRole('button', { name: 'Dismiss' }))
    expect(hint()).toBeNull()
    await waitFor(() => expect(client.count('setWindowState')).toBe(1))
  })

  test('is not shown if a model is installed', async () => {
    render(App, {
      client: memoryClient({ jobs: [sampleJob()], models: inUse }),
    })
    await screen.findByRole('option', { name: /Panel discussion/ })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(hint()).toBeNull()
  })
})
