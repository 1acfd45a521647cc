/** The turns of speakers as SVG paths, for the strip in the player. */
import type { SpeakerView, TurnView } from '../lib/types'

/** Width of the drawing: more columns than any slider has pixels. */
export const COLUMNS = 2_000
/** Height of the drawing. */
export const HEIGHT = 6

/** Shorter overlaps are not drawn: they would be too small, and are more likely inexact turns. */
const SHORTEST_OVERLAP_MS = 200

type Path = { speaker: SpeakerView; d: string }

/** First column and the column after the last; at least one column wide. */
function columnsOf(startMs: number, endMs: number, durationMs: number): [number, number] {
  const from = Math.min(COLUMNS - 1, Math.floor((startMs / durationMs) * COLUMNS))
  return [from, Math.min(COLUMNS, Math.max(from + 1, Math.ceil((endMs / durationMs) * COLUMNS)))]
}

/**
 * One path for each speaker; turns that touch within a column are joined. Then, to be drawn over these, the overlaps, again
 * one path for each speaker: the upper half belongs to the one who began, the lower half to the other.
 */
export function pathsOf(
  speakers: readonly SpeakerView[],
  turns: readonly TurnView[],
  durationMs: number,
): Path[] {
  const columns = new Map<string, [number, number][]>()
  for (const turn of durationMs > 0 ? turns : []) {
    const [from, to] = columnsOf(turn.start_ms, turn.end_ms, durationMs)
    const own = columns.get(turn.speaker_id) ?? []
    const last = own.at(-1)
    if (last && from <= last[1]) last[1] = Math.max(last[1], to)
    else own.push([from, to])
    columns.set(turn.speaker_id, own)
  }
  const whole = speakers.map((speaker) => {
    const own = columns.get(speaker.id) ?? []
    return { speaker, d: own.map(([from, to]) => rectangle(from, to, 0, HEIGHT)).join('') }
  })
  return [...whole, ...overlaps(speakers, turns, durationMs)]
}

function rectangle(from: number, to: number, top: number, height: number): string {
  return `M${from} ${top}h${to - from}v${height}H${from}z`
}

/** The halves of the strip where two speak. */
function overlaps(speakers: readonly SpeakerView[], turns: readonly TurnView[], durationMs: number): Path[] {
  const halves = new Map<string, string>()
  const draw = (id: string, columns: [number, number], top: number) =>
    halves.set(id, (halves.get(id) ?? '') + rectangle(...columns, top, HEIGHT / 2))
  let ongoing: TurnView[] = []
  for (const turn of durationMs > 0 ? turns : []) {
    ongoing = ongoing.filter((other) => other.end_ms > turn.start_ms)
    for (const other of ongoing) {
      const end = Math.min(turn.end_ms, other.end_ms)
      if (other.speaker_id === turn.speaker_id || end - turn.start_ms < SHORTEST_OVERLAP_MS) continue
      const columns = columnsOf(turn.start_ms, end, durationMs)
      draw(other.speaker_id, columns, 0)
      draw(turn.speaker_id, columns, HEIGHT / 2)
    }
    ongoing.push(turn)
  }
  return speakers.flatMap((speaker) => {
    const d = halves.get(speaker.id)
    return d ? [{ speaker, d }] : []
  })
}
