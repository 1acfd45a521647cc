/**
 * Plays short voice samples. A sample of the open meeting is played by the player, a sample of another meeting by an audio
 * element of its own.
 */
import type { Client } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import { Latest } from '../lib/latest'
import { t } from '../lib/messages'
import type { VoiceSampleView } from '../lib/types'
import type { Playback } from './playback.svelte'

export class Samples {
  /** Why the last sample could not be played. */
  failure = $state<string | null>(null)
  /** The sample of another meeting that is being played. */
  #other = $state.raw<VoiceSampleView | null>(null)

  readonly #client: Client
  readonly #playback: Playback
  readonly #audio: HTMLAudioElement
  readonly #latest = new Latest()
  #frame = 0

  constructor(client: Client, playback: Playback, audio: HTMLAudioElement = new Audio()) {
    this.#client = client
    this.#playback = playback
    this.#audio = audio
    audio.addEventListener('timeupdate', () => this.#check())
    audio.addEventListener('ended', () => this.stop())
    audio.addEventListener('error', () => {
      if (this.#other && audio.getAttribute('src')) this.#fail(t('speakers.sample.gone'))
    })
  }

  isPlaying(sample: VoiceSampleView | null | undefined): boolean {
    if (!sample) return false
    if (this.#other) return same(this.#other, sample)
    const { id, clip } = this.#playback
    return clip !== null && id !== null && same({ meeting_id: id, ...clip }, sample)
  }

  /** Plays a sample, or stops it if it is being played. */
  toggle(sample: VoiceSampleView): void {
    const playing = this.isPlaying(sample)
    this.stop()
    if (!playing) void this.#play(sample)
  }

  stop(): void {
    this.#latest.cancel()
    cancelAnimationFrame(this.#frame)
    if (this.#other) {
      this.#other = null
      this.#audio.pause()
      this.#audio.removeAttribute('src')
    }
    if (this.#playback.clip) this.#playback.endClip()
  }

  async #play(sample: VoiceSampleView): Promise<void> {
    this.failure = null
    if (sample.meeting_id === this.#playback.id) {
      this.#playback.playClip(sample.start_ms, sample.end_ms)
      return
    }
    const isLatest = this.#latest.begin()
    this.#playback.pause()
    this.#other = sample
    try {
      const address = await this.#client.sound(sample.meeting_id)
      if (!isLatest()) return
      if (address === null) return this.#fail(t('speakers.sample.gone'))
      const audio = this.#audio
      audio.src = address
      audio.volume = this.#playback.volume
      audio.currentTime = sample.start_ms / 1000
      audio.addEventListener('loadedmetadata', () => (audio.currentTime = sample.start_ms / 1000), {
        once: true,
      })
      await audio.play()
      if (isLatest()) this.#track()
    } catch (error) {
      if (isLatest()) this.#fail(errorMessage(error))
    }
  }

  #track = (): void => {
    this.#check()
    if (this.#other) this.#frame = requestAnimationFrame(this.#track)
  }

  #check(): void {
    // The player was started: it takes over.
    if (this.#playback.playing) this.stop()
    else if (this.#other && this.#audio.currentTime * 1000 >= this.#other.end_ms) this.stop()
  }

  #fail(message: string): void {
    this.stop()
    this.failure = message
  }
}

function same(a: VoiceSampleView, b: VoiceSampleView): boolean {
  return a.meeting_id === b.meeting_id && a.start_ms === b.start_ms && a.end_ms === b.end_ms
}
