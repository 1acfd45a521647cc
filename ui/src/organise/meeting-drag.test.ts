import { afterEach, describe, expect, test, vi } from 'vitest'
import { dropText, MeetingDrag } from './meeting-drag.svelte'

afterEach(() => {
  document.body.replaceChildren()
  vi.restoreAllMocks()
})

function started(target: string | null) {
  const place = document.createElement('div')
  if (target !== null) place.dataset.drop = target
  document.body.append(place)
  document.elementFromPoint = () => place
  const drop = vi.fn()
  return { drag: new MeetingDrag(drop), drop }
}

const at = (x: number, y: number, change: Partial<PointerEventInit> = {}) =>
  new MouseEvent('pointermove', { clientX: x, clientY: y, cancelable: true, ...change }) as PointerEvent

describe('dragging meetings', () => {
  test.each([
    [{ kind: 'folder', id: 'work' } as const],
    [{ kind: 'tag', id: 'todo' } as const],
    [{ kind: 'favourites' } as const],
    [{ kind: 'trash' } as const],
  ])('drops them on %j', (target) => {
    const { drag, drop } = started(dropText(target))
    drag.start(['a', 'b'], at(10, 10))
    drag.move(at(40, 40))
    expect([drag.shown, drag.over]).toEqual([{ count: 2, x: 40, y: 40 }, dropText(target)])
    drag.drop()
    expect(drop).toHaveBeenCalledExactlyOnceWith(['a', 'b'], target)
    expect([drag.shown, drag.over]).toEqual([null, null])
    expect([drag.swallowsClick(), drag.swallowsClick()]).toEqual([true, false])
  })

  test('begins only when the pointer has moved far enough; before that it is a click', () => {
    const { drag, drop } = started('trash')
    drag.start(['a'], at(10, 10))
    drag.move(at(13, 13))
    expect(drag.shown).toBeNull()
    drag.drop()
    expect([drop.mock.calls.length, drag.swallowsClick()]).toEqual([0, false])
  })

  test('outside of all places drops nothing', () => {
    const { drag, drop } = started(null)
    drag.start(['a'], at(10, 10))
    drag.move(at(90, 90))
    drag.drop()
    expect(drop).not.toHaveBeenCalled()
  })

  test('is cancelled by Escape, which does nothing else', () => {
    const { drag, drop } = started('trash')
    drag.start(['a'], at(10, 10))
    drag.move(at(90, 90))
    const escape = new KeyboardEvent('keydown', { key: 'Escape', cancelable: true })
    drag.key(escape)
    drag.drop()
    expect([escape.defaultPrevented, drop.mock.calls.length]).toEqual([true, 0])
  })

  test('is left to scrolling on a touch screen, and to menus with the other button', () => {
    const { drag } = started('trash')
    drag.start(['a'], Object.assign(at(10, 10), { pointerType: 'touch' }))
    drag.move(at(90, 90))
    expect(drag.shown).toBeNull()
    drag.start(['a'], at(10, 10, { button: 2 }))
    drag.move(at(90, 90))
    expect(drag.shown).toBeNull()
  })
})
