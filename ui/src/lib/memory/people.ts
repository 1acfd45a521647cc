/** The people whose voices are remembered. */
import type { PeopleView, PersonView } from '../types'
import { notFound, type Handlers } from './calls'
import { copy } from './copy'
import type { MemoryEvents } from './events'
import type { MemoryMeetings } from './meetings'
import { samplePeople, samplePerson } from './samples/people'

export type PeopleSeed = { people?: Partial<PeopleView> }

export class MemoryPeople {
  readonly #events: MemoryEvents
  readonly #meetings: MemoryMeetings
  #view: PeopleView

  constructor(events: MemoryEvents, meetings: MemoryMeetings, seed: PeopleSeed) {
    this.#events = events
    this.#meetings = meetings
    this.#view = copy(samplePeople(seed.people))
  }

  get enabled(): boolean {
    return this.#view.enabled
  }

  /**
   * Remembers the voice of a speaker who was named: as the person `personId`, else as the one of that name, else as a
   * new one. Returns the person's id; null if the name was taken away or voices are not remembered.
   */
  learn(meetingId: string, name: string | null, personId: string | null): string | null {
    if (name === null || !this.enabled) return null
    const { id, title } = this.#meetings.get(meetingId)
    const known = this.#view.people.find((one) =>
      personId === null ? one.name === name : one.id === personId,
    )
    const person = known ?? samplePerson(0, { id: this.#events.newId(), name, voices: 0 })
    const meetings = person.meetings.some((one) => one.id === id)
      ? person.meetings
      : [{ id, title }, ...person.meetings]
    const learned = { ...person, voices: person.voices + 1, meetings }
    const others = this.#view.people.filter((one) => one.id !== person.id)
    this.#change({ people: [...others, learned].sort((a, b) => a.name.localeCompare(b.name)) })
    return person.id
  }

  readonly handlers = {
    people: () => this.#view,
    setPeople: (enabled, automatic) =>
      this.#change({
        enabled,
        automatic: enabled && automatic,
        people: enabled ? this.#view.people : [],
      }),
    renamePerson: (id, name) => {
      this.#get(id)
      const people = this.#view.people.map((one) => (one.id === id ? { ...one, name } : one))
      return this.#change({ people })
    },
    mergePeople: (from, into) => {
      const gone = this.#get(from)
      const people = this.#view.people
        .filter((one) => one.id !== from)
        .map((one) => (one.id === into ? merged(one, gone) : one))
      return this.#change({ people })
    },
    forgetPerson: (id) => {
      this.#get(id)
      return this.#change({ people: this.#view.people.filter((one) => one.id !== id) })
    },
  } satisfies Partial<Handlers>

  #get(id: string): PersonView {
    const person = this.#view.people.find((one) => one.id === id)
    if (!person) throw notFound('This person is not known any more.')
    return person
  }

  #change(change: Partial<PeopleView>): PeopleView {
    this.#view = { ...this.#view, ...change }
    this.#events.emitNews({ kind: 'people' })
    return this.#view
  }
}

function merged(person: PersonView, other: PersonView): PersonView {
  return {
    ...person,
    voices: person.voices + other.voices,
    samples: [...person.samples, ...other.samples],
    meetings: [...person.meetings, ...other.meetings],
  }
}
