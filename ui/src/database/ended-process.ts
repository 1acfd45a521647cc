/** A server process whose connection the user wants to end. */
import { t } from '../lib/messages'

export type EndedProcess = { pid: number; application: string }

/** What a program calls itself, in quotation marks; some give no name. */
export function programName(application: string): string {
  return application === '' ? t('database.activity.unnamed') : `“${application}”`
}
