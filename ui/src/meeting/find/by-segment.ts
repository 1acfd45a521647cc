/** What belongs to each segment, by its id. */
export function bySegment<Item>(
  items: readonly Item[],
  idOf: (item: Item) => string | null,
): ReadonlyMap<string, readonly Item[]> {
  const all = new Map<string, Item[]>()
  for (const item of items) {
    const id = idOf(item)
    if (id === null) continue
    const own = all.get(id)
    if (own) own.push(item)
    else all.set(id, [item])
  }
  return all
}
