/** Keyboard shortcuts as they are written on this computer's keyboard. */
import { t } from '../lib/messages'

export const onMac = /Mac|iPhone|iPad/.test(navigator.platform)

/** `E` becomes “Ctrl+E”, or “⌘E” on a Mac. */
export function withCommand(key: string): string {
  return onMac ? t('keys.command.mac', { key }) : t('keys.command', { key })
}

/** Whether the key that stands for commands on this computer is held, and no other. */
export function commandHeld(event: KeyboardEvent): boolean {
  if (event.altKey || event.shiftKey) return false
  return onMac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey
}

/** `Z` becomes “Shift+Ctrl+Z”, or “⇧⌘Z” on a Mac. */
export function withShiftAndCommand(key: string): string {
  return onMac ? t('keys.command.shift.mac', { key }) : t('keys.command.shift', { key })
}

export function shiftAndCommandHeld(event: KeyboardEvent): boolean {
  if (event.altKey || !event.shiftKey) return false
  return onMac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey
}

/** Whether keys belong to what has the focus: a field, a menu or a dialog. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target
  if (!(target instanceof Element)) return false
  return (
    target.closest(
      'input:not([type=range]), textarea, select, [contenteditable=true], [role=menu], [aria-modal=true]',
    ) !== null
  )
}
