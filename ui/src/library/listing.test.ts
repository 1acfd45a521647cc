import { describe, expect, test } from 'vitest'
import { sampleJob, sampleMeetings } from '../lib/memory'
import { random } from '../lib/memory/samples/random'
import type { JobView } from '../lib/types'
import { Order, type Arrangement, type FolderPaths } from './arrangement'
import { Listing } from './listing'
import type { Change } from './meetings-by-id'

const local = (day: number, hour: number) => new Date(2026, 2, day, hour).toISOString()
const job = (id: string, change: Partial<JobView> = {}) =>
  sampleJob({ id, title: id, recorded_at: local(3, 12), ...change })
const NOW = new Date(2026, 2, 4, 12).getTime()
const folders: FolderPaths = new Map([
  ['work', { rank: 0, path: 'Work' }],
  ['clients', { rank: 1, path: 'Work / Clients' }],
])

function shown(arrangement: Arrangement, jobs: JobView[]): string[] {
  const listing = Listing.of(new Order(arrangement, folders), jobs)
  return listing.rows.map((row) =>
    row.kind === 'heading' ? `# ${listing.order.heading(row.group, NOW)}` : row.key,
  )
}

describe('the groups', () => {
  const jobs = [
    job('a', { recorded_at: local(3, 9), duration_ms: 5 * 60_000, folder_id: 'clients' }),
    job('b', { recorded_at: local(4, 9), duration_ms: 45 * 60_000, folder_id: 'work' }),
    job('c', { recorded_at: '2026-01-05T10:00:00+00:00', duration_ms: null }),
    job('d', { recorded_at: local(3, 10), duration_ms: 9 * 60_000, folder_id: 'gone' }),
  ]

  test.each<[Arrangement, string[]]>([
    [{ group: 'day', sort: 'newest' }, ['# Today', 'b', '# Yesterday', 'd', 'a', '# 5 January', 'c']],
    [{ group: 'day', sort: 'oldest' }, ['# 5 January', 'c', '# Yesterday', 'a', 'd', '# Today', 'b']],
    [{ group: 'month', sort: 'title' }, ['# March 2026', 'a', 'b', 'd', '# January 2026', 'c']],
    [
      { group: 'folder', sort: 'newest' },
      ['# Work', 'b', '# Work / Clients', 'a', '# In no folder', 'd', 'c'],
    ],
    [
      { group: 'length', sort: 'longest' },
      ['# 30 to 60 minutes', 'b', '# Less than 10 minutes', 'd', 'a', '# Length not known', 'c'],
    ],
    [
      { group: 'length', sort: 'shortest' },
      ['# Less than 10 minutes', 'a', 'd', '# 30 to 60 minutes', 'b', '# Length not known', 'c'],
    ],
  ])('%j', (arrangement, expected) => expect(shown(arrangement, jobs)).toEqual(expected))

  test('by day are those of the time zone of each meeting, and each is listed once', () => {
    const rows = shown({ group: 'day', sort: 'newest' }, [
      job('tokyo, early', { recorded_at: '2026-03-04T00:30:00+09:00' }),
      job('new york', { recorded_at: '2026-03-03T12:00:00-05:00' }),
      job('tokyo, late', { recorded_at: '2026-03-04T09:00:00+09:00' }),
    ])
    expect(rows).toEqual(['# Today', 'tokyo, late', 'tokyo, early', '# Yesterday', 'new york'])
  })

  test('titles are sorted as people do it', () => {
    const titles = ['Memo 10', 'memo 2', 'Éclair', 'Zebra', 'ebb']
    const jobs = titles.map((title) => job(title))
    const rows = shown({ group: 'day', sort: 'title' }, jobs)
    expect(rows.slice(1)).toEqual(['ebb', 'Éclair', 'memo 2', 'Memo 10', 'Zebra'])
  })
})

