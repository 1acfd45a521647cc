import { sampleRestore, type Seed } from '../../lib/memory'
import { press } from './actions'
import { backedUp } from './archive'
import type { Scenes } from './scene'

/** The archive does not open, because its database is damaged. */
const damaged: Seed & Required<Pick<Seed, 'core'>> = {
  core: {
    state: 'failed',
    code: 'database_damaged',
    message:
      'The database server ended while starting; its log /home/anna/.local/share/meetmemo/database/postgres.log says why.',
  },
  backup: backedUp,
  restore: sampleRestore({ already_there: 0, audio_back: [] }),
}
const rescueFromLast = () => setTimeout(() => press('From the last backup'), 200)

export const rescueScenes: Scenes = {
  rescue: { seed: damaged },
  'rescue-no-backup': { seed: { core: damaged.core } },
  'rescue-reading': {
    seed: damaged,
    then: (client) => {
      client.hold('previewRestore')
      rescueFromLast()
    },
  },
  'rescue-preview': { seed: damaged, then: rescueFromLast },
  'rescue-preview-empty': {
    seed: { ...damaged, restore: sampleRestore({ added: [], audio_back: [], audio_bytes: 0 }) },
    then: rescueFromLast,
  },
  'rescue-encrypted': { seed: { ...damaged, encrypted: true }, then: rescueFromLast },
  'rescue-wrong-passphrase': {
    seed: damaged,
    then: (client) => {
      const message = 'The passphrase does not fit this backup.'
      client.fail('previewRestore', { code: 'passphrase_wrong', message }, 1)
      rescueFromLast()
    },
  },
  'rescue-restoring': {
    seed: {
      ...damaged,
      archiveWork: { running: { kind: 'restore', phase: 'restoring', table: null, fraction: 0.61 } },
    },
  },
  'rescue-failed': {
    seed: {
      ...damaged,
      archiveWork: {
        ended: {
          outcome: 'failed',
          kind: 'restore',
          failure: {
            code: 'other',
            message:
              'The archive in /home/anna/.local/share/meetmemo/database is open in another program. Close MeetMemo’s windows and commands, and try again',
          },
        },
      },
    },
  },
}
