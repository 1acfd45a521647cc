/** The export sheet: which meetings are exported, how, and what the file will look like. */
import type { Client } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import { Latest } from '../lib/latest'
import {
  EXPORT_FORMATS,
  type ExportOptions,
  type ExportSettings,
  type FormatView,
  type Preview,
} from '../lib/types'
import type { ExportChoices } from './choices'

/** A preview is asked for when nothing has changed for this long. */
const PREVIEW_DELAY_MS = 250

export class ExportSheet {
  /** The meetings to export. */
  ids = $state.raw<readonly string[]>([])
  /** The meeting that the preview shows. */
  previewed = $state<string | null>(null)
  format = $state.raw<FormatView>(formatOf(null))
  /** The options of the format; null until the defaults are known. */
  options = $state.raw<ExportOptions | null>(null)
  /** The preview that is shown; it stays while another one is made. */
  preview = $state.raw<Preview | null>(null)
  /** Whether a preview is being made. */
  previewing = $state(false)
  /** Why there is no preview. */
  failure = $state<string | null>(null)
  settings = $state.raw<ExportSettings | null>(null)
  /** Why the settings could not be fetched or changed. */
  settingsFailure = $state<string | null>(null)

  readonly #client: Client
  readonly #choices: ExportChoices
  readonly #previews = new Latest()
  #defaults: ExportOptions | null = null
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(client: Client, choices: ExportChoices) {
    this.#client = client
    this.#choices = choices
  }

  /** Begins with other meetings and the choices of the last time. `previewed` is the one that the preview shows. */
  async open(ids: readonly string[], previewed: string): Promise<void> {
    this.close()
    this.ids = ids
    this.previewed = previewed
    this.format = formatOf(this.#choices.format)
    this.previewing = true
    void this.#fetchSettings()
    await this.#begin()
  }

  /** What is shown is not needed any more. */
  close(): void {
    clearTimeout(this.#timer)
    this.#previews.cancel()
    this.preview = null
    this.previewing = false
    this.failure = null
    this.settingsFailure = null
  }

  chooseFormat(format: FormatView): void {
    if (format.key === this.format.key) return
    this.format = format
    this.#choices.keepFormat(format.key)
    if (this.#defaults) this.options = this.#choices.optionsFor(format.key, this.#defaults)
    // The preview of another format does not show what this one is like.
    this.preview = null
    void this.lookAgain()
  }

  change(change: Partial<ExportOptions>): void {
    if (!this.options) return
    this.options = { ...this.options, ...change }
    this.#choices.keepOptions(this.format.key, this.options)
    clearTimeout(this.#timer)
    this.previewing = true
    this.#timer = setTimeout(() => void this.lookAgain(), PREVIEW_DELAY_MS)
  }

  /** Makes the preview now. */
  async lookAgain(): Promise<void> {
    clearTimeout(this.#timer)
    const { previewed, format, options } = this
    if (!options) return this.#begin()
    if (previewed === null) return
    this.previewing = true
    const isNewest = this.#previews.begin()
    try {
      const preview = await this.#client.previewExport(previewed, format.key, options)
      if (!isNewest()) return
      this.preview = preview
      this.failure = null
    } catch (reason) {
      if (!isNewest()) return
      this.preview = null
      this.failure = errorMessage(reason)
    }
    this.previewing = false
  }

  /** Changes the template of file names. False if it cannot be used; then `settingsFailure` says why. */
  async nameFiles(template: string): Promise<boolean> {
    return this.#set(() => this.#client.setExportFileName(template))
  }

  async chooseLogo(): Promise<void> {
    await this.#set(() => this.#client.chooseExportLogo())
  }

  async removeLogo(): Promise<void> {
    await this.#set(() => this.#client.removeExportLogo())
  }

  async #begin(): Promise<void> {
    const isNewest = this.#previews.begin()
    try {
      this.#defaults ??= await this.#client.exportDefaults()
    } catch (reason) {
      if (!isNewest()) return
      this.failure = errorMessage(reason)
      this.previewing = false
      return
    }
    if (!isNewest()) return
    this.options = this.#choices.optionsFor(this.format.key, this.#defaults)
    await this.lookAgain()
  }

  async #fetchSettings(): Promise<void> {
    try {
      this.settings = await this.#client.exportSettings()
    } catch (reason) {
      this.settingsFailure = errorMessage(reason)
    }
  }

  async #set(request: () => Promise<unknown>): Promise<boolean> {
    this.settingsFailure = null
    try {
      if ((await request()) === false) return false
    } catch (reason) {
      this.settingsFailure = errorMessage(reason)
      return false
    }
    await Promise.all([this.#fetchSettings(), this.lookAgain()])
    return true
  }
}

/** The format with this key, or the first one. */
function formatOf(key: string | null): FormatView {
  const format = EXPORT_FORMATS.find((one) => one.key === key) ?? EXPORT_FORMATS[0]
  if (!format) throw new Error('the core offers no format')
  return format
}
