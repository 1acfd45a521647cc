import { press } from './actions'
import { someMeetings } from './samples'
import type { Scenes } from './scene'
import { knownPeople } from './speaker-samples'

export const peopleScenes: Scenes = {
  'people-consent': { seed: { jobs: someMeetings }, then: () => press('People') },
  'people-empty': { seed: { jobs: someMeetings, people: { enabled: true } }, then: () => press('People') },
  people: {
    seed: { jobs: someMeetings, people: { enabled: true, people: knownPeople } },
    then: () => press('People'),
  },
  'people-forget': {
    popup: true,
    seed: { jobs: someMeetings, people: { enabled: true, people: knownPeople } },
    then: () => {
      press('People')
      setTimeout(() => press('More about Ben'), 200)
    },
  },
  'people-failed': {
    seed: { jobs: someMeetings, core: { state: 'opening', phase: 'starting' } },
    then: (client) => {
      client.fail('people', { message: 'The people could not be read.' })
      client.setCore({ state: 'ready' })
      setTimeout(() => press('People'), 200)
    },
  },
}
