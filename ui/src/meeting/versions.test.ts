import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import axe from 'axe-core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import App from '../App.svelte'
import {
  installed,
  memoryClient,
  overviewWith,
  retiredVersion,
  sampleJob,
  sampleTranscript,
  sampleVersion,
  type Seed,
  type Version,
} from '../lib/memory'
import type { JobView, SegmentView, VersionView } from '../lib/types'
import { menuItem } from './testing'

const user = userEvent.setup({ pointerEventsCheck: 0 })

afterEach(() => {
  cleanup()
  vi.restoreAllMocks()
})

const small = 'whisper-small-Q8_0'
const job = sampleJob({ duration_ms: 60_000 })
const line = (start: number, text: string, doubt: SegmentView['doubt'] = null): SegmentView => ({
  id: `${start}-${text}`,
  start_ms: start,
  end_ms: start + 900,
  text,
  doubt,
  speaker_id: null,
  also: [],
  assigned: false,
})

const newer = [
  line(1000, 'Good morning, Mr Østergaard.'),
  line(11_000, 'Yes.'),
  line(21_000, 'The harbour is closed.', 'repetition'),
]
const older = [
  line(1000, 'Good morning, Mr Oyster guard.'),
  line(11_000, 'Yes.'),
  line(21_000, 'The harbour is clothed.'),
]

const first: Version = {
  view: retiredVersion({ id: 'v1' }),
  lines: older,
}
const second: Version = { view: sampleVersion({ id: 'v2', doubtful_lines: 1 }), lines: newer }

async function open(change: Partial<JobView> = {}, seed: Seed = {}) {
  const client = memoryClient({
    jobs: [{ ...job, ...change }],
    window: { hint_dismissed: true },
    models: overviewWith({ [small]: installed(small) }),
    transcripts: {
      [job.id]: sampleTranscript(newer, {
        id: 'v2',
        version: 2,
        model: small,
        model_title: 'Whisper small',
        doubtful_lines: 1,
      }),
    },
    versions: { [job.id]: [second, first] },
    ...seed,
  })
  render(App, { client })
  await user.click(await screen.findByRole('option', { name: /Panel discussion/ }))
  return client
}

async function openPane(change: Partial<JobView> = {}, seed: Seed = {}) {
  const client = await open(change, seed)
  await user.click(screen.getByRole('button', { name: 'Versions' }))
  const pane = within(screen.getByRole('complementary', { name: 'Versions' }))
  await pane.findByText('Version 1')
  return { client, pane }
}

const press = (name: string | RegExp) => user.click(screen.getByRole('button', { name }))
const more = async (name: string) => {
  await press('More')
  await user.click(await menuItem(name))
}
const dialog = async () =>
  within(await screen.findByRole('dialog', { name: 'Transcribe “Panel discussion” again' }))

async function expectNoFaults() {
  const { violations } = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false } } })
  expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([])
}

describe('the header', () => {
  test('shows the model and the detected language', async () => {
    await open()
    expect(await screen.findByText(/· English \(detected\) · Whisper small · panel\.wav/)).toBeVisible()
    expect(screen.getByText('1 line may not be right. It is marked.')).toBeVisible()
  })
})

describe('a doubtful segment', () => {
  test('is marked, and says why', async () => {
    await open()
    expect(
      await screen.findByRole('button', { name: /0:21\. The model may have repeated itself here\./ }),
    ).toBeVisible()
    expect(document.querySelectorAll('.mark')).toHaveLength(1)
  })

  test.each([
    ['invented', 'Little or no speech was heard here; the words may be invented.'],
    ['garbled', 'Some characters here may be damaged, or do not belong to the script of this language.'],
  ] as const)('says why: %s', async (doubt, text) => {
    await open(
      {},
      { transcripts: { [job.id]: sampleTranscript([line(21_000, 'The h\ufffdrb', doubt)]) }, versions: {} },
    )
    expect(await screen.findByRole('button', { name: `Play from 0:21. ${text}` })).toBeVisible()
  })
})

