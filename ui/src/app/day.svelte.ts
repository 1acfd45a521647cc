/** The moment by which days are named; moves on at midnight and when the computer wakes. */
import type { Unsubscribe } from '../lib/client'
import { dayKey } from '../lib/format'

export class Day {
  now = $state.raw(new Date())

  start(): Unsubscribe {
    let timer: ReturnType<typeof setTimeout>
    const look = () => {
      const now = new Date()
      if (dayKey(now) !== dayKey(this.now)) this.now = now
      clearTimeout(timer)
      const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1)
      timer = setTimeout(look, midnight.getTime() - now.getTime() + 1000)
    }
    look()
    window.addEventListener('focus', look)
    return () => {
      clearTimeout(timer)
      window.removeEventListener('focus', look)
    }
  }
}
