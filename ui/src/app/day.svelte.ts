/** The moment by which days are named; moves on at midnight and when the computer wakes. */
import { untrack } from 'svelte'
import type { Unsubscribe } from '../lib/client'
import { msToMidnight } from '../library/days'

/** Clocks that run a little apart agree on the day after this. */
const SURE_MS = 1000

export class Day {
  nowMs = $state(Date.now())
  /** Until when it is the same day. */
  #endsMs = 0

  start(): Unsubscribe {
    let timer: ReturnType<typeof setTimeout>
    const look = () => {
      const nowMs = Date.now()
      const left = msToMidnight(nowMs)
      if (nowMs + left !== this.#endsMs) this.nowMs = nowMs
      this.#endsMs = nowMs + left
      clearTimeout(timer)
      timer = setTimeout(look, left + SURE_MS)
    }
    untrack(look)
    window.addEventListener('focus', look)
    return () => {
      clearTimeout(timer)
      window.removeEventListener('focus', look)
    }
  }
}
