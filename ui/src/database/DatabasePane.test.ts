import { cleanup, render, screen, waitFor, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import axe from 'axe-core'
import { afterEach, describe, expect, test } from 'vitest'
import App from '../App.svelte'
import {
  memoryClient,
  sampleConnection,
  sampleFigure,
  sampleJob,
  sampleLocks,
  sampleStatus,
  sampleSteps,
  type Seed,
} from '../lib/memory'
import type { DatabaseAddress } from '../lib/types'

const user = userEvent.setup({ pointerEventsCheck: 0 })
afterEach(cleanup)

const address: DatabaseAddress = {
  host: 'db.example',
  port: 5432,
  database: 'meetings',
  user: 'anna',
  tls: 'verify-full',
  root_certificate: null,
}
const onServer: Seed['database'] = {
  status: sampleStatus({ private: false }),
  choice: { address, password_from: 'key_store', password_note: null, fixed_by: null },
}
const busy: Seed['database'] = {
  activity: {
    columns: [{ column: 'state', meaning: 'What it does.' }],
    running: [sampleConnection(4711), sampleConnection(4712, { application: '', statement: null })],
    idle: 1,
  },
  locks: sampleLocks({
    blocked: [
      {
        pid: 4712,
        application: 'meetmemo worker',
        statement: 'UPDATE tasks SET lease_until = $1',
        statement_s: 12,
        locked: 'transaction 8123',
        mode: 'ShareLock',
        blocked_by: 4711,
        blocking_application: 'psql',
        blocking_state: 'idle in transaction',
        blocking_statement: null,
        blocking_transaction_s: 315,
      },
    ],
    message: '1 statement waits for another connection.',
  }),
}

async function open(seed: Seed = {}, act: (client: ReturnType<typeof memoryClient>) => void = () => {}) {
  const client = memoryClient({ jobs: [sampleJob()], window: { hint_dismissed: true }, ...seed })
  act(client)
  render(App, { client })
  await user.click(await screen.findByRole('button', { name: /^Archive/ }))
  await user.click(await screen.findByRole('tab', { name: 'Database' }))
  await screen.findByRole('heading', { level: 2, name: 'Server' })
  return client
}

const press = async (name: string) => user.click(await screen.findByRole('button', { name }))
const list = async (name: RegExp) => {
  await user.click(await screen.findByRole('button', { name, expanded: false }))
}

async function expectNoFaults() {
  const { violations } = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false } } })
  expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([])
}

describe('the figures', () => {
  test('have their meaning, and what is unusual is marked in words', async () => {
    await open({
      database: {
        status: sampleStatus({
          figures: [
            sampleFigure({ value: '91 of 100', state: 'unusual' }),
            sampleFigure({ key: 'deadlocks', label: 'Deadlocks', value: '0', meaning: 'See `psql`.' }),
          ],
        }),
      },
    })
    const term = await screen.findByText('Connections')
    expect(term.parentElement).toHaveTextContent('91 of 100 Unusual')
    expect(term.parentElement).toHaveTextContent('Above four fifths of the most')
    const normal = screen.getByText('Deadlocks').parentElement
    expect(normal).not.toHaveTextContent('Unusual')
    expect(within(normal as HTMLElement).getByText('psql').tagName).toBe('CODE')
    await expectNoFaults()
  })

  test('that cannot be fetched say why and can be fetched again', async () => {
    const client = await open({}, (one) =>
      one.fail('databaseStatus', { message: 'the database does not answer' }, 1),
    )
    expect(await screen.findByText(/could not be fetched. The database does not answer\./)).toBeVisible()
    await press('Try again')
    expect(await screen.findByText('PostgreSQL 16.9')).toBeVisible()
    expect(client.count('databaseStatus')).toBe(2)
  })
})

