/** The preferences of the user and the state of the window. The core stores both. */
import type { Client } from '../lib/client'
import type { Preferences as Chosen, Theme, WindowState } from '../lib/types'

/** The state of the window is stored when it has not changed for this long. */
const SAVE_DELAY_MS = 300

/** Width of the library in px. */
export const SIDEBAR = { min: 240, max: 380, usual: 280 }

export class Preferences {
  chosen = $state.raw<Chosen>({ theme: 'system', notify: true })
  window = $state.raw<WindowState>({
    sidebar_width: SIDEBAR.usual,
    hint_dismissed: false,
    people_hint_dismissed: false,
    playback_rate: 1,
    volume: 1,
    library_group: 'day',
    library_sort: 'newest',
    places_open: true,
  })
  /** Whether both have been fetched. */
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
      // The defaults are used until the archive is open; then they are fetched again.
    }
  }

  /** Changes preferences. */
  choose(change: Partial<Chosen>): void {
    this.chosen = { ...this.chosen, ...change }
    this.#client.setPreferences(this.chosen).catch(this.#onerror)
  }

  /** Changes the remembered state of the window. */
  remember(change: Partial<WindowState>): void {
    this.window = {
      ...this.window,
      ...change,
      ...(change.sidebar_width && { sidebar_width: within(change.sidebar_width) }),
    }
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#client.setWindowState(this.window).catch(this.#onerror)
    }, SAVE_DELAY_MS)
  }
}

function within(width: number): number {
  return Math.round(Math.min(SIDEBAR.max, Math.max(SIDEBAR.min, width)))
}

/** Applies the theme, or the theme of the system and its changes. The returned function ends that. */
export function applyTheme(theme: Theme): () => void {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const apply = () => {
    const applied = theme === 'system' ? (dark.matches ? 'dark' : 'light') : theme
    document.documentElement.dataset.theme = applied
  }
  apply()
  if (theme !== 'system') return () => {}
  dark.addEventListener('change', apply)
  return () => dark.removeEventListener('change', apply)
}
