/**
 * Dragging meetings onto a place of the library. It follows the pointer instead of using the drag and drop of the system,
 * which is for files over the window. Touch scrolls instead.
 */
import type { Place } from './places'

/** The pointer moves at least this far before a press becomes a drag. */
const FAR_PX = 6

/** Where meetings can be dropped. */
export type Target = Exclude<Place, { kind: 'all' }> | { kind: 'trash' }

type Drag = { ids: readonly string[]; fromX: number; fromY: number; x: number; y: number; far: boolean }

export class MeetingDrag {
  #drag = $state.raw<Drag | null>(null)
  /** What is dragged, and where the pointer is. */
  shown: { count: number; x: number; y: number } | null = $derived(
    this.#drag?.far ? { count: this.#drag.ids.length, x: this.#drag.x, y: this.#drag.y } : null,
  )
  /** The place under the pointer, as `data-drop` of its element says it. */
  over = $state<string | null>(null)
  /** Whether the press that ends now was a drag, so that it presses nothing. */
  #ended = false

  readonly #drop: (ids: readonly string[], target: Target) => void

  constructor(drop: (ids: readonly string[], target: Target) => void) {
    this.#drop = drop
  }

  start(ids: readonly string[], event: PointerEvent): void {
    this.#ended = false
    if (event.button !== 0 || event.pointerType === 'touch') return
    const { clientX: x, clientY: y } = event
    this.#drag = { ids, fromX: x, fromY: y, x, y, far: false }
  }

  move = (event: PointerEvent): void => {
    const drag = this.#drag
    if (!drag) return
    const { clientX: x, clientY: y } = event
    const far = drag.far || Math.hypot(x - drag.fromX, y - drag.fromY) > FAR_PX
    if (!far) return
    event.preventDefault()
    this.#drag = { ...drag, x, y, far }
    const place = document.elementFromPoint(x, y)?.closest('[data-drop]')
    this.over = place?.getAttribute('data-drop') ?? null
  }

  drop = (): void => {
    const drag = this.#drag
    const target = this.over === null ? null : targetOf(this.over)
    this.#ended = drag?.far ?? false
    this.cancel()
    if (drag && target) this.#drop(drag.ids, target)
  }

  cancel = (): void => {
    this.#drag = null
    this.over = null
  }

  /** Escape cancels the drag, and does nothing else. */
  key = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || !this.#drag?.far) return
    event.preventDefault()
    event.stopPropagation()
    this.cancel()
  }

  /** Whether the click after a drag is to be ignored. */
  swallowsClick(): boolean {
    const ended = this.#ended
    this.#ended = false
    return ended
  }
}

/** A place as text for `data-drop`. */
export function dropText(target: Target): string {
  return 'id' in target ? `${target.kind} ${target.id}` : target.kind
}

function targetOf(text: string): Target | null {
  const [kind, id] = text.split(' ')
  if (kind === 'favourites' || kind === 'trash') return { kind }
  return (kind === 'folder' || kind === 'tag') && id !== undefined ? { kind, id } : null
}
