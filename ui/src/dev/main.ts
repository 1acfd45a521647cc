/** The page of states: `dev.html#working&theme=dark`. `dev.html` alone lists them. */
import '@fontsource-variable/inter'
import { mount } from 'svelte'
import App from '../App.svelte'
import { MemoryClient } from '../lib/memory-client'
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
  const client = new MemoryClient({
    ...scene.seed,
    preferences: { ...scene.seed?.preferences, ...(theme && { theme }) },
  })
  Object.assign(window, { client })
  mount(App, { target, props: { client } })
  setTimeout(() => scene.then?.(client), 300)
}
