/**
 * The one interface between the page and the core. `tauri-client.ts` implements it in the window; `memory/` implements it
 * for component tests and the page of states.
 *
 * Both commands and events are derived from the generated bindings, so a new one needs no line here.
 */
import type { commands, events } from '../bindings'
import type { Failure } from './types'

/** Why a command failed: a whole sentence for the user, and a code where the page can do something about it. */
export class CoreError extends Error {
  readonly code: Failure['code']
  constructor(failure: Failure) {
    super(failure.message)
    this.name = 'CoreError'
    this.code = failure.code
  }
}

/** Optional fields are required: the core may leave them out, the page never does. */
type Complete<T> = { [Key in keyof T]-?: Complete<T[Key]> }

type Command<Generated> = Generated extends (...args: infer Args extends unknown[]) => Promise<infer Answer>
  ? (...args: Complete<Args>) => Promise<[Answer] extends [null] ? void : Answer>
  : never

/** The commands of the core. A command that fails rejects with a {@link CoreError}. */
export type Commands = { [Name in keyof typeof commands]: Command<(typeof commands)[Name]> }

type Payload<Generated> = Generated extends { listen: (callback: (event: infer Event) => void) => unknown }
  ? Event extends { payload: infer Value }
    ? Value
    : never
  : never

/** What the core sends by itself: the payload of each event. */
export type Events = { [Name in keyof typeof events]: Payload<(typeof events)[Name]> }

/** Ends a subscription. */
export type Unsubscribe = () => void

/** Files dragged over the window. The paths are absolute. */
export type Drag = { kind: 'enter' | 'drop'; paths: string[] } | { kind: 'leave' }

export interface Client extends Commands {
  /** Calls `listener` for every such event. Commands called after this are sent once the subscription holds. */
  on<Name extends keyof Events>(name: Name, listener: (payload: Events[Name]) => void): Unsubscribe
  /** Calls `listener` when files enter the window, leave it or are dropped. Other drags are ignored. */
  onDrag(listener: (drag: Drag) => void): Unsubscribe
}
