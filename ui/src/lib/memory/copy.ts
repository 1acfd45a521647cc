/** A copy as if the value had crossed from the core: nothing is shared, nothing is reactive. */
export function copy<T>(value: T): T {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T)
}
