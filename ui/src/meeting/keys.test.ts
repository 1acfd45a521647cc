import { beforeEach, describe, expect, test, vi } from 'vitest'
import { memoryClient, sampleJob } from '../lib/memory'
import { MeetingKeys } from './keys'
import { Playback } from './playback.svelte'
import { FakeAudio } from './testing'

const job = sampleJob({ duration_ms: 600_000 })
let playback: Playback
let keys: MeetingKeys
const segments = {
  move: vi.fn(),
  toFirst: vi.fn(),
  toLast: vi.fn(),
  playChosen: vi.fn(),
  assign: vi.fn(() => true),
  toSpeakerChange: vi.fn(),
}

beforeEach(async () => {
  vi.clearAllMocks()
  const audio = new FakeAudio()
  playback = new Playback(memoryClient({ jobs: [job] }), audio.element)
  await playback.open(job)
  audio.arrive(600_000)
  playback.seek(60_000)
  keys = new MeetingKeys(playback)
  keys.segments = segments
  window.addEventListener('keydown', keys.handle)
  return () => {
    window.removeEventListener('keydown', keys.handle)
    playback.destroy()
    document.body.replaceChildren()
  }
})

function on(html: string): HTMLElement {
  document.body.innerHTML = html
  return document.body.querySelector<HTMLElement>('[data-here]') ?? document.body
}

/** Presses a key and says whether it was taken. */
function press(key: string, where: HTMLElement = document.body, more: KeyboardEventInit = {}): boolean {
  return !where.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }))
}

test.each([
  ['j', 50_000],
  ['L', 70_000],
  ['ArrowLeft', 55_000],
  ['ArrowRight', 65_000],
])('%s goes to %d ms', (key, ms) => {
  expect(press(key)).toBe(true)
  expect(playback.currentMs).toBe(ms)
})

test('Space plays and pauses, K only pauses', () => {
  press(' ')
  expect(playback.playing).toBe(true)
  press('k')
  expect(playback.playing).toBe(false)
  press('k')
  expect(playback.playing).toBe(false)
  press(' ', document.body, { repeat: true })
  expect(playback.playing).toBe(false)
})

test('arrows, Home, End and Enter move through the segments', () => {
  for (const key of ['ArrowUp', 'ArrowDown', 'Home', 'End', 'Enter']) expect(press(key)).toBe(true)
  expect(segments.move.mock.calls).toEqual([[-1], [1]])
  expect(
    [segments.toFirst, segments.toLast, segments.playChosen].map((step) => step.mock.calls.length),
  ).toEqual([1, 1, 1])
})

test('Ctrl+E opens the export menu, if there is one', () => {
  expect(press('e', document.body, { ctrlKey: true })).toBe(false)
  keys.openExport = vi.fn()
  expect(press('e', document.body, { ctrlKey: true })).toBe(true)
  expect(keys.openExport).toHaveBeenCalledOnce()
  expect(press('e')).toBe(false)
})

describe('keys that the focused element uses', () => {
  test.each([
    ['a field', '<input data-here>'],
    ['an editor', '<textarea data-here></textarea>'],
    ['a menu', '<div role="menu"><div role="menuitem" tabindex="0" data-here></div></div>'],
    ['a dialog', '<div role="dialog"><button data-here></button></div>'],
    ['a confirmation', '<div role="alertdialog"><button data-here></button></div>'],
    ['a list box', '<div role="listbox"><div role="option" data-here></div></div>'],
  ])('%s', (_, html) => {
    for (const key of [' ', 'j', 'k', 'l', 'ArrowDown', 'ArrowLeft', 'Home', 'Enter'])
      expect(press(key, on(html))).toBe(false)
    expect([playback.currentMs, playback.playing, segments.move.mock.calls.length]).toEqual([
      60_000,
      false,
      0,
    ])
  })

  test('a button is pressed with Space and Enter', () => {
    const button = on('<button data-here></button>')
    expect([press(' ', button), press('Enter', button), press('j', button)]).toEqual([false, false, true])
  })

  test('Enter on the time of a segment plays it; Space plays and pauses as everywhere', () => {
    const time = on('<button data-line data-here></button>')
    expect([press('Enter', time), press(' ', time), playback.playing]).toEqual([false, true, true])
  })

  test('the slider keeps its own keys', () => {
    const slider = on('<input type="range" data-here>')
    expect([press('ArrowUp', slider), press('Home', slider), press('ArrowRight', slider)]).toEqual([
      false,
      false,
      true,
    ])
    expect(playback.currentMs).toBe(65_000)
  })

  test('handled events and other combinations are ignored', () => {
    const taken = on('<div data-here></div>')
    taken.addEventListener('keydown', (event) => event.preventDefault())
    press('l', taken)
    for (const held of [{ ctrlKey: true }, { altKey: true }, { metaKey: true }, { shiftKey: true }])
      press('l', document.body, held)
    expect(playback.currentMs).toBe(60_000)
  })
})

test('without an open meeting nothing happens', () => {
  playback.close()
  keys.segments = null
  for (const key of [' ', 'j', 'ArrowDown', 'Enter']) expect(press(key)).toBe(false)
})
