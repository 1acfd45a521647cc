/** Keyboard shortcuts: how they are written on this computer, and whether an event is one. */
import { t } from '../lib/messages'

export const onMac = /Mac|iPhone|iPad/.test(navigator.platform)

/** `E` becomes “Ctrl+E”, or “⌘E” on a Mac. */
export function withCommand(key: string): string {
  return onMac ? t('keys.command.mac', { key }) : t('keys.command', { key })
}

/** Whether Ctrl, or ⌘ on a Mac, is held and no other modifier. */
export function commandHeld(event: KeyboardEvent): boolean {
  if (event.altKey || event.shiftKey) return false
  return onMac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey
}

/** `Z` becomes “Shift+Ctrl+Z”, or “⇧⌘Z” on a Mac. */
export function withShiftAndCommand(key: string): string {
  return onMac ? t('keys.command.shift.mac', { key }) : t('keys.command.shift', { key })
}

/** Whether Shift and Ctrl, or ⇧ and ⌘ on a Mac, are held and no other modifier. */
export function shiftAndCommandHeld(event: KeyboardEvent): boolean {
  if (event.altKey || !event.shiftKey) return false
  return onMac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey
}

/** Whether a key asks for the menu of what has the focus. */
export function asksForMenu(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false
  return event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)
}

/** Whether the focused element uses the keys itself: a field, a menu or a modal dialog. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target
  if (!(target instanceof Element)) return false
  return (
    target.closest(
      'input:not([type=range]), textarea, select, [contenteditable=true], [role=menu], [aria-modal=true]',
    ) !== null
  )
}
