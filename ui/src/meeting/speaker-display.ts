/** How speakers are named and marked. */
import type { SpeakerView } from '../lib/types'

/** So many speaker colours there are. After that they repeat, with another number or initial on the mark. */
export const COLOURS = 12

/** The name that the user gave, else “Speaker 1”. */
export function displayName(speaker: Pick<SpeakerView, 'name' | 'label'>): string {
  return speaker.name ?? speaker.label
}

/** The CSS colour of a speaker; a quiet one if nobody is known to speak. */
export function colourOf(speaker: Pick<SpeakerView, 'number'> | null | undefined): string {
  if (!speaker) return 'var(--text-quiet)'
  return `var(--speaker-${((speaker.number - 1) % COLOURS) + 1})`
}

/** The text on the mark: the initial of the name, else the number. */
export function initialOf(speaker: Pick<SpeakerView, 'name' | 'number'> | null | undefined): string {
  if (!speaker) return '?'
  const [first] = speaker.name?.trim() ?? ''
  return first ? first.toUpperCase() : String(speaker.number)
}

/** Colour and text of the mark, as `Dot` takes them. */
export function dotOf(speaker: Pick<SpeakerView, 'name' | 'number'> | null | undefined): {
  colour: string
  text: string
} {
  return { colour: colourOf(speaker), text: initialOf(speaker) }
}
