/** Turns and figures of speakers, worked out from the segments of a transcript. */
import type { SegmentView, SpeakersView, SpeakerView, TurnView } from '../types'

export type SpeakersAndSegments = { view: SpeakersView; segments: SegmentView[] }

/** One turn for each run of segments of a speaker, and one for each other speaker who speaks during a segment. */
export function turnsOf(segments: SegmentView[]): TurnView[] {
  const turns: TurnView[] = []
  let last: TurnView | undefined
  for (const { speaker_id, start_ms, end_ms, also } of segments) {
    if (speaker_id === null) last = undefined
    else if (last && last.speaker_id === speaker_id) last.end_ms = end_ms
    else {
      last = { start_ms, end_ms, speaker_id, confidence: 0.9, overlap: also.length > 0 }
      turns.push(last)
    }
    for (const other of also)
      turns.push({ start_ms, end_ms, speaker_id: other, confidence: 0.5, overlap: true })
  }
  return turns
}

/** The view with the figures of all speakers recomputed. Without segments they stay as they are. */
export function withFigures(view: SpeakersView, segments: SegmentView[]): SpeakersAndSegments {
  if (segments.length === 0) return { view, segments }
  const ms = (all: SegmentView[]) => all.reduce((sum, segment) => sum + segment.end_ms - segment.start_ms, 0)
  const words = (all: SegmentView[]) =>
    all.reduce((sum, segment) => sum + segment.text.split(/\s+/).length, 0)
  const speech = ms(segments.filter((segment) => segment.speaker_id !== null))
  const speakers = view.speakers.map((speaker): SpeakerView => {
    const own = segments.filter((segment) => segment.speaker_id === speaker.id)
    const spoke = ms(own)
    const first = own.find((segment) => segment.end_ms - segment.start_ms > 1_000) ?? own[0]
    return {
      ...speaker,
      speech_ms: spoke,
      share: speech === 0 ? 0 : spoke / speech,
      turns: view.turns.filter((turn) => turn.speaker_id === speaker.id).length,
      words: words(own),
      words_per_minute: spoke === 0 ? null : Math.round(words(own) / (spoke / 60_000)),
      sample: first
        ? { start_ms: first.start_ms, end_ms: Math.min(first.end_ms, first.start_ms + 8_000) }
        : null,
    }
  })
  const unknown = words(segments.filter((segment) => segment.speaker_id === null))
  const all = (segments.at(-1)?.end_ms ?? 0) - ms(segments)
  return { view: { ...view, speakers, unknown_words: unknown, silence_ms: Math.max(0, all) }, segments }
}
