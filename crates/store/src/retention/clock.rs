//! Whether the server's clock is believed, and what a clean-up asks.
//!
//! `retention_state.trusted_at` is the last moment that was believed: when a clean-up ran. From there the clock may
//! move on in steps of at most 30 days from one moment that is recorded in the archive to the next, and on to
//! now. A clock that is set forward by years makes one long step, also if rows were written after it was set: they are
//! on the far side of that step. The newest `updated_at` alone would not show that.

use super::{CleanupPlan, CleanupQuestion, RetentionState};
use crate::Result;
use crate::ids::LibraryId;
use crate::schema::retention_state;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Timestamptz, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// Libraries with fewer meetings are not asked about the share that goes: half of two meetings is one meeting.
const SMALL_LIBRARY: i64 = 4;

/// $1: the moment, NULL for now. $2: the library. Without a row in `retention_state` no clock is believed.
const CLOCK: &str = "
    WITH clock AS (
        SELECT coalesce($1::timestamptz, now()) AS at, s.trusted_at, s.last_run_at, s.restored_at
        FROM (VALUES (TRUE)) one (id) LEFT JOIN retention_state s USING (id)
    ),
    moments AS (
        SELECT DISTINCT m.at FROM (
            SELECT created_at AT TIME ZONE 'UTC' FROM jobs
            UNION ALL SELECT updated_at AT TIME ZONE 'UTC' FROM jobs
            UNION ALL SELECT created_at AT TIME ZONE 'UTC' FROM export_jobs
            UNION ALL SELECT updated_at AT TIME ZONE 'UTC' FROM export_jobs
            UNION ALL SELECT clock.at FROM clock
        ) m (at), clock WHERE m.at > clock.trusted_at AND m.at <= clock.at
    ),
    steps AS (
        SELECT m.at - lag(m.at, 1, clock.trusted_at) OVER (ORDER BY m.at) AS step FROM moments m, clock
    )
    SELECT clock.at, clock.trusted_at, clock.last_run_at,
        clock.restored_at IS NOT NULL AS restored,
        coalesce(clock.at < clock.trusted_at, FALSE) AS behind,
        clock.trusted_at IS NULL OR EXISTS (SELECT FROM steps WHERE step > interval '30 days') AS ahead,
        (SELECT count(*) FROM jobs WHERE library_id = $2) AS meetings,
        (SELECT count(*) FROM jobs WHERE library_id = $2 AND audio_removed_at IS NULL) AS with_audio,
        EXISTS (SELECT FROM jobs WHERE library_id = $2 AND 'infinity' IN (retention_from, audio_restored_at))
            OR EXISTS (SELECT FROM export_jobs WHERE library_id = $2 AND retention_from = 'infinity') AS undated
    FROM clock";

/// The clock and the size of the library.
#[derive(Debug, diesel::QueryableByName)]
pub(super) struct Clock {
    /// The moment of the clean-up.
    #[diesel(sql_type = Timestamptz)]
    pub(super) at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(super) trusted_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(super) last_run_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    restored: bool,
    #[diesel(sql_type = Bool)]
    behind: bool,
    #[diesel(sql_type = Bool)]
    ahead: bool,
    #[diesel(sql_type = BigInt)]
    meetings: i64,
    #[diesel(sql_type = BigInt)]
    with_audio: i64,
    /// Whether rows were written while the clock was behind, whose age is not known yet.
    #[diesel(sql_type = Bool)]
    undated: bool,
}

pub(super) async fn read(
    c: &mut AsyncPgConnection,
    library: LibraryId,
    at: Option<DateTime<Utc>>,
) -> Result<Clock> {
    let query = diesel::sql_query(CLOCK).bind::<Nullable<Timestamptz>, _>(at).bind::<Uuid, _>(library);
    Ok(query.get_result(c).await?)
}

impl Clock {
    pub(super) fn is_trusted(&self) -> bool {
        !self.behind && !self.ahead
    }