describe('places in the list', () => {
  const jobs = [job('a', { recorded_at: local(4, 9) }), job('b'), job('c', { recorded_at: local(2, 9) })]
  const listing = Listing.of(new Order({ group: 'day', sort: 'newest' }, folders), jobs)

  test('count meetings and no headings', () => {
    expect(listing.count).toBe(3)
    expect(jobs.map((one) => listing.placeOf(listing.indexOf(one)))).toEqual([0, 1, 2])
    expect([-1, 0, 1, 2, 9].map((place) => listing.at(place)?.id)).toEqual(['a', 'a', 'b', 'c', 'c'])
  })

  test('a range goes in either direction', () => {
    const ids = (found: JobView[]) => found.map(({ id }) => id)
    expect(ids(listing.between(jobs[2], jobs[1]))).toEqual(['b', 'c'])
    expect(ids(listing.between(jobs[0], jobs[2]))).toEqual(['a', 'b', 'c'])
    expect(listing.indexOf(job('elsewhere'))).toBe(-1)
  })

  test('an empty list has none', () => {
    const empty = Listing.of(listing.order, [])
    expect([empty.count, empty.at(0), empty.indexOf(jobs[0])]).toEqual([0, undefined, -1])
  })
})

describe('changes', () => {
  const arrangements: Arrangement[] = [
    { group: 'day', sort: 'newest' },
    { group: 'folder', sort: 'title' },
    { group: 'length', sort: 'shortest' },
    { group: 'month', sort: 'oldest' },
  ]

  test.each(arrangements)('make the same list as sorting everything anew: %j', (arrangement) => {
    const next = random(11)
    const pick = <Item>(items: readonly Item[]) => items[Math.floor(next() * items.length)]
    const order = new Order(arrangement, folders)
    const known = new Map(sampleMeetings(60).map((one) => [one.id, one]))
    const spare = sampleMeetings(200).slice(60)
    let listing = Listing.of(order, known.values())
    for (let step = 0; step < 300; step++) {
      const changes: Change[] = []
      for (let count = 0; count <= step % 3; count++) {
        const before = next() < 0.7 ? pick([...known.values()]) : undefined
        const made = before ?? spare.pop()
        if (!made || changes.some((one) => (one.before ?? one.after)?.id === made.id)) continue
        const after =
          before && next() < 0.3
            ? undefined
            : {
                ...made,
                title: `${made.title} ${step}`,
                folder_id: pick(['work', 'clients', null]) ?? null,
                duration_ms: Math.floor(next() * 9_000_000),
              }
        changes.push({ before, after })
        if (after) known.set(made.id, after)
        else known.delete(made.id)
      }
      listing = listing.changed(changes)
      const anew = Listing.of(order, known.values())
      expect(listing.rows.map(({ key }) => key)).toEqual(anew.rows.map(({ key }) => key))
      expect(listing.count).toBe(known.size)
    }
  })

  test('of a meeting that stays where it is replace nothing else', () => {
    const jobs = sampleMeetings(50)
    const listing = Listing.of(new Order({ group: 'day', sort: 'newest' }, folders), jobs)
    const before = jobs[20] ?? job('none')
    const after = { ...before, title: 'Renamed' }
    const changed = listing.changed([{ before, after }])
    const index = listing.indexOf(before)
    expect(changed.rows[index]).toMatchObject({ job: { title: 'Renamed' } })
    expect(changed.rows.every((row, at) => at === index || row === listing.rows[at])).toBe(true)
  })

  test('ten thousand meetings are arranged, and one of them changed, in no time', () => {
    const jobs = sampleMeetings(10_000)
    const order = new Order({ group: 'day', sort: 'newest' }, folders)
    const listing = Listing.of(order, jobs)
    let reads = 0
    const counted = new Proxy(listing.rows as unknown[], {
      get(rows, key, receiver) {
        if (typeof key === 'string' && /^\d+$/.test(key)) reads += 1
        return Reflect.get(rows, key, receiver)
      },
    })
    const before = jobs[5000] ?? job('none')
    Object.assign(listing, { rows: counted })
    const found = listing.indexOf(before)
    expect(listing.rows[found]).toMatchObject({ key: before.id })
    // Halving looks at about fourteen of them.
    expect(reads).toBeLessThan(40)
  })
})