describe('a list', () => {
  test('is fetched when it is opened, and again on demand', async () => {
    const client = await open()
    expect(client.count('databaseTables')).toBe(0)
    await list(/^Tables/)
    const row = await screen.findByRole('row', { name: /^segments/ })
    expect(row).toHaveTextContent('24.0 MB')
    expect(screen.getByText(/more dead than live rows/)).toBeVisible()
    await press('What this means')
    expect(screen.getByText(/normally by far the largest/)).toBeVisible()
    await expectNoFaults()
    await press('Refresh: Tables')
    expect(client.count('databaseTables')).toBe(2)
  })

  test('of indexes shows damage, and definitions on demand', async () => {
    await open()
    await list(/^Indexes/)
    expect(await screen.findByRole('row', { name: /jobs_created_at of jobs · damaged/ })).toBeVisible()
    expect(screen.queryByText(/CREATE INDEX segments_pkey/)).toBeNull()
    await press('Show definitions')
    expect(screen.getByText(/CREATE INDEX segments_pkey/)).toBeVisible()
  })

  test('that cannot be fetched says why', async () => {
    const client = await open()
    client.fail('slowStatements', { message: 'the log cannot be read' }, 1)
    await list(/^Slow statements/)
    expect(await screen.findByText('It could not be fetched. The log cannot be read.')).toBeVisible()
    await press('Try again')
    expect(await screen.findByText(/None was recorded, which is normal/)).toBeVisible()
  })

  test('of migrations and the log show what the server has', async () => {
    const client = await open()
    await list(/^Migrations/)
    expect(await screen.findByRole('row', { name: /^archive_care 20260105000000 9 Jan 2026/ })).toBeVisible()
    await list(/^Log of the server/)
    expect(await screen.findByRole('region', { name: 'Log of the server' })).toHaveTextContent(
      'database system is ready',
    )
    expect(client.calls).toContainEqual(['databaseLog', 200])
    await press('Copy')
    expect(client.clipboard).toContain('database system is ready')
    client.fail('copyText', { message: 'there is no clipboard' })
    await press('Copy')
    expect(await screen.findByText('The log could not be copied. There is no clipboard.')).toBeVisible()
  })
})

describe('a connection', () => {
  test('is ended only after a second click', async () => {
    const client = await open({ database: busy })
    await list(/^Activity/)
    const running = await screen.findByRole('list', { name: 'Activity' })
    expect(running).toHaveTextContent('idle in transaction · statement for 5 min 12 s')
    expect(running).toHaveTextContent('The server does not show this statement')
    await press('End it… “psql”, process 4711')
    const dialog = await screen.findByRole('alertdialog', { name: 'End the connection 4711 of “psql”?' })
    expect(dialog).toHaveTextContent('Its open transaction is rolled back')
    await user.click(within(dialog).getByRole('button', { name: 'Cancel' }))
    expect(client.count('endConnection')).toBe(0)
    await press('End it… “psql”, process 4711')
    await press('End the connection')
    expect(await screen.findByText(/The connection 4711 of “psql” is ended/)).toBeVisible()
    await waitFor(() => expect(screen.queryByRole('button', { name: /process 4711/ })).toBeNull())
    expect(screen.getByRole('heading', { level: 2, name: 'A closer look' })).toHaveFocus()
    await expectNoFaults()
  })

  test('that others wait for is ended from the locks', async () => {
    const client = await open({ database: busy })
    await list(/^Locks/)
    expect(
      await screen.findByText('“meetmemo worker” (process 4712) waits 12 s for “psql” (process 4711)'),
    ).toBeVisible()
    await press('End it… “psql”, process 4711')
    await press('End the connection')
    expect(await screen.findByText('Nobody waits for another connection.')).toBeVisible()
    expect(client.calls).toContainEqual(['endConnection', 4711])
  })

  test('that cannot be ended stays, with the reason', async () => {
    const client = await open({ database: busy })
    client.fail('endConnection', { message: 'it belongs to the role “ben”' })
    await list(/^Activity/)
    await press('End it… “psql”, process 4711')
    await press('End the connection')
    expect(await screen.findByText('It belongs to the role “ben”.')).toBeVisible()
    expect(screen.getByRole('button', { name: 'End it… “psql”, process 4711' })).toBeVisible()
  })
})

