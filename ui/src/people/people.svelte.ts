/** The people whose voices are known, if the user wants that. */
import type { Client, Unsubscribe } from '../lib/client'
import type { PeopleView, PersonView } from '../lib/types'
import { said } from '../meeting/failure'

export class People {
  view = $state.raw<PeopleView | null>(null)
  /** Why they could not be fetched. */
  failure = $state<string | null>(null)
  enabled = $derived(this.view?.enabled === true)
  all: readonly PersonView[] = $derived(this.view?.people ?? [])
  /** Names that can be offered. */
  options = $derived(this.all.map(({ id, name }) => ({ id, label: name })))
  /** Whether it may still be asked, below a speaker that was named, if voices should be remembered. */
  mayOffer = $state(true)

  readonly #client: Client
  readonly #onerror: (error: unknown) => void
  readonly #onlater: () => void
  #asked = 0

  constructor(client: Client, onerror: (error: unknown) => void = () => {}, onlater: () => void = () => {}) {
    this.#client = client
    this.#onerror = onerror
    this.#onlater = onlater
  }

  /** It is not offered any more. */
  later = () => {
    this.mayOffer = false
    this.#onlater()
  }

  start(): Unsubscribe {
    return this.#client.onNews((news) => {
      if (news.kind === 'people' || news.kind === 'everything') void this.fetch()
    })
  }

  get(id: string): PersonView | null {
    return this.all.find((one) => one.id === id) ?? null
  }

  async fetch(): Promise<void> {
    try {
      await this.#ask(this.#client.people())
      this.failure = null
    } catch (error) {
      this.failure = said(error)
    }
  }

  /** To agree is to turn it on; rejects with why it cannot be. */
  agree = () => this.#ask(this.#client.setPeople(true, this.view?.automatic ?? false))

  turnOff = () => this.#attempt(this.#client.setPeople(false, false))
  setAutomatic = (automatic: boolean) => this.#attempt(this.#client.setPeople(true, automatic))
  rename = (id: string, name: string) => this.#attempt(this.#client.renamePerson(id, name))
  merge = (from: string, into: string) => this.#attempt(this.#client.mergePeople(from, into))
  forget = (id: string) => this.#attempt(this.#client.forgetPerson(id))

  /** An answer that was overtaken by a later question is dropped. */
  async #ask(answer: Promise<PeopleView>): Promise<void> {
    const asked = ++this.#asked
    const view = await answer
    if (asked === this.#asked) this.view = view
  }

  /** Whether it was done; what went wrong is reported. */
  async #attempt(answer: Promise<PeopleView>): Promise<boolean> {
    try {
      await this.#ask(answer)
      return true
    } catch (error) {
      this.#onerror(error)
      return false
    }
  }
}
