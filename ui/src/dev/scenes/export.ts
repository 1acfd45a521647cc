import { sampleBatch, samplePdf, sampleVerified, type MemoryClient, type Seed } from '../../lib/memory'
import type { VerifiedExport } from '../../lib/types'
import { open } from './actions'
import { first, lines, withText } from './samples'
import type { Scenes } from './scene'

const texts = lines.map((line) => line.text)
const page = [
  '<!doctype html><meta charset="utf-8"><style>body { font: 16px/1.6 sans-serif; margin: 2em }</style>',
  `<h1>${first.title}</h1>`,
  ...texts.slice(0, 20).map((text) => `<p>${text}</p>`),
].join('\n')

const seed: Seed = {
  ...withText,
  exportSettings: { logo: 'association.png' },
  preview: (format) => {
    if (format === 'pdf_transcript')
      return {
        kind: 'pdf',
        is_cut: true,
        content: samplePdf([[first.title, '', ...texts.slice(0, 30)], texts.slice(30)]),
      }
    if (format === 'html' || format === 'docx') return { kind: 'html', content: page }
    return { is_cut: true }
  },
}

/** Runs `then` once `find` finds an element; looks for it for a few seconds. */
function once(find: () => Element | null | undefined, then: (found: HTMLElement) => void, tries = 60) {
  const found = find()
  if (found instanceof HTMLElement) then(found)
  else if (tries > 0) setTimeout(() => once(find, then, tries - 1), 100)
}

/** A button with this name that can be pressed. */
const button = (name: string) =>
  [...document.querySelectorAll('button:not([aria-disabled])')].find((one) => one.textContent.trim() === name)

const pressOnce = (name: string, then: () => void = () => {}) =>
  once(
    () => button(name),
    (found) => {
      found.click()
      then()
    },
  )

/** Opens the sheet for the first meeting, then chooses a format. */
function sheet(format: string, then: () => void = () => {}) {
  open(first.id)
  pressOnce('Export', () =>
    once(
      () => document.querySelector(`input[value="${format}"]`),
      (radio) => {
        radio.click()
        then()
      },
      10,
    ),
  )
}

/** Opens the sheet for several meetings. */
function sheetOfMany() {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-meeting]')]
  for (const row of rows.slice(0, 4))
    row.dispatchEvent(new MouseEvent('click', { bubbles: true, ctrlKey: true }))
  setTimeout(() => {
    const more = document.querySelector<HTMLElement>('[aria-label="More for the selected meetings"]')
    more?.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, button: 0 }))
    setTimeout(() => {
      const items = [...document.querySelectorAll<HTMLElement>('[role=menuitem]')]
      const item = items.find((one) => one.textContent.trim().startsWith('Export'))
      for (const type of ['pointerdown', 'pointermove', 'pointerup'])
        item?.dispatchEvent(new PointerEvent(type, { bubbles: true, button: 0 }))
      item?.click()
    }, 150)
  }, 100)
}

/** Runs `then` once the export has a notice with a button to cancel it. */
const onceExported = (then: () => void) => once(() => button('Cancel'), then)

/** Begins the export of several meetings; `then` gets the id of the batch. */
function batchOf(client: MemoryClient, then: (batch: string) => void) {
  client.chosen = ['/home/anna/Documents/Meetings']
  client.exportFailures.push('“Voice memo” has no complete transcript yet, so there is nothing to export.')
  client.exportsUpToDate.push('one')
  sheetOfMany()
  pressOnce('Export to a folder…', () => onceExported(() => then('made-1')))
}

function checked(change: Partial<VerifiedExport>): Seed {
  return { ...withText, verified: () => sampleVerified({ job_id: first.id, title: first.title, ...change }) }
}

const drop = (client: MemoryClient) => client.drag({ kind: 'drop', paths: ['/home/anna/Minutes.pdf'] })

