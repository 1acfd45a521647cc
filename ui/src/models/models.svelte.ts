/** The speech models as the window knows them, kept up to date by the events of the core. */
import type { Client, Unsubscribe } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import type { ModelNews, ModelsOverview, ModelState, ModelView, TranscriptionOptions } from '../lib/types'
import { optionsFor, withoutImpliedLanguage } from './options'
import { isInstalled, isUsable } from './status'

/** An installation that ended: the model is installed, or it failed. */
export type EndedInstall = { model: ModelView; installed: boolean }

export class Models {
  overview = $state.raw<ModelsOverview | null>(null)
  /** Why they could not be fetched. */
  failure = $state<string | null>(null)
  all: readonly ModelView[] = $derived(this.overview?.models ?? [])
  /** Those that recordings can be transcribed with. */
  usable: readonly ModelView[] = $derived(this.all.filter(isUsable))
  /** Whether a usable model besides the included one is installed; false until they are fetched. */
  hasInstalled = $derived(this.usable.some((model) => model.source !== 'built_in'))
  /** The model that new recordings are transcribed with. */
  defaultModel: ModelView | null = $derived(this.get(this.overview?.defaults.model))

  readonly #client: Client
  readonly #onerror: (error: unknown) => void
  readonly #onended: (ended: EndedInstall) => void
  #fetching = false
  #again = false
  /** Events that arrived during a fetch: the answer may be older than they are. */
  #duringFetch: ModelNews[] = []

  constructor(
    client: Client,
    onerror: (error: unknown) => void = () => {},
    onended: (ended: EndedInstall) => void = () => {},
  ) {
    this.#client = client
    this.#onerror = onerror
    this.#onended = onended
  }

  start(): Unsubscribe {
    return this.#client.on('modelNews', (news) => this.#apply(news))
  }

  get(id: string | null | undefined): ModelView | null {
    return this.all.find((model) => model.id === id) ?? null
  }

  /** One fetch at a time; if it is called during one, another follows. */
  async fetch(): Promise<void> {
    if (this.#fetching) {
      this.#again = true
      return
    }
    this.#fetching = true
    do {
      this.#again = false
      this.#duringFetch = []
      try {
        const overview = await this.#client.modelsOverview()
        const before = this.overview
        this.overview = overview
        this.failure = null
        for (const { id, state } of this.#duringFetch) if (state) this.#setState(id, state)
        if (before) for (const model of this.all) this.#notifyIfEnded(find(before.models, model.id), model)
      } catch (error) {
        this.failure = errorMessage(error)
      }
    } while (this.#again)
    this.#fetching = false
  }

  install = (id: string) => this.#attempt(this.#client.installModel(id))
  stop = (id: string) => this.#attempt(this.#client.stopInstall(id))
  addFile = (link: boolean) => this.#attempt(this.#client.chooseModelFile(link))

  /** Sets what new recordings are transcribed with. Rejects with why that failed. */
  async setDefaults(options: TranscriptionOptions): Promise<void> {
    await this.#client.setDefaults(options)
    if (this.overview) this.overview = { ...this.overview, defaults: options }
  }

  /** Makes `model` the one for new recordings; the other options stay where it can follow them. */
  use = (model: ModelView) => {
    if (!this.overview) return
    const wanted = withoutImpliedLanguage(this.overview.defaults, this.defaultModel)
    this.#attempt(this.setDefaults(optionsFor(wanted, model)))
  }

  /** Removes a model. If it was the one for new recordings, the included one takes its place. */
  remove = (model: ModelView) => {
    const builtIn = this.all.find((one) => one.source === 'built_in')
    const isDefault = this.overview?.defaults.model === model.id
    this.#attempt(
      (async () => {
        if (this.overview && isDefault && builtIn)
          await this.setDefaults(optionsFor(this.overview.defaults, builtIn))
        await this.#client.removeModel(model.id)
      })(),
    )
  }

  #attempt(request: Promise<unknown>): void {
    request.catch(this.#onerror)
  }

  #apply(news: ModelNews): void {
    if (this.#fetching) this.#duringFetch.push(news)
    const before = this.get(news.id)
    if (news.state === null || before === null) void this.fetch()
    else this.#notifyIfEnded(before, this.#setState(news.id, news.state))
  }

  #setState(id: string, state: ModelState): ModelView | undefined {
    if (!this.overview) return undefined
    const models = this.overview.models.map((model) => (model.id === id ? { ...model, state } : model))
    this.overview = { ...this.overview, models }
    return find(models, id)
  }

  #notifyIfEnded(before: ModelView | undefined | null, after: ModelView | undefined): void {
    if (!after || before?.state.state === after.state.state) return
    if (!before && after.source !== 'imported') return
    if (isInstalled(after)) this.#onended({ model: after, installed: true })
    else if (after.state.state === 'failed') this.#onended({ model: after, installed: false })
  }
}

function find(models: readonly ModelView[], id: string): ModelView | undefined {
  return models.find((model) => model.id === id)
}
