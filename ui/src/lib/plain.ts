/**
 * Maps and sets that components do not follow: they never change once they are shown, or a number beside them tells of each
 * change. `SvelteMap` and `SvelteSet` are for the others; eslint asks for them in every file of Svelte.
 */
export function plainMap<Key, Value>(entries: Iterable<readonly [Key, Value]> = []): Map<Key, Value> {
  return new Map(entries)
}

export function plainSet<Item>(items: Iterable<Item> = []): Set<Item> {
  return new Set(items)
}
