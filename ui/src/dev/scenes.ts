/** Every screen and state of the window, on the client in memory. */
import {
  MemoryClient,
  sampleImport,
  sampleJob,
  sampleLines,
  sampleMeetings,
  sampleSound,
  sampleWords,
  type Seed,
} from '../lib/memory-client'
import { importedModel, installed, roomWith, sampleRoom, sampleVersion } from '../lib/memory-models'
import type { JobView, LineView, ModelState } from '../lib/types'

export type Scene = {
  seed?: Seed
  /** What happens once the window is up. */
  then?: (client: MemoryClient) => void
}

const now = new Date()
const few = sampleMeetings(14, now)
const first = few[0] ?? sampleJob()

function at(minutesAgo: number): string {
  return new Date(now.getTime() - minutesAgo * 60_000).toISOString()
}

function meeting(number: number, title: string, change: Partial<JobView> = {}): JobView {
  return sampleJob({
    id: `scene-${number}`,
    title,
    file_name: `${title}.m4a`,
    recorded_at: null,
    created_at: at(number),
    updated_at: at(number),
    ...change,
  })
}

const transcribing = meeting(1, 'Team call', {
  status: 'processing',
  workflow_state: 'transcribing',
  progress: { audio_done_ms: 750_000, audio_total_ms: 2_890_000, real_time_factor: 0.161, left_ms: 190_000 },
})

function waiting(count: number): JobView[] {
  return Array.from({ length: count }, (_, index) =>
    meeting(10 + index, `Voice memo ${index + 1}`, {
      status: 'pending',
      workflow_state: 'queued',
      duration_ms: null,
    }),
  )
}

const failing = 'The sound of “harbour.mp4” could not be read after 12:30. Convert the file and add it again'

const failed = meeting(2, 'Interview at the harbour', {
  status: 'failed',
  workflow_state: 'transcribing',
  error_message: failing,
})

const stopped = meeting(3, 'Choir committee', { status: 'failed', workflow_state: 'cancelled' })
const elsewhere = meeting(4, 'Recorded at the office', { is_here: false })

const lines = sampleLines(60)
const withText: Seed = {
  jobs: few,
  words: { [first.id]: sampleWords(lines) },
  sound: () => sampleSound(first.duration_ms ?? 60_000),
}

/** Opens a meeting that is in sight. */
function open(id: string) {
  document.querySelector<HTMLElement>(`[role=option][id$="-${id}"]`)?.click()
}

// Speech models and versions

const small = 'whisper-small-Q8_0'
const downloading: ModelState = {
  state: 'downloading',
  done_bytes: 120_000_000,
  total_bytes: 270_000_000,
  bytes_per_second: 3_200_000,
  left_ms: 130_000,
  mirror: 'huggingface.co',
}
const room = (states: Record<string, ModelState>): Seed => ({ jobs: few, room: roomWith(states) })
const withSmall = roomWith(
  { [small]: installed(small) },
  { defaults: { model: small, language: null, translate: false, vocabulary: ['Østergaard', 'Hilversum'] } },
)
const models = () => press('Speech models')

/** As another engine heard it. */
const draft: LineView[] = lines.map((line, index) => ({
  ...line,
  id: `draft-${index}`,
  text:
    index % 4 === 1
      ? line.text
      : line.text
          .replace('the numbers', 'the members')
          .replace('is not that', 'is that')
          .replace('the harbour', 'the hard core')
          .replace('something', 'some thing')
          .replace('thank you for', 'thank for')
          .replace(' by Friday', ''),
}))
const doubtful = lines.map((line, index): LineView =>
  index === 2 ? { ...line, doubt: 'repetition' } : index % 17 === 5 ? { ...line, doubt: 'invented' } : line,
)
const versioned: Seed = {
  ...withText,
  room: withSmall,
  words: {
    [first.id]: sampleWords(doubtful, {
      id: 'version-2',
      version: 2,
      engine: 'Whisper',
      model: small,
      model_title: 'Whisper small',
      language_detected: true,
      doubtful_lines: doubtful.filter((line) => line.doubt).length,
    }),
  },
  versions: {
    [first.id]: [
      {
        view: sampleVersion({
          id: 'version-3',
          number: 3,
          current: false,
          state: 'unfinished',
          model: 'whisper-large-v3-turbo-Q8_0',
          model_title: 'Whisper large-v3-turbo',
          model_here: false,
          language: 'de',
          done_ms: 750_000,
          work_ms: 610_000,
          words: 2_013,
          doubtful_lines: 1,
          completed_at: null,
        }),
        lines: lines.slice(0, 12),
      },
      {
        view: sampleVersion({
          doubtful_lines: doubtful.filter((line) => line.doubt).length,
          vocabulary: ['Østergaard'],
        }),
        lines: doubtful,
      },
      {
        view: sampleVersion({
          id: 'version-1',
          number: 1,
          current: false,
          engine: 'PocketSphinx',
          model: 'en-us',
          model_title: 'English draft engine',
          language_detected: false,
          word_times: true,
          work_ms: 260_000,
          words: 7_640,
          created_at: '2026-03-03T15:00:00.000Z',
          completed_at: '2026-03-03T15:04:20.000Z',
        }),
        lines: draft,
      },
    ],
  },
}

