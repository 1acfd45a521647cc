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
import {
  importedModel,
  installed,
  retiredVersion,
  roomWith,
  sampleRoom,
  sampleVersion,
} from '../lib/memory-models'
import { samplePerson, sampleSpeakers, speakersOf, spoken } from '../lib/memory-speakers'
import type { JobView, LineView, ModelState, SpeakersView } from '../lib/types'

export type Scene = {
  seed?: Seed
  /** What happens once the window is up. */
  then?: (client: MemoryClient) => void
  /** Something hangs open in it, outside of all landmarks: looked at by hand, and not by the journey. */
  popup?: boolean
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
  progress: {
    audio_done_ms: 750_000,
    audio_total_ms: 2_890_000,
    real_time_factor: 0.161,
    left_ms: 190_000,
    share: 0.22,
  },
})

/** The same, once the words are there. */
const telling: JobView = {
  ...transcribing,
  workflow_state: 'diarizing',
  progress: {
    audio_done_ms: 750_000,
    audio_total_ms: 2_890_000,
    real_time_factor: 0.03,
    left_ms: 66_000,
    share: 0.89,
  },
}
const finishing: JobView = {
  ...transcribing,
  workflow_state: 'aligning',
  progress: { ...telling.progress!, audio_done_ms: 2_890_000, left_ms: 0, share: 1 },
}

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
  {
    defaults: {
      model: small,
      language: null,
      translate: false,
      vocabulary: ['Østergaard', 'Hilversum'],
      speakers: null,
    },
  },
)
const models = () => press('Speech models')

