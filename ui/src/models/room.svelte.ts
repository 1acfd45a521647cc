/** What the window knows of the speech models: those there are, and what new recordings are transcribed with. */
import type { Client, Unsubscribe } from '../lib/client'
import type { Choice, ModelNews, ModelRoom, ModelState, ModelView } from '../lib/types'
import { said } from '../meeting/failure'
import { fitted, isInstalled, isUsable, wish } from './models'

/** A model that came to an end: it is installed, or could not be. */
export type Ended = { model: ModelView; installed: boolean }

export class Room {
  view = $state.raw<ModelRoom | null>(null)
  /** Why it could not be fetched. */
  failure = $state<string | null>(null)
  models: readonly ModelView[] = $derived(this.view?.models ?? [])
  /** Those that recordings can be transcribed with. */
  usable: readonly ModelView[] = $derived(this.models.filter(isUsable))
  /** Whether there is any besides the included one; false until that is known. */
  hasOwn = $derived(this.usable.some((model) => model.source !== 'built_in'))
  /** What new recordings are transcribed with. */
  standard: ModelView | null = $derived(this.get(this.view?.defaults.model))

  readonly #client: Client
  readonly #onerror: (error: unknown) => void
  readonly #onended: (ended: Ended) => void
  #fetching = false
  #again = false
  #told: ModelNews[] = []

  constructor(
    client: Client,
    onerror: (error: unknown) => void = () => {},
    onended: (ended: Ended) => void = () => {},
  ) {
    this.#client = client
    this.#onerror = onerror
    this.#onended = onended
  }

  start(): Unsubscribe {
    return this.#client.onModel((news) => this.#hear(news))
  }

  get(id: string | null | undefined): ModelView | null {
    return this.models.find((model) => model.id === id) ?? null
  }

  /** One at a time; what is asked for meanwhile is one more. */
  async fetch(): Promise<void> {
    if (this.#fetching) {
      this.#again = true
      return
    }
    this.#fetching = true
    do {
      this.#again = false
      this.#told = []
      try {
        const view = await this.#client.modelRoom()
        const before = this.view
        this.view = view
        this.failure = null
        for (const { id, state } of this.#told) if (state) this.#put(id, state)
        if (before) for (const model of this.models) this.#compare(find(before.models, model.id), model)
      } catch (error) {
        this.failure = said(error)
      }
    } while (this.#again)
    this.#fetching = false
  }

  install = (id: string) => this.#attempt(this.#client.installModel(id))
  stop = (id: string) => this.#attempt(this.#client.stopInstall(id))
  addFile = (link: boolean) => this.#attempt(this.#client.chooseModelFile(link))

  /** What new recordings are transcribed with; rejects with why they cannot be. */
  async setDefaults(choice: Choice): Promise<void> {
    await this.#client.setDefaults(choice)
    if (this.view) this.view = { ...this.view, defaults: choice }
  }

  use = (model: ModelView) => {
    if (this.view) this.#attempt(this.setDefaults(fitted(wish(this.view.defaults, this.standard), model)))
  }

  /** Removes it; what used it goes on with the one that is included. */
  remove = (model: ModelView) => {
    const builtIn = this.models.find((one) => one.source === 'built_in')
    const isStandard = this.view?.defaults.model === model.id
    this.#attempt(
      (async () => {
        if (this.view && isStandard && builtIn) await this.setDefaults(fitted(this.view.defaults, builtIn))
        await this.#client.removeModel(model.id)
      })(),
    )
  }

  #attempt(what: Promise<unknown>): void {
    what.catch(this.#onerror)
  }

  #hear(news: ModelNews): void {
    if (this.#fetching) this.#told.push(news)
    const before = this.get(news.id)
    if (news.state === null || before === null) void this.fetch()
    else this.#compare(before, this.#put(news.id, news.state))
  }

  #put(id: string, state: ModelState): ModelView | undefined {
    if (!this.view) return undefined
    const models = this.view.models.map((model) => (model.id === id ? { ...model, state } : model))
    this.view = { ...this.view, models }
    return find(models, id)
  }

  #compare(before: ModelView | undefined | null, after: ModelView | undefined): void {
    if (!after || before?.state.state === after.state.state) return
    if (!before && after.source !== 'imported') return
    if (isInstalled(after)) this.#onended({ model: after, installed: true })
    else if (after.state.state === 'failed') this.#onended({ model: after, installed: false })
  }
}

function find(models: readonly ModelView[], id: string): ModelView | undefined {
  return models.find((model) => model.id === id)
}
