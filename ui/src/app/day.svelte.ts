/**
 * The moment that “today” and “yesterday” refer to. It changes at midnight, also when the computer was asleep then: the
 * window looks again when it gets the focus.
 */
import { untrack } from 'svelte'
import type { Unsubscribe } from '../lib/client'
import { msToMidnight } from '../library/days'

/** So long after midnight the timer runs, as timers may be early. */
const MARGIN_MS = 1000

export class Day {
  nowMs = $state(Date.now())
  /** The end of the day of `nowMs`. */
  #endsMs = 0

  start(): Unsubscribe {
    let timer: ReturnType<typeof setTimeout>
    const update = () => {
      const nowMs = Date.now()
      const left = msToMidnight(nowMs)
      if (nowMs + left !== this.#endsMs) this.nowMs = nowMs
      this.#endsMs = nowMs + left
      clearTimeout(timer)
      timer = setTimeout(update, left + MARGIN_MS)
    }
    untrack(update)
    window.addEventListener('focus', update)
    return () => {
      clearTimeout(timer)
      window.removeEventListener('focus', update)
    }
  }
}
