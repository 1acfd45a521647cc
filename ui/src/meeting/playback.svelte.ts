/** Plays the audio of the open meeting. */
import type { Client } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import { localDay } from '../lib/format'
import { Latest } from '../lib/latest'
import { t } from '../lib/messages'
import type { JobView } from '../lib/types'

export const RATES = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3]

/** Why nothing can be played, and whether trying again may help. */
export type PlaybackFailure = { message: string; canRetry: boolean }

type Opened = Pick<JobView, 'id' | 'duration_ms' | 'is_here' | 'audio_removed_at' | 'file_name'>

export class Playback {
  /** The meeting that is open. */
  id = $state<string | null>(null)
  /** Whether the audio is loaded. */
  ready = $state(false)
  playing = $state(false)
  /** Whether it should play but has no data yet. */
  waiting = $state(false)
  currentMs = $state(0)
  durationMs = $state(0)
  failure = $state.raw<PlaybackFailure | null>(null)
  /** A short part that is played by itself. At its end, playback returns to where it was before. */
  clip = $state.raw<{ start_ms: number; end_ms: number } | null>(null)
  /** Counts the jumps to a moment that the user chose, so that the text can follow. */
  jumps = $state(0)

  #rate = $state(1)
  #volume = $state(1)
  readonly #audio: HTMLAudioElement
  readonly #client: Client
  #job: Opened | null = null
  readonly #latest = new Latest()
  #frame = 0
  /** Where to go once the length of the audio is known. */
  #pendingMs: number | null = null
  #playWhenReady = false
  #beforeClipMs = 0
  /** Whether a new address was fetched since the audio last played. */
  #reloaded = false
  /** The last position in each meeting, in ms. */
  readonly #positions: Record<string, number> = {}

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

  /** Whether the audio is loaded or being loaded. */
  get canPlay(): boolean {
    return this.id !== null && this.failure === null
  }

  /** Loads the audio of `job`, at the position where it was left. */
  async open(job: Opened): Promise<void> {
    const isSame = job.is_here === this.#job?.is_here && job.audio_removed_at === this.#job.audio_removed_at
    if (job.id === this.id && isSame) {
      this.#job = job
      if (!this.ready) this.durationMs = job.duration_ms ?? 0
      return
    }
    this.close()
    this.#job = job
    this.id = job.id
    this.durationMs = job.duration_ms ?? 0
    this.currentMs = this.#positions[job.id] ?? 0
    await this.#load()
  }

  /** Unloads the audio. */
  close(): void {
    if (this.clip) this.currentMs = this.#beforeClipMs
    this.clip = null
    if (this.id !== null) this.#positions[this.id] = this.currentMs
    this.#latest.cancel()
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
    this.#reloaded = false
  }

  /** After a failure: loads the audio again and plays it. */
  async retry(): Promise<void> {
    this.#reloaded = false
    this.#playWhenReady = true
    await this.#load()
  }

  /** Browsers require that the first call comes from a click or a key. */
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
    this.clip = null
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

  playClip(startMs: number, endMs: number): void {
    if (!this.canPlay) return
    const before = this.clip ? this.#beforeClipMs : this.currentMs
    this.#moveTo(startMs)
    this.clip = { start_ms: startMs, end_ms: endMs }
    this.#beforeClipMs = before
    this.play()
  }

  endClip(): void {
    if (!this.clip) return
    this.pause()
    this.#moveTo(this.#beforeClipMs)
  }

  /** Jumps to a moment that the user chose. */
  seek(ms: number): void {
    this.clip = null
    this.#moveTo(ms)
    this.jumps += 1
  }

  /** Jumps back or ahead by `ms`. */
  seekBy(ms: number): void {
    this.clip = null
    this.#moveTo(this.currentMs + ms)
  }

  /** Unloads the audio for good. */
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
    const isLatest = this.#latest.begin()
    this.failure = null
    this.ready = false
    this.#pendingMs = this.currentMs
    if (job.audio_removed_at !== null) {
      const day = localDay(job.audio_removed_at)
      this.#fail({ message: t('player.removed', { day, file: job.file_name }), canRetry: false })
      return
    }
    try {
      const address = job.is_here ? await this.#client.sound(job.id) : null
      if (!isLatest()) return
      if (address === null) {
        this.#fail({ message: t(job.is_here ? 'player.missing' : 'player.elsewhere'), canRetry: job.is_here })
        return
      }
      this.#audio.src = address
      this.#audio.defaultPlaybackRate = this.#rate
      this.#audio.load()
      if (this.#playWhenReady) this.#start()
    } catch (reason) {
      if (isLatest()) this.#fail({ message: errorMessage(reason), canRetry: true })
    }
  }

  #start(): void {
    this.#playWhenReady = true
    const isLatest = this.#latest.watch()
    this.#audio.play().catch((reason: unknown) => {
      // Not a failure of its own: the audio was replaced or paused meanwhile, or the error event reports it.
      const name = (reason as Partial<DOMException> | null)?.name
      if (!isLatest() || name === 'AbortError' || this.#audio.error) return
      const message = t(name === 'NotAllowedError' ? 'player.press-again' : 'player.broken')
      this.#fail({ message, canRetry: true })
    })
  }

  #fail(failure: PlaybackFailure): void {
    this.#stop()
    this.clip = null
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

  /** Reads the position in every frame while it plays; `timeupdate` comes four times a second at best. */
  #track = (): void => {
    this.#readTime()
    this.#frame = requestAnimationFrame(this.#track)
  }

  #readTime(): void {
    // Rounded, so that a jump to the start of a segment does not end slightly before it.
    if (this.#pendingMs === null) this.currentMs = Math.round(this.#audio.currentTime * 1000)
    if (this.clip && this.currentMs >= this.clip.end_ms) this.endClip()
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
      this.#reloaded = false
    })
    on('waiting', () => (this.waiting = true))
    on('canplay', () => (this.waiting = false))
    on('pause', () => {
      this.playing = false
      this.waiting = false
      cancelAnimationFrame(this.#frame)
      if (!this.#audio.error) this.#readTime()
    })
    // There are no frames while the window is hidden.
    on('timeupdate', () => {
      if (this.clip) this.#readTime()
    })
    on('seeked', () => this.#readTime())
    on('ended', () => {
      this.#playWhenReady = false
      this.currentMs = this.durationMs
    })
    on('error', () => this.#broke())
  }

  #broke(): void {
    // Removing the source causes an error event too.
    if (!this.#job || !this.#audio.getAttribute('src')) return
    if (this.#reloaded) {
      this.#fail({ message: t('player.broken'), canRetry: true })
      return
    }
    this.#reloaded = true
    this.playing = false
    void this.#load()
  }
}
