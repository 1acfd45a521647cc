/** Speech models: what can be done with each, and how they are shown together. */
import type { Choice, ModelView } from '../lib/types'

export function isInstalled(model: ModelView): boolean {
  return model.state.state === 'installed' || model.state.state === 'built_in'
}

/** Whether recordings can be transcribed with it. */
export function isUsable(model: ModelView): boolean {
  return isInstalled(model) && !model.telling_speakers
}

/** Whether anything of it is on this computer. */
export function isHere(model: ModelView): boolean {
  return model.state.state !== 'available'
}

/** What a model makes of a choice: nothing is asked of it that it cannot do. */
export function fitted(choice: Choice, model: ModelView): Choice {
  return {
    model: model.id,
    language: languageFor(choice.language, model),
    translate: choice.translate && model.translates,
    vocabulary: model.vocabulary ? choice.vocabulary : [],
    speakers: choice.speakers,
  }
}

/** A choice as what the user wants of any model: the only language of a model was no wish. */
export function wish(choice: Choice, model: ModelView | null): Choice {
  return model !== null && model.languages.length > 1 ? choice : { ...choice, language: null }
}

function languageFor(wanted: string | null, model: ModelView): string | null {
  if (wanted !== null && model.languages.includes(wanted)) return wanted
  if (model.detects_language || model.languages.length === 0) return null
  return model.languages.includes('en') ? 'en' : (model.languages[0] ?? null)
}

/** One name or term per line. */
export function terms(text: string): string[] {
  return [...new Set(text.split('\n').map((line) => line.trim()))].filter((line) => line !== '')
}

export type Filters = {
  /** BCP 47; null: any. */
  language: string | null
  maxBytes: number | null
  speed: 'fast' | 'medium' | null
}

export const NO_FILTERS: Filters = { language: null, maxBytes: null, speed: null }

export function isFiltered(filters: Filters): boolean {
  return filters.language !== null || filters.maxBytes !== null || filters.speed !== null
}

/** Sizes of one model, the one that is offered first in front. */
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

/** The size of a group that its card shows: one that is here, else the one that is offered first. */
export function shownOf(group: Group, standard: string | null): ModelView | undefined {
  const rank = (model: ModelView) =>
    model.id === standard ? 0 : isInstalled(model) ? 1 : isHere(model) ? 2 : model.preferred ? 3 : 4
  return [...group.models].sort((a, b) => rank(a) - rank(b))[0]
}

/** Languages that any of the models understands. */
export function languagesOf(models: readonly ModelView[]): string[] {
  return [...new Set(models.flatMap((model) => model.languages))]
}

/** Whether these files are speech models, all of them. */
export function areModels(paths: readonly string[]): boolean {
  return paths.length > 0 && paths.every((path) => /\.(gguf|bin)$/i.test(path))
}
