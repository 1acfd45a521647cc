/** The commands that were called on a client in memory. Any of them can be made to fail or to wait. */
import { CoreError, type Commands } from '../client'
import type { Failure } from '../types'
import { copy } from './copy'

export type CommandName = keyof Commands

/** What the core in memory does for each command, without waiting. */
export type Handlers = {
  [Name in CommandName]: (...args: Parameters<Commands[Name]>) => Awaited<ReturnType<Commands[Name]>>
}

type Failing = { failure: Failure; times: number }
type Gate = { opened: Promise<void>; open: () => void }

export class Calls {
  /** Every call so far, in order: `['rename', 'id', 'title']`. */
  readonly calls: [CommandName, ...unknown[]][] = []
  readonly #failing = new Map<CommandName, Failing>()
  readonly #held = new Map<CommandName, Gate>()

  /** The next `times` calls of this command fail. */
  fail(command: CommandName, failure: Partial<Failure> = {}, times = Infinity): void {
    const whole: Failure = { code: 'other', message: 'The archive could not be reached.', ...failure }
    this.#failing.set(command, { failure: whole, times })
  }

  /** Calls of this command succeed again. */
  succeed(command: CommandName): void {
    this.#failing.delete(command)
  }

  /** Calls of this command wait until the returned function is called. */
  hold(command: CommandName): () => void {
    let open = () => {}
    const opened = new Promise<void>((resolve) => (open = resolve))
    this.#held.set(command, { opened, open })
    return () => {
      this.#held.delete(command)
      open()
    }
  }

  /** How often this command was called. */
  count(command: CommandName): number {
    return this.calls.filter(([name]) => name === command).length
  }

  /** The handlers as commands of a client: recorded, delayed, failing where a test says so. */
  protected commands(handlers: Handlers): Commands {
    return Object.fromEntries(
      Object.entries(handlers).map(([name, handler]) => [
        name,
        (...args: unknown[]) =>
          this.#answer(name as CommandName, args, handler as (...args: unknown[]) => unknown),
      ]),
    ) as unknown as Commands
  }

  async #answer(
    name: CommandName,
    args: unknown[],
    handler: (...args: unknown[]) => unknown,
  ): Promise<unknown> {
    this.calls.push([name, ...args.map(copy)])
    await this.#held.get(name)?.opened
    const failing = this.#failing.get(name)
    if (failing) {
      failing.times -= 1
      if (failing.times <= 0) this.#failing.delete(name)
      throw new CoreError(failing.failure)
    }
    return copy(handler(...args))
  }
}

export function notFound(message: string): CoreError {
  return new CoreError({ code: 'not_found', message })
}

export function wrongState(message: string): CoreError {
  return new CoreError({ code: 'wrong_state', message })
}