/** Opens the meeting of `versioned`, then presses these one after the other. */
function openAnd(...names: string[]) {
  open(first.id)
  names.forEach((name, index) => setTimeout(() => press(name), 100 * (index + 1)))
}

const missing = meeting(5, 'Panel on tides', {
  status: 'failed',
  workflow_state: 'transcribing',
  error_message:
    'Whisper medium is not installed any more. Choose another speech model, or install it again.',
  model: 'whisper-medium-Q8_0',
  model_title: 'Whisper medium',
  model_missing: true,
})

const paths = ['/home/anna/a.m4a', '/home/anna/b.m4a', '/home/anna/c.m4a']
const drag = (client: MemoryClient) => client.drag({ kind: 'enter', paths })

const summary = sampleImport({
  id: 'import-1',
  state: 'finished',
  done: 8,
  total: 8,
  imported: few.slice(0, 3).map((job) => job.id),
  duplicates: [{ file_name: 'panel.wav', job_id: first.id, title: first.title, healed: false }],
  refused: [
    '“holiday.mp4” has no sound.',
    '“notes <b>final</b>.mp3” is not an audio file: its name says so, but its content is text.',
  ],
  refused_count: 2,
  skipped: ['“cover.jpg” is no recording.', '“minutes.docx” is no recording.'],
  skipped_count: 2,
})