describe('maintenance', () => {
  test('shows its progress, keeps the rest waiting, and can be stopped', async () => {
    const client = await open()
    await press('Analyze')
    expect(client.calls).toContainEqual(['startMaintenance', 'analyze'])
    client.workProgress({ kind: 'maintenance', table: 'segments', fraction: 0.4 })
    const panel = within(await screen.findByRole('tabpanel'))
    const bar = await panel.findByRole('progressbar')
    await waitFor(() => expect(bar).toHaveAttribute('aria-valuenow', '40'))
    expect(panel.getByText(/segments/)).toBeVisible()
    const vacuum = panel.getByRole('button', { name: /^Vacuum (?!full)/ })
    expect(vacuum).toHaveAttribute('aria-disabled', 'true')
    await user.click(vacuum)
    expect(client.count('startMaintenance')).toBe(1)
    await expectNoFaults()
    await user.click(panel.getByRole('button', { name: /^Stop/ }))
    expect(await panel.findByText(/The maintenance was stopped/)).toBeVisible()
    expect(client.count('stopArchiveWork')).toBe(1)
  })

  test('that ends shows the result, and the figures are fetched again', async () => {
    const client = await open()
    await press('Vacuum')
    await screen.findAllByRole('progressbar')
    client.endWork({
      outcome: 'maintenance',
      result: {
        work: 'vacuum',
        stopped: false,
        tables: [{ table: 'jobs', bytes_before: 81_920, bytes_after: 65_536, elapsed_ms: 31 }],
        message: '1 table is done.',
      },
    })
    expect(await screen.findByText('Vacuum: 1 table is done.')).toBeVisible()
    await waitFor(() => expect(client.count('databaseStatus')).toBe(2))
    await press('Show details')
    expect(screen.getByText('jobs: 80.0 kB before, 64.0 kB after, 31 ms')).toBeVisible()
    await press('Dismiss')
    await waitFor(() => expect(screen.queryByText('Vacuum: 1 table is done.')).toBeNull())
    expect(client.count('dismissArchiveWork')).toBe(1)
  })

  test('that writes every table anew warns first', async () => {
    const client = await open()
    await press('Vacuum full…')
    const dialog = await screen.findByRole('alertdialog', { name: 'Write every table anew?' })
    expect(dialog).toHaveTextContent('nobody can read or change it')
    expect(client.count('startMaintenance')).toBe(0)
    await user.click(within(dialog).getByRole('button', { name: 'Write every table anew' }))
    expect(client.calls).toContainEqual(['startMaintenance', 'vacuum_full'])
  })

  test('that fails or cannot start says why', async () => {
    const client = await open()
    client.fail('startMaintenance', { message: 'the archive is closed' }, 1)
    await press('Rebuild indexes')
    expect(
      await screen.findByText('The maintenance could not be started. The archive is closed.'),
    ).toBeVisible()
    client.endWork({
      outcome: 'failed',
      kind: 'maintenance',
      failure: { code: 'disk_full', message: 'The disk is full.' },
    })
    expect(await screen.findByText('The maintenance failed. The disk is full.')).toBeVisible()
  })
})

