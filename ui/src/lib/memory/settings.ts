/** Preferences, the state of the window, and what About shows. */
import type { About, Preferences, WindowState } from '../types'
import type { Handlers } from './calls'
import { copy } from './copy'
import { builtInModel } from './samples/models'

export type SettingsSeed = {
  preferences?: Partial<Preferences>
  window?: Partial<WindowState>
  about?: Partial<About>
  licences?: string
}

export class MemorySettings {
  #preferences: Preferences
  #window: WindowState
  readonly #about: About
  readonly #licences: string

  constructor(seed: SettingsSeed) {
    this.#preferences = { theme: 'system', notify: true, ...seed.preferences }
    this.#window = {
      sidebar_width: 280,
      hint_dismissed: false,
      people_hint_dismissed: false,
      playback_rate: 1,
      volume: 1,
      library_group: 'day',
      library_sort: 'newest',
      places_open: true,
      ...seed.window,
    }
    this.#about = { ...ABOUT, ...seed.about }
    this.#licences = seed.licences ?? 'MIT License\n\nCopyright (c) the authors'
  }

  readonly handlers = {
    preferences: () => this.#preferences,
    setPreferences: (preferences) => {
      this.#preferences = copy(preferences)
    },
    windowState: () => this.#window,
    setWindowState: (state) => {
      this.#window = copy(state)
    },
    about: () => this.#about,
    licences: () => this.#licences,
    openLogFolder: () => {},
    openDataFolder: () => {},
  } satisfies Partial<Handlers>
}

const ABOUT: About = {
  version: '0.1.0',
  engine: builtInModel().title,
  languages: builtInModel().languages,
  database: 'PostgreSQL 16.9',
  data_folder: '/home/anna/.local/share/meetmemo',
  private_database: true,
  components: [{ name: 'transcribe.cpp', version: '0.4.1', licence: 'MIT' }],
}
