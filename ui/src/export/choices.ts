/**
 * The last choices of the user: format, options of each format, and how text is copied. They belong to the page alone, so
 * the page stores them itself.
 */
import type { ExportOptions } from '../lib/types'

/** The number rises when stored choices of before could not be used any more. */
const KEY = 'meetmemo.export.1'

type Stored = {
  /** The key of the format. */
  format?: string
  /** By format. */
  options?: Record<string, Partial<ExportOptions>>
  /** Whether copied text has times. */
  copyTimes?: boolean
}

export class ExportChoices {
  readonly #storage: Storage
  #stored: Stored

  constructor(storage: Storage = localStorage) {
    this.#storage = storage
    this.#stored = read(storage)
  }

  get format(): string | null {
    return this.#stored.format ?? null
  }

  /** The options that were chosen last for a format; the rest is as in `defaults`. */
  optionsFor(format: string, defaults: ExportOptions): ExportOptions {
    const chosen = this.#stored.options?.[format] ?? {}
    return { ...defaults, ...chosen, subtitles: { ...defaults.subtitles, ...chosen.subtitles } }
  }

  keepFormat(format: string): void {
    this.#keep({ format })
  }

  keepOptions(format: string, options: ExportOptions): void {
    this.#keep({ options: { ...this.#stored.options, [format]: options } })
  }

  get copyTimes(): boolean {
    return this.#stored.copyTimes ?? false
  }

  set copyTimes(copyTimes: boolean) {
    this.#keep({ copyTimes })
  }

  #keep(change: Stored): void {
    this.#stored = { ...this.#stored, ...change }
    try {
      this.#storage.setItem(KEY, JSON.stringify(this.#stored))
    } catch {
      // Where nothing can be stored, the choices last as long as the window.
    }
  }
}

function read(storage: Storage): Stored {
  try {
    const stored: unknown = JSON.parse(storage.getItem(KEY) ?? '{}')
    return typeof stored === 'object' && stored !== null ? (stored as Stored) : {}
  } catch {
    // Unreadable choices are made again.
    return {}
  }
}
