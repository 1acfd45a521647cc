import type { MemoryClient, Seed } from '../../lib/memory'

/** A screen of the window in one state. */
export type Scene = {
  seed?: Seed
  /** Runs once the window is up. */
  then?: (client: MemoryClient) => void
  /** Shows an open popup, which is outside of all landmarks: the journey over all states leaves it out. */
  popup?: boolean
}

export type Scenes = Record<string, Scene>
