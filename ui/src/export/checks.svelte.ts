/** Checks of exported files, and their results. */
import type { Client } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import type { VerifiedExport } from '../lib/types'
import { nameOf } from './exports.svelte'

/** A file that was checked. */
export type CheckedFile = {
  /** Its name; null if the user chose it in a dialog, which tells the page no paths. */
  name: string | null
  verified: VerifiedExport | null
  /** Why it could not be checked. */
  failure: string | null
}

/** The extensions of files that the program writes, and that are no recordings. */
const EXTENSIONS = /\.(pdf|docx|html|md|vtt|srt|json|csv|txt|rttm)$/i

/** Whether all of these files may be exports, by their extensions. */
export function mayBeExports(paths: readonly string[]): boolean {
  return paths.length > 0 && paths.every((path) => EXTENSIONS.test(path))
}

export class Checks {
  /** What was checked last. */
  files = $state.raw<readonly CheckedFile[]>([])
  checking = $state(false)

  readonly #client: Client
  readonly #onresult: () => void

  /** `onresult` is called when there is something to show. */
  constructor(client: Client, onresult: () => void) {
    this.#client = client
    this.#onresult = onresult
  }

  /** Lets the user choose a file and checks it. */
  choose = async (): Promise<void> => {
    if (this.checking) return
    this.checking = true
    try {
      const verified = await this.#client.verifyExport()
      if (!verified) return
      this.files = [{ name: null, verified, failure: null }]
    } catch (reason) {
      this.files = [{ name: null, verified: null, failure: errorMessage(reason) }]
    } finally {
      this.checking = false
    }
    this.#onresult()
  }

  /** Checks files that were dropped on the window. */
  async drop(paths: readonly string[]): Promise<void> {
    this.files = []
    this.checking = true
    this.#onresult()
    for (const path of paths) this.files = [...this.files, await this.#check(path)]
    this.checking = false
    this.#onresult()
  }

  async #check(path: string): Promise<CheckedFile> {
    const name = nameOf(path)
    try {
      return { name, verified: await this.#client.verifyDropped(path), failure: null }
    } catch (reason) {
      return { name, verified: null, failure: errorMessage(reason) }
    }
  }
}
