/** The database behind the archive: its figures, its connections, and which server is used. */
import { CoreError } from '../client'
import type { ConnectionStep, DatabaseChoice } from '../types'
import { notFound, type Handlers } from './calls'
import { copy } from './copy'
import type { Desktop } from './desktop'
import { sampleDatabase, type SampleDatabase } from './samples/database'

export type DatabaseSeed = { database?: Partial<SampleDatabase> }

export class MemoryDatabase {
  readonly #data: SampleDatabase
  readonly #desktop: Desktop

  constructor(desktop: Desktop, seed: DatabaseSeed) {
    this.#desktop = desktop
    this.#data = copy(sampleDatabase(seed.database))
  }

  readonly handlers = {
    databaseStatus: () => this.#data.status,
    databaseTables: () => this.#data.tables,
    databaseIndexes: () => this.#data.indexes,
    databaseActivity: () => this.#data.activity,
    databaseLocks: () => this.#data.locks,
    slowStatements: () => this.#data.slow,
    databaseMigrations: () => this.#data.migrations,
    databaseLog: (lines) => ({ ...this.#data.log, lines: this.#data.log.lines.slice(-lines) }),
    endConnection: (pid) => {
      const { activity, locks } = this.#data
      const one = activity.running.find((connection) => connection.pid === pid)
      const blocking = locks.blocked.find((blocked) => blocked.blocked_by === pid)
      const application = one?.application ?? blocking?.blocking_application
      if (application === undefined) throw notFound(`There is no connection ${pid}.`)
      activity.running = activity.running.filter((connection) => connection.pid !== pid)
      locks.blocked = locks.blocked.filter((blocked) => blocked.blocked_by !== pid)
      if (locks.blocked.length === 0) locks.message = 'Nobody waits for another connection.'
      const message = `The connection ${pid} of “${application}” is ended. Its open transaction is rolled back: nothing half done stays.`
      return { pid, application, ended: true, message }
    },
    changeDatabasePassword: () => {
      if (!this.#data.status.private)
        throw new CoreError({
          code: 'not_offered',
          message: 'MeetMemo changes the password of its private server only.',
        })
      return 'The private server has a new password. MeetMemo reads it from its file, so there is nothing to remember; open windows and workers go on.'
    },
    openPsql: () => this.#data.psql,
    chooseCertificate: () => this.#desktop.chosen[0] ?? null,
    databaseChoice: () => this.#data.choice,
    testDatabase: () => this.#data.steps,
    saveExternalDatabase: (address, password) =>
      this.#choose({
        address,
        password_from: password === '' ? (this.#data.choice.password_from ?? 'nowhere') : 'key_store',
        password_note: null,
      }),
    usePrivateDatabase: () => this.#choose({ address: null, password_from: null, password_note: null }),
  } satisfies Partial<Handlers>

  readonly controls = {
    /** What the next connection tests find. */
    setConnectionSteps: (steps: ConnectionStep[]): void => {
      this.#data.steps = copy(steps)
    },
  }

  #choose(change: Omit<DatabaseChoice, 'fixed_by'>): DatabaseChoice {
    const { fixed_by } = this.#data.choice
    if (fixed_by !== null)
      throw new CoreError({
        code: 'wrong_state',
        message: `The address of the database is given by ${fixed_by}, which overrides the settings.`,
      })
    this.#data.choice = copy({ ...change, fixed_by })
    return this.#data.choice
  }
}
