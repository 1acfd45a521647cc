import { cleanup, render, screen, waitFor } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { createRawSnippet } from 'svelte'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { menuItem } from '../meeting/testing'
import Button from './Button.svelte'
import ConfirmDialog from './ConfirmDialog.svelte'
import Menu from './Menu.svelte'
import Notice from './Notice.svelte'
import Progress from './Progress.svelte'

const user = userEvent.setup()
const text = (words: string) => createRawSnippet(() => ({ render: () => `<span>${words}</span>` }))

afterEach(cleanup)

describe('a disabled button', () => {
  test('does nothing, keeps its focus, and says why', async () => {
    const onclick = vi.fn()
    const shown = render(Button, { onclick, disabled: false, children: text('Export') })
    const button = screen.getByRole('button')
    button.focus()
    await shown.rerender({ disabled: true, reason: 'There is no transcript yet.' })
    expect(button).toHaveFocus()
    expect(button).toHaveAttribute('aria-disabled', 'true')
    expect(button).toHaveAccessibleName('Export There is no transcript yet.')
    await user.click(button)
    expect(onclick).not.toHaveBeenCalled()
  })
})

describe('a confirmation', () => {
  test('focuses the button that changes nothing; Escape does the same as that', async () => {
    const [onconfirm, oncancel] = [vi.fn(), vi.fn()]
    const props = { title: 'Delete it?', confirm: 'Delete', danger: true, onconfirm, oncancel }
    const shown = render(ConfirmDialog, { ...props, open: false, children: text('It goes.') })
    await shown.rerender({ open: true })
    expect(await screen.findByRole('alertdialog', { name: 'Delete it?' })).toHaveAccessibleDescription(
      'It goes.',
    )
    await waitFor(() => expect(screen.getByRole('button', { name: 'Cancel' })).toHaveFocus())
    await user.keyboard('{Escape}')
    expect(oncancel).toHaveBeenCalledOnce()
    expect(onconfirm).not.toHaveBeenCalled()
    await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull())
  })

  test('calls back once when the user agrees', async () => {
    const [onconfirm, oncancel] = [vi.fn(), vi.fn()]
    render(ConfirmDialog, { open: true, title: 'Delete it?', confirm: 'Delete', onconfirm, oncancel })
    await user.click(await screen.findByRole('button', { name: 'Delete' }))
    expect(onconfirm).toHaveBeenCalledOnce()
    expect(oncancel).not.toHaveBeenCalled()
  })
})

describe('a menu', () => {
  test('returns the focus before it runs the item', async () => {
    let focus: Element | null = null
    const onselect = () => (focus = document.activeElement)
    render(Menu, { label: 'More', items: [{ label: 'Copy', onselect }] })
    const trigger = screen.getByRole('button', { name: 'More' })
    trigger.focus()
    await user.keyboard('{Enter}')
    await user.click(await menuItem('Copy'))
    await waitFor(() => expect(focus).toBe(trigger))
  })

  test('says why an item is disabled', async () => {
    const onselect = vi.fn()
    render(Menu, {
      label: 'More',
      items: [{ label: 'Copy', onselect, disabled: true, reason: 'There is no text yet.' }],
    })
    await user.click(screen.getByRole('button', { name: 'More' }))
    const item = await menuItem('Copy')
    expect(item).toHaveTextContent('There is no text yet.')
    expect(item).toHaveAttribute('aria-disabled', 'true')
    await user.click(item)
    expect(onselect).not.toHaveBeenCalled()
    expect(item).toBeInTheDocument()
  })

  test('does not open while it is disabled', async () => {
    render(Menu, { label: 'Export', trigger: 'plain', disabled: true, reason: 'Not yet.', items: [] })
    await user.click(screen.getByRole('button', { name: /Export/ }))
    expect(screen.queryByRole('menu')).toBeNull()
  })
})

test('a notice shows and copies its details on demand', async () => {
  const oncopy = vi.fn()
  render(Notice, { details: '<b>raw</b>', oncopy, children: text('It failed.') })
  expect(screen.queryByText('<b>raw</b>')).toBeNull()
  await user.click(screen.getByRole('button', { name: 'Show details' }))
  expect(screen.getByText('<b>raw</b>')).toBeVisible()
  await user.click(screen.getByRole('button', { name: 'Copy details' }))
  expect(oncopy).toHaveBeenCalledWith('<b>raw</b>')
})

test.each([
  [0.256, '26'],
  [7, '100'],
  [null, null],
])('progress of %s is shown as %s', (value, shown) => {
  render(Progress, { label: 'Reading', value })
  expect(screen.getByRole('progressbar', { name: 'Reading' }).getAttribute('aria-valuenow')).toBe(shown)
})
