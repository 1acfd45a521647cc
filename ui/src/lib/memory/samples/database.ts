/** A database that tests and the page of states show. */
import type {
  ActivityView,
  ColumnNote,
  ConnectionStep,
  ConnectionView,
  DatabaseChoice,
  DatabaseStatusView,
  FigureView,
  IndexesView,
  IndexView,
  LocksView,
  MigrationsView,
  PsqlView,
  ServerLogView,
  SlowView,
  TablesView,
  TableView,
} from '../../types'

/** What the client in memory knows about the database. */
export type SampleDatabase = {
  status: DatabaseStatusView
  tables: TablesView
  indexes: IndexesView
  activity: ActivityView
  locks: LocksView
  slow: SlowView
  migrations: MigrationsView
  log: ServerLogView
  choice: DatabaseChoice
  psql: PsqlView
  /** What a connection test finds. */
  steps: ConnectionStep[]
}

export function sampleDatabase(change: Partial<SampleDatabase> = {}): SampleDatabase {
  return {
    status: sampleStatus(),
    tables: sampleTables(),
    indexes: sampleIndexes(),
    activity: { columns: notes(ACTIVITY), running: [], idle: 6 },
    locks: sampleLocks(),
    slow: {
      columns: notes([
        ['time', 'When the statement ended.'],
        ['took', 'How long it took. Now and then one above the limit is normal.'],
      ]),
      source: 'log',
      limit_ms: 500,
      statements: [],
      message:
        'The private server records statements that take at least 500 ms (setting slow_query_ms), without their values. None was recorded, which is normal.',
    },
    migrations: sampleMigrations(),
    log: {
      path: '/home/anna/.local/share/meetmemo/database/postgres.log',
      lines: [
        '2026-03-03 10:14:02.114 UTC [4002] LOG:  starting PostgreSQL 16.9',
        '2026-03-03 10:14:02.151 UTC [4002] LOG:  database system is ready to accept connections',
      ],
      message: null,
    },
    choice: { address: null, password_from: null, password_note: null, fixed_by: null },
    psql: {
      opened: true,
      message: 'A terminal with psql is open. What you change there is changed at once.',
      command: "/usr/bin/meetmemo --data-dir '/home/anna/My meetings' database run -- psql",
    },
    steps: sampleSteps(),
    ...change,
  }
}

export function sampleFigure(change: Partial<FigureView> = {}): FigureView {
  return {
    key: 'connections',
    label: 'Connections',
    value: '8 of 100',
    meaning:
      'Connections of all programs to the server. A window or worker normally has 6 to 8, a command 5 or more. Above four fifths of the most, new ones are soon refused.',
    state: 'normal',
    ...change,
  }
}

export function sampleStatus(change: Partial<DatabaseStatusView> = {}): DatabaseStatusView {
  return {
    private: true,
    place: '/home/anna/.local/share/meetmemo/database',
    version: '16.9',
    size_bytes: 41_943_040,
    started_at: '2026-03-03T10:14:02Z',
    uptime_s: 7500,
    connections: 8,
    max_connections: 100,
    pool: { in_use: 1, idle: 4, waiting: 0, min_size: 5, max_size: 20, waits: 0, mean_wait_ms: 0 },
    cache_hit_ratio: 0.996,
    deadlocks: 0,
    oldest_transaction_s: null,
    migrations_applied: 12,
    migrations_pending: 0,
    figures: [
      sampleFigure({
        key: 'version',
        label: 'Version',
        value: 'PostgreSQL 16.9',
        meaning: 'MeetMemo works with PostgreSQL 15 to 18.',
      }),
      sampleFigure({
        key: 'size',
        label: 'Size',
        value: '40.0 MB',
        meaning:
          'Space that the database takes, without the recordings themselves. An hour of speech normally takes 2 to 4 MB; an empty archive takes about 10 MB.',
      }),
      sampleFigure({
        key: 'uptime',
        label: 'Running for',
        value: '2 h 5 min',
        meaning:
          'Time since the start. A server that has just started although nobody started it has crashed or was restarted: see `meetmemo database logs`.',
      }),
      sampleFigure(),
      sampleFigure({
        key: 'cache_hit_ratio',
        label: 'Read from memory',
        value: '99.6 %',
        meaning:
          'The share of pages that were in the server’s memory when they were needed. Above 95 % is normal; soon after a start it is lower.',
      }),
      sampleFigure({
        key: 'migrations',
        label: 'Schema',
        value: 'all 12 steps are applied, the last is archive_care',
        meaning:
          'The steps that made the tables. Normally all steps are applied; MeetMemo applies them when it starts.',
      }),
    ],
    ...change,
  }
}

export function sampleTable(name: string, change: Partial<TableView> = {}): TableView {
  return {
    name,
    total_bytes: 81_920,
    index_bytes: 32_768,
    live_rows: 40,
    dead_rows: 2,
    inserted: 42,
    updated: 12,
    deleted: 2,
    changed_since_analyze: 3,
    last_vacuum: null,
    last_autovacuum: null,
    last_analyze: null,
    last_autoanalyze: null,
    advice: null,
    ...change,
  }
}

