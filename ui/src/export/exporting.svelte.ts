/** All that exports need in the window: the sheet, what is under way, checks of files, and the choices of the last time. */
import type { Client, Unsubscribe } from '../lib/client'
import type { Archive } from '../library/archive.svelte'
import { Batches } from './batches.svelte'
import { Checks } from './checks.svelte'
import { ExportChoices } from './choices'
import { Exports } from './exports.svelte'
import { ExportSheet } from './sheet.svelte'

type Surroundings = {
  client: Client
  archive: Archive
  /** Shows a sheet, or takes it away. */
  show: (sheet: 'export' | 'check' | null) => Promise<void>
  onerror: (error: unknown) => void
}

export class Exporting {
  readonly choices = new ExportChoices()
  readonly exports: Exports
  readonly batches: Batches
  readonly sheet: ExportSheet
  readonly checks: Checks
  readonly #around: Surroundings

  constructor(around: Surroundings) {
    const { client, show, onerror } = around
    this.#around = around
    this.exports = new Exports(client)
    this.batches = new Batches(client, onerror)
    this.sheet = new ExportSheet(client, this.choices)
    this.checks = new Checks(client, () => void show('check'))
  }

  /** Keeps what is under way up to date until the returned function is called. */
  start(): Unsubscribe {
    const ends = [this.exports.follow(), this.batches.start()]
    return () => {
      for (const end of ends) end()
    }
  }

  /** Opens the sheet for meetings. */
  open = (ids: readonly string[]): void => {
    const { archive, show } = this.#around
    const previewed = ids.find((id) => archive.get(id)?.status === 'completed') ?? ids[0]
    if (previewed === undefined) return
    void show('export')
    void this.sheet.open(ids, previewed)
  }

  /** Lets the user choose where to, and begins; the sheet is done then. `zip` is for several meetings. */
  begin = async (zip: boolean): Promise<void> => {
    const { ids, format, options } = this.sheet
    const [id] = ids
    if (!options || id === undefined) return
    const begun = await (ids.length === 1
      ? this.exports.begin(id, format.key, options)
      : this.batches.begin({ ids, format: format.key, options, zip }))
    if (begun) await this.#around.show(null)
  }
}