describe('the server', () => {
  test('that is private can get a new password and be tested', async () => {
    const client = await open()
    expect(await screen.findByText(/MeetMemo’s private server keeps the archive/)).toBeVisible()
    await press('New password')
    expect(await screen.findByText(/The private server has a new password/)).toBeVisible()
    await press('Test the connection')
    expect(await screen.findByText('The connection works: no step failed.')).toBeVisible()
    expect(client.calls).toContainEqual(['testDatabase', null, ''])
    const steps = within(screen.getByRole('list', { name: 'Steps of the connection test' }))
    expect(steps.getAllByRole('listitem')[1]).toHaveTextContent(
      'Port: In order Port 5432 of db.example accepts connections.',
    )
    await expectNoFaults()
  })

  test('of one’s own is used from the next start, after a test of the form', async () => {
    const client = await open({
      database: {
        steps: sampleSteps({ step: 'port', message: 'Nothing listens there.', action: 'Check the port.' }),
      },
    })
    await press('Use a server of your own…')
    expect(screen.getByRole('textbox', { name: 'Host' })).toHaveFocus()
    expect(screen.getByText(/Nothing is moved/)).toBeVisible()
    await user.click(screen.getByRole('button', { name: /^Test Enter the host/ }))
    expect(client.count('testDatabase')).toBe(0)
    await user.type(screen.getByRole('textbox', { name: 'Host' }), 'db.example')
    await user.type(screen.getByRole('textbox', { name: 'Database' }), 'meetings')
    await user.type(screen.getByRole('textbox', { name: 'User' }), 'anna')
    await user.type(screen.getByLabelText('Password'), 'secret{Enter}')
    expect(await screen.findByText('The connection does not work: see the step “Port”.')).toBeVisible()
    expect(screen.getByText('Check the port.')).toBeVisible()
    await user.click(screen.getByRole('button', { name: /^Use this server from the next start/ }))
    expect(client.count('saveExternalDatabase')).toBe(0)
    client.setConnectionSteps(sampleSteps())
    await press('Test')
    await screen.findByText('The connection works: no step failed.')
    await expectNoFaults()
    await press('Use this server from the next start')
    expect(client.calls).toContainEqual(['saveExternalDatabase', address, 'secret'])
    expect(await screen.findByText(/From the next start, a server of yours keeps the archive/)).toBeVisible()
    expect(screen.getByRole('heading', { level: 2, name: 'Server' })).toHaveFocus()
    expect(screen.queryByLabelText('Password')).toBeNull()
  })

  test('keeps a filled form while another tab is shown', async () => {
    await open()
    await press('Use a server of your own…')
    await user.type(screen.getByRole('textbox', { name: 'Host' }), 'db.example')
    await user.click(screen.getByRole('tab', { name: 'Backup' }))
    await user.click(screen.getByRole('tab', { name: 'Database' }))
    expect(await screen.findByRole('textbox', { name: 'Host' })).toHaveValue('db.example')
    await press('Cancel')
    await waitFor(() =>
      expect(screen.getByRole('button', { name: 'Use a server of your own…' })).toHaveFocus(),
    )
  })

  test('of one’s own is left after a confirmation', async () => {
    const client = await open({ database: onServer })
    expect(await screen.findByText(/the database “meetings” on db.example, port 5432, as anna/)).toBeVisible()
    expect(screen.getByText('The password is in the key store of your system.')).toBeVisible()
    expect(screen.queryByRole('button', { name: 'New password' })).toBeNull()
    await press('Back to the private server…')
    const dialog = await screen.findByRole('alertdialog')
    expect(dialog).toHaveTextContent('stay there and are not shown by the private server')
    expect(client.count('usePrivateDatabase')).toBe(0)
    await user.click(within(dialog).getByRole('button', { name: 'Use the private server' }))
    expect(await screen.findByText(/From the next start, MeetMemo’s private server/)).toBeVisible()
  })

  test('that an option fixes cannot be changed, and says so', async () => {
    const client = await open({
      database: { ...onServer, choice: { ...onServer.choice!, fixed_by: '--database-url' } },
    })
    const change = await screen.findByRole('button', { name: /^Change the server…/ })
    expect(change).toHaveAttribute('aria-disabled', 'true')
    expect(change).toHaveTextContent('start MeetMemo without it')
    await user.click(change)
    expect(screen.queryByRole('textbox', { name: 'Host' })).toBeNull()
    expect(client.count('usePrivateDatabase')).toBe(0)
  })

  test('can be chosen while the archive cannot be opened', async () => {
    const client = memoryClient({
      core: { state: 'failed', code: 'database_unreachable', message: 'The database gives no answer.' },
      database: onServer,
    })
    render(App, { client })
    await press('Database…')
    expect(await screen.findByRole('heading', { level: 1, name: 'Database' })).toHaveFocus()
    await press('Back to the private server…')
    await press('Use the private server')
    expect(await screen.findByText(/From the next start, MeetMemo’s private server/)).toBeVisible()
    await expectNoFaults()
    await press('Close the database')
    expect(await screen.findByText('The database gives no answer.')).toBeVisible()
  })
})
