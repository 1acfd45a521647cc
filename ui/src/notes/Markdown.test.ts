import { cleanup, render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { afterEach, describe, expect, test, vi } from 'vitest'
import Markdown from './Markdown.svelte'

afterEach(cleanup)

function shown(text: string) {
  const oncopy = vi.fn()
  const { container } = render(Markdown, { text, oncopy })
  return { oncopy, container, root: container.querySelector('.markdown') as HTMLElement }
}

describe('Markdown', () => {
  test.each<[string, string, string]>([
    ['# Title', 'h3', 'Title'],
    ['a **bold** word', 'strong', 'bold'],
    ['an *other* word', 'em', 'other'],
    ['~~gone~~', 'del', 'gone'],
    ['`code <b>`', 'code', 'code <b>'],
    ['```\na\n  b\n```', 'pre', 'a\n  b'],
    ['> said', 'blockquote', 'said'],
    ['- one\n- two', 'ul', 'one two'],
    ['3. three\n4. four', 'ol[start="3"]', 'three four'],
    ['| a | b |\n|---|---|\n| 1 | 2 |', 'table', 'ab12'],
  ])('%j becomes an element: %s', (text, selector, content) => {
    const found = shown(text).root.querySelector(selector)
    expect(found?.textContent?.trim().replace(/\s+/g, selector === 'pre' ? '$&' : ' ')).toBe(content)
  })

  test('says what is done and what is to do', () => {
    const { root } = shown('- [x] paid\n- [ ] sent')
    expect(
      [...root.querySelectorAll('li')].map((item) => item.textContent?.trim().replace(/\s+/g, ' ')),
    ).toEqual(['Done: ✓ paid', 'To do: sent'])
    expect(root.querySelector('input')).toBeNull()
  })

  test('takes no HTML, no picture and no script', () => {
    const text =
      'a <img src=x onerror=alert(1)> b\n\n<script>alert(1)</script>\n\n<div onclick="x()">c</div>\n\n![cat](http://x/y.png)'
    const { root } = shown(text)
    expect(root.querySelector('img, script, div, iframe, a')).toBeNull()
    expect(root.textContent).toContain('<img src=x onerror=alert(1)>')
    expect(root.textContent).toContain('<script>alert(1)</script>')
    expect(root.textContent).toContain('Picture: cat')
  })

  test('opens no address: pressing one copies it', async () => {
    const { oncopy, root } = shown('[offers](javascript:alert(1)) and https://example.org/?a=1&b=2')
    expect(root.querySelector('a')).toBeNull()
    await userEvent.click(screen.getByRole('button', { name: /^offers/ }))
    await userEvent.click(
      screen.getByRole('button', { name: 'Copy the address https://example.org/?a=1&b=2' }),
    )
    expect(oncopy.mock.calls).toEqual([['javascript:alert(1)'], ['https://example.org/?a=1&b=2']])
  })

  test('copes with hostile input', () => {
    const { root } = shown(`${'['.repeat(2000)}${'*'.repeat(2000)}\n${'> '.repeat(60)}deep`)
    expect(root.textContent).toContain('deep')
  })
})
