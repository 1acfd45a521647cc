/** Texts for screen readers: the window shows `text` in a live region. */
export class Announcer {
  text = $state('')
  #odd = false

  say(text: string): void {
    // Screen readers skip a text that did not change. Every other one ends with a space that they do not read.
    this.#odd = !this.#odd
    this.text = this.#odd ? text : `${text}\u00a0`
  }
}
