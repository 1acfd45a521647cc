/** People that tests and the page of states show. */
import type { PeopleView, PersonView } from '../../types'

export function samplePerson(number: number, change: Partial<PersonView> = {}): PersonView {
  return {
    id: `person-${number}`,
    name: `Person ${number}`,
    voices: 1,
    outdated: false,
    samples: [],
    meetings: [],
    ...change,
  }
}

export function samplePeople(change: Partial<PeopleView> = {}): PeopleView {
  return { enabled: false, automatic: false, people: [], ...change }
}
