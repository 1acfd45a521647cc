import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import axe from 'axe-core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import App from '../App.svelte'
import {
  installed,
  memoryClient,
  overviewWith,
  sampleJob,
  sampleModel,
  sampleOverview,
  type Seed,
} from '../lib/memory'
import { menuItem } from '../meeting/testing'

const user = userEvent.setup({ pointerEventsCheck: 0 })

afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
})

const small = 'whisper-small-Q8_0'
const job = sampleJob()
const withSmall = overviewWith({ [small]: installed(small) })
const inUse = overviewWith(
  { [small]: installed(small) },
  { defaults: { model: small, language: null, translate: false, vocabulary: [], speakers: null } },
)

async function open(seed: Seed = {}) {
  const client = memoryClient({ jobs: [job], window: { hint_dismissed: true }, ...seed })
  render(App, { client })
  await user.click(await screen.findByRole('button', { name: 'Speech models' }))
  await screen.findByRole('heading', { level: 1, name: 'Speech models' })
  return client
}

async function opened(seed: Seed = {}) {
  const client = await open(seed)
  await screen.findByRole('heading', { level: 3, name: 'Whisper base' })
  return client
}

const card = (title: string) =>
  within(screen.getByRole('heading', { level: 3, name: title }).closest('li') as HTMLElement)
const titles = (section: string) =>
  within(screen.getByRole('region', { name: section }))
    .getAllByRole('heading', { level: 3 })
    .map((heading) => heading.textContent)
const choose = async (field: string, option: string) => {
  await user.click(screen.getByRole('combobox', { name: field }))
  await user.type(screen.getByRole('combobox', { name: field }), option)
  await user.click(await offered(option))
}
/** What a list under a field offers. Lists hide what they believe to be out of the window. */
const offers = () => [...document.querySelectorAll<HTMLElement>('[data-combobox-content] [role=option]')]
const offered = (option: string) =>
  waitFor(() => {
    const found = offers().find((one) => one.textContent.trim() === option)
    if (!found) throw new Error(`nothing offers ${option}`)
    return found
  })

async function expectNoFaults() {
  const { violations } = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false } } })
  expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([])
}

