import { cleanup, render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { afterEach, expect, test, vi } from 'vitest'
import { sampleOptions } from '../lib/memory'
import { SUBTITLE_GUIDES } from '../lib/types'
import { menuItem } from '../meeting/testing'
import { ExportChoices } from './choices'
import { mayBeExports } from './checks.svelte'
import { guideOf } from './subtitle-guides'
import SubtitleFields from './SubtitleFields.svelte'

const user = userEvent.setup({ pointerEventsCheck: 0 })
afterEach(() => {
  cleanup()
  localStorage.clear()
})

test('a guide is recognised by its values', () => {
  expect(guideOf({ ...SUBTITLE_GUIDES.bbc })).toBe('bbc')
  expect(guideOf(sampleOptions().subtitles)).toBe('netflix')
  expect(guideOf({ ...SUBTITLE_GUIDES.bbc, gap_ms: 41 })).toBeNull()
})

test('a guide fills the numbers; own values are possible within limits', async () => {
  const onchange = vi.fn()
  const options = sampleOptions()
  const { rerender } = render(SubtitleFields, { options, onchange })
  await user.click(screen.getByRole('button', { name: 'Rules: Netflix' }))
  await user.click(await menuItem('BBC'))
  expect(onchange).toHaveBeenLastCalledWith({ subtitles: SUBTITLE_GUIDES.bbc })
  await rerender({ options: { ...options, subtitles: SUBTITLE_GUIDES.bbc } })
  const field = screen.getByRole('spinbutton', { name: 'Characters per line' })
  expect(field).toHaveValue(37)
  await user.type(field, '{Backspace}')
  expect(field).toBeInvalid()
  expect(field).toHaveAccessibleDescription('Enter a number from 10 to 100.')
  expect(onchange).toHaveBeenCalledTimes(1)
  await user.type(field, '9')
  expect(onchange).toHaveBeenLastCalledWith({
    subtitles: { ...SUBTITLE_GUIDES.bbc, characters_per_line: 39 },
  })
})

test('choices are remembered for each format, and unreadable ones are made again', () => {
  const defaults = sampleOptions()
  const choices = new ExportChoices()
  choices.keepFormat('txt')
  choices.keepOptions('txt', { ...defaults, times: 'none' })
  const next = new ExportChoices()
  expect([next.format, next.optionsFor('txt', defaults).times]).toEqual(['txt', 'none'])
  expect(next.optionsFor('pdf_transcript', defaults)).toEqual(defaults)
  localStorage.setItem('meetmemo.export.1', '{')
  expect(new ExportChoices().format).toBeNull()
})

test.each([
  [['/a/b.PDF', '/a/c.md'], true],
  [['/a/b.pdf', '/a/c.m4a'], false],
  [['/a/folder'], false],
  [[], false],
])('whether %j may be exports', (paths, is) => {
  expect(mayBeExports(paths)).toBe(is)
})