describe('versions', () => {
  test('are hidden at first, and say how each was made', async () => {
    const { pane } = await openPane()
    const [two, one] = pane.getAllByRole('listitem') as [HTMLElement, HTMLElement]
    expect(two).toHaveTextContent('Version 2 Current')
    expect(two).toHaveTextContent('Whisper small')
    expect(two).toHaveTextContent('English (detected)')
    expect(two).toHaveTextContent('12 min for 48 min of audio, 4.0× real time')
    expect(two).toHaveTextContent('7,812 words · 1 doubtful line')
    // The engine is not there any more; what it wrote is.
    expect(one).toHaveTextContent('PocketSphinx, US English')
    expect(one).toHaveTextContent('Its speech model is not on this computer any more.')
    expect(one).not.toHaveTextContent('(detected)')
    await expectNoFaults()
    await user.keyboard('{Escape}')
    expect(screen.queryByRole('complementary', { name: 'Versions' })).toBeVisible()
    await press('Close versions')
    expect(screen.queryByRole('complementary', { name: 'Versions' })).toBeNull()
    await waitFor(() => expect(screen.getByRole('button', { name: 'Versions' })).toHaveFocus())
  })

  test('that cannot be fetched say why', async () => {
    const client = await open()
    client.fail('versions', { message: 'the archive does not answer' })
    await press('Versions')
    await screen.findByText('The archive does not answer.')
    client.succeed('versions')
    await press('Try again')
    expect(await screen.findByText('Version 1')).toBeVisible()
  })

  test('older ones can be shown and left', async () => {
    await openPane()
    await press('View version 1')
    expect(await screen.findByText('Good morning, Mr Oyster guard.')).toBeVisible()
    expect(screen.queryByText('Good morning, Mr Østergaard.')).toBeNull()
    expect(screen.getByText('Version 1, PocketSphinx, US English.')).toBeVisible()
    expect(screen.getByRole('button', { name: /^Export/ })).toHaveAttribute('aria-disabled', 'true')
    await expectNoFaults()
    await press('Back to the current version')
    expect(await screen.findByText('Good morning, Mr Østergaard.')).toBeVisible()
  })

  test('the one that is shown can be made current', async () => {
    const { client } = await openPane()
    await press('View version 1')
    await user.click(await screen.findByRole('button', { name: 'Make this one current' }))
    expect(client.calls).toContainEqual(['makeCurrent', job.id, 'v1'])
    await waitFor(() => expect(screen.queryByText('Version 1, PocketSphinx, US English.')).toBeNull())
    expect(await screen.findByText('Good morning, Mr Oyster guard.')).toBeVisible()
    await screen.findByRole('button', { name: 'Make current: version 2' })
  })

  test('incomplete ones continue with the options they were begun with', async () => {
    const view: VersionView = {
      ...sampleVersion({ id: 'v3', number: 3, current: false, state: 'unfinished', completed_at: null }),
      done_ms: 750_000,
      work_ms: 200_000,
      vocabulary: ['Tønder'],
    }
    const versions = { [job.id]: [{ view, lines: newer.slice(0, 1) }, second, first] }
    const { client, pane } = await openPane({}, { versions })
    expect(pane.getByText('Stopped at 12:30 of 48:10.')).toBeVisible()
    await press('Continue version 3')
    expect(client.calls).toContainEqual([
      'transcribeAgain',
      job.id,
      { model: small, language: null, translate: false, vocabulary: ['Tønder'], speakers: null },
    ])
  })

  test('incomplete ones cannot continue without their model, and say so', async () => {
    const view = sampleVersion({
      id: 'v3',
      number: 3,
      current: false,
      state: 'unfinished',
      model_here: false,
    })
    const { client } = await openPane({}, { versions: { [job.id]: [{ view, lines: [] }, second, first] } })
    await press(/^Continue version 3/)
    expect(client.count('transcribeAgain')).toBe(0)
    expect(screen.getAllByText('Its speech model is not on this computer any more.')).not.toHaveLength(0)
  })
})

describe('two versions side by side', () => {
  async function compared() {
    const opened = await openPane()
    await press('Compare with current: version 1')
    const region = await screen.findByRole('region', { name: 'Version 1 compared with version 2' })
    await within(region).findAllByRole('listitem')
    return { ...opened, region: within(region) }
  }
  const marked = (tag: 'ins' | 'del') =>
    [...document.querySelectorAll(`.compare ${tag}`)].map((one) => one.textContent)

  test('the words that only one of them has are marked', async () => {
    const { region } = await compared()
    expect(region.getAllByRole('listitem')).toHaveLength(3)
    expect(marked('del').join()).toMatch(/only here: Oyster guard\..*only here: clothed\./)
    expect(marked('ins').join()).toMatch(/only here: Østergaard\..*only here: closed\./)
    expect(region.getByText('7 words are the same · 3 only on the left · 2 only on the right')).toBeVisible()
    await expectNoFaults()
  })

  test('buttons and keys move from change to change', async () => {
    const { region } = await compared()
    expect(region.getByText('2 changes')).toBeVisible()
    await press('Next change')
    expect(region.getByText('1 of 2')).toBeVisible()
    await user.keyboard('n')
    expect(region.getByText('2 of 2')).toBeVisible()
    expect(region.getAllByRole('listitem')[2]).toHaveAttribute('aria-current', 'true')
    await user.keyboard('np')
    expect(region.getByText('1 of 2')).toBeVisible()
  })

  test('can be limited to the changes', async () => {
    const { region } = await compared()
    await user.click(region.getByRole('checkbox', { name: 'Only changes' }))
    await waitFor(() => expect(region.getAllByRole('listitem')).toHaveLength(2))
    expect(region.queryByText('Yes.')).toBeNull()
  })

  test('can be made current, and left', async () => {
    const { client, region } = await compared()
    await press('Make this one current: version 1')
    expect(client.calls).toContainEqual(['makeCurrent', job.id, 'v1'])
    await region.findByRole('button', { name: 'Make this one current: version 2' })
    await press('Back to the transcript')
    expect(await screen.findByText('Good morning, Mr Oyster guard.')).toBeVisible()
  })

  test('if the comparison fails, the text is shown again', async () => {
    const { client } = await openPane()
    client.fail('compareVersions', { message: 'the version is gone' })
    await press('Compare with current: version 1')
    await screen.findByText('The version is gone.')
    expect(screen.getByText('Good morning, Mr Østergaard.')).toBeVisible()
  })
})

