/** Whether a speech model is installed, and what it can be used for. */
import type { ModelView } from '../lib/types'

export function isInstalled(model: ModelView): boolean {
  return model.state.state === 'installed' || model.state.state === 'built_in'
}

/** Whether recordings can be transcribed with it now. */
export function isUsable(model: ModelView): boolean {
  return isInstalled(model) && !model.telling_speakers
}

/** Whether any part of it is on this computer, or on its way. */
export function isHere(model: ModelView): boolean {
  return model.state.state !== 'available'
}

/** Whether all of these files are speech models, by their extensions. */
export function areModelFiles(paths: readonly string[]): boolean {
  return paths.length > 0 && paths.every((path) => /\.(gguf|bin)$/i.test(path))
}
