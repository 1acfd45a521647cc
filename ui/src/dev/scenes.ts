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
import type { JobView } from '../lib/types'

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
}

/** Presses the button with this name. */
function press(name: string) {
  const buttons = [...document.querySelectorAll('button')]
  buttons.find((button) => (button.getAttribute('aria-label') ?? button.textContent.trim()) === name)?.click()
}
