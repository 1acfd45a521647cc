//! `transcript_windows`: the windows of audio whose segments are committed. Resumed work skips them.

use crate::error::StoreError;
use crate::ids::TranscriptId;
use crate::query::on_connection;
use crate::schema::transcript_windows;
use crate::segments::time;
use crate::{Result, Store};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use transcript::Span;

/// A committed window of audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptWindow {
    /// Index in the recording, from 0.
    pub index: u32,
    /// The part of the recording it covers.
    pub span: Span,
    /// Language of its words, BCP 47; `None` if it has no words.
    pub language: Option<String>,
    /// The language that the engine detects in it, if that differs from the language of the words.
    pub other_language: Option<String>,
}

impl Store {
    /// The committed windows of a version, in order.
    pub async fn transcript_windows(&self, id: TranscriptId) -> Result<Vec<TranscriptWindow>> {
        on_connection!(self, connection => load_windows(connection, id))
    }
}

/// The committed windows of a version, in order.
pub(crate) async fn load_windows(
    c: &mut AsyncPgConnection,
    id: TranscriptId,
) -> Result<Vec<TranscriptWindow>> {
    type Row = (i32, i64, i64, Option<String>, Option<String>);
    let rows: Vec<Row> = transcript_windows::table
        .filter(transcript_windows::transcript_id.eq(id))
        .order(transcript_windows::window_index)
        .select((
            transcript_windows::window_index,
            transcript_windows::start_ms,
            transcript_windows::end_ms,
            transcript_windows::language,
            transcript_windows::other_language,
        ))
        .load(c)
        .await?;
    rows.into_iter()
        .map(|(index, start, end, language, other_language)| {
            let index = u32::try_from(index).map_err(|_| StoreError::Unknown(format!("window {index}")))?;
            Ok(TranscriptWindow {
                index,
                span: Span::new(time(start)?, time(end)?),
                language,
                other_language,
            })
        })
        .collect()
}

/// The index as the database stores it.
pub(crate) fn index_of(window: &TranscriptWindow) -> Result<i32> {
    i32::try_from(window.index).map_err(|_| StoreError::Unknown(format!("window {}", window.index)))
}
