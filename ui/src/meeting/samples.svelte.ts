/** Short stretches to hear somebody by: of the meeting that is open through its player, of others beside it. */
import type { Client } from '../lib/client'
import { t } from '../lib/messages'
import type { SampleView } from '../lib/types'
import { said } from './failure'
import type { Playback } from './playback.svelte'

export class Samples {
  /** Why the last one could not be heard. */
  failure = $state<string | null>(null)
  #other = $state.raw<SampleView | null>(null)

  readonly #client: Client
  readonly #playback: Playback
  readonly #audio: HTMLAudioElement
  #asked = 0
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

  isPlaying(sample: SampleView | null | undefined): boolean {
    if (!sample) return false
    if (this.#other) return same(this.#other, sample)
    const { id, stretch } = this.#playback
    return stretch !== null && id !== null && same({ meeting_id: id, ...stretch }, sample)
  }

  /** Plays it, or stops it where it plays. */
  toggle(sample: SampleView): void {
    const playing = this.isPlaying(sample)
    this.stop()
    if (!playing) void this.#play(sample)
  }

  stop(): void {
    this.#asked += 1
    cancelAnimationFrame(this.#frame)
    if (this.#other) {
      this.#other = null
      this.#audio.pause()
      this.#audio.removeAttribute('src')
    }
    if (this.#playback.stretch) this.#playback.endStretch()
  }

  async #play(sample: SampleView): Promise<void> {
    this.failure = null
    if (sample.meeting_id === this.#playback.id) {
      this.#playback.playStretch(sample.start_ms, sample.end_ms)
      return
    }
    const asked = ++this.#asked
    this.#playback.pause()
    this.#other = sample
    try {
      const address = await this.#client.sound(sample.meeting_id)
      if (asked !== this.#asked) return
      if (address === null) return this.#fail(t('speakers.sample.gone'))
      const audio = this.#audio
      audio.src = address
      audio.volume = this.#playback.volume
      audio.currentTime = sample.start_ms / 1000
      audio.addEventListener('loadedmetadata', () => (audio.currentTime = sample.start_ms / 1000), {
        once: true,
      })
      await audio.play()
      if (asked === this.#asked) this.#track()
    } catch (error) {
      if (asked === this.#asked) this.#fail(said(error))
    }
  }

  #track = (): void => {
    this.#check()
    if (this.#other) this.#frame = requestAnimationFrame(this.#track)
  }

  #check(): void {
    // What is played in the meeting itself takes over.
    if (this.#playback.playing) this.stop()
    else if (this.#other && this.#audio.currentTime * 1000 >= this.#other.end_ms) this.stop()
  }

  #fail(message: string): void {
    this.stop()
    this.failure = message
  }
}

function same(a: SampleView, b: SampleView): boolean {
  return a.meeting_id === b.meeting_id && a.start_ms === b.start_ms && a.end_ms === b.end_ms
}
