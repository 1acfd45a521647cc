/** What the user chose, and how the window was left. Kept by the core; here is what is shown. */
import type { Client } from '../lib/client'
import type { Preferences as Chosen, Theme, WindowState } from '../lib/types'

/** A change of the window is kept when it has come to rest this long. */
const REST_MS = 300

export const SIDEBAR = { min: 240, max: 380, usual: 280 }

export class Preferences {
  chosen = $state.raw<Chosen>({ theme: 'system', notify: true })
  window = $state.raw<WindowState>({
    sidebar_width: SIDEBAR.usual,
    hint_dismissed: false,
    people_hint_dismissed: false,
    playback_rate: 1,
    volume: 1,
  })
  /** Whether both are what the core keeps. */
  loaded = $state(false)

  readonly #client: Client
  readonly #onerror: (error: unknown) => void
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(client: Client, onerror: (error: unknown) => void = () => {}) {
    this.#client = client
    this.#onerror = onerror
  }

  async fetch(): Promise<void> {
    if (this.loaded) return
    try {
      const [chosen, window] = await Promise.all([this.#client.preferences(), this.#client.windowState()])
      this.chosen = chosen
      this.window = { ...window, sidebar_width: within(window.sidebar_width) }
      this.loaded = true
    } catch {
      // The usual values will do until the archive is open; it is asked again then.
    }
  }

  choose(change: Partial<Chosen>): void {
    this.chosen = { ...this.chosen, ...change }
    this.#client.setPreferences(this.chosen).catch(this.#onerror)
  }

  leave(change: Partial<WindowState>): void {
    this.window = {
      ...this.window,
      ...change,
      ...(change.sidebar_width && { sidebar_width: within(change.sidebar_width) }),
    }
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#client.setWindowState(this.window).catch(this.#onerror)
    }, REST_MS)
  }
}

function within(width: number): number {
  return Math.round(Math.min(SIDEBAR.max, Math.max(SIDEBAR.min, width)))
}

/** Colours as chosen, or as the computer has them; the answer ends that. */
export function wear(theme: Theme): () => void {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const put = () => {
    const worn = theme === 'system' ? (dark.matches ? 'dark' : 'light') : theme
    document.documentElement.dataset.theme = worn
  }
  put()
  if (theme !== 'system') return () => {}
  dark.addEventListener('change', put)
  return () => dark.removeEventListener('change', put)
}
