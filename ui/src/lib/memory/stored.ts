/** What the memory client stores of a meeting. */

import type { SegmentView, TranscriptInfo, VersionView } from '../types'

/** A version with all its lines. */
export type Version = { view: VersionView; lines: SegmentView[] }

/** A version of a transcript with all its lines. */
export type Transcript = { facts: TranscriptInfo; lines: SegmentView[]; settledMs: number }
