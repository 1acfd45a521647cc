import '@fontsource-variable/inter'
import { mount } from 'svelte'
import App from './App.svelte'
import { tauriClient } from './lib/tauri-client'
import './tokens.css'
import './ui/base.css'
import './ui/popup.css'

const target = document.getElementById('app')
if (target) mount(App, { target, props: { client: tauriClient() } })