describe('the page of speech models', () => {
  test('replaces the open meeting, and leads back to it', async () => {
    await opened()
    expect(screen.getByRole('heading', { level: 1, name: 'Speech models' })).toHaveFocus()
    expect(screen.getByRole('button', { name: 'Speech models' })).toHaveAttribute('aria-current', 'page')
    await expectNoFaults()
    await user.click(screen.getByRole('button', { name: 'Close speech models' }))
    expect(await screen.findByText('No meeting is open')).toBeVisible()
    await user.click(screen.getByRole('button', { name: 'Speech models' }))
    await user.click(screen.getByRole('option', { name: /Panel discussion/ }))
    expect(screen.getByRole('heading', { level: 1 })).toHaveTextContent('Panel discussion')
  })

  test('says which model and device new recordings are transcribed with', async () => {
    await opened()
    const standard = screen.getByRole('region', { name: 'For new recordings' })
    expect(standard).toHaveTextContent(
      'New recordings are transcribed with Whisper base, in the language that is spoken.',
    )
    expect(standard).toHaveTextContent('Runs on the processor (8 cores) · 16 GB of memory')
  })

  test('says that a GPU is not used', async () => {
    await opened({ models: sampleOverview({ device_note: 'The graphics card is too old' }) })
    expect(screen.getByText('The graphics card is too old.')).toBeVisible()
  })

  test('shows installed models, then the recommended one; technical names only on demand', async () => {
    await opened()
    expect(
      screen
        .getAllByRole('heading', { level: 3 })
        .slice(0, 2)
        .map((one) => one.textContent),
    ).toEqual(['Whisper base', 'Whisper small'])
    expect(titles('On this computer')).toEqual(['Whisper base'])
    expect(titles('Recommended for this computer')).toEqual(['Whisper small'])
    expect(titles('More models')).toContain('Parakeet TDT 0.6B v3')
    expect(card('Sortformer, 4 speakers').getByText(/^Detects up to four speakers/)).toBeVisible()
    const whisper = card('Whisper small')
    expect(whisper.getByText(/99 languages, detected automatically/)).toBeVisible()
    expect(
      whisper.getByText(/faster than real time on this computer · 3\.3 % wrong words \(LibriSpeech/),
    ).toBeVisible()
    expect(whisper.getByText(small)).not.toBeVisible()
    await user.click(whisper.getByRole('button', { name: 'Details of Whisper small' }))
    expect(whisper.getByText(small)).toBeVisible()
    expect(card('Canary 1B').getByText('Licence: CC-BY-NC-4.0. Not for commercial use.')).toBeVisible()
  })

  test('says which one is included, and what the recommended one does better', async () => {
    const client = await opened()
    const included = card('Whisper base')
    expect(included.getByText(/^99 languages, detected automatically/)).toBeVisible()
    expect(included.getByText(/^Included · .* · 5\.1 % wrong words/)).toBeVisible()
    expect(included.getByRole('button', { name: /^In use/ })).toBeVisible()
    expect(included.queryByRole('button', { name: /^Remove/ })).toBeNull()
    const better = /^It makes about a third fewer mistakes than Whisper base on a standard test\./
    expect(card('Whisper small').getByText(better)).toHaveTextContent('It is larger and slower.')
    expect(screen.getAllByText(/mistakes/)).toHaveLength(1)
    client.setModel(small, { state: installed(small) })
    await user.click(await screen.findByRole('button', { name: 'Use for new recordings: Whisper small' }))
    await waitFor(() => expect(screen.queryByText(better)).toBeNull())
  })

  test('shows another installed size of the included model in the same card', async () => {
    const older = sampleModel({
      id: 'whisper-base-F16',
      title: 'Whisper base',
      group: 'whisper-base',
      byte_size: 151_000_000,
      preferred: false,
      state: installed('whisper-base-F16'),
    })
    await opened({ models: { models: [...sampleOverview().models, older] } })
    expect(titles('On this computer')).toEqual(['Whisper base'])
    await user.click(card('Whisper base').getByRole('button', { name: /Size of Whisper base: 83 MB/ }))
    await user.click(await menuItem('151 MB'))
    expect(card('Whisper base').getByRole('button', { name: 'Remove Whisper base…' })).toBeVisible()
  })

  test('shows why the models cannot be fetched, and tries again', async () => {
    const client = memoryClient({ jobs: [job] })
    client.fail('modelsOverview', { message: 'the folder of models cannot be read' })
    render(App, { client })
    await user.click(await screen.findByRole('button', { name: 'Speech models' }))
    await screen.findByText('The speech models could not be listed. The folder of models cannot be read.')
    client.succeed('modelsOverview')
    await user.click(screen.getByRole('button', { name: 'Try again' }))
    expect(await screen.findByRole('heading', { name: 'Whisper small' })).toBeVisible()
  })
})

describe('installing', () => {
  test('goes from “Install” to “In use”, and can be stopped and continued', async () => {
    const client = await opened()
    const first = screen.getByRole('button', { name: 'Install Whisper small' })
    await user.click(first)
    const stop = await screen.findByRole('button', { name: 'Stop Whisper small' })
    // The keys stay where they are.
    expect(stop).toBe(first)
    client.setModel(small, {
      state: {
        state: 'downloading',
        done_bytes: 120_000_000,
        total_bytes: 270_000_000,
        bytes_per_second: 3_200_000,
        left_ms: 130_000,
        mirror: 'huggingface.co',
      },
    })
    await screen.findByText('120 of 270 MB · 3.2 MB/s · about 2 min left')
    expect(screen.getByRole('progressbar', { name: 'Progress of Whisper small' })).toHaveAttribute(
      'aria-valuenow',
      '44',
    )
    await expectNoFaults()
    await user.click(stop)
    await screen.findByText('Stopped at 120 of 270 MB.')
    await user.click(screen.getByRole('button', { name: 'Continue Whisper small' }))
    await screen.findByRole('button', { name: 'Stop Whisper small' })
    client.setModel(small, { state: { state: 'checking' } })
    const wait = await screen.findByRole('button', { name: /^Wait for Whisper small/ })
    expect(wait).toBe(first)
    expect(wait).toHaveAttribute('aria-disabled', 'true')
    client.setModel(small, { state: installed(small) })
    await screen.findByText('Whisper small is installed.')
    await user.click(screen.getByRole('button', { name: 'Use for new recordings: Whisper small' }))
    await screen.findByRole('button', { name: /^In use: Whisper small/ })
    expect(client.calls).toContainEqual([
      'setDefaults',
      { model: small, language: null, translate: false, vocabulary: [], speakers: null },
    ])
    // It stays where it was until the page is opened again.
    expect(titles('Recommended for this computer')).toEqual(['Whisper small'])
    await user.click(screen.getByRole('button', { name: 'Close speech models' }))
    await user.click(screen.getByRole('button', { name: 'Speech models' }))
    expect(titles('On this computer')).toEqual(['Whisper small', 'Whisper base'])
  })

  test('that failed says why and can be tried again', async () => {
    const client = await opened()
    client.setModel(small, {
      state: { state: 'failed', message: 'huggingface.co does not answer', done_bytes: 5_000_000 },
    })
    await screen.findByText('huggingface.co does not answer.')
    await user.click(screen.getByRole('button', { name: 'Try again with Whisper small' }))
    expect(client.calls).toContainEqual(['installModel', small])
    await screen.findByRole('button', { name: 'Stop Whisper small' })
  })

  test('a rejected installation says why', async () => {
    const client = await opened()
    client.fail('installModel', { message: 'The disk is full.' })
    await user.click(screen.getByRole('button', { name: 'Install Whisper small' }))
    await screen.findByText('The disk is full.')
  })

  test('a model that does not fit says why it cannot be installed', async () => {
    const client = await opened()
    const button = card('Voxtral Small 24B').getByRole('button', { name: /^Install/ })
    expect(button).toHaveAttribute('aria-disabled', 'true')
    expect(button).toHaveAccessibleName(/It needs about 41 GB of memory; this computer has 16 GB\./)
    await user.click(button)
    expect(client.count('installModel')).toBe(0)
  })

  test('another size can be chosen', async () => {
    const client = await opened()
    await user.click(card('Whisper small').getByRole('button', { name: /Size of Whisper small: 270 MB/ }))
    await user.click(await menuItem('493 MB'))
    await user.click(card('Whisper small').getByRole('button', { name: 'Install Whisper small' }))
    expect(client.calls).toContainEqual(['installModel', 'whisper-small-F16'])
  })

  test('a damaged model says so, and what is affected', async () => {
    const client = await opened({
      models: overviewWith(
        { [small]: { state: 'damaged', message: 'The file has changed.' } },
        { defaults: inUse.defaults },
      ),
    })
    expect(screen.getByText('The file has changed.')).toBeVisible()
    expect(screen.getByText(/^Whisper small is not on this computer any more\./)).toBeVisible()
    expect(screen.getByRole('button', { name: 'Remove Whisper small…' })).toBeVisible()
    await user.click(screen.getByRole('button', { name: 'Install again: Whisper small' }))
    expect(client.calls).toContainEqual(['installModel', small])
  })
})

describe('removing', () => {
  test('asks first, and says what happens to new recordings', async () => {
    const client = await opened({ models: inUse })
    await user.click(screen.getByRole('button', { name: 'Remove Whisper small…' }))
    const dialog = await screen.findByRole('alertdialog', { name: 'Remove Whisper small?' })
    expect(dialog).toHaveTextContent('It can be installed again: 270 MB to download.')
    expect(dialog).toHaveTextContent('New recordings are transcribed with Whisper base from then on.')
    await user.click(within(dialog).getByRole('button', { name: 'Remove' }))
    await screen.findByRole('button', { name: 'Install Whisper small' })
    expect(client.calls).toContainEqual(['removeModel', small])
    expect(screen.getByText(/^New recordings are transcribed with Whisper base/)).toBeVisible()
  })

  test('can be cancelled', async () => {
    const client = await opened({ models: withSmall })
    await user.click(screen.getByRole('button', { name: 'Remove Whisper small…' }))
    await user.click(await screen.findByRole('button', { name: 'Cancel' }))
    expect(client.count('removeModel')).toBe(0)
  })
})

describe('filters', () => {
  test('by language can be typed, and cleared', async () => {
    await opened()
    await choose('Language', 'Cantonese')
    expect(titles('All models')).toEqual(['SenseVoice Small'])
    expect(screen.getByText('1 model')).toBeVisible()
    await user.click(screen.getByRole('button', { name: /^Speed:/ }))
    await user.click(await menuItem('Faster than real time'))
    await screen.findByText('No speech model matches.')
    await user.click(screen.getByRole('button', { name: 'Clear filters' }))
    expect(titles('Recommended for this computer')).toEqual(['Whisper small'])
  })
})

describe('a model file', () => {
  test('is chosen, then copied or used in place', async () => {
    const client = await opened()
    client.chosen = ['/media/USB/my-own.gguf']
    await user.click(screen.getByRole('button', { name: 'Add a model file…' }))
    await user.click(await menuItem('Use it where it is'))
    await waitFor(() => expect(client.calls).toContainEqual(['chooseModelFile', true]))
    await waitFor(() => expect(titles('On this computer')).toContain('my-own'))
  })

  test('can be dropped anywhere; the window says so, and shows the models page', async () => {
    const client = memoryClient({ jobs: [job] })
    render(App, { client })
    await screen.findByRole('option', { name: /Panel discussion/ })
    client.drag({ kind: 'enter', paths: ['/USB/a.gguf'] })
    expect(await screen.findAllByText('Add speech model')).not.toHaveLength(0)
    expect(client.count('describeDrop')).toBe(0)
    client.drag({ kind: 'drop', paths: ['/USB/a.gguf'] })
    expect(client.calls).toContainEqual(['importModels', ['/USB/a.gguf']])
    expect(client.count('importPaths')).toBe(0)
    await screen.findByRole('heading', { level: 3, name: 'a' })
    expect(screen.getByText(/^Copying/)).toBeVisible()
  })

  test('dropped together with a recording does not count as a model', async () => {
    const client = memoryClient({ jobs: [job] })
    render(App, { client })
    await screen.findByRole('option', { name: /Panel discussion/ })
    client.drag({ kind: 'drop', paths: ['/USB/a.gguf', '/USB/b.wav'] })
    expect(client.count('importPaths')).toBe(1)
    expect(client.count('importModels')).toBe(0)
  })
})

describe('the defaults', () => {
  test('offer what the model can do, and are stored', async () => {
    const english = 'parakeet-tdt-0.6b-v2-Q8_0'
    const models = overviewWith({ [small]: installed(small), [english]: installed(english) })
    const client = await opened({ models })
    await user.click(screen.getByRole('button', { name: 'Change what new recordings are transcribed with' }))
    const dialog = within(await screen.findByRole('dialog', { name: 'For new recordings' }))
    expect(dialog.getByRole('radio', { name: /^Whisper base/ })).toBeChecked()
    expect(dialog.getByRole('combobox', { name: 'Spoken language' })).toHaveValue('Detect automatically')
    await user.click(dialog.getByRole('radio', { name: /^Parakeet TDT 0\.6B v2/ }))
    expect(dialog.getByText('It understands English only.')).toBeVisible()
    expect(dialog.queryByRole('checkbox')).toBeNull()
    await user.click(dialog.getByRole('radio', { name: /^Whisper small/ }))
    await choose('Spoken language', 'German')
    await user.click(dialog.getByRole('checkbox', { name: 'Translate to English' }))
    await user.type(dialog.getByRole('textbox', { name: 'Names and terms' }), 'Østergaard\n\nTønder')
    await expectNoFaults()
    client.fail('setDefaults', { message: 'The settings cannot be written.' }, 1)
    await user.click(dialog.getByRole('button', { name: 'Save' }))
    expect(await dialog.findByText('The settings cannot be written.')).toBeVisible()
    await user.click(dialog.getByRole('button', { name: 'Save' }))
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    expect(client.calls).toContainEqual([
      'setDefaults',
      { model: small, language: 'de', translate: true, vocabulary: ['Østergaard', 'Tønder'], speakers: null },
    ])
    expect(
      screen.getByText(/^New recordings are transcribed with Whisper small, in German, and translated/),
    ).toBeVisible()
  })

  test('do not offer to detect the language if the model cannot', async () => {
    const canary = sampleModel({
      id: 'canary',
      title: 'Canary',
      group: 'canary',
      languages: ['en', 'de'],
      detects_language: false,
      state: installed('canary'),
    })
    await opened({ models: { models: [...sampleOverview().models, canary] } })
    await user.click(screen.getByRole('button', { name: 'Change what new recordings are transcribed with' }))
    await user.click(await screen.findByRole('radio', { name: /^Canary/ }))
    await user.click(screen.getByRole('combobox', { name: 'Spoken language' }))
    await offered('German')
    expect(offers().map((option) => option.textContent.trim())).toEqual(['English', 'German'])
  })

  test('are reached from the settings', async () => {
    render(App, { client: memoryClient({ jobs: [job] }) })
    await user.click(await screen.findByRole('button', { name: 'Settings' }))
    const dialog = within(await screen.findByRole('dialog', { name: 'Settings' }))
    await user.click(dialog.getByRole('button', { name: 'Speech models' }))
    await screen.findByRole('heading', { level: 1, name: 'Speech models' })
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  })
})
