/** What the tab “Database” shows. Everything is fetched when it is shown, because figures change by themselves. */
import type { Client } from '../lib/client'

export class Database {
  readonly client: Client

  constructor(client: Client) {
    this.client = client
  }
}
