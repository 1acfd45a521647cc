/** Who speaks when, as shapes to draw. */
import type { SpeakerView, TurnView } from '../lib/types'

/** More columns than any slider has pixels. */
export const COLUMNS = 2_000
export const HEIGHT = 6

/** Shorter overlaps cannot be seen, and are more likely turns that are not quite exact. */
const SHARED_MS = 200

type Path = { speaker: SpeakerView; d: string }

/** The columns of a stretch, at least one. */
function columnsOf(startMs: number, endMs: number, durationMs: number): [number, number] {
  const from = Math.min(COLUMNS - 1, Math.floor((startMs / durationMs) * COLUMNS))
  return [from, Math.min(COLUMNS, Math.max(from + 1, Math.ceil((endMs / durationMs) * COLUMNS)))]
}

/**
 * One path for each speaker; stretches that touch within a column are one. Then, to be drawn over these, one for each
 * half of the band: where two speak, the upper half is theirs who began, and the lower half the other's.
 */
export function pathsOf(
  speakers: readonly SpeakerView[],
  turns: readonly TurnView[],
  durationMs: number,
): Path[] {
  const stretches = new Map<string, [number, number][]>()
  for (const turn of durationMs > 0 ? turns : []) {
    const [from, to] = columnsOf(turn.start_ms, turn.end_ms, durationMs)
    const own = stretches.get(turn.speaker_id) ?? []
    const last = own.at(-1)
    if (last && from <= last[1]) last[1] = Math.max(last[1], to)
    else own.push([from, to])
    stretches.set(turn.speaker_id, own)
  }
  const alone = speakers.map((speaker) => {
    const own = stretches.get(speaker.id) ?? []
    return { speaker, d: own.map(([from, to]) => rectangle(from, to, 0, HEIGHT)).join('') }
  })
  return [...alone, ...shared(speakers, turns, durationMs)]
}

function rectangle(from: number, to: number, top: number, height: number): string {
  return `M${from} ${top}h${to - from}v${height}H${from}z`
}

/** The halves of the band where two speak. */
function shared(speakers: readonly SpeakerView[], turns: readonly TurnView[], durationMs: number): Path[] {
  const halves = new Map<string, string>()
  const draw = (id: string, columns: [number, number], top: number) =>
    halves.set(id, (halves.get(id) ?? '') + rectangle(...columns, top, HEIGHT / 2))
  let going: TurnView[] = []
  for (const turn of durationMs > 0 ? turns : []) {
    going = going.filter((other) => other.end_ms > turn.start_ms)
    for (const other of going) {
      const end = Math.min(turn.end_ms, other.end_ms)
      if (other.speaker_id === turn.speaker_id || end - turn.start_ms < SHARED_MS) continue
      const columns = columnsOf(turn.start_ms, end, durationMs)
      draw(other.speaker_id, columns, 0)
      draw(turn.speaker_id, columns, HEIGHT / 2)
    }
    going.push(turn)
  }
  return speakers.flatMap((speaker) => {
    const d = halves.get(speaker.id)
    return d ? [{ speaker, d }] : []
  })
}
