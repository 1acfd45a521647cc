import { press } from './actions'
import { paths, someMeetings, transcribing } from './samples'
import type { Scenes } from './scene'

export const frameScenes: Scenes = {
  empty: {},
  opening: { seed: { core: { state: 'opening', phase: 'starting' } } },
  creating: { seed: { core: { state: 'opening', phase: 'creating' } } },
  'core-failed': {
    seed: {
      core: {
        state: 'failed',
        code: 'disk_full',
        message:
          'The disk is full: MeetMemo needs at least 200 MB in /home/anna/.local/share/meetmemo. Free some space and try again.',
      },
    },
  },
  'core-failed-models': {
    seed: {
      core: {
        state: 'failed',
        code: 'database_unreachable',
        message: 'The database “meetings” on db.example:5432 cannot be reached: it gives no answer.',
      },
    },
    then: () => press('Speech models'),
  },
  reconnecting: {
    seed: { jobs: someMeetings },
    then: (client) =>
      client.setCore({
        state: 'reconnecting',
        code: 'database_unreachable',
        message: 'The database “meetings” on db.example:5432 cannot be reached: it gives no answer.',
      }),
  },
  problem: {
    seed: { jobs: someMeetings },
    then: (client) => {
      client.fail('meetingsPage')
      client.emitNews({ kind: 'everything' })
      client.fail('importPaths', { message: 'The files could not be reached.' })
      client.drag({ kind: 'drop', paths })
    },
  },
  closing: {
    seed: { jobs: [transcribing, ...someMeetings] },
    then: (client) => client.closing(transcribing),
  },
  settings: { seed: { jobs: someMeetings }, then: () => press('Settings') },
  about: {
    seed: {
      jobs: someMeetings,
      about: {
        components: Array.from({ length: 40 }, (_, index) => ({
          name: `component-${index + 1}`,
          version: '1.0.2',
          licence: index % 3 === 0 ? 'MIT OR Apache-2.0' : 'BSD-3-Clause',
        })),
      },
      licences: Array.from({ length: 4000 }, (_, index) => `Line ${index + 1} of the licence texts.`).join(
        '\n',
      ),
    },
    then: () => press('About MeetMemo'),
  },
  keys: { seed: { jobs: someMeetings }, then: () => press('Keyboard shortcuts') },
}
