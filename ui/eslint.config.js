import svelte from 'eslint-plugin-svelte'
import globals from 'globals'
import ts from 'typescript-eslint'
import svelteConfig from './svelte.config.js'

export default ts.config(
  { ignores: ['dist', 'node_modules', 'src/bindings.ts'] },
  ...ts.configs.recommended,
  ...svelte.configs['flat/recommended'],
  { languageOptions: { globals: { ...globals.browser } } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      parserOptions: { extraFileExtensions: ['.svelte'], parser: ts.parser, svelteConfig },
    },
  },
  {
    rules: {
      // Transcript text and file names are shown as text, always.
      'svelte/no-at-html-tags': 'error',
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  {
    // One place talks to the core.
    files: ['src/**'],
    ignores: ['src/lib/tauri-client.ts', 'src/lib/types.ts', 'src/bindings.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: ['@tauri-apps/*', '**/bindings'] }],
    },
  },
)
