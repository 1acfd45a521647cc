/** The models of the models page: filtered, and grouped so that all sizes of a model share one card. */
import type { ModelView } from '../lib/types'
import { isHere, isInstalled } from './status'

export type Filters = {
  /** BCP 47; null: any. */
  language: string | null
  maxBytes: number | null
  /** The slowest speed that passes; null: any. */
  speed: 'fast' | 'medium' | null
}

export const NO_FILTERS: Filters = { language: null, maxBytes: null, speed: null }

export function isFiltered(filters: Filters): boolean {
  return filters.language !== null || filters.maxBytes !== null || filters.speed !== null
}

/** All sizes of one model, the preferred one first, then from small to large. */
export type Group = { key: string; models: ModelView[] }

export function groupsOf(models: readonly ModelView[], filters: Filters = NO_FILTERS): Group[] {
  const groups = new Map<string, ModelView[]>()
  for (const model of models) {
    if (!passes(model, filters)) continue
    groups.set(model.group, [...(groups.get(model.group) ?? []), model])
  }
  return [...groups].map(([key, group]) => ({ key, models: group.sort(bySize) }))
}

function bySize(a: ModelView, b: ModelView): number {
  return Number(b.preferred) - Number(a.preferred) || (a.byte_size ?? 0) - (b.byte_size ?? 0)
}

function passes(model: ModelView, { language, maxBytes, speed }: Filters): boolean {
  if (language !== null && !model.languages.includes(language)) return false
  if (maxBytes !== null && (model.byte_size ?? 0) > maxBytes) return false
  if (speed === 'fast') return model.speed === 'fast'
  if (speed === 'medium') return model.speed === 'fast' || model.speed === 'medium'
  return true
}

/** The size that a card shows at first: the default model, else an installed one, else the preferred one. */
export function shownOf(group: Group, defaultId: string | null): ModelView | undefined {
  const rank = (model: ModelView) =>
    model.id === defaultId ? 0 : isInstalled(model) ? 1 : isHere(model) ? 2 : model.preferred ? 3 : 4
  return [...group.models].sort((a, b) => rank(a) - rank(b))[0]
}

/** The languages that at least one of the models understands. */
export function languagesOf(models: readonly ModelView[]): string[] {
  return [...new Set(models.flatMap((model) => model.languages))]
}
