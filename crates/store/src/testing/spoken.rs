//! Large archives of generated speech, for benchmarks.

use crate::ids::JobId;
use crate::{Result, Store};
use chrono::{DateTime, Utc};
use futures_util::SinkExt;
use std::fmt::Write;
use std::pin::pin;
use tokio_postgres::Transaction;
use uuid::Uuid;

/// Milliseconds of one generated segment.
const SEGMENT_MS: usize = 7_000;

/// A transcribed meeting without audio, to be inserted.
#[derive(Debug, Clone)]
pub struct SpokenMeeting {
    /// The title.
    pub title: String,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// Language of the transcript, BCP 47.
    pub language: String,
    /// Names of the speakers, who speak in turns.
    pub speakers: Vec<String>,
    /// The text of each segment, seven seconds each. No tab, line break or backslash.
    pub segments: Vec<String>,
    /// The text of its note; empty for none.
    pub note: String,
}

/// Inserts meetings with their transcripts in one transaction, without triggers. Words have no times. They are not
/// indexed for search.
///
/// # Errors
/// Those of the database.
pub async fn insert_spoken_meetings(store: &Store, meetings: &[SpokenMeeting]) -> Result<Vec<JobId>> {
    let mut client = store.raw_connection().await?;
    let transaction = client.transaction().await?;
    transaction.batch_execute("SET LOCAL meetmemo.restoring = 'on'; SET CONSTRAINTS ALL DEFERRED").await?;
    let (mut jobs, mut transcripts, mut speakers) = (String::new(), String::new(), String::new());
    let (mut segments, mut notes) = (String::new(), String::new());
    let mut ids = Vec::with_capacity(meetings.len());
    for meeting in meetings {
        let (job, transcript) = (Uuid::new_v4(), Uuid::new_v4());
        ids.push(JobId::from(job));
        let (title, at, language) = (&meeting.title, meeting.recorded_at.to_rfc3339(), &meeting.language);
        let duration = meeting.segments.len() * SEGMENT_MS;
        // Writing to a String cannot fail.
        let _ = writeln!(
            jobs,
            "{job}\t{title}.m4a\t{job}/audio.m4a\tcompleted\tdone\t{title}\t{duration}\t{at}\t{transcript}"
        );
        let _ = writeln!(
            transcripts,
            "{transcript}\t{job}\t1\tcomplete\twhisper\twhisper-base\t{language}\t{{}}"
        );
        let people: Vec<Uuid> = meeting.speakers.iter().map(|_| Uuid::new_v4()).collect();
        for (number, (id, name)) in people.iter().zip(&meeting.speakers).enumerate() {
            let _ = writeln!(speakers, "{id}\t{job}\t{}\t{name}\t{id}", number + 1);
        }
        for (number, text) in meeting.segments.iter().enumerate() {
            let start = number * SEGMENT_MS;
            let speaker = people.get(number % people.len().max(1)).map_or("\\N".to_owned(), Uuid::to_string);
            let _ = writeln!(
                segments,
                "{}\t{transcript}\t{start}\t{}\t{text}\t[]\t{speaker}",
                Uuid::new_v4(),
                start + SEGMENT_MS - 100
            );
        }
        if !meeting.note.is_empty() {
            let _ = writeln!(notes, "{job}\t{}\t1", meeting.note);
        }
    }
    let copies = [
        (
            "COPY jobs (id, file_name, file_path, status, workflow_state, title, duration_ms, recorded_at,
                current_transcript_id) FROM STDIN",
            jobs,
        ),
        (
            "COPY transcripts (id, job_id, version, status, engine, model, language, settings) FROM STDIN",
            transcripts,
        ),
        ("COPY speakers (id, job_id, number, name, shown_as) FROM STDIN", speakers),
        ("COPY segments (id, transcript_id, start_ms, end_ms, text, words, speaker_id) FROM STDIN", segments),
        ("COPY notes (job_id, text, revision) FROM STDIN", notes),
    ];
    for (sql, rows) in copies {
        copy(&transaction, sql, rows).await?;
    }
    transaction.commit().await?;
    Ok(ids)
}

async fn copy(transaction: &Transaction<'_>, sql: &'static str, rows: String) -> Result<()> {
    let mut sink = pin!(transaction.copy_in::<_, bytes::Bytes>(sql).await?);
    sink.send(rows.into()).await?;
    sink.finish().await?;
    Ok(())
}
