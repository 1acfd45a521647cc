/** The speech models. */
import { CoreError } from '../client'
import type { TranscriptionOptions, ModelsOverview, ModelState, ModelView } from '../types'
import { notFound, wrongState, type Handlers } from './calls'
import { copy } from './copy'
import type { Desktop } from './desktop'
import type { MemoryEvents } from './events'
import { importedModel, installed, sampleOverview } from './samples/models'

export type ModelsSeed = {
  models?: Partial<ModelsOverview>
  /** Milliseconds between two steps of a download; without it downloads advance only by `setModel`. */
  pace?: number
}

const BYTES_PER_SECOND = 3_200_000

export class MemoryModels {
  readonly #events: MemoryEvents
  readonly #desktop: Desktop
  readonly #pace: number | undefined
  #overview: ModelsOverview

  constructor(events: MemoryEvents, desktop: Desktop, seed: ModelsSeed) {
    this.#events = events
    this.#desktop = desktop
    this.#pace = seed.pace
    this.#overview = copy(sampleOverview(seed.models))
  }

  /** What new recordings are transcribed with. */
  get defaults(): TranscriptionOptions {
    return this.#overview.defaults
  }

  /** The installed or included model of a choice. */
  usable(id: string): ModelView {
    const model = this.#get(id)
    if (model.state.state !== 'installed' && model.state.state !== 'built_in')
      throw new CoreError({ code: 'not_offered', message: `“${model.title}” is not installed.` })
    return model
  }

  readonly handlers = {
    modelsOverview: () => this.#overview,
    installModel: (id) => {
      const { state, byte_size } = this.#get(id)
      this.#download(id, 'done_bytes' in state ? state.done_bytes : 0, byte_size)
    },
    stopInstall: (id) => {
      const { state, byte_size } = this.#get(id)
      if (state.state !== 'downloading') throw wrongState('This model is not being downloaded.')
      this.controls.setModel(id, {
        state: { state: 'paused', done_bytes: state.done_bytes, total_bytes: byte_size },
      })
    },
    removeModel: (id) => {
      const model = this.#get(id)
      if (model.source === 'catalogue') this.controls.setModel(id, { state: { state: 'available' } })
      else {
        this.#overview.models = this.#overview.models.filter((one) => one !== model)
        this.#events.emit('modelNews', { id, state: null })
      }
    },
    chooseModelFile: (link) => {
      this.#add(this.#desktop.chosen, link)
      return this.#desktop.chosen.length > 0
    },
    importModels: (paths) => this.#add(paths, false),
    setDefaults: (choice) => {
      this.#overview.defaults = supported(choice, this.usable(choice.model))
      this.#events.emit('modelNews', { id: choice.model, state: null })
    },
  } satisfies Partial<Handlers>

  readonly controls = {
    /** Changes a model; adds it if it is not known yet. */
    setModel: (id: string, change: Partial<ModelView>): void => {
      const known = this.#overview.models.some((model) => model.id === id)
      const models = known ? this.#overview.models : [...this.#overview.models, importedModel(id)]
      const changed = models.map((model) => (model.id === id ? { ...model, ...copy(change) } : model))
      this.#overview = { ...this.#overview, models: changed }
      const onlyState = known && Object.keys(change).every((key) => key === 'state')
      this.#events.emit('modelNews', { id, state: onlyState ? (change.state ?? null) : null })
    },
  }

  #get(id: string): ModelView {
    const model = this.#overview.models.find((one) => one.id === id)
    if (!model) throw notFound('This speech model is not known.')
    return model
  }

  #download(id: string, doneBytes: number, totalBytes: number | null): void {
    const left = totalBytes === null ? null : ((totalBytes - doneBytes) / BYTES_PER_SECOND) * 1000
    this.controls.setModel(id, {
      state: {
        state: 'downloading',
        done_bytes: doneBytes,
        total_bytes: totalBytes,
        bytes_per_second: doneBytes === 0 ? null : BYTES_PER_SECOND,
        left_ms: doneBytes === 0 ? null : left,
        mirror: 'huggingface.co',
      },
    })
    this.#later(() => {
      if (this.#state(id) !== 'downloading') return
      const next = doneBytes + (totalBytes ?? 1) / 20
      if (next < (totalBytes ?? 1)) this.#download(id, next, totalBytes)
      else this.#check(id, installed(id))
    })
  }

  #add(paths: string[], link: boolean): void {
    for (const path of paths) {
      const model = importedModel(path)
      this.controls.setModel(model.id, link ? { ...model, state: { state: 'checking' } } : model)
      this.#later(() => this.#check(model.id, { state: 'installed', file: path, linked: link }))
    }
  }

  #check(id: string, then: ModelState): void {
    this.controls.setModel(id, { state: { state: 'checking' } })
    this.#later(() => {
      if (this.#state(id) === 'checking') this.controls.setModel(id, { state: then })
    })
  }

  #state(id: string): string | undefined {
    return this.#overview.models.find((model) => model.id === id)?.state.state
  }

  #later(step: () => void): void {
    if (this.#pace !== undefined) setTimeout(step, this.#pace)
  }
}

/** The choice without what the model cannot do. */
export function supported(choice: TranscriptionOptions, model: ModelView): TranscriptionOptions {
  return {
    model: model.id,
    language: choice.language,
    translate: choice.translate && model.translates,
    vocabulary: model.vocabulary ? choice.vocabulary : [],
    speakers: choice.speakers,
  }
}
