import '@fontsource-variable/inter'
import { mount } from 'svelte'
import '../tokens.css'
import '../ui/base.css'
import Look from './Look.svelte'
mount(Look, { target: document.getElementById('app')! })
