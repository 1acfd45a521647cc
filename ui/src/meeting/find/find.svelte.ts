/** Finding words in the text of the open meeting. `FindBar.svelte` shows it. */
import type { SegmentView } from '../../lib/types'
import { bySegment } from './by-segment'
import { matchesIn, needleOf, type Match } from './matches'

/** A place where the wanted text occurs: in which segment, and where in its text. */
export type Hit = Match & { index: number; id: string }

export class Find {
  open = $state(false)
  /** What is looked for. */
  text = $state('')
  matchCase = $state(false)
  wholeWord = $state(false)
  /** Changes when the list is to show the current hit, even if that is the same one. */
  jumps = $state(0)

  readonly #segments: () => readonly SegmentView[]
  /** The hit that was gone to last; it stays the same when segments change around it. */
  #last = $state.raw<Pick<Hit, 'id' | 'from'> | null>(null)
  /** Index of the segment from which it is looked for. */
  #origin = 0

  hits: readonly Hit[] = $derived.by(() => {
    if (!this.open) return []
    const options = { matchCase: this.matchCase, wholeWord: this.wholeWord }
    const needle = needleOf(this.text, options)
    if (needle === '') return []
    return this.#segments().flatMap(({ id, text }, index) =>
      matchesIn(text, needle, options).map((match) => ({ ...match, index, id })),
    )
  })
  /** Index of the current hit; -1 if there is none. */
  at = $derived.by(() => {
    const last = this.#last
    if (!last) return this.hits.length > 0 ? 0 : -1
    const same = this.hits.findIndex((hit) => hit.id === last.id && hit.from === last.from)
    return same >= 0 ? same : this.#firstFromOrigin()
  })
  current = $derived.by(() => this.hits[this.at] ?? null)
  /** The hits of each segment, by its id. */
  bySegment = $derived.by(() => bySegment(this.hits, ({ id }) => id))

  constructor(segments: () => readonly SegmentView[]) {
    this.#segments = segments
  }

  /** Opens the bar; the first hit is the one at or after the segment `origin`. `text` is looked for if it is given. */
  begin(origin: number, text = ''): void {
    this.#origin = Math.max(0, origin)
    this.open = true
    if (text !== '') this.text = text
    this.#goToFirst()
  }

  type(text: string): void {
    this.text = text
    this.#goToFirst()
  }

  setMatchCase(on: boolean): void {
    this.matchCase = on
    this.#goToFirst()
  }

  setWholeWord(on: boolean): void {
    this.wholeWord = on
    this.#goToFirst()
  }

  /** Goes to the next or previous hit; after the last comes the first. */
  step(by: 1 | -1): void {
    const { hits, at } = this
    if (hits.length === 0) return
    this.#goTo((at + by + hits.length) % hits.length)
  }

  close(): void {
    this.open = false
  }

  #goToFirst(): void {
    this.#goTo(this.#firstFromOrigin())
  }

  #firstFromOrigin(): number {
    const from = this.hits.findIndex((hit) => hit.index >= this.#origin)
    return from >= 0 ? from : this.hits.length > 0 ? 0 : -1
  }

  #goTo(at: number): void {
    const hit = this.hits[at]
    this.#last = hit ? { id: hit.id, from: hit.from } : null
    if (!hit) return
    this.#origin = hit.index
    this.jumps += 1
  }
}
