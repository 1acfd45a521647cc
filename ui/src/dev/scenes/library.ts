import { sampleMeetings } from '../../lib/memory'
import {
  now,
  someMeetings,
  transcribing,
  waiting,
  failureMessage,
  failed,
  stopped,
  elsewhere,
} from './samples'
import type { Scenes } from './scene'

export const libraryScenes: Scenes = {
  library: { seed: { jobs: someMeetings } },
  'library-loading-rest': {
    seed: { jobs: sampleMeetings(2000, now), core: { state: 'opening', phase: 'starting' } },
    then: (client) => {
      const { meetingsPage } = client
      // Only the first page arrives.
      client.meetingsPage = (after, limit) =>
        after === null ? meetingsPage(after, limit) : new Promise(() => {})
      client.setCore({ state: 'ready' })
    },
  },
  'library-many': { seed: { jobs: sampleMeetings(10_000, now), window: { hint_dismissed: true } } },
  working: { seed: { jobs: [transcribing, ...waiting(12), stopped, elsewhere, ...someMeetings] } },
  failed: {
    seed: {
      jobs: [{ ...failed, status: 'processing', error_message: null }, ...waiting(1), ...someMeetings],
    },
    then: (client) => client.changeJob(failed.id, { status: 'failed', error_message: failureMessage }),
  },
}
