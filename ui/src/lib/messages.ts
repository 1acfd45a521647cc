/** The texts of the window, in ICU MessageFormat: `messages/<language>/`. English is the only language so far. */
import { IntlMessageFormat } from 'intl-messageformat'
import archive from '../messages/en/archive.json'
import database from '../messages/en/database.json'
import exportTexts from '../messages/en/export.json'
import frame from '../messages/en/frame.json'
import library from '../messages/en/library.json'
import meeting from '../messages/en/meeting.json'
import models from '../messages/en/models.json'
import notes from '../messages/en/notes.json'
import organise from '../messages/en/organise.json'
import search from '../messages/en/search.json'
import speakers from '../messages/en/speakers.json'
import summary from '../messages/en/summary.json'

const en = {
  ...archive,
  ...database,
  ...exportTexts,
  ...frame,
  ...library,
  ...meeting,
  ...models,
  ...notes,
  ...organise,
  ...search,
  ...speakers,
  ...summary,
}

export type MessageKey = keyof typeof en
type Values = Record<string, string | number>

const formats = new Map<MessageKey, IntlMessageFormat>()

/** The text for `key`, with `values` in its placeholders. */
export function t(key: MessageKey, values?: Values): string {
  let format = formats.get(key)
  if (!format) {
    format = new IntlMessageFormat(en[key], 'en')
    formats.set(key, format)
  }
  return format.format(values) as string
}