/** As the engine heard it that was there before. */
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
  index === 2
    ? { ...line, doubt: 'repetition' }
    : index === 4
      ? { ...line, text: line.text.replace(/ .*$/, ' щ\u0302\ufffd\ufffd'), doubt: 'garbled' }
      : index % 17 === 5
        ? { ...line, doubt: 'invented' }
        : line,
)
const versioned: Seed = {
  ...withText,
  room: withSmall,
  words: {
    [first.id]: sampleWords(doubtful, {
      id: 'version-2',
      version: 2,
      model: small,
      model_title: 'Whisper small',
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
        view: retiredVersion(),
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

// Speakers

/** Lines in which so many speak, with what is rare: nobody, several at once, by hand. */
function talk(count: number, all: LineView[] = lines): LineView[] {
  const order = [1, 2, 1, 3, 1, 2, 4, 5, 1, null, 2, 6, 7, 8, 9, 10, 11, 12, 13, 14]
  const fitting = order.filter((number) => number === null || number <= count)
  return spoken(all, fitting, 3).map((line, index) => ({
    ...line,
    also: index % 13 === 4 ? [`speaker-${line.speaker_id === 'speaker-1' ? 2 : 1}`] : [],
    assigned: index === 7,
  }))
}

const known = [
  samplePerson(1, {
    name: 'Anna Østergaard',
    voices: 4,
    samples: few.slice(1, 4).map((job) => ({ meeting_id: job.id, start_ms: 2_000, end_ms: 8_000 })),
    meetings: few.slice(1, 8).map(({ id, title }) => ({ id, title })),
  }),
  samplePerson(2, {
    name: 'Ben',
    samples: few.slice(2, 3).map((job) => ({ meeting_id: job.id, start_ms: 20_000, end_ms: 26_000 })),
    meetings: few.slice(2, 3).map(({ id, title }) => ({ id, title })),
  }),
  samplePerson(3, {
    name: 'Professor Dr Annegret von Hohenstein-Westerwelle the Younger of the Department of Tides',
    voices: 2,
  }),
  samplePerson(4, { name: '村上さん', voices: 0, outdated: true }),
]

const names = { 1: { name: 'Anna Østergaard', person_id: 'person-1' }, 2: { name: 'Ben' } }
const five = talk(5)
const fourteen = talk(14)

function speaking(
  all: LineView[],
  named: Parameters<typeof speakersOf>[1] = names,
  change: Partial<SpeakersView> = {},
  seed: Seed = {},
): Seed {
  return {
    ...withText,
    jobs: few.map((job) => (job === first ? { ...job, duration_ms: (all.at(-1)?.end_ms ?? 0) + 900 } : job)),
    window: { hint_dismissed: true },
    sound: () => sampleSound(Math.min(1_200_000, all.at(-1)?.end_ms ?? 0)),
    words: { [first.id]: sampleWords(all) },
    speakers: { [first.id]: speakersOf(all, named, change) },
    ...seed,
  }
}

const suggested = speaking(
  five,
  {
    1: {
      suggestion: {
        person_id: 'person-1',
        name: 'Anna Østergaard',
        percent: 87,
        sample: { meeting_id: few[1]?.id ?? '', start_ms: 2_000, end_ms: 8_000 },
      },
    },
    2: { name: 'Ben', person_id: 'person-2' },
    3: {
      suggestion: { person_id: 'person-3', name: known[2]?.name ?? '', percent: 61, sample: null },
    },
  },
  {},
  { people: { enabled: true, people: known } },
)

/** Opens the meeting with its speakers, which is how these are looked at. */
const withPane = () => openAnd('Speakers')

/** Without words yet: what the pane says of the work. */
function working(state: SpeakersView['state'], change: Partial<JobView> = {}): Seed {
  const job: JobView = { ...first, status: 'processing', workflow_state: 'diarizing', ...change }
  return {
    ...withText,
    jobs: [job, ...few.slice(1)],
    speakers: { [first.id]: sampleSpeakers({ state, method: null }) },
  }
}

/** Selects words of two lines. */
function select() {
  const texts = [...document.querySelectorAll('[data-text]')]
  const [from, to] = [texts[1]?.firstChild, texts[2]?.firstChild]
  if (from && to) getSelection()?.setBaseAndExtent(from, 4, to, 12)
}

function pressAt(selector: string) {
  document.querySelector<HTMLElement>(selector)?.click()
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
  'core-failed-models': {
    seed: {
      core: {
        state: 'failed',
        code: 'database_unreachable',
        message: 'The database “meetings” on db.example:5432 cannot be reached: it gives no answer.',
      },
    },
    then: () => press('Speech models'),
  },
  reconnecting: {
    seed: { jobs: few },
    then: (client) =>
      client.setCore({
        state: 'reconnecting',
        code: 'database_unreachable',
        message: 'The database “meetings” on db.example:5432 cannot be reached: it gives no answer.',
      }),
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
  'meeting-telling': {
    seed: {
      jobs: [telling, ...few],
      words: { [telling.id]: sampleWords(lines, { complete: false }) },
      sound: () => sampleSound(60_000),
    },
    then: () => open(telling.id),
  },
  'meeting-finishing': {
    seed: {
      jobs: [finishing, ...few],
      words: { [finishing.id]: sampleWords(lines, { complete: false }) },
      sound: () => sampleSound(60_000),
    },
    then: () => open(finishing.id),
  },
  'meeting-languages': {
    seed: {
      ...withText,
      words: { [first.id]: sampleWords(lines, { other_languages: [{ start_ms: 60_000, language: 'de' }] }) },
    },
    then: () => open(first.id),
  },
  'meeting-languages-many': {
    seed: {
      ...withText,
      words: {
        [first.id]: sampleWords(lines, {
          other_languages: ['de', 'fr', 'de', 'de', 'fr'].map((spoken, index) => ({
            start_ms: (index + 1) * 40_000,
            language: spoken,
          })),
        }),
      },
    },
    then: () => open(first.id),
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
        { defaults: { model: small, language: null, translate: false, vocabulary: [], speakers: null } },
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
  'speakers-text': { seed: speaking(five), then: () => openAnd() },
  'speakers-text-long': {
    seed: speaking(five, {
      1: { name: known[2]?.name },
      2: { name: '村上さん' },
      3: { name: 'J' },
    }),
    then: () => openAnd(),
  },
  'speakers-text-many': {
    seed: {
      ...speaking(talk(9, sampleLines(15_000))),
    },
    then: () => openAnd(),
  },
  'speakers-text-menu': {
    popup: true,
    seed: speaking(five),
    then: () => {
      openAnd()
      setTimeout(() => pressAt('[data-name]'), 500)
    },
  },
  'speakers-text-rename': {
    popup: true,
    seed: { ...speaking(five), people: { enabled: true, people: known } },
    then: () => {
      openAnd()
      setTimeout(() => pressAt('[data-name]'), 500)
      setTimeout(() => pressAt('[role=menuitem]'), 800)
    },
  },
  'speakers-scrolled': {
    seed: speaking(five),
    then: () => {
      openAnd()
      setTimeout(() => document.querySelector('.lines .scroller')?.scrollTo(0, 420), 600)
    },
  },
  'speakers-selection': {
    seed: speaking(five),
    then: () => {
      openAnd()
      setTimeout(select, 500)
    },
  },
  'speakers-selection-many': {
    seed: speaking(fourteen),
    then: () => {
      openAnd()
      setTimeout(select, 500)
    },
  },
  'speakers-pane': {
    seed: speaking(five, names, { undo: 'renamed Speaker 2 to Ben' }),
    then: withPane,
  },
  'speakers-suggestions': { seed: suggested, then: withPane },
  'speakers-typing': {
    popup: true,
    seed: suggested,
    then: () => {
      withPane()
      setTimeout(() => {
        const field = document.querySelector<HTMLInputElement>('[aria-label="Name of Speaker 4"]')
        field?.focus()
        if (field) field.value = 'an'
        field?.dispatchEvent(new Event('input', { bubbles: true }))
      }, 600)
    },
  },
  'speakers-merge': {
    seed: speaking(five),
    then: () => {
      withPane()
      setTimeout(() => {
        const cards = [...document.querySelectorAll('[data-speaker]')]
        const at = (card: Element | undefined) => {
          const box = card?.getBoundingClientRect()
          return { clientX: (box?.left ?? 0) + 12, clientY: (box?.top ?? 0) + 20, bubbles: true, button: 0 }
        }
        cards[2]?.querySelector('.grip')?.dispatchEvent(new PointerEvent('pointerdown', at(cards[2])))
        window.dispatchEvent(new PointerEvent('pointermove', at(cards[0])))
      }, 600)
    },
  },
  'speakers-offer': {
    seed: speaking(five),
    then: () => {
      withPane()
      setTimeout(() => {
        const field = document.querySelector<HTMLInputElement>('[aria-label="Name of Speaker 3"]')
        field?.focus()
        if (field) field.value = 'Clara'
        field?.dispatchEvent(new Event('input', { bubbles: true }))
        field?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }))
      }, 600)
    },
  },
  'speakers-consent': {
    seed: speaking(five),
    then: (client) => {
      scenes['speakers-offer']?.then?.(client)
      setTimeout(() => press('How that works…'), 1_000)
    },
  },
  'speakers-fourteen': { seed: speaking(fourteen), then: withPane },
  'speakers-one': {
    seed: speaking(
      talk(1).map((line) => ({ ...line, speaker_id: 'speaker-1' })),
      {},
    ),
    then: withPane,
  },
  'speakers-none': { seed: withText, then: withPane },
  'speakers-waiting': {
    seed: working('waiting', { status: 'pending', workflow_state: 'queued' }),
    then: withPane,
  },
  'speakers-running': {
    seed: working('running', {
      progress: {
        audio_done_ms: 750_000,
        audio_total_ms: 2_890_000,
        real_time_factor: 0.04,
        left_ms: 85_000,
        share: 0.89,
      },
    }),
    then: withPane,
  },
  'speakers-failed': {
    seed: {
      ...withText,
      speakers: {
        [first.id]: sampleSpeakers({
          state: 'failed',
          method: null,
          note: 'There was not enough memory to tell the speakers apart. The transcript is complete',
        }),
      },
    },
    then: withPane,
  },
  'speakers-noted': {
    seed: speaking(talk(4), names, {
      method: 'Sortformer',
      note: 'Sortformer can tell four people apart at most',
    }),
    then: withPane,
  },
  'speakers-again': {
    seed: speaking(five, names, { expected: { min: 2, max: 6 } }),
    then: () => openAnd('Speakers', 'Tell apart again…'),
  },
  'speakers-old': {
    seed: {
      ...versioned,
      words: { [first.id]: sampleWords(talk(3, doubtful), { id: 'version-2', version: 2 }) },
      speakers: { [first.id]: speakersOf(talk(3), names) },
      versions: {
        [first.id]: (versioned.versions?.[first.id] ?? []).map((one) => ({
          ...one,
          lines: talk(3, one.lines),
        })),
      },
    },
    then: () => openAnd('Versions', 'Look at version 1', 'Close versions'),
  },
  'speakers-compare': {
    seed: {
      ...versioned,
      words: { [first.id]: sampleWords(talk(3, doubtful), { id: 'version-2', version: 2 }) },
      speakers: { [first.id]: speakersOf(talk(3), names) },
    },
    then: () => openAnd('Versions', 'Compare with current: version 1', 'Close versions'),
  },
  'people-consent': { seed: { jobs: few }, then: () => press('People') },
  'people-empty': { seed: { jobs: few, people: { enabled: true } }, then: () => press('People') },
  people: { seed: { jobs: few, people: { enabled: true, people: known } }, then: () => press('People') },
  'people-forget': {
    popup: true,
    seed: { jobs: few, people: { enabled: true, people: known } },
    then: () => {
      press('People')
      setTimeout(() => press('More about Ben'), 200)
    },
  },
  'people-failed': {
    seed: { jobs: few, core: { state: 'opening', phase: 'starting' } },
    then: (client) => {
      client.fail('people', { message: 'The people could not be read.' })
      client.setCore({ state: 'ready' })
      setTimeout(() => press('People'), 200)
    },
  },
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
