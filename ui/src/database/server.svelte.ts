/**
 * Which server holds the archive, and the form for another one. A choice applies from the next start on; nothing is moved.
 * A typed password stays here only until it is saved or the form is closed.
 */
import type { Client } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import type { DatabaseChoice } from '../lib/types'
import { ConnectionTest } from './connection-test.svelte'
import { Fetched } from './fetched.svelte'
import { addressOf, EMPTY_FORM, formOf, problemOf, type ServerForm } from './server-form'

export class Server {
  readonly choice: Fetched<DatabaseChoice>
  /** The form; null while it is closed. */
  form = $state.raw<ServerForm | null>(null)
  /** The test of the form as it is filled now. */
  readonly test: ConnectionTest
  /** What is missing in the form or wrong with it. */
  problem = $derived(this.form === null ? null : problemOf(this.form))
  saving = $state(false)
  /** Why the choice could not be saved. */
  failure = $state<string | null>(null)
  /** Whether a choice was saved since this window was opened: the next start uses another server than this one. */
  changed = $state(false)

  readonly #client: Client

  constructor(client: Client) {
    this.#client = client
    this.choice = new Fetched(() => client.databaseChoice())
    this.test = new ConnectionTest(client)
  }

  /** Opens the form, filled with the configured server if there is one. */
  edit = () => {
    const address = this.choice.view?.address ?? null
    this.form = address === null ? EMPTY_FORM : formOf(address)
    this.test.clear()
    this.failure = null
  }

  close = () => {
    this.form = null
    this.test.clear()
    this.failure = null
  }

  /** Changes the form. A test of what it said before does not count any more. */
  fill = (change: Partial<ServerForm>) => {
    if (this.form === null) return
    this.form = { ...this.form, ...change }
    this.test.clear()
    this.failure = null
  }

  startTest = async () => {
    if (this.form === null || this.problem !== null) return
    await this.test.start(addressOf(this.form), this.form.password)
  }

  /** Uses the tested server from the next start on. Resolves to whether that was saved. */
  save = async (): Promise<boolean> => {
    const { form } = this
    if (form === null || !this.test.passed) return false
    const saved = await this.#save(this.#client.saveExternalDatabase(addressOf(form), form.password))
    if (saved) this.close()
    return saved
  }

  /** Uses the private server from the next start on. Resolves to whether that was saved. */
  usePrivate = async (): Promise<boolean> => {
    const saved = await this.#save(this.#client.usePrivateDatabase())
    if (saved) this.close()
    return saved
  }

  async #save(request: Promise<DatabaseChoice>): Promise<boolean> {
    this.saving = true
    this.failure = null
    try {
      this.choice.view = await request
      this.changed = true
      return true
    } catch (error) {
      this.failure = errorMessage(error)
      return false
    } finally {
      this.saving = false
    }
  }
}
