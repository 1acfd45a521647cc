import {
  sampleConnection,
  sampleFigure,
  sampleIndex,
  sampleLocks,
  sampleStatus,
  sampleSteps,
  sampleTable,
  type SampleDatabase,
  type Seed,
} from '../../lib/memory'
import type { DatabaseAddress, DatabaseChoice } from '../../lib/types'
import { press, pressAt } from './actions'
import { someMeetings } from './samples'
import type { Scene, Scenes } from './scene'

const address: DatabaseAddress = {
  host: 'db.example',
  port: 5432,
  database: 'meetings',
  user: 'anna',
  tls: 'verify-full',
  root_certificate: null,
}
const external: DatabaseChoice = {
  address,
  password_from: 'key_store',
  password_note: null,
  fixed_by: null,
}
const onServer: Partial<SampleDatabase> = {
  choice: external,
  status: sampleStatus({ private: false, place: '“meetings” on db.example:5432' }),
  log: {
    path: null,
    lines: [],
    message:
      'Your server writes its log itself; its administrator knows where. Usual places are /var/log/postgresql, journalctl --unit=postgresql, and docker compose logs database.',
  },
}
const expired = sampleSteps({
  step: 'certificate',
  message: 'The certificate of db.example has expired.',
  action: 'Ask the administrator to renew it, and check this computer’s clock.',
})

const worker = sampleConnection(4712, {
  application: 'meetmemo worker',
  state: 'active',
  statement: 'UPDATE tasks SET lease_until = now() + $1 WHERE id = $2 AND lease_token = $3',
  statement_s: 12.4,
  transaction_s: 12.4,
  waits_for: 'Lock transactionid',
})
const busy: Partial<SampleDatabase> = {
  activity: {
    columns: [{ column: 'application', meaning: 'What the program calls itself.' }],
    running: [
      sampleConnection(4711, { client: '192.0.2.40', user: 'ben' }),
      worker,
      sampleConnection(4713, { application: '', statement: null, state: 'active', transaction_s: null }),
    ],
    idle: 6,
  },
  locks: sampleLocks({
    message:
      '1 statement waits for another connection. If that does not end by itself, end the one that is waited for: `meetmemo database end PID`.',
    blocked: [
      {
        pid: worker.pid,
        application: worker.application,
        statement: worker.statement,
        statement_s: worker.statement_s,
        locked: 'transaction 8123',
        mode: 'ShareLock',
        blocked_by: 4711,
        blocking_application: 'psql',
        blocking_state: 'idle in transaction',
        blocking_statement: 'UPDATE jobs SET title = $1 WHERE id = $2',
        blocking_transaction_s: 315,
      },
    ],
  }),
}

const openTab = () => {
  pressAt('#archive-row')
  setTimeout(() => pressAt('#archive-tabs-database'), 100)
}
/** Opens the tab; then presses the buttons whose text begins with these names, one after the other. */
function tab(...names: string[]) {
  openTab()
  names.forEach((name, index) => setTimeout(() => pressBeginning(name), 250 + 150 * index))
}
function pressBeginning(name: string) {
  const buttons = [...document.querySelectorAll<HTMLElement>('#archive-tabs-panel button')]
  buttons.find((button) => button.textContent.trim().startsWith(name))?.click()
}
function fill(label: string, text: string) {
  const labels = [...document.querySelectorAll('label')]
  const field = labels.find((one) => one.textContent.trim() === label)?.control
  if (!(field instanceof HTMLInputElement)) return
  field.value = text
  field.dispatchEvent(new Event('input', { bubbles: true }))
}
function fillForm() {
  fill('Host', address.host)
  fill('Database', address.database)
  fill('User', address.user)
  fill('Password', 'not shown')
}

const scene = (database: Partial<SampleDatabase>, then: NonNullable<Scene['then']>): Scene => ({
  seed: { jobs: someMeetings, database } satisfies Seed,
  then,
})
/** The form, filled, after a test that found `steps`. */
const tested = (steps: SampleDatabase['steps']): Scene =>
  scene({ steps }, () => {
    tab('Use a server of your own…')
    setTimeout(fillForm, 400)
    setTimeout(() => press('Test'), 500)
  })

