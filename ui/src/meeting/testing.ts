/** What jsdom lacks for component tests of a meeting: layout and audio. */
import { waitFor } from '@testing-library/svelte'
import { vi } from 'vitest'

/** The heights of every segment and of the view, as the stub reports them. */
export const SEGMENT_HEIGHT = 40
export const VIEW_HEIGHT = 400

/** Gives elements the sizes that virtual lists measure. */
export function stubLayout(): void {
  class Observer implements ResizeObserver {
    readonly #callback: ResizeObserverCallback
    constructor(callback: ResizeObserverCallback) {
      this.#callback = callback
    }
    observe(target: Element): void {
      const height = target.getAttribute('role') === 'listitem' ? SEGMENT_HEIGHT : VIEW_HEIGHT
      const entry = { target, contentRect: { width: 700, height } } as unknown as ResizeObserverEntry
      queueMicrotask(() => this.#callback([entry], this))
    }
    unobserve(): void {}
    disconnect(): void {}
  }
  vi.stubGlobal('ResizeObserver', Observer)
  Object.assign(document.defaultView ?? {}, { ResizeObserver: Observer })
  vi.spyOn(HTMLElement.prototype, 'offsetParent', 'get').mockImplementation(function (this: HTMLElement) {
    return this.getAttribute('role') === 'listitem' ? this.parentElement : null
  })
  Element.prototype.scrollTo = function (this: Element, to?: ScrollToOptions | number) {
    this.scrollTop = typeof to === 'object' ? (to.top ?? 0) : 0
    this.dispatchEvent(new Event('scroll'))
  } as Element['scrollTo']
}

/** The item of the open menu whose text begins with this. By the DOM: menus hide what they take to be outside the window. */
export function menuItem(name: string): Promise<HTMLElement> {
  return waitFor(() => {
    const items = [...document.querySelectorAll<HTMLElement>('[role^=menuitem]')]
    const item = items.find((one) => one.textContent.trim().startsWith(name))
    if (!item) throw new Error(`no menu offers ${name}`)
    return item
  })
}

/** An audio element whose loading, errors and time the test controls. */
export class FakeAudio {
  readonly element: HTMLAudioElement = document.createElement('audio')
  /** The addresses that it loaded, in order. */
  readonly sources: string[] = []
  /** What `play()` rejects with; null: it plays. */
  refusal: DOMException | null = null
  #paused = true
  #ready = 0
  #error: MediaError | null = null
  #duration = NaN

  constructor() {
    const own = (name: string, get: () => unknown) =>
      Object.defineProperty(this.element, name, { get, configurable: true })
    own('paused', () => this.#paused)
    own('readyState', () => this.#ready)
    own('error', () => this.#error)
    own('duration', () => this.#duration)
    let at = 0
    Object.defineProperty(this.element, 'currentTime', { get: () => at, set: (to: number) => (at = to) })
    Object.assign(this.element, {
      load: () => {
        this.#ready = 0
        this.#error = null
        at = 0
        const source = this.element.getAttribute('src')
        if (source !== null) this.sources.push(source)
      },
      play: () => {
        if (this.refusal) return Promise.reject(this.refusal)
        if (this.#paused) {
          this.#paused = false
          this.#dispatch('play')
        }
        return Promise.resolve()
      },
      pause: () => {
        if (this.#paused) return
        this.#paused = true
        this.#dispatch('pause')
      },
    })
  }

  /** The audio is loaded. */
  arrive(durationMs: number): void {
    this.#duration = durationMs / 1000
    this.#ready = 4
    this.#dispatch('loadedmetadata')
    this.#dispatch('canplay')
    if (!this.#paused) this.#dispatch('playing')
  }

  fail(): void {
    this.#error = { code: 2, message: '' } as MediaError
    this.#ready = 0
    this.#dispatch('error')
  }

  #dispatch(event: string): void {
    this.element.dispatchEvent(new Event(event))
  }
}
