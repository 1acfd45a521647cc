//! `transcript_windows`: the windows of audio whose words are committed, with their span; the basis of resuming inside a
//! file.

use crate::archive::on_connection;
use crate::error::StoreError;
use crate::ids::TranscriptId;
use crate::schema::transcript_windows;
use crate::segments::time;
use crate::{Result, Store};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use transcript::Span;

/// A committed window of audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Its place in the recording, from 0.
    pub index: u32,
    /// The audio it covers.
    pub span: Span,
    /// The language of its words, BCP 47; `None` where nothing was said.
    pub language: Option<String>,
    /// The language that the engine finds in it by itself, where it is not that of the words.
    pub other_language: Option<String>,
}

impl Store {
    /// The committed windows of a version, in their order.
    pub async fn windows(&self, id: TranscriptId) -> Result<Vec<Window>> {
        on_connection!(self, connection => windows_of(connection, id))
    }
}

pub(crate) async fn windows_of(c: &mut AsyncPgConnection, id: TranscriptId) -> Result<Vec<Window>> {
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
            Ok(Window { index, span: Span::new(time(start)?, time(end)?), language, other_language })
        })
        .collect()
}

pub(crate) fn index_of(window: &Window) -> Result<i32> {
    i32::try_from(window.index).map_err(|_| StoreError::Unknown(format!("window {}", window.index)))
}