    /// What must be confirmed before `plan` is carried out. A clock that is not believed matters only if something
    /// depends on it.
    pub(super) fn questions(&self, plan: &CleanupPlan) -> Vec<CleanupQuestion> {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let most = |going: i64, all: i64| all >= SMALL_LIBRARY && going > all / 2;
        // Meetings in the trash do not count: the user has already decided to delete them.
        let by_age: Vec<_> = plan.meetings.iter().filter(|meeting| !meeting.from_trash).collect();
        let with_audio = by_age.iter().filter(|meeting| meeting.audio_bytes > 0).count();
        let losing_audio = count(plan.audio.len() + with_audio);
        let depends_on_clock = !plan.is_empty() || self.undated;
        [
            (self.behind && depends_on_clock, CleanupQuestion::ClockBehind),
            (self.ahead && depends_on_clock, CleanupQuestion::ClockAhead),
            (self.restored && !plan.is_empty(), CleanupQuestion::Restored),
            (most(count(by_age.len()), self.meetings), CleanupQuestion::MostMeetings),
            (!plan.audio.is_empty() && most(losing_audio, self.with_audio), CleanupQuestion::MostAudio),
        ]
        .into_iter()
        .filter_map(|(applies, question)| applies.then_some(question))
        .collect()
    }
}

/// Stores that a clean-up asked something and removed nothing.
pub(super) async fn record_questions(
    c: &mut AsyncPgConnection,
    questions: &[CleanupQuestion],
    at: DateTime<Utc>,
) -> QueryResult<()> {
    let words = questions.iter().map(|question| question.as_str()).collect::<Vec<_>>().join(",");
    diesel::update(retention_state::table)
        .set((retention_state::questions.eq(words), retention_state::questions_at.eq(at)))
        .execute(c)
        .await
        .map(drop)
}

/// Believes the clock at `at`. If the user has confirmed it, it may also lie before the last moment that was believed.
pub(super) async fn trust(c: &mut AsyncPgConnection, at: DateTime<Utc>, confirmed: bool) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO retention_state (id, trusted_at, last_run_at) VALUES (TRUE, $1, $1)
        ON CONFLICT (id) DO UPDATE SET
            trusted_at = CASE WHEN $2 THEN $1 ELSE greatest(retention_state.trusted_at, $1) END,
            restored_at = CASE WHEN $2 THEN NULL ELSE retention_state.restored_at END,
            last_run_at = $1, questions = NULL, questions_at = NULL",
    )
    .bind::<Timestamptz, _>(at)
    .bind::<Bool, _>(confirmed)
    .execute(c)
    .await?;
    // The age of rows that were written while the clock was behind counts from now.
    for update in [
        "UPDATE jobs SET retention_from = $1 WHERE retention_from = 'infinity'",
        "UPDATE jobs SET audio_restored_at = $1 WHERE audio_restored_at = 'infinity'",
        "UPDATE export_jobs SET retention_from = $1 WHERE retention_from = 'infinity'",
    ] {
        diesel::sql_query(update).bind::<Timestamptz, _>(at).execute(c).await?;
    }
    Ok(())
}

pub(super) async fn state(c: &mut AsyncPgConnection) -> Result<RetentionState> {
    let row: Option<(Option<DateTime<Utc>>, Option<String>)> = retention_state::table
        .select((retention_state::last_run_at, retention_state::questions))
        .first(c)
        .await
        .optional()?;
    let (last_run_at, questions) = row.unwrap_or_default();
    let words = questions.unwrap_or_default();
    Ok(RetentionState {
        last_run_at,
        questions: words.split(',').filter_map(CleanupQuestion::parse).collect(),
    })
}

/// `retention_state.restored_at` is set by a restore.
pub(super) async fn record_restore(c: &mut AsyncPgConnection) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO retention_state (id, restored_at) VALUES (TRUE, now())
        ON CONFLICT (id) DO UPDATE SET restored_at = now()",
    )
    .execute(c)
    .await
    .map(drop)
}
