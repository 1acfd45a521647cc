/**
 * Keeps the focus in the window when the focused element disappears, such as a button with its notice or its job: it then
 * goes to what is near.
 */
export class KeptFocus {
  #focused: { element: Element; inLibrary: boolean } | null = null

  /** For `focusin` on the window. */
  readonly note = ({ target }: FocusEvent): void => {
    if (target instanceof Element)
      this.#focused = { element: target, inLibrary: target.closest('#sidebar') !== null }
  }

  /** If the focused element has gone, calls the function for the part of the window in which it was. */
  restore(toLibrary: () => void, toCentre: () => void): void {
    const focused = this.#focused
    if (!focused || focused.element.isConnected || document.activeElement !== document.body) return
    if (focused.inLibrary) toLibrary()
    else toCentre()
  }
}
