import { expect, test } from 'vitest'
import { memoryClient, sampleJob, sampleOptions } from '../lib/memory'
import { Exports, fileUrl, nameOf } from './exports.svelte'

const job = sampleJob()
const options = sampleOptions()

test.each([
  ['/home/anna/Panel discussion.pdf', 'file:///home/anna/Panel%20discussion.pdf'],
  ['/home/ä/100% #1?.md', 'file:///home/%C3%A4/100%25%20%231%3F.md'],
  ['C:\\Users\\Anna\\a b.pdf', 'file:///C:/Users/Anna/a%20b.pdf'],
  ['\\\\server\\share\\a.pdf', 'file://server/share/a.pdf'],
])('the URL of %s', (path, url) => {
  expect(fileUrl(path)).toBe(url)
})

test.each([
  ['/home/anna/a b.pdf', 'a b.pdf'],
  ['C:\\Users\\a.md', 'a.md'],
])('the file name of %s', (path, name) => {
  expect(nameOf(path)).toBe(name)
})

test('an export goes from the choice of a file to the finished file', async () => {
  const client = memoryClient({ jobs: [job] })
  const exports = new Exports(client)
  exports.follow()
  await exports.begin(job.id, 'pdf_transcript', options)
  const id = exports.items[0]?.view?.export_id ?? ''
  client.changeExport(id, { status: 'processing', progress: 30 })
  await expect.poll(() => exports.items[0]?.view?.progress).toBe(30)
  client.changeExport(id, { status: 'completed', progress: 100 })
  await expect.poll(() => exports.items[0]?.view?.status).toBe('completed')
})

test('events that came too early are made up for by a fetch', async () => {
  const client = memoryClient({ jobs: [job] })
  const exports = new Exports(client)
  const release = client.hold('exportJob')
  const began = exports.begin(job.id, 'pdf_transcript', options)
  await expect.poll(() => exports.items.length).toBe(1)
  client.changeExport(exports.items[0]?.view?.export_id ?? '', { status: 'completed' })
  release()
  await began
  expect(exports.items[0]?.view?.status).toBe('completed')
})

test('nothing is shown if the user cancels', async () => {
  const client = memoryClient({ jobs: [job] })
  client.exportPath = () => null
  const exports = new Exports(client)
  await expect(exports.begin(job.id, 'pdf_transcript', options)).resolves.toBe(false)
  expect(exports.items).toEqual([])
})

test('a failure can be tried again', async () => {
  const client = memoryClient({ jobs: [job] })
  client.fail('exportMeeting', { message: 'There is no folder of that name.' }, 1)
  const exports = new Exports(client)
  await exports.begin(job.id, 'markdown_transcript', options)
  const [item] = exports.items
  expect(item?.failure).toBe('There is no folder of that name.')
  if (item) await exports.again(item)
  expect(exports.items.map((one) => [one.failure, one.format])).toEqual([[null, 'markdown_transcript']])
})

test('a new try that the user cancels leaves the failure', async () => {
  const client = memoryClient({ jobs: [job] })
  client.fail('exportMeeting', { message: 'There is no folder of that name.' }, 1)
  const exports = new Exports(client)
  await exports.begin(job.id, 'pdf_transcript', options)
  client.exportPath = () => null
  const [item] = exports.items
  if (item) await exports.again(item)
  expect(exports.items.map(({ failure }) => failure)).toEqual(['There is no folder of that name.'])
})

test('a cancelled export leaves no notice; one that has ended meanwhile says how', async () => {
  const client = memoryClient({ jobs: [job] })
  const exports = new Exports(client)
  const begun = async () => {
    await exports.begin(job.id, 'pdf_transcript', options)
    const item = exports.items.at(-1)
    if (!item?.view) throw new Error('there is no export')
    return { item, id: item.view.export_id }
  }
  const first = await begun()
  await exports.cancel(first.item)
  expect(exports.items).toEqual([])
  expect(client.calls).toContainEqual(['cancelExport', first.id])
  const second = await begun()
  client.changeExport(second.id, { status: 'completed', progress: 100 })
  await exports.cancel(second.item)
  expect(exports.items.map(({ view }) => view?.status)).toEqual(['completed'])
})
