//! `turns`: who speaks when, as diarization found it.

use crate::Result;
use crate::ids::{JobId, SpeakerId};
use crate::schema::turns;
use crate::segments::time;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use transcript::{Span, Turn};

/// Rows of `turns` per INSERT; with six values each, far below the 65 535 that a statement may bind.
const ROWS_PER_INSERT: usize = 2_000;

/// The turns of a meeting, in order of start.
pub(crate) async fn load_turns(c: &mut AsyncPgConnection, job: JobId) -> Result<Vec<Turn<SpeakerId>>> {
    let rows: Vec<(i64, i64, SpeakerId, Option<f32>, bool)> = turns::table
        .filter(turns::job_id.eq(job))
        .order((turns::start_ms, turns::id))
        .select((turns::start_ms, turns::end_ms, turns::speaker_id, turns::confidence, turns::overlap))
        .load(c)
        .await?;
    rows.into_iter()
        .map(|(start, end, speaker, confidence, overlap)| {
            Ok(Turn { span: Span::new(time(start)?, time(end)?), speaker, confidence, overlap })
        })
        .collect()
}

/// Inserts turns, which are in order of start.
pub(crate) async fn insert_turns(
    c: &mut AsyncPgConnection,
    job: JobId,
    new: &[Turn<SpeakerId>],
) -> Result<()> {
    for chunk in new.chunks(ROWS_PER_INSERT) {
        let rows: Vec<_> = chunk
            .iter()
            .map(|turn| {
                (
                    turns::job_id.eq(job),
                    turns::start_ms.eq(i64::from(turn.span.start.as_ms())),
                    turns::end_ms.eq(i64::from(turn.span.end.as_ms())),
                    turns::speaker_id.eq(turn.speaker),
                    turns::confidence.eq(turn.confidence),
                    turns::overlap.eq(turn.overlap),
                )
            })
            .collect();
        diesel::insert_into(turns::table).values(rows).execute(c).await?;
    }
    Ok(())
}
