import '@testing-library/jest-dom/vitest'

/** Stubs for what jsdom lacks: layout, colour schemes and audio. */

const ROW_HEIGHT = 56
const VIEW_HEIGHT = 600

class Measuring implements ResizeObserver {
  readonly #callback: ResizeObserverCallback
  constructor(callback: ResizeObserverCallback) {
    this.#callback = callback
  }
  observe(target: HTMLElement): void {
    // Rows of a virtual list have an absolute position; everything else is a viewport.
    const height = target.style.position === 'absolute' ? ROW_HEIGHT : VIEW_HEIGHT
    const entry = { target, contentRect: { width: 300, height } } as unknown as ResizeObserverEntry
    queueMicrotask(() => this.#callback([entry], this))
  }
  unobserve(): void {}
  disconnect(): void {}
}
globalThis.ResizeObserver = Measuring as unknown as typeof ResizeObserver

Object.defineProperty(HTMLElement.prototype, 'offsetParent', {
  configurable: true,
  get(this: HTMLElement) {
    return this.parentElement
  },
})

Element.prototype.scrollTo = function (this: Element, to?: ScrollToOptions | number) {
  this.scrollTop = typeof to === 'object' ? (to.top ?? 0) : 0
  this.dispatchEvent(new Event('scroll'))
} as Element['scrollTo']
Element.prototype.scrollBy = function (this: Element, by?: ScrollToOptions | number) {
  this.scrollTo({ top: this.scrollTop + (typeof by === 'object' ? (by.top ?? 0) : 0) })
} as Element['scrollBy']

Element.prototype.scrollIntoView = () => {}

window.matchMedia = (query: string) =>
  Object.assign(new EventTarget(), { matches: false, media: query }) as MediaQueryList

HTMLMediaElement.prototype.load = () => {}
HTMLMediaElement.prototype.pause = () => {}
HTMLMediaElement.prototype.play = () => Promise.resolve()
