/** Meetings, transcripts and models that several scenes share. */
import {
  installed,
  overviewWith,
  sampleJob,
  sampleMeetings,
  sampleSegments,
  sampleSound,
  sampleTranscript,
  type Seed,
} from '../../lib/memory'
import type { JobView } from '../../lib/types'

export const now = new Date()
export const someMeetings = sampleMeetings(14, now)
export const first = someMeetings[0] ?? sampleJob()

function at(minutesAgo: number): string {
  return new Date(now.getTime() - minutesAgo * 60_000).toISOString()
}

export function meeting(number: number, title: string, change: Partial<JobView> = {}): JobView {
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

export const transcribing = meeting(1, 'Team call', {
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

/** The same meeting, once all of it is transcribed. */
export const diarizing: JobView = {
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
export const finishing: JobView = {
  ...transcribing,
  workflow_state: 'aligning',
  progress: { ...diarizing.progress!, audio_done_ms: 2_890_000, left_ms: 0, share: 1 },
}

export function waiting(count: number): JobView[] {
  return Array.from({ length: count }, (_, index) =>
    meeting(10 + index, `Voice memo ${index + 1}`, {
      status: 'pending',
      workflow_state: 'queued',
      duration_ms: null,
    }),
  )
}

export const failureMessage =
  'The sound of “harbour.mp4” could not be read after 12:30. Convert the file and add it again'

export const failed = meeting(2, 'Interview at the harbour', {
  status: 'failed',
  workflow_state: 'transcribing',
  error_message: failureMessage,
})

export const stopped = meeting(3, 'Choir committee', { status: 'failed', workflow_state: 'cancelled' })
export const elsewhere = meeting(4, 'Recorded at the office', { is_here: false })

export const lines = sampleSegments(60)
export const withText: Seed = {
  jobs: someMeetings,
  transcripts: { [first.id]: sampleTranscript(lines) },
  sound: () => sampleSound(first.duration_ms ?? 60_000),
}

export const modelMissing = meeting(5, 'Panel on tides', {
  status: 'failed',
  workflow_state: 'transcribing',
  error_message:
    'Whisper medium is not installed any more. Choose another speech model, or install it again.',
  model: 'whisper-medium-Q8_0',
  model_title: 'Whisper medium',
  model_missing: true,
})

export const small = 'whisper-small-Q8_0'
export const withSmall = overviewWith(
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

/** Recordings that are dragged over the window. */
export const paths = ['/home/anna/a.m4a', '/home/anna/b.m4a', '/home/anna/c.m4a']
