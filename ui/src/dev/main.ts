/** The page of states: `dev.html#working&theme=dark` shows one, `dev.html` lists them all. */
import '@fontsource-variable/inter'
import { mount } from 'svelte'
import App from '../App.svelte'
import { memoryClient } from '../lib/memory'
import type { Theme } from '../lib/types'
import '../tokens.css'
import '../ui/base.css'
import '../ui/popup.css'
import SceneList from './SceneList.svelte'
import { scenes } from './scenes'

const [name = '', ...options] = location.hash.slice(1).split('&')
const theme = new URLSearchParams(options.join('&')).get('theme') as Theme | null
const target = document.getElementById('app')
const scene = scenes[name]
addEventListener('hashchange', () => location.reload())

if (!target) throw new Error('the page has no place for the app')
if (!scene) {
  const names = Object.keys(scenes)
  mount(SceneList, { target, props: { names, popups: names.filter((one) => scenes[one]?.popup) } })
} else {
  const client = memoryClient({
    ...scene.seed,
    preferences: { ...scene.seed?.preferences, ...(theme && { theme }) },
  })
  Object.assign(window, { client })
  mount(App, { target, props: { client } })
  const act = scene.then
  if (act) setTimeout(() => perform(() => act(client)), 300)
  else performed()
}

/** Runs the actions of a scene; it is done when the last timer that they started has run or was cleared. */
function perform(act: () => void) {
  const { setTimeout: start, clearTimeout: clear } = window
  const running = new Set<number>()
  const end = (timer?: number) => {
    if (timer !== undefined) running.delete(timer)
    if (running.size === 0) performed()
  }
  const counted = (handler: TimerHandler, ms = 0, ...rest: unknown[]): number => {
    const timer = start(() => {
      if (typeof handler === 'function') counting(() => handler(...rest))
      end(timer)
    }, ms)
    running.add(timer)
    return timer
  }
  const counting = (work: () => void) => {
    window.setTimeout = counted as typeof window.setTimeout
    try {
      work()
    } finally {
      window.setTimeout = start
    }
  }
  window.clearTimeout = ((timer?: number) => {
    clear(timer)
    if (timer !== undefined && running.has(timer)) end(timer)
  }) as typeof window.clearTimeout
  counting(act)
  end()
}

/** Marks the page for tests: it now shows the state as intended. */
function performed() {
  document.documentElement.dataset.performed = 'true'
}
