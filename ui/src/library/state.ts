/** How a meeting is, in words. */
import { doneOf, speed, timeLeft } from '../lib/format'
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

/** How far the work on it is, from 0 to 1; null if nobody can know. */
export function share(job: JobView): number | null {
  const total = job.progress?.audio_total_ms ?? job.duration_ms
  if (!job.progress || !total) return null
  return Math.min(1, job.progress.audio_done_ms / total)
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
      done === null ? stage(job) : t('row.working', { stage: stage(job), share: Math.floor(done * 100) })
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

/** “Transcribing · 12:30 of 48:10”, or with the speech model where there is room for it. */
export function howFar(job: JobView, withModel = false): string {
  const total = job.progress?.audio_total_ms ?? job.duration_ms
  const what = withModel ? stageWith(job) : stage(job)
  if (!job.progress) return what
  return [what, doneOf(job.progress.audio_done_ms, total)].join(' · ')
}

/** “about 3 min left · 6.2× real time”, as far as it is known. */
export function howFast(job: JobView): string {
  const progress = job.progress
  if (!progress) return ''
  const parts: string[] = []
  if (progress.left_ms !== null) parts.push(timeLeft(progress.left_ms))
  if (progress.real_time_factor) parts.push(speed(progress.real_time_factor))
  return parts.join(' · ')
}
