/** The sound of one meeting at a time. */
import type { Client } from '../lib/client'
import { t } from '../lib/messages'
import type { JobView } from '../lib/types'
import { said } from './failure'

export const RATES = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3]

/** Why nothing can be heard, and whether trying again may help. */
export type PlaybackFailure = { message: string; canRetry: boolean }

type Opened = Pick<JobView, 'id' | 'duration_ms' | 'is_here'>

export class Playback {
  /** The meeting that is open. */
  id = $state<string | null>(null)
  /** Whether the audio can be played this moment. */
  ready = $state(false)
  playing = $state(false)
  /** Whether it should play but has no data yet. */
  waiting = $state(false)
  currentMs = $state(0)
  durationMs = $state(0)
  failure = $state.raw<PlaybackFailure | null>(null)
  /** A stretch that is heard by the way: it stops at its end, and where it was before is where it is again. */
  stretch = $state.raw<{ start_ms: number; end_ms: number } | null>(null)
  /** Counts the jumps to a chosen moment, so that the text can follow. */
  jumps = $state(0)

  #rate = $state(1)
  #volume = $state(1)
  readonly #audio: HTMLAudioElement
  readonly #client: Client
  #job: Opened | null = null
  /** Which address is the one that was asked for last. */
  #asked = 0
  #frame = 0
  /** Where to go once the audio is known. */
  #pendingMs: number | null = null
  #playWhenReady = false
  #beforeStretchMs = 0
  /** Whether a fresh address was tried since it last played. */
  #askedAgain = false
  /** Where each meeting was left. */
  readonly #left: Record<string, number> = {}

  constructor(client: Client, audio: HTMLAudioElement = new Audio()) {
    this.#client = client
    this.#audio = audio
    audio.preload = 'metadata'
    audio.preservesPitch = true
    this.#listen()
  }

  get rate(): number {
    return this.#rate
  }

  set rate(rate: number) {
    this.#rate = Math.min(3, Math.max(0.5, rate))
    // A new source starts with the default.
    this.#audio.defaultPlaybackRate = this.#rate
    this.#audio.playbackRate = this.#rate
  }

  get volume(): number {
    return this.#volume
  }

  set volume(volume: number) {
    this.#volume = Math.min(1, Math.max(0, volume))
    this.#audio.volume = this.#volume
  }

  /** Whether playing can be asked for: the audio is there, or on its way. */
  get canPlay(): boolean {
    return this.id !== null && this.failure === null
  }

  /** Makes `job` the meeting whose sound this is; where it was left, it goes on. */
  async open(job: Opened): Promise<void> {
    if (job.id === this.id && job.is_here === this.#job?.is_here) {
      this.#job = job
      if (!this.ready) this.durationMs = job.duration_ms ?? 0
      return
    }
    this.close()
    this.#job = job
    this.id = job.id
    this.durationMs = job.duration_ms ?? 0
    this.currentMs = this.#left[job.id] ?? 0
    await this.#load()
  }

  /** No meeting any more. */
  close(): void {
    if (this.stretch) this.currentMs = this.#beforeStretchMs
    this.stretch = null
    if (this.id !== null) this.#left[this.id] = this.currentMs
    this.#asked += 1
    this.#stop()
    this.#audio.removeAttribute('src')
    this.#audio.load()
    this.#job = null
    this.id = null
    this.ready = false
    this.failure = null
    this.currentMs = 0
    this.durationMs = 0
    this.#pendingMs = null
    this.#playWhenReady = false
    this.#askedAgain = false
  }

  /** Tries again to get the audio after a failure, and to play it. */
  async retry(): Promise<void> {
    this.#askedAgain = false
    this.#playWhenReady = true
    await this.#load()
  }

  /** The first time this must come from a click or a key. */
  play(): void {
    if (!this.canPlay) return
    if (!this.#audio.src) {
      this.#playWhenReady = true
      return
    }
    if (this.durationMs > 0 && this.currentMs >= this.durationMs) this.seek(0)
    this.#start()
  }

  pause(): void {
    this.stretch = null
    this.#playWhenReady = false
    this.#audio.pause()
  }

  toggle(): void {
    if (this.playing) this.pause()
    else this.play()
  }

  playFrom(ms: number): void {
    if (!this.canPlay) return
    this.seek(ms)
    this.play()
  }

  playStretch(startMs: number, endMs: number): void {
    if (!this.canPlay) return
    const before = this.stretch ? this.#beforeStretchMs : this.currentMs
    this.#moveTo(startMs)
    this.stretch = { start_ms: startMs, end_ms: endMs }
    this.#beforeStretchMs = before
    this.play()
  }

