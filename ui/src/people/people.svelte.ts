/** The people whose voices are remembered, if the user agreed to that. Kept up to date by the events of the core. */
import type { Client, Unsubscribe } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import { Latest } from '../lib/latest'
import type { PeopleView, PersonView } from '../lib/types'

export class People {
  view = $state.raw<PeopleView | null>(null)
  /** Why they could not be fetched. */
  failure = $state<string | null>(null)
  /** Whether voices are remembered. */
  enabled = $derived(this.view?.enabled === true)
  all: readonly PersonView[] = $derived(this.view?.people ?? [])
  /** Their names, for fields that suggest some. */
  options = $derived(this.all.map(({ id, name }) => ({ id, label: name })))
  /** Whether remembering voices may be offered below a speaker that was just named. */
  mayOffer = $state(true)

  readonly #client: Client
  readonly #onerror: (error: unknown) => void
  readonly #ondecline: () => void
  readonly #latest = new Latest()

  /** `ondecline` is called when the user declines the offer to remember voices. */
  constructor(
    client: Client,
    onerror: (error: unknown) => void = () => {},
    ondecline: () => void = () => {},
  ) {
    this.#client = client
    this.#onerror = onerror
    this.#ondecline = ondecline
  }

  /** The user does not want voices remembered now, and is not asked again. */
  decline = () => {
    this.mayOffer = false
    this.#ondecline()
  }

  start(): Unsubscribe {
    return this.#client.on('newsItem', (news) => {
      if (news.kind === 'people' || news.kind === 'everything') void this.fetch()
    })
  }

  async fetch(): Promise<void> {
    try {
      await this.#show(this.#client.people())
      this.failure = null
    } catch (error) {
      this.failure = errorMessage(error)
    }
  }

  /** Turns remembering voices on; the user agreed to it. Rejects with why that failed. */
  agree = () => this.#show(this.#client.setPeople(true, this.view?.automatic ?? false))

  // Each of these resolves to whether it succeeded; what went wrong is reported.

  turnOff = () => this.#attempt(this.#client.setPeople(false, false))
  setAutomatic = (automatic: boolean) => this.#attempt(this.#client.setPeople(true, automatic))
  rename = (id: string, name: string) => this.#attempt(this.#client.renamePerson(id, name))
  merge = (from: string, into: string) => this.#attempt(this.#client.mergePeople(from, into))
  forget = (id: string) => this.#attempt(this.#client.forgetPerson(id))

  #show(request: Promise<PeopleView>): Promise<void> {
    return this.#latest.take(request, (view) => (this.view = view))
  }

  async #attempt(request: Promise<PeopleView>): Promise<boolean> {
    try {
      await this.#show(request)
      return true
    } catch (error) {
      this.#onerror(error)
      return false
    }
  }
}
