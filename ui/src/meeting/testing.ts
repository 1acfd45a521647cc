/** What the page of a component test lacks: sizes, and sound. */
import { waitFor } from '@testing-library/svelte'
import { vi } from 'vitest'

/** Heights that every line and the view have; the page itself measures nothing. */
export const LINE_HEIGHT = 40
export const VIEW_HEIGHT = 400

export function stubLayout(): void {
  class Observer implements ResizeObserver {
    readonly #told: ResizeObserverCallback
    constructor(told: ResizeObserverCallback) {
      this.#told = told
    }
    observe(target: Element): void {
      const height = target.getAttribute('role') === 'listitem' ? LINE_HEIGHT : VIEW_HEIGHT
      const entry = { target, contentRect: { width: 700, height } } as unknown as ResizeObserverEntry
      queueMicrotask(() => this.#told([entry], this))
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

/** What a menu that is open offers under this name. Menus hide what they believe to be out of the window. */
export function menuItem(name: string): Promise<HTMLElement> {
  return waitFor(() => {
    const items = [...document.querySelectorAll<HTMLElement>('[role^=menuitem]')]
    const item = items.find((one) => one.textContent.trim().startsWith(name))
    if (!item) throw new Error(`no menu offers ${name}`)
    return item
  })
}

/** An audio element that plays when it is told to, and whose clock is moved by hand. */
export class FakeAudio {
  readonly element: HTMLAudioElement = document.createElement('audio')
  /** Addresses it was given, in order. */
  readonly sources: string[] = []
  /** Why the next `play()` is refused. */
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
          this.#tell('play')
        }
        return Promise.resolve()
      },
      pause: () => {
        if (this.#paused) return
        this.#paused = true
        this.#tell('pause')
      },
    })
  }

  /** The audio is there. */
  arrive(durationMs: number): void {
    this.#duration = durationMs / 1000
    this.#ready = 4
    this.#tell('loadedmetadata')
    this.#tell('canplay')
    if (!this.#paused) this.#tell('playing')
  }

  fail(): void {
    this.#error = { code: 2, message: '' } as MediaError
    this.#ready = 0
    this.#tell('error')
  }

  #tell(event: string): void {
    this.element.dispatchEvent(new Event(event))
  }
}