  endStretch(): void {
    if (!this.stretch) return
    this.pause()
    this.#moveTo(this.#beforeStretchMs)
  }

  /** Goes to a moment that was chosen. */
  seek(ms: number): void {
    this.stretch = null
    this.#moveTo(ms)
    this.jumps += 1
  }

  /** Goes a little back or ahead. */
  seekBy(ms: number): void {
    this.stretch = null
    this.#moveTo(this.currentMs + ms)
  }

  /** Ends for good. */
  destroy(): void {
    this.close()
    this.#unlisten.abort()
  }

  #moveTo(ms: number): void {
    if (!this.canPlay) return
    const to = Math.max(0, this.durationMs > 0 ? Math.min(ms, this.durationMs) : ms)
    this.currentMs = to
    if (this.#audio.readyState >= HTMLMediaElement.HAVE_METADATA) this.#audio.currentTime = to / 1000
    else this.#pendingMs = to
  }

  async #load(): Promise<void> {
    const job = this.#job
    if (!job) return
    this.#asked += 1
    const asked = this.#asked
    this.failure = null
    this.ready = false
    this.#pendingMs = this.currentMs
    try {
      const address = job.is_here ? await this.#client.sound(job.id) : null
      if (asked !== this.#asked) return
      if (address === null) {
        this.#fail({ message: t(job.is_here ? 'player.missing' : 'player.elsewhere'), canRetry: job.is_here })
        return
      }
      this.#audio.src = address
      this.#audio.defaultPlaybackRate = this.#rate
      this.#audio.load()
      if (this.#playWhenReady) this.#start()
    } catch (reason) {
      if (asked === this.#asked) this.#fail({ message: said(reason), canRetry: true })
    }
  }

  #start(): void {
    this.#playWhenReady = true
    const asked = this.#asked
    this.#audio.play().catch((reason: unknown) => {
      // A new address or a pause came in between; or the error event says what happened.
      const name = (reason as Partial<DOMException> | null)?.name
      if (asked !== this.#asked || name === 'AbortError' || this.#audio.error) return
      const message = t(name === 'NotAllowedError' ? 'player.press-again' : 'player.broken')
      this.#fail({ message, canRetry: true })
    })
  }

  #fail(failure: PlaybackFailure): void {
    this.#stop()
    this.stretch = null
    this.#playWhenReady = false
    this.ready = false
    this.failure = failure
  }

  #stop(): void {
    this.#audio.pause()
    this.playing = false
    this.waiting = false
    cancelAnimationFrame(this.#frame)
  }

  /** Where the audio is, every frame while it plays: its own news of that come four times a second at best. */
  #track = (): void => {
    this.#readTime()
    this.#frame = requestAnimationFrame(this.#track)
  }

  #readTime(): void {
    // Rounded, so that a jump to the beginning of a line is not a hair before it.
    if (this.#pendingMs === null) this.currentMs = Math.round(this.#audio.currentTime * 1000)
    if (this.stretch && this.currentMs >= this.stretch.end_ms) this.endStretch()
  }

  readonly #unlisten = new AbortController()

  #listen(): void {
    const on = (name: keyof HTMLMediaElementEventMap, act: () => void) =>
      this.#audio.addEventListener(name, act, { signal: this.#unlisten.signal })
    on('loadedmetadata', () => {
      if (Number.isFinite(this.#audio.duration)) this.durationMs = Math.round(this.#audio.duration * 1000)
      if (this.#pendingMs) this.#audio.currentTime = this.#pendingMs / 1000
      this.#pendingMs = null
      this.#audio.playbackRate = this.#rate
      this.ready = true
    })
    on('play', () => {
      this.playing = true
      cancelAnimationFrame(this.#frame)
      this.#frame = requestAnimationFrame(this.#track)
    })
    on('playing', () => {
      this.waiting = false
      this.#askedAgain = false
    })
    on('waiting', () => (this.waiting = true))
    on('canplay', () => (this.waiting = false))
    on('pause', () => {
      this.playing = false
      this.waiting = false
      cancelAnimationFrame(this.#frame)
      if (!this.#audio.error) this.#readTime()
    })
    // Frames do not come while the window is out of sight.
    on('timeupdate', () => {
      if (this.stretch) this.#readTime()
    })
    on('seeked', () => this.#readTime())
    on('ended', () => {
      this.#playWhenReady = false
      this.currentMs = this.durationMs
    })
    on('error', () => this.#broke())
  }

  #broke(): void {
    // Taking the source away is told as an error too.
    if (!this.#job || !this.#audio.getAttribute('src')) return
    if (this.#askedAgain) {
      this.#fail({ message: t('player.broken'), canRetry: true })
      return
    }
    this.#askedAgain = true
    this.playing = false
    void this.#load()
  }
}
