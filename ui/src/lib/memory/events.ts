/** The events of a core in memory, and files dragged over its window. */
import type { Drag, Events, Unsubscribe } from '../client'
import type { News } from '../types'
import { copy } from './copy'

type Listener = (value: never) => void

export class MemoryEvents {
  readonly #listeners = new Map<keyof Events | 'drag', Set<Listener>>()
  #ids = 0

  on<Name extends keyof Events>(name: Name, listener: (payload: Events[Name]) => void): Unsubscribe {
    return this.#add(name, listener)
  }

  onDrag(listener: (drag: Drag) => void): Unsubscribe {
    return this.#add('drag', listener)
  }

  emit<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    this.#call(name, payload)
  }

  emitNews(news: News): void {
    this.emit('newsItem', news)
  }

  drag(drag: Drag): void {
    this.#call('drag', drag)
  }

  /** An id for something that a command creates. */
  newId(): string {
    this.#ids += 1
    return `made-${this.#ids}`
  }

  #add<Value>(name: keyof Events | 'drag', listener: (value: Value) => void): Unsubscribe {
    const listeners = this.#listeners.get(name) ?? new Set<Listener>()
    this.#listeners.set(name, listeners)
    // A fresh function, so that the same listener can subscribe twice.
    const own = (value: Value) => listener(value)
    listeners.add(own)
    return () => void listeners.delete(own)
  }

  #call(name: keyof Events | 'drag', value: unknown): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) listener(copy(value) as never)
  }
}
