/** The status of a meeting's job, and texts for it. */
import { doneOf, dotted, speed, timeLeft } from '../lib/format'
import { t } from '../lib/messages'
import type { JobView } from '../lib/types'

export function isWaiting(job: JobView): boolean {
  return job.status === 'pending'
}

export function isWorkedOn(job: JobView): boolean {
  return job.status === 'processing'
}

/** Stopped by the user, which is not a failure. */
export function isStopped(job: JobView): boolean {
  return job.status === 'failed' && job.workflow_state === 'cancelled'
}

export function hasFailed(job: JobView): boolean {
  return job.status === 'failed' && job.workflow_state !== 'cancelled'
}

/** The share of all steps that is done, from 0 to 1; null if it is not known. */
export function shareDone(job: JobView): number | null {
  return job.progress?.share ?? null
}

/** Whether diarization is running. */
export function isDiarizing(job: JobView): boolean {
  return job.workflow_state === 'diarizing'
}

/** Whether the last step is running, which is too short to show progress. */
function isFinishing(job: JobView): boolean {
  return job.workflow_state === 'aligning'
}

/** The current step: “Transcribing”. */
export function stage(job: JobView): string {
  switch (job.workflow_state) {
    case 'decoding':
      return t('stage.decoding')
    case 'transcribing':
      return t('stage.transcribing')
    case 'diarizing':
      return t('stage.diarizing')
    case 'aligning':
      return t('stage.aligning')
    default:
      return t('stage.other')
  }
}

/** The status that a row of the library shows; null if there is nothing to say. */
export function rowStatus(job: JobView): { text: string; tone: 'quiet' | 'accent' | 'danger' } | null {
  if (isWorkedOn(job)) {
    const done = shareDone(job)
    const text =
      done === null || isFinishing(job)
        ? stage(job)
        : t('row.working', { stage: stage(job), share: Math.floor(done * 100) })
    return { text, tone: 'accent' }
  }
  if (hasFailed(job)) return { text: t('row.failed'), tone: 'danger' }
  if (!job.is_here) return { text: t('row.elsewhere'), tone: 'quiet' }
  if (isStopped(job)) return { text: t('row.stopped'), tone: 'quiet' }
  if (isWaiting(job)) return { text: t('row.waiting'), tone: 'quiet' }
  if (job.audio_removed_at !== null) return { text: t('row.audio-removed'), tone: 'quiet' }
  return null
}

/** The current step with the speech model: “Transcribing with Whisper small”. */
function stageWithModel(job: JobView): string {
  if (job.workflow_state !== 'transcribing' || job.model_title === null) return stage(job)
  return t('stage.transcribing.with', { model: job.model_title })
}

/**
 * “Transcribing · 12:30 of 48:10”, with the speech model if `withModel`. Every step but the last goes through the whole
 * recording.
 */
export function progressText(job: JobView, withModel = false): string {
  const total = job.progress?.audio_total_ms ?? job.duration_ms
  const what = withModel ? stageWithModel(job) : stage(job)
  if (!job.progress || isFinishing(job)) return what
  return dotted([what, doneOf(job.progress.audio_done_ms, total)])
}

/** “about 3 min left · 6.2× real time”, as far as it is known. The speed is left out during diarization. */
export function paceText(job: JobView): string {
  const { progress } = job
  if (!progress || isFinishing(job)) return ''
  return dotted([
    progress.left_ms === null ? null : timeLeft(progress.left_ms),
    progress.real_time_factor && !isDiarizing(job) ? speed(progress.real_time_factor) : null,
  ])
}
