//! `segments`: the lines of a version with their words.

use crate::archive::on_connection;
use crate::error::StoreError;
use crate::ids::{SegmentId, SpeakerId, TranscriptId};
use crate::schema::segments;
use crate::{Result, Store};
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use transcript::{AudioTime, Line, Reason, Segment, Span, Word};

/// Rows of `segments` per INSERT; with eleven values each, far below the 65 535 that a statement may bind.
const ROWS_PER_INSERT: usize = 2_000;

/// A line of a transcript as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSegment {
    /// Its id.
    pub id: SegmentId,
    /// The line.
    pub segment: Segment,
    /// The window it came from, while its version is unfinished.
    pub window: Option<u32>,
    /// Who says it, as it was found or given by hand; who they are shown as is theirs.
    pub speaker: Option<SpeakerId>,
    /// Whether somebody else speaks during most of it.
    pub overlap: bool,
    /// Whether it was given to its speaker by hand.
    pub by_hand: bool,
}

/// A line without its words one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextLine {
    /// Its id.
    pub id: SegmentId,
    /// Where it is in the recording.
    pub span: Span,
    /// What is said.
    pub text: String,
    /// Why it should be doubted.
    pub doubt: Option<Reason>,
    /// Who says it; see [`StoredSegment::speaker`].
    pub speaker: Option<SpeakerId>,
    /// Whether it was given to its speaker by hand.
    pub by_hand: bool,
}

impl Store {
    /// The lines of a version in order of time.
    pub async fn segments(&self, id: TranscriptId) -> Result<Vec<StoredSegment>> {
        on_connection!(self, connection => stored_lines(connection, id))
    }

    /// The lines of a version that begin at `from` or later, in order of time, without their words: a tenth of the data.
    pub async fn text_lines(&self, id: TranscriptId, from: AudioTime) -> Result<Vec<TextLine>> {
        let rows: Vec<TextRow> = on_connection!(self, connection => async {
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
                Ok(TextLine { id, span, text, doubt: reason(doubt)?, speaker, by_hand })
            })
            .collect()
    }

    /// Whether anything was said in a version.
    pub async fn has_words(&self, id: TranscriptId) -> Result<bool> {
        on_connection!(self, connection => async {
            let lines = segments::table.filter(segments::transcript_id.eq(id));
            diesel::select(diesel::dsl::exists(lines)).get_result(connection).await
        })
    }

    /// How many words of a version each speaker says, by whose they were found or given to be.
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

/// The lines of a version in order of time.
pub(crate) async fn stored_lines(c: &mut AsyncPgConnection, id: TranscriptId) -> Result<Vec<StoredSegment>> {
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
    rows.into_iter().map(stored_segment).collect()
}

pub(crate) async fn insert_lines(
    c: &mut AsyncPgConnection,
    id: TranscriptId,
    window: Option<i32>,
    lines: &[Line<SpeakerId>],
) -> Result<()> {
    let mut rows = Vec::with_capacity(lines.len());
    for Line { segment: line, speaker, overlap, by_hand } in lines {
        let words =
            serde_json::to_value(&line.words).map_err(|error| StoreError::Unknown(error.to_string()))?;
        rows.push((
            segments::id.eq(SegmentId::new()),
            segments::transcript_id.eq(id),
            segments::window_index.eq(window),
            segments::start_ms.eq(i64::from(line.span.start.as_ms())),
            segments::end_ms.eq(i64::from(line.span.end.as_ms())),
            segments::text.eq(&line.text),
            segments::words.eq(words),
            segments::doubt.eq(line.doubt.map(Reason::as_str)),
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

pub(crate) fn time(ms: i64) -> Result<AudioTime> {
    u32::try_from(ms).map(AudioTime::from_ms).map_err(|_| StoreError::Unknown(format!("time {ms} ms")))
}

fn reason(word: Option<String>) -> Result<Option<Reason>> {
    word.map(|word| Reason::from_word(&word).ok_or_else(|| StoreError::Unknown(format!("doubt “{word}”"))))
        .transpose()
}

fn stored_segment(
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

type TextRow = (SegmentId, i64, i64, String, Option<String>, Option<SpeakerId>, bool);
