/** What the controls of the filters offer. Any other value can be typed into the search. */
export type FilterChoices = {
  /** Known people. */
  people: readonly { id: string; label: string }[]
  /** Names of folders, in the order of the library. */
  folders: readonly string[]
  tags: readonly string[]
  /** Tags of languages that can be transcribed. */
  languages: readonly string[]
}

export const NO_CHOICES: FilterChoices = { people: [], folders: [], tags: [], languages: [] }
