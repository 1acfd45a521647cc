import { render } from '@testing-library/svelte'
import { expect, test } from 'vitest'
import CodeText from './CodeText.svelte'

test('a command is named as the button of the page, other code stays', () => {
  const text = 'It has dead rows: run `meetmemo database vacuum`. See `pg_stat_statements`.'
  const { container } = render(CodeText, { text })
  expect(container.textContent).toBe('It has dead rows: run “Vacuum”. See pg_stat_statements.')
  expect([...container.querySelectorAll('code')].map((code) => code.textContent)).toEqual([
    'pg_stat_statements',
  ])
})
