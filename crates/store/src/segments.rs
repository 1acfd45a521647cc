//! `segments`: the segments of a transcript version with their words.

use crate::error::StoreError;
use crate::ids::{SegmentId, SpeakerId, TranscriptId};
use crate::query::on_connection;
use crate::schema::segments;
use crate::{Result, Store};
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use transcript::{AudioTime, DoubtReason, Segment, Span, SpeakerSegment, Word};

/// Rows of `segments` per INSERT; with eleven values each, far below the 65 535 that a statement may bind.
const ROWS_PER_INSERT: usize = 2_000;

/// A stored segment.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSegment {
    /// The id.
    pub id: SegmentId,
    /// Text, words and times.
    pub segment: Segment,
    /// Index of the window it comes from, while its version is unfinished.
    pub window: Option<u32>,
    /// The speaker, as found or assigned. May be merged into another one: see [`crate::Speaker::shown_as`].
    pub speaker: Option<SpeakerId>,
    /// Whether another speaker talks at the same time during most of it.
    pub overlap: bool,
    /// Whether a user assigned the speaker.
    pub by_hand: bool,
}

/// A stored segment without its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentText {
    /// The id.
    pub id: SegmentId,
    /// Position in the recording.
    pub span: Span,
    /// The text.
    pub text: String,
    /// Why it is doubtful.
    pub doubt: Option<DoubtReason>,
    /// The speaker; see [`StoredSegment::speaker`].
    pub speaker: Option<SpeakerId>,
    /// Whether a user assigned the speaker.
    pub by_hand: bool,
}

impl Store {
    /// The segments of a version, in order of time.
    pub async fn segments(&self, id: TranscriptId) -> Result<Vec<StoredSegment>> {
        on_connection!(self, connection => stored_segments(connection, id))
    }

    /// The segments of a version that begin at `from` or later, in order of time. Their words are not
    /// loaded, which makes this about a tenth of the data.
    pub async fn segment_texts(&self, id: TranscriptId, from: AudioTime) -> Result<Vec<SegmentText>> {
        let rows: Vec<SegmentTextRow> = on_connection!(self, connection => async {
            segments::table
                .filter(segments::transcript_id.eq(id))
                .filter(segments::start_ms.ge(i64::from(from.as_ms())))
                .order((segments::start_ms, segments::id))
                .select((
                    segments::id,
                    segments::start_ms,
                    segments::end_ms,
                    segments::text,
                    segments::doubt,
                    segments::speaker_id,
                    segments::by_hand,
                ))
                .load(connection)
                .await
        })?;
        rows.into_iter()
            .map(|(id, start, end, text, doubt, speaker, by_hand)| {
                let span = Span::new(time(start)?, time(end)?);
                Ok(SegmentText { id, span, text, doubt: reason(doubt)?, speaker, by_hand })
            })
            .collect()
    }

    /// Whether a version has any words.
    pub async fn has_words(&self, id: TranscriptId) -> Result<bool> {
        on_connection!(self, connection => async {
            let any = segments::table.filter(segments::transcript_id.eq(id));
            diesel::select(diesel::dsl::exists(any)).get_result(connection).await
        })
    }

    /// Number of words of each speaker in a version. Merged speakers are counted separately.
    pub async fn words_by_speaker(&self, version: TranscriptId) -> Result<Vec<(Option<SpeakerId>, i64)>> {
        #[derive(QueryableByName)]
        struct Counted {
            #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
            speaker_id: Option<SpeakerId>,
            #[diesel(sql_type = sql_types::BigInt)]
            words: i64,
        }
        let counted: Vec<Counted> = on_connection!(self, connection => async {
            diesel::sql_query(
                "SELECT speaker_id, sum(jsonb_array_length(words))::bigint AS words FROM segments
                WHERE transcript_id = $1 GROUP BY speaker_id",
            )
            .bind::<sql_types::Uuid, _>(version)
            .load(connection)
            .await
        })?;
        Ok(counted.into_iter().map(|counted| (counted.speaker_id, counted.words)).collect())
    }
}

/// The segments of a version, in order of time.
pub(crate) async fn stored_segments(
    c: &mut AsyncPgConnection,
    id: TranscriptId,
) -> Result<Vec<StoredSegment>> {
    let rows: Vec<SegmentRow> = segments::table
        .filter(segments::transcript_id.eq(id))
        .order((segments::start_ms, segments::id))
        .select((
            segments::id,
            segments::start_ms,
            segments::end_ms,
            segments::text,
            segments::words,
            segments::window_index,
            segments::doubt,
            segments::speaker_id,
            segments::overlap,
            segments::by_hand,
        ))
        .load(c)
        .await?;
    rows.into_iter().map(from_row).collect()
}

/// Inserts segments of a version; `window` is the window they come from while the version is unfinished.
pub(crate) async fn insert_segments(
    c: &mut AsyncPgConnection,
    id: TranscriptId,
    window: Option<i32>,
    new: &[SpeakerSegment<SpeakerId>],
) -> Result<()> {
    let mut rows = Vec::with_capacity(new.len());
    for SpeakerSegment { segment, speaker, overlap, by_hand } in new {
        let words =
            serde_json::to_value(&segment.words).map_err(|error| StoreError::Unknown(error.to_string()))?;
        rows.push((
            segments::id.eq(SegmentId::new()),
            segments::transcript_id.eq(id),
            segments::window_index.eq(window),
            segments::start_ms.eq(i64::from(segment.span.start.as_ms())),
            segments::end_ms.eq(i64::from(segment.span.end.as_ms())),
            segments::text.eq(&segment.text),
            segments::words.eq(words),
            segments::doubt.eq(segment.doubt.map(DoubtReason::as_str)),
            segments::speaker_id.eq(speaker),
            segments::overlap.eq(overlap),
            segments::by_hand.eq(by_hand),
        ));
    }
    for chunk in rows.chunks(ROWS_PER_INSERT) {
        diesel::insert_into(segments::table).values(chunk).execute(c).await?;
    }
    Ok(())
}

/// A stored time in milliseconds.
pub(crate) fn time(ms: i64) -> Result<AudioTime> {
    u32::try_from(ms).map(AudioTime::from_ms).map_err(|_| StoreError::Unknown(format!("time {ms} ms")))
}

fn reason(name: Option<String>) -> Result<Option<DoubtReason>> {
    name.map(|name| DoubtReason::parse(&name).ok_or_else(|| StoreError::Unknown(format!("doubt “{name}”"))))
        .transpose()
}

fn from_row(
    (id, start, end, text, words, window, doubt, speaker, overlap, by_hand): SegmentRow,
) -> Result<StoredSegment> {
    let words: Vec<Word> = serde_json::from_value(words)
        .map_err(|error| StoreError::Unknown(format!("words of segment {id}: {error}")))?;
    let span = Span::new(time(start)?, time(end)?);
    let window = window.and_then(|index| u32::try_from(index).ok());
    let segment = Segment { span, text, words, doubt: reason(doubt)? };
    Ok(StoredSegment { id, segment, window, speaker, overlap, by_hand })
}

type SegmentRow = (
    SegmentId,
    i64,
    i64,
    String,
    serde_json::Value,
    Option<i32>,
    Option<String>,
    Option<SpeakerId>,
    bool,
    bool,
);

type SegmentTextRow = (SegmentId, i64, i64, String, Option<String>, Option<SpeakerId>, bool);