export const exportScenes: Scenes = {
  'export-document': { seed, then: () => sheet('pdf_transcript') },
  'export-page': { seed, then: () => sheet('html') },
  'export-subtitles': { seed, then: () => sheet('srt') },
  'export-data': { seed, then: () => sheet('rttm') },
  'export-text': { seed, then: () => sheet('txt') },
  'export-name': { seed, then: () => sheet('txt', () => pressOnce('Change how files are named')) },
  'export-name-failed': {
    seed,
    then: (client) => {
      client.fail('setExportFileName', {
        message:
          'A template of file names has at least one of {title}, {date}, {time}, {speakers} and {file}.',
      })
      sheet('txt', () => {
        pressOnce('Change how files are named', () =>
          pressOnce('Title', () => pressOnce('Use this template')),
        )
      })
    },
  },
  'export-preview-loading': {
    seed,
    then: (client) => {
      client.hold('previewExport')
      sheet('pdf_transcript')
    },
  },
  'export-preview-failed': {
    seed,
    then: (client) => {
      client.fail('previewExport', {
        message:
          'The speakers of this meeting were not detected. Detect them first, or choose another format.',
      })
      sheet('rttm')
    },
  },
  'export-many': { seed, then: () => sheetOfMany() },
  'export-working': {
    seed,
    then: (client) => {
      sheet('pdf_transcript', () => pressOnce('Export…'))
      onceExported(() => client.changeExport('made-1', { status: 'processing', progress: 40 }))
    },
  },
  'export-done': {
    seed,
    then: (client) => {
      sheet('pdf_transcript', () => pressOnce('Export…'))
      onceExported(() => client.changeExport('made-1', { status: 'completed', progress: 100 }))
    },
  },
  'export-failed': {
    seed,
    then: (client) => {
      client.fail('exportMeeting', { message: 'The disk of /home/anna/Documents is full.' })
      sheet('pdf_transcript', () => pressOnce('Export…'))
    },
  },
  'export-batch-again': {
    seed: { ...withText, batches: [sampleBatch({ completed: 210, failed: 2 })] },
  },
  'export-batch-working': {
    seed,
    then: (client) => batchOf(client, (batch) => client.changeBatch(batch, { completed: 1 })),
  },
  'export-batch-ended': {
    seed,
    then: (client) => batchOf(client, (batch) => client.changeBatch(batch, { completed: 2, ended: true })),
  },
  'export-batch-failed': {
    seed: {
      ...withText,
      batches: [sampleBatch({ zip: true, target: '/media/stick/MeetMemo.zip', completed: 500 })],
    },
    then: (client) =>
      client.changeBatch('batch-1', {
        ended: true,
        error_message: '/media/stick/MeetMemo.zip could not be written: the disk is full.',
      }),
  },
  'export-batch-unknown': {
    seed: { ...withText, batches: [sampleBatch({ completed: 210 })] },
    then: (client) => client.fail('exportBatch', { message: 'The database does not answer.' }),
  },
  'drop-exports': {
    seed: withText,
    then: (client) => client.drag({ kind: 'enter', paths: ['/home/anna/Minutes.pdf', '/home/anna/a.md'] }),
  },
  'check-unchanged': { seed: checked({}), then: drop },
  'check-corrected': {
    seed: checked({
      state: 'corrected',
      message: `This file is as it was exported, but the transcript of “${first.title}” has been corrected since: 3 passages.`,
      passages: lines.slice(3, 6).map(({ start_ms, end_ms, text }, index) => ({
        start_ms,
        end_ms,
        speaker: index === 0 ? null : 'Anna Østergaard',
        text: index === 2 ? '' : text,
      })),
    }),
    then: drop,
  },
  'check-gone': {
    seed: checked({
      state: 'gone',
      message:
        'This file is as it was exported. Its recording is not in this archive: it was deleted, or the file comes from another archive.',
      job_id: null,
      title: null,
    }),
    then: drop,
  },
  'check-altered': {
    seed: checked({
      state: 'altered',
      message: 'This file was changed after it was exported. What it says need not be what was transcribed.',
      exported_on: null,
    }),
    then: drop,
  },
  'check-unknown': {
    seed: checked({
      state: 'unknown',
      message:
        'It cannot be told where /home/anna/Minutes.pdf comes from: it has no receipt of MeetMemo, and this archive did not write it as it is.',
      job_id: null,
      title: null,
      exported_on: null,
    }),
    then: drop,
  },
  'check-failed': {
    seed: withText,
    then: (client) => {
      client.fail('verifyDropped', { message: '/home/anna/Minutes.pdf could not be read: it is not a file.' })
      drop(client)
    },
  },
  'check-busy': {
    seed: withText,
    then: (client) => {
      client.hold('verifyDropped')
      drop(client)
    },
  },
}
