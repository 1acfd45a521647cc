import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

export default defineConfig(({ mode }) => ({
  plugins: [svelte()],
  // The window's own page; `dev.html` shows every state on the in-memory client and is not built in.
  // With --mode states that page is built instead.
  build: {
    target: 'safari16',
    chunkSizeWarningLimit: 1000,
    rollupOptions: { input: mode === 'states' ? 'dev.html' : 'index.html' },
  },
  server: { port: 5273, strictPort: true },
  clearScreen: false,
  resolve: process.env.VITEST ? { conditions: ['browser'] } : undefined,
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.ts'],
    setupFiles: ['src/test-setup.ts'],
    // Its colours are tested.
    css: { include: /tokens\.css/ },
    // Ten times what a busy machine has needed.
    testTimeout: 60_000,
  },
}))
