/** The client of the window: wraps the generated commands and events. */
import { getCurrentWebview } from '@tauri-apps/api/webview'
import type { EventCallback, UnlistenFn } from '@tauri-apps/api/event'
import { commands, events } from '../bindings'
import { CoreError, type Client, type Commands, type Drag, type Events, type Unsubscribe } from './client'
import type { Failure } from './types'

type AnyCommand = (...args: unknown[]) => Promise<unknown>
type Listen<Payload> = (callback: EventCallback<Payload>) => Promise<UnlistenFn>

export function tauriClient(): Client {
  /** Subscriptions that Tauri has not confirmed yet. */
  const pending = new Set<Promise<unknown>>()

  /**
   * Sends a command once all earlier subscriptions hold, so that no event is missed between the two. Whatever it fails
   * with becomes a {@link CoreError}, also when it never reached the core.
   */
  async function send(command: () => Promise<unknown>): Promise<unknown> {
    try {
      await Promise.all(pending)
      return await command()
    } catch (error) {
      throw new CoreError(isFailure(error) ? error : { code: 'other', message: String(error) })
    }
  }

  /** A listener that unsubscribes before the subscription holds is not called afterwards. */
  function subscription(listening: Promise<UnlistenFn>): Unsubscribe {
    pending.add(listening)
    void listening.finally(() => pending.delete(listening))
    return () => void listening.then((unlisten) => unlisten())
  }

  const sent = Object.fromEntries(
    Object.entries(commands).map(([name, command]) => [
      name,
      (...args: unknown[]) => send(() => (command as AnyCommand)(...args)),
    ]),
  ) as unknown as Commands

  return {
    ...sent,
    on<Name extends keyof Events>(name: Name, listener: (payload: Events[Name]) => void) {
      const listen = events[name].listen as unknown as Listen<Events[Name]>
      return subscription(listen((event) => listener(event.payload)))
    },
    onDrag(listener: (drag: Drag) => void) {
      return subscription(
        getCurrentWebview().onDragDropEvent(({ payload }) => {
          if (payload.type === 'leave') listener({ kind: 'leave' })
          // A drag of text, for example, carries no paths.
          else if (payload.type !== 'over' && payload.paths.length > 0)
            listener({ kind: payload.type, paths: payload.paths })
        }),
      )
    },
  }
}

function isFailure(error: unknown): error is Failure {
  if (error === null || typeof error !== 'object') return false
  const { message, code } = error as Partial<Failure>
  return typeof message === 'string' && Boolean(code)
}