const TABLES = 'exports jobs speakers turns tasks people settings transcripts voice_embeddings'.split(' ')

function sampleTables(): TablesView {
  return {
    columns: notes([
      ['size', 'Space on disk with indexes. “segments” holds the words and is normally by far the largest.'],
      ['rows', 'Rows of the table, estimated. An exact count would read the whole table.'],
      ['dead', 'Old versions of changed and deleted rows. Up to a fifth of the rows is normal.'],
    ]),
    tables: [
      sampleTable('segments', {
        total_bytes: 25_165_824,
        index_bytes: 6_291_456,
        live_rows: 48_210,
        dead_rows: 61_300,
        inserted: 109_510,
        deleted: 61_300,
        last_autovacuum: '2026-03-03T09:00:00Z',
        last_autoanalyze: '2026-03-03T09:00:00Z',
        advice: 'It has more dead than live rows: run `meetmemo database vacuum`.',
      }),
      ...TABLES.map((name) => sampleTable(name)),
    ],
  }
}

export function sampleIndex(name: string, change: Partial<IndexView> = {}): IndexView {
  return {
    name,
    table: 'segments',
    bytes: 65_536,
    scans: 812,
    unused: false,
    unique: false,
    valid: true,
    definition: `CREATE INDEX ${name} ON public.segments USING btree (transcript_id, start_ms)`,
    note: null,
    ...change,
  }
}

function sampleIndexes(): IndexesView {
  return {
    columns: notes([
      ['size', 'Space on disk. All indexes of a table together are normally smaller than the table.'],
      ['scans', 'Searches that used the index since the statistics began.'],
    ]),
    indexes: [
      sampleIndex('segments_pkey', { unique: true, bytes: 3_145_728 }),
      sampleIndex('segments_text_trgm', {
        scans: 0,
        unused: true,
        note: 'No search has used it since the statistics began. MeetMemo needs it as the archive grows; leave it.',
      }),
      sampleIndex('jobs_created_at', {
        table: 'jobs',
        valid: false,
        note: 'An interruption damaged it; it is not used. Run `meetmemo database reindex`.',
      }),
    ],
  }
}

const ACTIVITY: [string, string][] = [
  ['application', 'What the program calls itself: meetmemo window, meetmemo worker, psql, pg_dump …'],
  ['state', '“active” runs a statement. “idle in transaction” has begun a transaction and does nothing.'],
  ['waits for', 'What holds the statement up. “Lock …” means another connection.'],
]

export function sampleConnection(pid: number, change: Partial<ConnectionView> = {}): ConnectionView {
  return {
    pid,
    application: 'psql',
    user: 'meetmemo',
    client: null,
    state: 'idle in transaction',
    statement: 'UPDATE jobs SET title = $1 WHERE id = $2',
    statement_s: 312,
    transaction_s: 315,
    waits_for: null,
    ...change,
  }
}

export function sampleLocks(change: Partial<LocksView> = {}): LocksView {
  return {
    columns: notes([
      ['waits', 'The connection that cannot go on, and for how long.'],
      ['for', 'The connection that holds the lock. It releases the lock when its transaction ends.'],
    ]),
    held: 3,
    blocked: [],
    message: 'Nobody waits for another connection. 3 locks are held, which is normal.',
    ...change,
  }
}

function sampleMigrations(): MigrationsView {
  const names = ['initial', 'transcripts', 'speakers', 'people', 'archive_care']
  return {
    steps: names.map((name, index) => ({
      version: `2026010${index + 1}000000`,
      name,
      known: true,
      applied_at: '2026-01-09T08:00:00Z',
    })),
    message: 'all 5 steps are applied, the last is archive_care',
  }
}

const STEPS: [string, string][] = [
  ['name', 'db.example has the address 192.0.2.7.'],
  ['port', 'Port 5432 of db.example accepts connections.'],
  ['tls', 'The connection is encrypted.'],
  ['certificate', 'The certificate is valid and issued for db.example.'],
  ['password', 'The server lets “anna” in.'],
  ['rights', '“anna” has the rights that MeetMemo needs, and is no superuser.'],
  ['version', 'The server is PostgreSQL 16.9.'],
  ['encoding', 'The database stores UTF-8.'],
  ['extensions', 'The extension pg_trgm is installed.'],
  ['pooler', 'Each connection has a server process of its own.'],
  ['content', 'The database “meetings” is empty; MeetMemo creates its tables in it.'],
]

/** The steps of a connection test: all in order, or `failed` failed with this message and the rest was not tested. */
export function sampleSteps(failed?: { step: string; message: string; action: string }): ConnectionStep[] {
  const at = failed ? STEPS.findIndex(([step]) => step === failed.step) : STEPS.length
  return STEPS.map(([step, message], index) => {
    if (index < at) return { step, state: 'ok', message, action: null }
    if (index === at && failed) return { ...failed, state: 'failed' }
    const reason = `Not tested, because the step “${failed?.step}” failed.`
    return { step, state: 'skipped', message: reason, action: null }
  })
}

function notes(all: [string, string][]): ColumnNote[] {
  return all.map(([column, meaning]) => ({ column, meaning }))
}
