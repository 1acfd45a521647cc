/**
 * Requests of which only the newest counts. An answer is out of date, and dropped, once a newer request has begun.
 * Speakers, people, versions, samples and the player use this, so that a slow answer never replaces a newer one.
 */
export class Latest {
  #newest = 0

  /** Begins a request; the older ones are out of date now. The result says whether this one is still the newest. */
  begin(): () => boolean {
    this.#newest += 1
    return this.watch()
  }

  /** The result says whether no request has begun since this call. */
  watch(): () => boolean {
    const seen = this.#newest
    return () => seen === this.#newest
  }

  /** Makes every request that is under way out of date. */
  cancel(): void {
    this.#newest += 1
  }

  /** Passes the answer to `use`, unless it is out of date by then. Rejects with what the request failed with. */
  async take<Answer>(request: Promise<Answer>, use: (answer: Answer) => void): Promise<void> {
    const isNewest = this.begin()
    const answer = await request
    if (isNewest()) use(answer)
  }
}
