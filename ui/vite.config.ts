import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  plugins: [svelte()],
  // The window's own page; `dev.html` shows every state on the in-memory client and is not built in.
  build: { target: 'safari16', chunkSizeWarningLimit: 1000 },
  server: { port: 5273, strictPort: true },
  clearScreen: false,
  resolve: process.env.VITEST ? { conditions: ['browser'] } : undefined,
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.ts'],
    setupFiles: ['src/test-setup.ts'],
  },
})
