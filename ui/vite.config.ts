import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

export default defineConfig(({ mode }) => ({
  plugins: [svelte()],
  // `index.html` is the page of the window. `dev.html` is the page of states, which is not part of the app;
  // `--mode states` builds it instead.
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
    // Tests check its colours.
    css: { include: /tokens\.css/ },
    // Ten times the longest test on a busy machine.
    testTimeout: 60_000,
  },
}))
