/** How a meeting is, in words. */
import { doneOf, dotted, speed, timeLeft } from '../lib/format'
import { t } from '../lib/messages'
import type { JobView } from '../lib/types'

export function isWaiting(job: JobView): boolean {
  return job.status === 'pending'
}

export function isWorkedOn(job: JobView): boolean {
  return job.status === 'processing'
}

/** Stopped by the user, which is no failure. */
export function isStopped(job: JobView): boolean {
  return job.status === 'failed' && job.workflow_state === 'cancelled'
}

export function hasFailed(job: JobView): boolean {
  return job.status === 'failed' && job.workflow_state !== 'cancelled'
}

/** How far the work on it is, all steps taken together, from 0 to 1; null if nobody can know. */
export function share(job: JobView): number | null {
  return job.progress?.share ?? null
}

/** Whether its speakers are told apart at the moment. */
export function tellsApart(job: JobView): boolean {
  return job.workflow_state === 'diarizing'
}

/** Whether it is at the last step, which goes by before there is anything to say of it. */
function finishes(job: JobView): boolean {
  return job.workflow_state === 'aligning'
}

/** What is done with it at the moment: “Transcribing”. */
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

/** What its row says of it; null if all is well. */
export function rowState(job: JobView): { text: string; tone: 'quiet' | 'accent' | 'danger' } | null {
  if (isWorkedOn(job)) {
    const done = share(job)
    const text =
      done === null || finishes(job)
        ? stage(job)
        : t('row.working', { stage: stage(job), share: Math.floor(done * 100) })
    return { text, tone: 'accent' }
  }
  if (hasFailed(job)) return { text: t('row.failed'), tone: 'danger' }
  if (!job.is_here) return { text: t('row.elsewhere'), tone: 'quiet' }
  if (isStopped(job)) return { text: t('row.stopped'), tone: 'quiet' }
  if (isWaiting(job)) return { text: t('row.waiting'), tone: 'quiet' }
  return null
}

/** What is done with it, and with which speech model: “Transcribing with Whisper small”. */
function stageWith(job: JobView): string {
  if (job.workflow_state !== 'transcribing' || job.model_title === null) return stage(job)
  return t('stage.transcribing.with', { model: job.model_title })
}

/**
 * “Transcribing · 12:30 of 48:10”, or with the speech model where there is room for it. Every step goes through the
 * recording once more, but for the last one.
 */
export function howFar(job: JobView, withModel = false): string {
  const total = job.progress?.audio_total_ms ?? job.duration_ms
  const what = withModel ? stageWith(job) : stage(job)
  if (!job.progress || finishes(job)) return what
  return dotted([what, doneOf(job.progress.audio_done_ms, total)])
}

/** “about 3 min left · 6.2× real time”, as far as it is known; how fast is said of the words only. */
export function howFast(job: JobView): string {
  const { progress } = job
  if (!progress || finishes(job)) return ''
  return dotted([
    progress.left_ms === null ? null : timeLeft(progress.left_ms),
    progress.real_time_factor && !tellsApart(job) ? speed(progress.real_time_factor) : null,
  ])
}
