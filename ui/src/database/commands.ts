/** Commands that sentences of the core name, and what this page has for them. */
import { t, type MessageKey } from '../lib/messages'

const BUTTONS: Record<string, MessageKey> = {
  'meetmemo database analyze': 'database.maintenance.analyze',
  'meetmemo database vacuum': 'database.maintenance.vacuum',
  'meetmemo database reindex': 'database.maintenance.reindex',
  'meetmemo database tables': 'database.tables',
  'meetmemo database indexes': 'database.indexes',
  'meetmemo database activity': 'database.activity',
  'meetmemo database slow': 'database.slow',
  'meetmemo database locks': 'database.locks',
  'meetmemo database logs': 'database.log',
  'meetmemo database end PID': 'database.end',
}

/** The name of the button or list that does what `command` does, in quotation marks; null if there is none. */
export function instead(command: string): string | null {
  const name = BUTTONS[command]
  return name === undefined ? null : t('database.button', { name: t(name) })
}
