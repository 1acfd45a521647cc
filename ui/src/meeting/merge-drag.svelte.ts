/**
 * Merging two speakers by dragging the card of one onto the card of the other. It follows the pointer instead of using the
 * drag and drop of the system, which is for files over the window.
 */
import type { SpeakerView } from '../lib/types'
import type { Speakers } from './speakers.svelte'

/** The pointer moves at least this far before a press becomes a drag. */
const FAR_PX = 6

export class MergeDrag {
  #drag = $state.raw<{ from: SpeakerView; x: number; y: number; far: boolean } | null>(null)
  /** The speaker under the pointer. */
  #over = $state.raw<SpeakerView | null>(null)
  /** The speaker that is dragged. */
  dragged: SpeakerView | null = $derived(this.#drag?.far ? this.#drag.from : null)
  /** The speaker that the dragged one would be merged into. */
  target: SpeakerView | null = $derived(this.#drag ? this.#over : null)

  readonly #speakers: Speakers
  readonly #merge: (from: SpeakerView, into: SpeakerView) => void

  constructor(speakers: Speakers, merge: (from: SpeakerView, into: SpeakerView) => void) {
    this.#speakers = speakers
    this.#merge = merge
  }

  start(from: SpeakerView, event: PointerEvent): void {
    if (this.#speakers.all.length > 1) this.#drag = { from, x: event.clientX, y: event.clientY, far: false }
  }

  move = (event: PointerEvent): void => {
    const drag = this.#drag
    if (!drag) return
    const far = drag.far || Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > FAR_PX
    if (!far) return
    if (!drag.far) this.#drag = { ...drag, far }
    event.preventDefault()
    const card = document.elementFromPoint(event.clientX, event.clientY)?.closest('[data-speaker]')
    const under = this.#speakers.get(card?.getAttribute('data-speaker'))
    this.#over = under && under.id !== drag.from.id ? under : null
  }

  drop = (): void => {
    const [from, into] = [this.#drag?.from, this.#over]
    this.cancel()
    if (from && into) this.#merge(from, into)
  }

  cancel = (): void => {
    this.#drag = null
    this.#over = null
  }

  /** Escape cancels the drag, and does nothing else. */
  key = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || !this.#drag) return
    event.preventDefault()
    event.stopPropagation()
    this.cancel()
  }
}
