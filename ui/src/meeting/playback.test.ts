import { beforeEach, describe, expect, test } from 'vitest'
import { memoryClient, sampleJob, type MemoryClient } from '../lib/memory'
import { Playback } from './playback.svelte'
import { FakeAudio } from './testing'

const job = sampleJob({ duration_ms: 60_000 })
const other = sampleJob({ id: 'other', duration_ms: 30_000 })

let audio: FakeAudio
let client: MemoryClient
let playback: Playback

beforeEach(() => {
  audio = new FakeAudio()
  client = memoryClient({ jobs: [job, other, sampleJob({ id: 'away', is_here: false })] })
  playback = new Playback(client, audio.element)
  return () => playback.destroy()
})

async function openReady() {
  await playback.open(job)
  audio.arrive(60_040)
}

test('shows the known length first, then the length of the audio', async () => {
  const opening = playback.open(job)
  expect(playback.durationMs).toBe(60_000)
  await opening
  expect([playback.ready, audio.element.preload]).toEqual([false, 'metadata'])
  audio.arrive(60_040)
  expect([playback.ready, playback.durationMs]).toEqual([true, 60_040])
})

test('plays from a moment, pauses and continues', async () => {
  await openReady()
  playback.playFrom(12_000)
  expect([playback.playing, playback.currentMs, audio.element.currentTime]).toEqual([true, 12_000, 12])
  audio.element.currentTime = 12.3456
  await expect.poll(() => playback.currentMs).toBe(12_346)
  playback.toggle()
  expect(playback.playing).toBe(false)
})

test('a seek before the audio is loaded is done later', async () => {
  const opening = playback.open(job)
  playback.playFrom(9_000)
  await opening
  expect(playback.playing).toBe(true)
  expect(playback.currentMs).toBe(9_000)
  audio.arrive(60_000)
  expect(audio.element.currentTime).toBe(9)
})

test('stays within the recording', async () => {
  await openReady()
  playback.seekBy(-5_000)
  expect(playback.currentMs).toBe(0)
  playback.seek(999_000)
  expect(playback.currentMs).toBe(60_040)
  playback.play()
  expect(playback.currentMs).toBe(0)
})

test('keeps the speed for the next meeting, and the pitch at any speed', async () => {
  playback.rate = 1.5
  await openReady()
  expect([audio.element.playbackRate, audio.element.preservesPitch]).toEqual([1.5, true])
  playback.rate = 9
  expect(playback.rate).toBe(3)
  playback.rate = 0
  expect(playback.rate).toBe(0.5)
  await playback.open(other)
  expect(audio.element.defaultPlaybackRate).toBe(0.5)
})

test('remembers the position in each meeting', async () => {
  await openReady()
  playback.seek(20_000)
  playback.play()
  await playback.open(other)
  expect([playback.playing, playback.currentMs]).toEqual([false, 0])
  await playback.open(job)
  audio.arrive(60_040)
  expect([playback.currentMs, audio.element.currentTime]).toEqual([20_000, 20])
})

test('a late answer does not replace the audio of another meeting', async () => {
  const release = client.hold('sound')
  const first = playback.open(job)
  const second = playback.open(other)
  release()
  await Promise.all([first, second])
  expect(audio.sources).toEqual(['memory:/sound/other'])
})

describe('failures', () => {
  test('audio on another computer', async () => {
    await playback.open(sampleJob({ id: 'away', duration_ms: 1000, is_here: false }))
    expect(playback.failure).toEqual({
      message: 'The audio of this recording is on another computer.',
      canRetry: false,
    })
    playback.play()
    expect(playback.playing).toBe(false)
  })

  test('audio that is missing', async () => {
    client.setSound(() => null)
    await playback.open(job)
    expect(playback.failure?.message).toContain('missing')
    expect(playback.failure?.canRetry).toBe(true)
  })

  test('a call that fails can be tried again', async () => {
    client.fail('sound', { message: 'The sound cannot be served.' }, 1)
    await playback.open(job)
    expect(playback.failure).toEqual({ message: 'The sound cannot be served.', canRetry: true })
    await playback.retry()
    audio.arrive(60_000)
    expect([playback.failure, playback.playing]).toEqual([null, true])
  })

  test('an error fetches the address once more and continues at the same position', async () => {
    await openReady()
    playback.playFrom(30_000)
    client.setSound(() => 'memory:/again')
    audio.fail()
    await expect.poll(() => audio.sources.at(-1)).toBe('memory:/again')
    audio.arrive(60_040)
    expect([audio.element.currentTime, playback.failure, audio.element.paused]).toEqual([30, null, false])
  })

  test('a second error in a row is shown', async () => {
    await openReady()
    playback.play()
    audio.fail()
    await expect.poll(() => audio.sources).toHaveLength(2)
    audio.fail()
    expect(playback.failure?.message).toBe('The audio of this recording could not be played.')
    expect([playback.playing, playback.canPlay]).toEqual([false, false])
    expect(audio.sources).toHaveLength(2)
  })

  test('a refusal to play without a click is shown', async () => {
    await openReady()
    audio.refusal = new DOMException('', 'NotAllowedError')
    playback.play()
    await expect.poll(() => playback.failure?.message).toContain('Press')
  })

  test('an interrupted start is not a failure', async () => {
    await openReady()
    audio.refusal = new DOMException('', 'AbortError')
    playback.play()
    await new Promise((resolve) => setTimeout(resolve))
    expect(playback.failure).toBeNull()
  })

  test('closing is not a failure', async () => {
    await openReady()
    playback.close()
    audio.fail()
    expect([playback.failure, client.count('sound')]).toEqual([null, 1])
  })
})

describe('a clip', () => {
  test('stops at its end and returns to the position before', async () => {
    await openReady()
    playback.seek(30_000)
    playback.playClip(5_000, 8_000)
    expect([playback.playing, playback.currentMs, playback.clip?.end_ms]).toEqual([true, 5_000, 8_000])
    expect(playback.jumps).toBe(1)
    audio.element.currentTime = 8.01
    await expect.poll(() => playback.clip).toBeNull()
    expect([playback.playing, playback.currentMs, audio.element.currentTime]).toEqual([false, 30_000, 30])
  })

  test('after another clip, returns to the position before both', async () => {
    await openReady()
    playback.playClip(5_000, 8_000)
    playback.playClip(40_000, 42_000)
    playback.endClip()
    expect(playback.currentMs).toBe(0)
  })

  test('ends when the user seeks', async () => {
    await openReady()
    playback.playClip(5_000, 8_000)
    playback.playFrom(20_000)
    expect([playback.playing, playback.clip]).toEqual([true, null])
    audio.element.currentTime = 21
    await expect.poll(() => playback.currentMs).toBe(21_000)
  })
})
