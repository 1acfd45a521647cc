/** Says things to screen readers, one after the other. */
export class Announcer {
  text = $state('')
  #odd = false

  say(text: string): void {
    // The same sentence twice is only read again if it differs: a space nobody hears.
    this.#odd = !this.#odd
    this.text = this.#odd ? text : `${text}\u00a0`
  }
}