export const databaseScenes: Scenes = {
  database: scene({}, () => tab()),
  'database-loading': scene({}, (client) => {
    client.hold('databaseStatus')
    client.hold('databaseChoice')
    tab()
  }),
  'database-failed': scene({}, (client) => {
    client.fail('databaseStatus', { message: 'The database did not answer within 15 s.' })
    client.fail('databaseChoice', { message: 'The file settings.toml is invalid in line 3.' })
    tab()
  }),
  'database-unusual': scene(
    {
      status: sampleStatus({
        figures: [
          sampleFigure({ value: '91 of 100', state: 'unusual' }),
          sampleFigure({
            key: 'oldest_transaction',
            label: 'Oldest open transaction',
            value: '2 h 5 min',
            meaning:
              'How long the oldest transaction has been open. Normally none or seconds, during a backup minutes. One that is open for long keeps old rows from being cleared away: see `meetmemo database activity`.',
            state: 'unusual',
          }),
        ],
      }),
    },
    () => tab(),
  ),
  'database-external': scene(onServer, () => tab()),
  'database-external-fixed': scene(
    { ...onServer, choice: { ...external, password_from: 'address', fixed_by: 'MEETMEMO_DATABASE_URL' } },
    () => tab(),
  ),
  'database-use-private': scene(onServer, () => tab('Back to the private server…')),
  'database-tested': scene(
    {
      steps: sampleSteps().map((step) =>
        ['name', 'tls', 'certificate', 'pooler'].includes(step.step)
          ? { ...step, state: 'skipped', message: 'The private server is on this computer.' }
          : step,
      ),
    },
    () => tab('Test the connection'),
  ),
  'database-testing': scene({}, (client) => {
    client.hold('testDatabase')
    tab('Test the connection')
  }),
  'database-new-password': scene({}, () => tab('New password')),
  'database-form': scene({}, () => tab('Use a server of your own…')),
  'database-form-passed': tested(sampleSteps()),
  'database-form-failed': tested(expired),
  'database-form-saved': scene({}, () => {
    tab('Use a server of your own…')
    setTimeout(fillForm, 400)
    setTimeout(() => press('Test'), 500)
    setTimeout(() => press('Use this server from the next start'), 600)
  }),
  'database-psql': scene({}, () => tab('Open psql')),
  'database-psql-missing': scene(
    {
      psql: {
        opened: false,
        message: 'No terminal was found. Enter this command in a terminal of yours.',
        command: "/usr/bin/meetmemo --data-dir '/home/anna/My meetings' database run -- psql",
      },
    },
    () => tab('Open psql'),
  ),
  'database-psql-failed': scene({}, (client) => {
    client.fail('openPsql', { message: '/usr/bin/xterm could not be started: Permission denied.' })
    tab('Open psql')
  }),
  'database-form-certificate': scene({}, (client) => {
    client.chosen = ['/home/anna/certificates/authority.pem']
    tab('Use a server of your own…')
    setTimeout(fillForm, 400)
    setTimeout(() => press('Choose a file…'), 500)
  }),
  'database-maintenance': scene({}, (client) => {
    tab('Vacuum')
    setTimeout(() => client.workProgress({ kind: 'maintenance', table: 'segments', fraction: 0.4 }), 500)
  }),
  'database-maintained': {
    seed: {
      jobs: someMeetings,
      archiveWork: {
        ended: {
          outcome: 'maintenance',
          result: {
            work: 'vacuum_full',
            stopped: false,
            tables: [
              { table: 'segments', bytes_before: 25_165_824, bytes_after: 11_534_336, elapsed_ms: 2140 },
              { table: 'jobs', bytes_before: 81_920, bytes_after: 81_920, elapsed_ms: 31 },
            ],
            message: '2 tables are done. They took 24.1 MB before and take 11.1 MB now.',
          },
        },
      },
    },
    then: () => tab('Show details'),
  },
  'database-maintenance-failed': {
    seed: {
      jobs: someMeetings,
      archiveWork: {
        ended: {
          outcome: 'failed',
          kind: 'maintenance',
          failure: {
            code: 'disk_full',
            message: 'The disk has 1.2 GB free; writing “segments” anew needs 3.4 GB. Free some space.',
          },
        },
      },
    },
    then: () => tab(),
  },
  'database-vacuum-full': scene({}, () => tab('Vacuum full…')),
  'database-tables': scene({}, () => tab('Tables', 'What this means')),
  'database-tables-many': scene(
    {
      tables: {
        columns: [],
        tables: Array.from({ length: 60 }, (_, index) => sampleTable(`table_with_a_long_name_${index + 1}`)),
      },
    },
    () => tab('Tables'),
  ),
  'database-indexes': scene({}, () => tab('Indexes', 'Show definitions')),
  'database-indexes-many': scene(
    {
      indexes: {
        columns: [],
        indexes: Array.from({ length: 60 }, (_, index) => sampleIndex(`index_with_a_long_name_${index + 1}`)),
      },
    },
    () => tab('Indexes'),
  ),
  'database-activity-none': scene({}, () => tab('Activity')),
  'database-activity': scene(busy, () => tab('Activity')),
  'database-locks': scene(busy, () => tab('Locks')),
  'database-ended': scene(busy, () => {
    tab('Activity', 'End it…')
    setTimeout(() => press('End the connection'), 700)
  }),
  'database-end': scene(busy, () => tab('Activity', 'End it…')),
  'database-slow': scene(
    {
      slow: {
        columns: [{ column: 'took', meaning: 'How long it took.' }],
        source: 'log',
        limit_ms: 500,
        message:
          'The private server records statements that take at least 500 ms (setting slow_query_ms), without their values. The newest come first.',
        statements: Array.from({ length: 12 }, (_, index) => ({
          statement:
            'SELECT s.id, s.start_ms, s.text FROM segments s JOIN transcripts t ON t.id = s.transcript_id WHERE t.job_id = $1 ORDER BY s.start_ms',
          duration_ms: 540 + index * 310,
          at: '2026-03-03T10:14:02Z',
          application: 'meetmemo window',
          calls: 1,
          mean_ms: 540,
        })),
      },
    },
    () => tab('Slow statements'),
  ),
  'database-slow-none': scene({}, () => tab('Slow statements')),
  'database-migrations': scene({}, () => tab('Migrations')),
  'database-log': scene({}, () => tab('Log of the server')),
  'database-log-external': scene(onServer, () => tab('Log of the server')),
  'database-list-failed': scene({}, (client) => {
    client.fail('databaseLocks', { message: 'The database did not answer within 15 s.' })
    tab('Locks')
  }),
  'core-failed-database': {
    seed: {
      core: {
        state: 'failed',
        code: 'database_unreachable',
        message: 'The database “meetings” on db.example:5432 cannot be reached: it gives no answer.',
      },
      database: onServer,
    },
    then: () => press('Database…'),
  },
}
