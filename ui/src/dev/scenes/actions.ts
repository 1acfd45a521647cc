/** What scenes do to the page. */
import { first } from './samples'

/** Opens a meeting that is in sight in the library. */
export function open(id: string) {
  document.querySelector<HTMLElement>(`[role=option][id$="-${id}"]`)?.click()
}

/** Opens the first meeting, then presses the buttons with these names one after the other. */
export function openAnd(...names: string[]) {
  open(first.id)
  names.forEach((name, index) => setTimeout(() => press(name), 100 * (index + 1)))
}

/** Presses the button with this name. */
export function press(name: string) {
  const buttons = [...document.querySelectorAll('button')]
  buttons.find((button) => (button.getAttribute('aria-label') ?? button.textContent.trim()) === name)?.click()
}

export function pressAt(selector: string) {
  document.querySelector<HTMLElement>(selector)?.click()
}

/** Chooses `option` in the field or menu button whose name begins with `name`. */
export function choose(name: string, option: string) {
  const fields = [...document.querySelectorAll<HTMLElement>('[role=combobox], button')]
  const field = fields.find((one) =>
    (one.getAttribute('aria-label') ?? one.textContent.trim()).startsWith(name),
  )
  if (!field) return
  if (field.getAttribute('role') === 'combobox') field.click()
  else field.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, button: 0 }))
  setTimeout(() => pressOption(option, 10), 30)
}

/** Presses the option whose text begins with `text`; looks again, up to `tries` times, until it is there. */
function pressOption(text: string, tries: number) {
  const options = [...document.querySelectorAll<HTMLElement>('[role=option], [role=menuitemradio]')]
  const found = options.find((one) => one.textContent.trim().startsWith(text))
  if (!found && tries > 0) setTimeout(() => pressOption(text, tries - 1), 30)
  for (const type of ['pointerdown', 'pointermove', 'pointerup'])
    found?.dispatchEvent(new PointerEvent(type, { bubbles: true, button: 0 }))
  found?.click()
}

/** Types into the field with this name. */
export function type(name: string, text: string): HTMLInputElement | null {
  const field = document.querySelector<HTMLInputElement>(`[aria-label="${name}"]`)
  field?.focus()
  if (field) field.value = text
  field?.dispatchEvent(new Event('input', { bubbles: true }))
  return field
}

/** Selects words of two lines of the transcript. */
export function selectWords() {
  const texts = [...document.querySelectorAll('[data-text]')]
  const [from, to] = [texts[1]?.firstChild, texts[2]?.firstChild]
  if (from && to) getSelection()?.setBaseAndExtent(from, 4, to, 12)
}
