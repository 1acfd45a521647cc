/** The database behind the archive: its figures and lists, and what a user can do with it. Nothing is fetched by itself. */
import type { Client } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import type {
  ActivityView,
  DatabaseStatusView,
  DatabaseWork,
  IndexesView,
  LocksView,
  MigrationsView,
  PsqlView,
  ServerLogView,
  SlowView,
  TablesView,
} from '../lib/types'
import { ConnectionTest } from './connection-test.svelte'
import { Fetched } from './fetched.svelte'
import { Server } from './server.svelte'

/** So many lines of the log are shown. */
const LOG_LINES = 200

/** How something that was asked for ended: what it means, or why it failed. */
export type Answer = { message: string; failed: boolean }

export class Database {
  readonly status: Fetched<DatabaseStatusView>
  readonly tables: Fetched<TablesView>
  readonly indexes: Fetched<IndexesView>
  readonly activity: Fetched<ActivityView>
  readonly locks: Fetched<LocksView>
  readonly slow: Fetched<SlowView>
  readonly migrations: Fetched<MigrationsView>
  readonly log: Fetched<ServerLogView>
  readonly server: Server
  /** The test of the connection that is in use. */
  readonly test: ConnectionTest
  /** How the last connection that the user ended did so. */
  ended = $state.raw<Answer | null>(null)
  /** What a new password means. */
  password = $state.raw<Answer | null>(null)
  changingPassword = $state(false)
  /** Whether psql was opened, and what is missing if not. */
  psql = $state.raw<PsqlView | null>(null)
  /** Why psql could not be opened. */
  psqlFailure = $state<string | null>(null)
  openingPsql = $state(false)
  /** Why maintenance could not be started. */
  maintenanceFailure = $state<string | null>(null)

  readonly #client: Client

  constructor(client: Client) {
    this.#client = client
    this.status = new Fetched(() => client.databaseStatus())
    this.tables = new Fetched(() => client.databaseTables())
    this.indexes = new Fetched(() => client.databaseIndexes())
    this.activity = new Fetched(() => client.databaseActivity())
    this.locks = new Fetched(() => client.databaseLocks())
    this.slow = new Fetched(() => client.slowStatements())
    this.migrations = new Fetched(() => client.databaseMigrations())
    this.log = new Fetched(() => client.databaseLog(LOG_LINES))
    this.server = new Server(client)
    this.test = new ConnectionTest(client)
  }

  /** Fetches what is always in sight. */
  fetch = () => {
    void this.status.fetch()
    void this.server.choice.fetch()
  }

  /** Fetches again what maintenance changes, as far as it was shown. */
  refreshAfterMaintenance = () => {
    void this.status.fetch()
    for (const list of [this.tables, this.indexes]) if (list.view !== null) void list.fetch()
  }

  /** Ends a connection, and fetches again the lists that showed it. */
  endConnection = async (pid: number): Promise<void> => {
    this.ended = null
    try {
      const { message } = await this.#client.endConnection(pid)
      this.ended = { message, failed: false }
    } catch (error) {
      this.ended = { message: errorMessage(error), failed: true }
    }
    const shown = [this.activity, this.locks].filter((list) => list.view !== null)
    await Promise.all(shown.map((list) => list.fetch()))
  }

  changePassword = async (): Promise<void> => {
    this.password = null
    this.changingPassword = true
    try {
      this.password = { message: await this.#client.changeDatabasePassword(), failed: false }
    } catch (error) {
      this.password = { message: errorMessage(error), failed: true }
    } finally {
      this.changingPassword = false
    }
  }

  openPsql = async (): Promise<void> => {
    this.psql = null
    this.psqlFailure = null
    this.openingPsql = true
    try {
      this.psql = await this.#client.openPsql()
    } catch (error) {
      this.psqlFailure = errorMessage(error)
    } finally {
      this.openingPsql = false
    }
  }

  /** Starts maintenance. How it goes on is in the state of the long work. */
  maintain = async (work: DatabaseWork): Promise<void> => {
    this.maintenanceFailure = null
    try {
      await this.#client.startMaintenance(work)
    } catch (error) {
      this.maintenanceFailure = errorMessage(error)
    }
  }

  copyText = (text: string): Promise<unknown> => this.#client.copyText(text)
}
