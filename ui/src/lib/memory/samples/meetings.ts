/** Meetings that tests and the page of states show. */
import type { JobView } from '../../types'
import { BUILT_IN, builtInModel } from './models'
import { random } from './random'

/** A completed meeting, with `change`. */
export function sampleJob(change: Partial<JobView> = {}): JobView {
  return {
    id: sampleId(1),
    file_name: 'panel.wav',
    file_hash: null,
    status: 'completed',
    priority: 0,
    waiting_since: null,
    workflow_state: 'done',
    error_message: null,
    title: 'Panel discussion',
    duration_ms: 2_890_000,
    recorded_at: '2026-03-03T14:05:00+00:00',
    created_at: '2026-03-03T15:00:00.000Z',
    updated_at: '2026-03-03T15:10:00.000Z',
    byte_size: 92_480_044,
    media_format: 'WAV, PCM',
    media_note: null,
    is_here: true,
    pinned: false,
    audio_removed_at: null,
    progress: null,
    model: BUILT_IN,
    model_title: builtInModel().title,
    model_missing: false,
    folder_id: null,
    favourite: false,
    tags: [],
    trashed_at: null,
    has_note: false,
    ...change,
  }
}

/** `count` meetings before `now`, newest first, about two a day; the same on every call. */
export function sampleMeetings(count: number, now = new Date('2026-03-03T15:00:00Z')): JobView[] {
  const next = random(7)
  let at = now.getTime()
  return Array.from({ length: count }, (_, index) => {
    at -= Math.floor(next() * 24 * 3_600_000)
    const title = TITLES[index % TITLES.length] ?? ''
    const moment = new Date(at).toISOString()
    return sampleJob({
      id: sampleId(index + 1),
      title: index < TITLES.length ? title : `${title} ${Math.floor(index / TITLES.length) + 1}`,
      file_name: `${title.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.${EXTENSIONS[index % EXTENSIONS.length]}`,
      duration_ms: 40_000 + Math.floor(next() ** 2 * 3 * 3_600_000),
      recorded_at: moment.replace(/\.\d+Z$/, '+00:00'),
      created_at: moment,
      updated_at: moment,
    })
  })
}

function sampleId(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
}

const EXTENSIONS = ['wav', 'm4a', 'mp3', 'mp4', 'ogg']

const TITLES = [
  'Weekly planning',
  'Interview with Dr Østergaard',
  'Budget review',
  'Board meeting, third quarter, with the guests from the city council and the school',
  'Standup',
  'Panel discussion',
  'Choir committee',
  'Call with the landlord',
  '研究会',
  'Lecture 4: tides',
  'Parents’ evening',
  'Voice memo',
]
