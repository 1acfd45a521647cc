import { describe, expect, test } from 'vitest'
import { memoryClient, sampleConnection, sampleStatus, sampleSteps, type Seed } from '../lib/memory'
import { Database } from './database.svelte'

function database(seed: Seed['database'] = {}) {
  const client = memoryClient({ database: seed })
  return { client, database: new Database(client) }
}

const withConnection: Seed['database'] = {
  activity: { columns: [], running: [sampleConnection(4711)], idle: 6 },
}
const fields = { host: 'db.example', database: 'meetings', user: 'anna', password: 'secret' }

describe('the figures', () => {
  test('are fetched when they are asked for, with the choice of the server', async () => {
    const { client, database: one } = database()
    expect(client.calls).toEqual([])
    one.fetch()
    await expect.poll(() => one.status.view?.version).toBe('16.9')
    await expect.poll(() => one.server.choice.view?.address).toBeNull()
    expect(one.status.fetching).toBe(false)
  })

  test('stay when they cannot be fetched again', async () => {
    const { client, database: one } = database()
    await one.status.fetch()
    client.fail('databaseStatus', { message: 'The database did not answer.' }, 1)
    await one.status.fetch()
    expect(one.status.failure).toBe('The database did not answer.')
    expect(one.status.view).not.toBeNull()
    await one.status.fetch()
    expect(one.status.failure).toBeNull()
  })

  test('of two requests the newer one counts', async () => {
    const { client, database: one } = database()
    const answerFirst = client.hold('databaseStatus')
    const first = one.status.fetch()
    const answerSecond = client.hold('databaseStatus')
    const second = one.status.fetch()
    answerSecond()
    await second
    client.fail('databaseStatus', {}, 1)
    answerFirst()
    await first
    expect([one.status.view?.version, one.status.failure, one.status.fetching]).toEqual(['16.9', null, false])
  })

  test('are fetched again after maintenance, with the lists that were opened', async () => {
    const { client, database: one } = database()
    await one.tables.fetch()
    one.refreshAfterMaintenance()
    await expect.poll(() => client.count('databaseTables')).toBe(2)
    expect(client.count('databaseStatus')).toBe(1)
    expect(client.count('databaseIndexes')).toBe(0)
  })
})

describe('ending a connection', () => {
  test('says what that means and fetches the list again', async () => {
    const { client, database: one } = database(withConnection)
    await one.activity.fetch()
    await one.endConnection(4711)
    expect(one.ended).toMatchObject({ failed: false })
    expect(one.ended?.message).toContain('rolled back')
    expect(one.activity.view?.running).toEqual([])
    expect(client.count('databaseLocks')).toBe(0)
  })

  test('that is gone already fails with a sentence', async () => {
    const { database: one } = database()
    await one.endConnection(4711)
    expect(one.ended).toEqual({ message: 'There is no connection 4711.', failed: true })
  })
})

describe('a new password', () => {
  test('is made on the private server', async () => {
    const { database: one } = database()
    await one.changePassword()
    expect(one.password).toMatchObject({ failed: false })
    expect(one.changingPassword).toBe(false)
  })

  test('is refused on a configured one', async () => {
    const { database: one } = database({ status: sampleStatus({ private: false }) })
    await one.changePassword()
    expect(one.password).toMatchObject({ failed: true })
  })
})

test('maintenance that cannot be started says why, until it can', async () => {
  const { client, database: one } = database()
  await one.maintain('vacuum')
  expect(client.calls).toContainEqual(['startMaintenance', 'vacuum'])
  await one.maintain('analyze')
  expect(one.maintenanceFailure).toMatch(/under way/)
  await client.stopArchiveWork()
  await one.maintain('analyze')
  expect(one.maintenanceFailure).toBeNull()
})

describe('the form for a server of one’s own', () => {
  async function tested(steps = sampleSteps()) {
    const { client, database: one } = database({ steps })
    await one.server.choice.fetch()
    one.server.edit()
    one.server.fill(fields)
    await one.server.startTest()
    return { client, server: one.server }
  }

  test('is not tested while something is missing', async () => {
    const { client, database: one } = database()
    one.server.edit()
    await one.server.startTest()
    expect(one.server.problem).toMatch(/host/)
    expect(client.count('testDatabase')).toBe(0)
  })

  test('is saved after a test that passed, with the password', async () => {
    const { client, server } = await tested()
    expect(server.test.passed).toBe(true)
    expect(await server.save()).toBe(true)
    const address = expect.objectContaining({ host: 'db.example', tls: 'verify-full' })
    expect(client.calls).toContainEqual(['testDatabase', address, 'secret'])
    expect(client.calls).toContainEqual(['saveExternalDatabase', address, 'secret'])
    expect(server.choice.view).toMatchObject({ address: { host: 'db.example' }, password_from: 'key_store' })
    expect([server.form, server.changed]).toEqual([null, true])
  })

  test('is not saved after a test that failed', async () => {
    const { client, server } = await tested(
      sampleSteps({ step: 'port', message: 'Nothing listens.', action: 'Check the port.' }),
    )
    expect(server.test.failed?.step).toBe('port')
    expect(await server.save()).toBe(false)
    expect(client.count('saveExternalDatabase')).toBe(0)
  })

  test('has to be tested again after a change', async () => {
    const { client, server } = await tested()
    server.fill({ port: '6000' })
    expect([server.test.passed, server.test.steps]).toEqual([false, null])
    expect(await server.save()).toBe(false)
    expect(client.count('saveExternalDatabase')).toBe(0)
  })

  test('drops the answer of a test that a change has made out of date', async () => {
    const { client, database: one } = database()
    one.server.edit()
    one.server.fill(fields)
    const open = client.hold('testDatabase')
    const test = one.server.startTest()
    expect(one.server.test.running).toBe(true)
    one.server.fill({ host: 'other.example' })
    open()
    await test
    expect([one.server.test.running, one.server.test.steps]).toEqual([false, null])
  })

  test('says why a test or saving failed', async () => {
    const { client, server } = await tested()
    client.fail('saveExternalDatabase', { message: 'The settings could not be written.' }, 1)
    expect(await server.save()).toBe(false)
    expect(server.failure).toBe('The settings could not be written.')
    expect(server.form).not.toBeNull()
    client.fail('testDatabase', { message: 'The address is invalid.' }, 1)
    await server.startTest()
    expect([server.test.failure, server.test.passed]).toEqual(['The address is invalid.', false])
  })

  test('forgets the password when it is closed', async () => {
    const { server } = await tested()
    server.close()
    server.edit()
    expect(server.form?.password).toBe('')
  })

  test('is filled with the configured server, which can be left again', async () => {
    const { server } = await tested()
    await server.save()
    server.edit()
    expect(server.form).toMatchObject({ host: 'db.example', user: 'anna', password: '' })
    expect(await server.usePrivate()).toBe(true)
    expect(server.choice.view).toMatchObject({ address: null, password_from: null })
    // This is the server that the window was started with.
    expect([server.form, server.saved, server.changed]).toEqual([null, true, false])
  })
})
