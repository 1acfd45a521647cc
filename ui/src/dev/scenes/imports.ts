import { sampleImport, type MemoryClient } from '../../lib/memory'
import { someMeetings, first, paths } from './samples'
import type { Scenes } from './scene'

const dragFiles = (client: MemoryClient) => client.drag({ kind: 'enter', paths })

const importSummary = sampleImport({
  id: 'import-1',
  state: 'finished',
  done: 8,
  total: 8,
  imported: someMeetings.slice(0, 3).map((job) => job.id),
  duplicates: [
    { file_name: 'panel.wav', job_id: first.id, title: first.title, healed: false, restored: false },
  ],
  refused: [
    '“holiday.mp4” has no sound.',
    '“notes <b>final</b>.mp3” is not an audio file: its name says so, but its content is text.',
  ],
  refused_count: 2,
  skipped: ['“cover.jpg” is no recording.', '“minutes.docx” is no recording.'],
  skipped_count: 2,
})

export const importScenes: Scenes = {
  'drag-files': { seed: { jobs: someMeetings }, then: dragFiles },
  'drag-folder': {
    seed: {
      jobs: someMeetings,
      drop: () => ({
        recordings: 0,
        folders: [{ name: 'Interviews', recordings: 214, counted: true }],
        unsuitable: [],
      }),
    },
    then: dragFiles,
  },
  'drag-mixed': {
    seed: {
      drop: () => ({
        recordings: 3,
        folders: [{ name: 'Interviews', recordings: 2000, counted: false }],
        unsuitable: ['“holiday.mp4” has no sound.', '“notes.txt” is not an audio file.'],
      }),
    },
    then: dragFiles,
  },
  'drag-unsuitable': {
    seed: { drop: () => ({ recordings: 0, folders: [], unsuitable: ['This file has no sound'] }) },
    then: dragFiles,
  },
  'import-listing': { seed: { jobs: someMeetings, imports: [sampleImport({ state: 'listing' })] } },
  'import-running': {
    seed: { jobs: someMeetings, imports: [sampleImport({ done: 300, total: 1000 })] },
  },
  'import-summary': { seed: { jobs: someMeetings, imports: [importSummary] } },
  'import-duplicate': {
    seed: { jobs: someMeetings },
    then: (client) => {
      client.importProgress({
        ...importSummary,
        imported: [],
        refused: [],
        refused_count: 0,
        skipped: [],
        skipped_count: 0,
      })
    },
  },
  interrupted: { seed: { jobs: someMeetings, interrupted: [{ id: 'import-1', done: 300, total: 1000 }] } },
}