export const scenes: Record<string, Scene> = {
  empty: {},
  opening: { seed: { core: { state: 'opening', phase: 'starting' } } },
  creating: { seed: { core: { state: 'opening', phase: 'creating' } } },
  'core-failed': {
    seed: {
      core: {
        state: 'failed',
        code: 'disk_full',
        message:
          'The disk is full: MeetMemo needs at least 200 MB in /home/anna/.local/share/meetmemo. Free some space and try again.',
      },
    },
  },
  library: { seed: { jobs: few } },
  'library-many': { seed: { jobs: sampleMeetings(5000, now), window: { hint_dismissed: true } } },
  working: { seed: { jobs: [transcribing, ...waiting(12), stopped, elsewhere, ...few] } },
  failed: {
    seed: { jobs: [{ ...failed, status: 'processing', error_message: null }, ...waiting(1), ...few] },
    then: (client) => client.changeJob(failed.id, { status: 'failed', error_message: failing }),
  },
  'drag-files': { seed: { jobs: few }, then: drag },
  'drag-folder': {
    seed: {
      jobs: few,
      drop: () => ({
        recordings: 0,
        folders: [{ name: 'Interviews', recordings: 214, counted: true }],
        unsuitable: [],
      }),
    },
    then: drag,
  },
  'drag-mixed': {
    seed: {
      drop: () => ({
        recordings: 3,
        folders: [{ name: 'Interviews', recordings: 2000, counted: false }],
        unsuitable: ['“holiday.mp4” has no sound.', '“notes.txt” is not an audio file.'],
      }),
    },
    then: drag,
  },
  'drag-unsuitable': {
    seed: { drop: () => ({ recordings: 0, folders: [], unsuitable: ['This file has no sound'] }) },
    then: drag,
  },
  'import-listing': { seed: { jobs: few, imports: [sampleImport({ state: 'listing' })] } },
  'import-running': {
    seed: { jobs: few, imports: [sampleImport({ done: 300, total: 1000 })] },
  },
  'import-summary': { seed: { jobs: few, imports: [summary] } },
  'import-duplicate': {
    seed: { jobs: few },
    then: (client) => {
      client.importProgress({
        ...summary,
        imported: [],
        refused: [],
        refused_count: 0,
        skipped: [],
        skipped_count: 0,
      })
    },
  },
  interrupted: { seed: { jobs: few, interrupted: [{ id: 'import-1', done: 300, total: 1000 }] } },
  problem: {
    seed: { jobs: few },
    then: (client) => {
      client.fail('meetings')
      client.emitNews({ kind: 'everything' })
      client.fail('importPaths', { message: 'The files could not be reached.' })
      client.drag({ kind: 'drop', paths })
    },
  },
  meeting: { seed: withText, then: () => open(first.id) },
  'meeting-working': {
    seed: {
      jobs: [transcribing, ...waiting(2), ...few],
      words: {
        [transcribing.id]: { ...sampleWords(lines.slice(0, 30), { complete: false }), settledMs: 700_000 },
      },
      sound: () => sampleSound(transcribing.duration_ms ?? 60_000),
    },
    then: () => open(transcribing.id),
  },
  'meeting-working-again': {
    seed: {
      jobs: [{ ...transcribing, model: small, model_title: 'Whisper small' }, ...few],
      room: withSmall,
      words: { [transcribing.id]: sampleWords(lines) },
      sound: () => sampleSound(60_000),
    },
    then: () => open(transcribing.id),
  },
  'meeting-failed': { seed: { jobs: [failed, ...few] }, then: () => open(failed.id) },
  'meeting-stopped': { seed: { jobs: [stopped, ...few] }, then: () => open(stopped.id) },
  'meeting-elsewhere': {
    seed: { jobs: [elsewhere, ...few], words: { [elsewhere.id]: sampleWords(lines) } },
    then: () => open(elsewhere.id),
  },
  'meeting-long': {
    seed: {
      jobs: few.map((job) => (job === first ? { ...job, duration_ms: 10 * 3_600_000 } : job)),
      words: { [first.id]: sampleWords(sampleLines(6000)) },
      sound: () => sampleSound(600_000),
    },
    then: () => open(first.id),
  },
  closing: { seed: { jobs: [transcribing, ...few] }, then: (client) => client.closing(transcribing) },
  settings: { seed: { jobs: few }, then: () => press('Settings') },
  about: {
    seed: {
      jobs: few,
      about: {
        components: Array.from({ length: 40 }, (_, index) => ({
          name: `component-${index + 1}`,
          version: '1.0.2',
          licence: index % 3 === 0 ? 'MIT OR Apache-2.0' : 'BSD-3-Clause',
        })),
      },
      licences: Array.from({ length: 4000 }, (_, index) => `Line ${index + 1} of the licence texts.`).join(
        '\n',
      ),
    },
    then: () => press('About MeetMemo'),
  },
  keys: { seed: { jobs: few }, then: () => press('All keys') },

  'drag-model': {
    seed: { jobs: few },
    then: (client) => client.drag({ kind: 'enter', paths: ['/media/anna/USB/my-own-model.gguf'] }),
  },
  'models-loading': {
    seed: { jobs: few, core: { state: 'opening', phase: 'starting' } },
    then: (client) => {
      client.hold('modelRoom')
      client.setCore({ state: 'ready' })
      setTimeout(models, 200)
    },
  },
  'models-failed': {
    seed: { jobs: few, core: { state: 'opening', phase: 'starting' } },
    then: (client) => {
      client.fail('modelRoom', { message: 'The list of speech models could not be read.' })
      client.setCore({ state: 'ready' })
      setTimeout(models, 200)
    },
  },
  'models-stale': {
    seed: { jobs: few },
    then: (client) => {
      client.fail('modelRoom', { message: 'The list of speech models could not be read.' })
      models()
    },
  },
  'models-fresh': { seed: { jobs: few }, then: models },
  // Everything goes on by itself here: Install, Stop, Continue.
  'models-alive': { seed: { jobs: few, pace: 700, room: sampleRoom() }, then: models },
  'models-filtered': {
    seed: { jobs: few, room: withSmall },
    then: () => {
      models()
      setTimeout(() => choose('Language', 'Russian'), 60)
    },
  },
  'models-nothing': {
    seed: {
      jobs: few,
      room: { models: withSmall.models.map((model) => ({ ...model, speed: 'slow' })) },
    },
    then: () => {
      models()
      setTimeout(() => choose('Speed:', 'Faster than talking'), 60)
    },
  },
  'models-downloading': {
    seed: room({
      [small]: downloading,
      'whisper-large-v3-turbo-Q8_0': {
        state: 'paused',
        done_bytes: 310_000_000,
        total_bytes: 886_000_000,
      },
      'parakeet-tdt-0.6b-v3-Q8_0': { state: 'checking' },
    }),
    then: models,
  },
  'models-failed-download': {
    seed: room({
      [small]: {
        state: 'failed',
        message:
          'This computer is not connected to a network, or huggingface.co does not answer. What has come is kept',
        done_bytes: 120_000_000,
      },
    }),
    then: models,
  },
  'models-damaged': {
    seed: {
      jobs: few,
      room: roomWith(
        {
          [small]: {
            state: 'damaged',
            message: 'The file of this model has changed since it was installed. Install it again.',
          },
        },
        { defaults: { model: small, language: null, translate: false, vocabulary: [] } },
      ),
    },
    then: models,
  },
  'models-installed': {
    seed: {
      jobs: few,
      room: {
        ...withSmall,
        device_note: 'The graphics card is not used, because its driver is missing',
        models: [
          ...withSmall.models.map((model) =>
            model.id === small
              ? { ...model, real_time_factor: 0.16 }
              : model.telling_speakers
                ? { ...model, state: installed(model.id) }
                : model,
          ),
          {
            ...importedModel('/media/anna/USB/my-own-model.gguf'),
            languages: [],
            detects_language: false,
            translates: false,
            vocabulary: false,
            speed: null,
            state: installed('my-own-model', true),
          },
        ],
      },
    },
    then: models,
  },
  'models-defaults': {
    seed: { jobs: few, room: withSmall },
    then: () => {
      models()
      setTimeout(() => press('Change what new recordings are transcribed with'), 200)
    },
  },
  'models-remove': {
    seed: { jobs: few, room: withSmall },
    then: () => {
      models()
      setTimeout(() => press('Remove Whisper small…'), 200)
    },
  },
  'transcribe-again': {
    seed: versioned,
    then: () => openAnd('Versions', 'Another language than in version 2…'),
  },
  'versions-pane': { seed: versioned, then: () => openAnd('Versions') },
  'version-old': { seed: versioned, then: () => openAnd('Versions', 'Look at version 1', 'Close versions') },
  compare: {
    seed: versioned,
    then: () => openAnd('Versions', 'Compare with current: version 1', 'Close versions', 'Next change'),
  },
  'compare-pane': { seed: versioned, then: () => openAnd('Versions', 'Compare with current: version 1') },
  doubtful: { seed: versioned, then: () => openAnd() },
  'model-missing': {
    seed: {
      room: withSmall,
      jobs: [{ ...missing, status: 'processing', error_message: null, model_missing: false }, ...few],
    },
    then: (client) => {
      client.changeJob(missing.id, missing)
      open('scene-5')
    },
  },
}

/** Chooses what a field or a button for a choice offers. */
function choose(name: string, option: string) {
  const fields = [...document.querySelectorAll<HTMLElement>('[role=combobox], button')]
  const field = fields.find((one) =>
    (one.getAttribute('aria-label') ?? one.textContent.trim()).startsWith(name),
  )
  if (!field) return
  if (field.getAttribute('role') === 'combobox') field.click()
  else field.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, button: 0 }))
  const press = (tries: number) => {
    const options = [...document.querySelectorAll<HTMLElement>('[role=option], [role=menuitemradio]')]
    const found = options.find((one) => one.textContent.trim().startsWith(option))
    if (!found && tries > 0) setTimeout(() => press(tries - 1), 30)
    for (const type of ['pointerdown', 'pointermove', 'pointerup'])
      found?.dispatchEvent(new PointerEvent(type, { bubbles: true, button: 0 }))
    found?.click()
  }
  setTimeout(() => press(10), 30)
}

/** Presses the button with this name. */
function press(name: string) {
  const buttons = [...document.querySelectorAll('button')]
  buttons.find((button) => (button.getAttribute('aria-label') ?? button.textContent.trim()) === name)?.click()
}