describe('transcribing again', () => {
  test('offers what the model can do, and says that the text is kept', async () => {
    const client = await open()
    await more('Transcribe again…')
    const asked = await dialog()
    expect(asked.getByRole('radio', { name: /^Whisper base/ })).toBeChecked()
    expect(asked.queryByRole('textbox', { name: 'Names and terms' })).toBeNull()
    expect(asked.getByText('The current text is kept as an older version.')).toBeVisible()
    await user.click(asked.getByRole('radio', { name: /^Whisper small/ }))
    expect(asked.getByRole('combobox', { name: 'Spoken language' })).toHaveValue('Detect automatically')
    await user.type(asked.getByRole('textbox', { name: 'Names and terms' }), 'Tønder')
    await expectNoFaults()
    await user.click(asked.getByRole('button', { name: 'Transcribe again' }))
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    expect(client.calls).toContainEqual([
      'transcribeAgain',
      job.id,
      { model: small, language: null, translate: false, vocabulary: ['Tønder'], speakers: null },
    ])
    expect(await screen.findByText('Waiting for its turn')).toBeVisible()
  })

  test('shows why it was rejected', async () => {
    const client = await open()
    client.fail('transcribeAgain', { message: 'It is being transcribed already.' })
    await more('Transcribe again…')
    const asked = await dialog()
    await user.click(asked.getByRole('button', { name: 'Transcribe again' }))
    expect(await asked.findByText('It is being transcribed already.')).toBeVisible()
  })

  test('in another language starts with the model that detected this one', async () => {
    await openPane()
    await press('Another language than in version 2…')
    expect((await dialog()).getByRole('radio', { name: /^Whisper small/ })).toBeChecked()
  })

  test('for parts in another language starts with that language', async () => {
    const other_languages = [{ start_ms: 11_000, language: 'de' }]
    const client = await open(
      {},
      { transcripts: { [job.id]: sampleTranscript(newer, { other_languages }) }, versions: {} },
    )
    await screen.findByText(/may be in German/)
    await press('Transcribe again…')
    const asked = await dialog()
    expect(asked.getByRole('combobox', { name: 'Spoken language' })).toHaveValue('German')
    await user.click(asked.getByRole('button', { name: 'Transcribe again' }))
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    expect(client.calls).toContainEqual([
      'transcribeAgain',
      job.id,
      { model: 'whisper-base', language: 'de', translate: false, vocabulary: [], speakers: null },
    ])
  })

  test('is not offered while the meeting is worked on', async () => {
    await open({ status: 'processing', workflow_state: 'transcribing', model_title: 'Whisper small' })
    await press('More')
    expect(await menuItem('Transcribe again…')).toHaveTextContent('It is being transcribed.')
    expect(document.querySelector('.work')).toHaveTextContent('Transcribing with Whisper small')
  })

  test('leads to the models page', async () => {
    await open()
    await more('Transcribe again…')
    await user.click((await dialog()).getByRole('button', { name: 'More speech models' }))
    expect(await screen.findByRole('heading', { level: 1, name: 'Speech models' })).toBeVisible()
  })

  test('is offered first if the model has been removed', async () => {
    const message = 'Whisper medium is not installed any more.'
    const failed: Partial<JobView> = {
      status: 'failed',
      workflow_state: 'transcribing',
      error_message: message,
      model_missing: true,
    }
    const client = await open({ status: 'processing' }, { transcripts: {}, versions: {} })
    vi.spyOn(client, 'transcriptionOptions').mockResolvedValue({
      model: 'whisper-medium-Q8_0',
      language: null,
      translate: false,
      vocabulary: [],
      speakers: null,
    })
    client.changeJob(job.id, failed)
    const inLibrary = await screen.findByRole('button', {
      name: 'Choose another model for “Panel discussion”…',
    })
    expect(screen.getByRole('button', { name: 'Choose another model…' })).toBeVisible()
    await user.click(inLibrary)
    const asked = await dialog()
    expect(asked.getByText('Whisper medium is not on this computer any more.')).toBeVisible()
    expect(asked.queryByText('The current text is kept as an older version.')).toBeNull()
    expect(asked.getByRole('button', { name: /^Transcribe again/ })).toHaveAttribute('aria-disabled', 'true')
    await user.click(asked.getByRole('radio', { name: /^Whisper small/ }))
    await user.click(asked.getByRole('button', { name: 'Transcribe again' }))
    await waitFor(() => expect(screen.queryByText('Whisper medium is not installed any more.')).toBeNull())
  })
})
