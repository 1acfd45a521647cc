/** Texts about backups, the long work on the archive, and clean-up. */
import { dayKey, dotted, localDateTime, sentence } from '../lib/format'
import { t } from '../lib/messages'
import type {
  ArchiveWorkState,
  BackupOverview,
  BackupPhase,
  EndedArchiveWork,
  RetentionRule,
} from '../lib/types'

type Kind = NonNullable<ArchiveWorkState['running']>['kind']
type Running = NonNullable<ArchiveWorkState['running']>

const DAY_MS = 24 * 3_600_000

/** A moment near now, in the time zone of this computer: “today 10:14”; else “3 Mar 2026, 10:14”. */
export function moment(rfc3339: string, nowMs: number): string {
  const at = new Date(rfc3339)
  const time = at.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
  const days = (Date.parse(dayKey(at)) - Date.parse(dayKey(new Date(nowMs)))) / DAY_MS
  if (days === 0) return t('archive.moment.today', { time })
  if (days === 1) return t('archive.moment.tomorrow', { time })
  if (days === -1) return t('archive.moment.yesterday', { time })
  return localDateTime(rfc3339)
}

/** A text with a capital at the beginning. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** The state of the backups in one line. A failure outranks everything. */
export function backupLine(
  { state, next_at, interval_hours }: BackupOverview,
  nowMs: number,
): { text: string; tone: 'good' | 'quiet' | 'doubt' | 'danger' } {
  if (state.last_failure)
    return { text: t('archive.line.failed', { when: moment(state.last_failure.at, nowMs) }), tone: 'danger' }
  if (!state.last_backup) return { text: t('archive.line.none'), tone: 'quiet' }
  const text = t('archive.line.backed-up', { when: moment(state.last_backup.at, nowMs) })
  const overdue = next_at !== null && nowMs > Date.parse(next_at) + interval_hours * 3_600_000
  return { text, tone: overdue ? 'doubt' : 'good' }
}

/** What the work is: “Backup”. */
export function workTitle(kind: Kind): string {
  return t(`archive.work.${kind}`)
}

/** Why nothing else can be started while this is under way. */
export function busyText(kind: Kind): string {
  return t('archive.busy', { work: workTitle(kind) })
}

function phaseText(phase: BackupPhase): string {
  return t(`archive.phase.${phase}`)
}

/** “Copying audio · 43 %”, as far as it is known. */
export function progressText({ phase, table, fraction }: Running): string {
  const what = phase !== null ? phaseText(phase) : table !== null ? t('archive.phase.table', { table }) : null
  const share = fraction === null ? null : t('archive.share', { share: Math.floor(fraction * 100) })
  return dotted([what ?? t('archive.phase.starting'), share])
}

/** How work ended, in one sentence. */
export function endedText(ended: EndedArchiveWork): string {
  switch (ended.outcome) {
    case 'backup': {
      const { meetings, problems } = ended.result
      return t(problems.length > 0 ? 'archive.ended.backup.problems' : 'archive.ended.backup', {
        count: meetings,
      })
    }
    case 'check':
      return t(ended.result.damage.length > 0 ? 'archive.ended.check.damage' : 'archive.ended.check')
    case 'restore':
      return restoredText(ended.result.added.length, ended.result.audio_back.length)
    case 'maintenance':
      return ended.result.message
    case 'failed':
      return t('archive.ended.failed', {
        work: workTitle(ended.kind),
        message: sentence(ended.failure.message),
      })
    case 'stopped':
      return t('archive.ended.stopped', { work: workTitle(ended.kind) })
  }
}

function restoredText(meetings: number, audio: number): string {
  if (meetings === 0 && audio === 0) return t('archive.ended.restore.nothing')
  if (audio === 0) return t('archive.ended.restore', { count: meetings })
  if (meetings === 0) return t('archive.ended.restore.audio', { count: audio })
  return t('archive.ended.restore.both', { count: meetings, audio })
}

/** What goes by this rule: the meeting, or only its audio. */
export function ruleText(rule: RetentionRule): string {
  if (rule === 'trash_retention_days') return t('cleanup.goes.trash')
  return t(rule === 'audio_retention_days' ? 'cleanup.goes.audio' : 'cleanup.goes.meeting')
}

export type Unit = 'hours' | 'days'

/** “30 days”, “1 hour” */
export function periodText(count: number, unit: Unit): string {
  return t(unit === 'days' ? 'cleanup.period.days' : 'cleanup.period.hours', { count })
}
