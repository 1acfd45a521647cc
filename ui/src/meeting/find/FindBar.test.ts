import { screen, waitFor } from '@testing-library/svelte'
import { describe, expect, test, vi } from 'vitest'
import { memoryClient, sampleJob, sampleTranscript } from '../../lib/memory'
import { Search } from '../../search/search.svelte'
import { isolateTests, item, line, open, openWith, user } from '../meeting-testing'

isolateTests()

const lines = [
  line(0, 'The low tide'),
  line(1_000, 'and the ebb'),
  line(2_000, 'Tide after TIDE'),
  line(3_000, 'tidewater'),
]

const marks = () => [...document.querySelectorAll('[data-text] mark')].map((mark) => mark.textContent)
const strong = () =>
  document.querySelector('mark.strong')?.closest('[data-index]')?.getAttribute('data-index')
const field = () => screen.getByRole('textbox', { name: 'Find in this meeting' })

async function find(words: string) {
  const shown = openWith(lines)
  await item('and the ebb')
  await waitFor(() => expect(shown.keys.find).not.toBeNull())
  shown.keys.find?.open()
  await waitFor(() => expect(field()).toHaveFocus())
  if (words !== '') await user.keyboard(words)
  return shown
}

describe('find', () => {
  test('marks all hits, counts them, and goes from one to the next and back', async () => {
    await find('tide')
    expect(screen.getByText('1 of 4')).toBeVisible()
    expect(marks()).toEqual(['tide', 'Tide', 'TIDE', 'tide'])
    expect(strong()).toBe('0')
    await user.keyboard('{Enter}')
    expect([screen.getByText('2 of 4').textContent, strong()]).toEqual(['2 of 4', '2'])
    await user.keyboard('{Shift>}{Enter}{Enter}{/Shift}')
    expect([screen.getByText('4 of 4').textContent, strong()]).toEqual(['4 of 4', '3'])
    await user.click(screen.getByRole('button', { name: 'Next' }))
    expect(screen.getByText('1 of 4')).toBeVisible()
  })

  test('matches case and whole words on demand, and says when nothing is found', async () => {
    await find('tide')
    await user.click(screen.getByRole('button', { name: 'Whole words' }))
    expect(marks()).toEqual(['tide', 'Tide', 'TIDE'])
    await user.click(screen.getByRole('button', { name: 'Match case' }))
    expect(marks()).toEqual(['tide'])
    await user.type(field(), 'xyz')
    expect(screen.getByText('Not found')).toBeVisible()
    expect(marks()).toEqual([])
  })

  test('the text of a line stays the same when words in it are marked', async () => {
    await find('after')
    const texts = [...document.querySelectorAll('[data-text]')].map((one) => one.textContent)
    expect(texts).toEqual(lines.map(({ text }) => text))
  })

  test('Escape closes it; the focus goes to the line that was found', async () => {
    await find('ebb')
    await user.keyboard('{Escape}')
    expect(screen.queryByRole('textbox', { name: 'Find in this meeting' })).toBeNull()
    expect(marks()).toEqual([])
    await waitFor(() =>
      expect(document.activeElement?.closest('[data-index]')).toHaveAttribute('data-index', '1'),
    )
  })

  test('without a hit, the focus goes back to where it was', async () => {
    const shown = openWith(lines)
    await item('and the ebb')
    await waitFor(() => expect(shown.keys.find).not.toBeNull())
    screen.getByRole('button', { name: 'More' }).focus()
    shown.keys.find?.open()
    await waitFor(() => expect(field()).toHaveFocus())
    await user.keyboard('xyz{Escape}')
    await waitFor(() => expect(screen.getByRole('button', { name: 'More' })).toHaveFocus())
  })

  test('keys typed into it do nothing else', async () => {
    const { playback } = await find('')
    const before = playback.currentMs
    await user.keyboard('jkl ')
    expect([
      field().getAttribute('value') ?? (field() as HTMLInputElement).value,
      playback.currentMs,
    ]).toEqual(['jkl ', before])
  })

  test('hits follow when more text is recognised', async () => {
    const { client, job } = await find('tide')
    client.addSegments(job.id, [...lines, line(4_000, 'the last tide')])
    await waitFor(() => expect(screen.getByText('1 of 5')).toBeVisible())
  })
})

describe('a meeting that was opened from the search', () => {
  async function openFound(at: number) {
    const job = sampleJob({ duration_ms: 60_000 })
    const seed = { transcripts: { [job.id]: sampleTranscript(lines) } }
    const search = new Search(memoryClient({ jobs: [job], ...seed }), vi.fn())
    await search.searchFor('tide')
    const [meeting] = search.meetings
    await search.unfold(job.id)
    search.open(meeting!, search.unfolded.get(job.id)!.passages![at]!)
    const onresults = vi.fn()
    const shown = open({}, seed, { search, onresults })
    await item('and the ebb')
    return { ...shown, search, onresults }
  }

  test('marks what was found, more strongly the place, which gets the focus', async () => {
    const { search } = await openFound(1)
    await waitFor(() => expect(marks()).toEqual(['tide', 'Tide', 'TIDE', 'tide']))
    expect([...document.querySelectorAll('mark.strong')].map((one) => one.textContent)).toEqual([
      'Tide',
      'TIDE',
    ])
    await waitFor(() =>
      expect(document.activeElement?.closest('[data-index]')).toHaveAttribute('data-index', '2'),
    )
    expect(search.jump).toBeNull()
    expect(screen.getByText('2 of 3 places with “tide”')).toBeVisible()
  })

  test('goes to the other places, and back to the results', async () => {
    const { onresults } = await openFound(0)
    const next = await screen.findByRole('button', { name: 'Next place' })
    await user.click(next)
    expect(screen.getByText('2 of 3 places with “tide”')).toBeVisible()
    await waitFor(() => expect(strong()).toBe('2'))
    expect(next).toHaveFocus()
    await user.click(screen.getByRole('button', { name: 'Back to the results' }))
    expect(onresults).toHaveBeenCalledOnce()
  })

  test('the marks go when the search is cleared, not when find is closed', async () => {
    const { keys } = await openFound(0)
    await waitFor(() => expect(keys.find).not.toBeNull())
    keys.find?.open()
    await waitFor(() => expect(field()).toHaveFocus())
    await user.keyboard('low')
    expect(marks()).toEqual(['low', 'tide', 'Tide', 'TIDE', 'tide'])
    await user.keyboard('{Escape}')
    expect(marks()).toEqual(['tide', 'Tide', 'TIDE', 'tide'])
    await user.click(screen.getByRole('button', { name: 'Clear the search' }))
    expect(marks()).toEqual([])
    expect(screen.queryByRole('button', { name: 'Back to the results' })).toBeNull()
  })
})
