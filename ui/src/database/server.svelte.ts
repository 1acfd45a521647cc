/**
 * Which server holds the archive, and the form for another one. A choice applies from the next start on; nothing is moved.
 * A typed password stays here only until it is saved or the form is closed.
 */
import type { Client } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import type { DatabaseAddress, DatabaseChoice } from '../lib/types'
import { ConnectionTest } from './connection-test.svelte'
import { Fetched } from './fetched.svelte'
import { addressOf, EMPTY_FORM, formOf, problemOf, type ServerForm } from './server-form'

function isSame(one: DatabaseAddress | null, other: DatabaseAddress | null): boolean {
  return JSON.stringify(one && addressOf(formOf(one))) === JSON.stringify(other && addressOf(formOf(other)))
}

export class Server {
  /** The choice before the first one that was saved here. */
  #before = $state.raw<{ address: DatabaseAddress | null } | null>(null)
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
  /** Whether a choice was saved; until the form is opened again. */
  saved = $state(false)
  /** Whether what was saved is another address than before: the next start uses another server than this window. */
  changed = $derived.by(() => {
    if (this.#before === null) return false
    return !isSame(this.#before.address, this.choice.view?.address ?? null)
  })

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
    this.saved = false
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

  /** Lets the user choose the certificate of an authority of their own. */
  chooseCertificate = async () => {
    try {
      const certificate = await this.#client.chooseCertificate()
      if (certificate !== null) this.fill({ certificate })
    } catch (error) {
      this.failure = errorMessage(error)
    }
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
    this.saved = false
    this.failure = null
    try {
      const choice = await request
      this.#before ??= { address: this.choice.view?.address ?? null }
      this.choice.view = choice
      this.saved = true
      return true
    } catch (error) {
      this.failure = errorMessage(error)
      return false
    } finally {
      this.saving = false
    }
  }
}
