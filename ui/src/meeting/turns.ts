/** Who speaks when, as shapes to draw. */
import type { SpeakerView, TurnView } from '../lib/types'

/** More columns than any slider has pixels. */
export const COLUMNS = 2_000
export const HEIGHT = 6

/** One path for each speaker; stretches that touch within a column are one. */
export function pathsOf(
  speakers: readonly SpeakerView[],
  turns: readonly TurnView[],
  durationMs: number,
): { speaker: SpeakerView; d: string }[] {
  const stretches = new Map<string, [number, number][]>()
  for (const turn of durationMs > 0 ? turns : []) {
    const from = Math.min(COLUMNS - 1, Math.floor((turn.start_ms / durationMs) * COLUMNS))
    const to = Math.min(COLUMNS, Math.max(from + 1, Math.ceil((turn.end_ms / durationMs) * COLUMNS)))
    const own = stretches.get(turn.speaker_id) ?? []
    const last = own.at(-1)
    if (last && from <= last[1]) last[1] = Math.max(last[1], to)
    else own.push([from, to])
    stretches.set(turn.speaker_id, own)
  }
  return speakers.map((speaker) => {
    const own = stretches.get(speaker.id) ?? []
    return { speaker, d: own.map(([from, to]) => `M${from} 0h${to - from}v${HEIGHT}H${from}z`).join('') }
  })
}
