//! The rules, as one query: what is due at a moment. Previews read it, removals delete what it returns.

use super::{CleanupPlan, DueExport, DueMeeting, FORECAST_DAYS, ForecastItem, RetentionRules, clock};
use crate::Result;
use crate::ids::{ExportId, JobId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::collections::HashSet;

/// A statement over `due_meetings`, `due_audio` and `due_exports`.
///
/// Parameters: $1 the moment, $2 the library, $3 hours for meetings, $4 days for audio, $5 hours for exports, $6 the
/// folder of exports, $7 the ids to look at (all if NULL), $8 days for the trash. A rule whose number is NULL makes
/// nothing due.
///
/// Ages are compared with `at - interval`, not `since + interval`: the sum may lie beyond the last possible date.
macro_rules! with_due {
    ($statement:literal) => {
        concat!(
            "WITH rules AS (
                SELECT $1::timestamptz AS at, $2::uuid AS library, $3::int AS job_hours, $4::int AS audio_days,
                    $5::int AS export_hours, $6::text AS folder, $7::uuid[] AS only, $8::int AS trash_days
            ),
            resting AS (
                SELECT j.id, j.title, j.file_name, j.file_path, age.since, j.trashed_at,
                    greatest(age.since, j.audio_restored_at) AS audio_since,
                    CASE WHEN j.audio_removed_at IS NULL THEN coalesce(j.byte_size, 0) ELSE 0 END AS audio_bytes,
                    j.audio_removed_at IS NULL AND j.current_transcript_id IS NOT NULL
                        AND starts_with(j.file_path, j.id::text || '/') AS audio_may_go
                FROM jobs j, rules r,
                    LATERAL (SELECT coalesce(j.retention_from, j.created_at AT TIME ZONE 'UTC')) age (since)
                WHERE j.library_id = r.library AND NOT j.pinned AND j.status IN ('completed', 'failed')
                    AND age.since > '-infinity'
                    AND NOT EXISTS (SELECT FROM tasks t WHERE t.job_id = j.id AND t.state IN ('waiting', 'running'))
                    AND NOT EXISTS (SELECT FROM export_jobs e WHERE e.job_id = j.id AND e.status NOT IN ('completed', 'failed'))
            ),
            due_meetings AS (
                SELECT m.*, due.at AS due_since, due.at IS DISTINCT FROM due.by_age AS from_trash
                FROM resting m, rules r,
                    LATERAL (SELECT
                        CASE WHEN m.since <= r.at - make_interval(hours => r.job_hours)
                            THEN m.since + make_interval(hours => r.job_hours) END,
                        CASE WHEN m.trashed_at <= r.at - make_interval(days => r.trash_days)
                            THEN m.trashed_at + make_interval(days => r.trash_days) END
                    ) rule (by_age, by_trash),
                    LATERAL (SELECT least(rule.by_age, rule.by_trash), rule.by_age) due (at, by_age)
                WHERE due.at IS NOT NULL
            ),
            due_audio AS (
                SELECT m.*, m.audio_since + make_interval(days => r.audio_days) AS due_since, FALSE AS from_trash
                FROM resting m, rules r
                WHERE m.audio_may_go AND m.audio_since <= r.at - make_interval(days => r.audio_days)
                    AND m.id NOT IN (SELECT d.id FROM due_meetings d)
            ),
            own_exports AS (
                SELECT e.id, e.job_id, j.title, j.file_name, e.export_type, e.file_path, age.since,
                    NOT j.pinned AND e.status IN ('completed', 'failed') AND age.since > '-infinity'
                        AND NOT EXISTS (SELECT FROM tasks t
                            WHERE t.job_id = e.job_id AND t.kind = 'export' AND t.state IN ('waiting', 'running'))
                        AND NOT EXISTS (SELECT FROM export_jobs o
                            WHERE o.job_id = e.job_id AND o.status NOT IN ('completed', 'failed')) AS may_go
                FROM export_jobs e JOIN jobs j ON j.id = e.job_id CROSS JOIN rules r,
                    LATERAL (SELECT coalesce(e.retention_from, e.created_at AT TIME ZONE 'UTC')) age (since)
                WHERE e.library_id = r.library AND starts_with(e.file_path, r.folder || '/')
                    AND strpos(substr(e.file_path, length(r.folder) + 2), '/') = 0
                    AND substr(e.file_path, length(r.folder) + 2) NOT IN ('', '.', '..')
            ),
            due_exports AS (
                SELECT x.*, d.id IS NOT NULL AS with_meeting, coalesce(d.from_trash, FALSE) AS from_trash,
                    coalesce(d.due_since, x.since + make_interval(hours => r.export_hours)) AS due_since
                FROM own_exports x CROSS JOIN rules r LEFT JOIN due_meetings d ON d.id = x.job_id
                WHERE d.id IS NOT NULL
                    OR x.may_go AND x.since <= r.at - make_interval(hours => r.export_hours)
            )",
            $statement
        )
    };
}
pub(super) use with_due;

/// A query with the parameters of [`with_due!`].
macro_rules! query_due {
    ($sql:expr, $rules:expr, $at:expr, $only:expr) => {{
        let rules: &$crate::retention::RetentionRules = $rules;
        let number = |number: Option<u32>| number.map(|number| i32::try_from(number).unwrap_or(i32::MAX));
        diesel::sql_query($sql)
            .bind::<diesel::sql_types::Timestamptz, _>($at)
            .bind::<diesel::sql_types::Uuid, _>(rules.library)
            .bind::<diesel::sql_types::Nullable<diesel::sql_types::Integer>, _>(number(
                rules.job_retention_hours,
            ))
            .bind::<diesel::sql_types::Nullable<diesel::sql_types::Integer>, _>(number(
                rules.audio_retention_days,
            ))
            .bind::<diesel::sql_types::Nullable<diesel::sql_types::Integer>, _>(number(
                rules.export_retention_hours,
            ))
            .bind::<diesel::sql_types::Text, _>(&rules.exports_folder)
            .bind::<diesel::sql_types::Nullable<diesel::sql_types::Array<diesel::sql_types::Uuid>>, _>($only)
            .bind::<diesel::sql_types::Nullable<diesel::sql_types::Integer>, _>(number(
                rules.trash_retention_days,
            ))
    }};
}
pub(super) use query_due;

const MEETINGS: &str = with_due!(
    " SELECT d.id, d.title, d.file_name, d.audio_bytes, d.due_since, d.from_trash FROM due_meetings d, rules r
      WHERE r.only IS NULL OR d.id = ANY(r.only) ORDER BY d.due_since, d.id"
);
const AUDIO: &str = with_due!(
    " SELECT d.id, d.title, d.file_name, d.audio_bytes, d.due_since, d.from_trash FROM due_audio d, rules r
      WHERE r.only IS NULL OR d.id = ANY(r.only) ORDER BY d.due_since, d.id"
);
const EXPORTS: &str = with_due!(
    " SELECT d.id, d.job_id, d.title, d.file_name, d.export_type, d.file_path, d.due_since, d.with_meeting,
          d.from_trash
      FROM due_exports d, rules r
      WHERE r.only IS NULL OR d.id = ANY(r.only) ORDER BY d.due_since, d.id"
);

#[derive(diesel::QueryableByName)]
struct MeetingRow {
    #[diesel(sql_type = Uuid)]
    id: JobId,
    #[diesel(sql_type = Nullable<Text>)]
    title: Option<String>,
    #[diesel(sql_type = Text)]
    file_name: String,
    #[diesel(sql_type = BigInt)]
    audio_bytes: i64,
    #[diesel(sql_type = Timestamptz)]
    due_since: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    from_trash: bool,
}

#[derive(diesel::QueryableByName)]
struct ExportRow {
    #[diesel(sql_type = Uuid)]
    id: ExportId,
    #[diesel(sql_type = Uuid)]
    job_id: JobId,
    #[diesel(sql_type = Nullable<Text>)]
    title: Option<String>,
    #[diesel(sql_type = Text)]
    file_name: String,
    #[diesel(sql_type = Text)]
    export_type: String,
    #[diesel(sql_type = Text)]
    file_path: String,
    #[diesel(sql_type = Timestamptz)]
    due_since: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    with_meeting: bool,
    #[diesel(sql_type = Bool)]
    from_trash: bool,
}

/// What a clean-up at `at` removes and asks; `None`: now, by the server's clock.
pub(super) async fn plan(
    c: &mut AsyncPgConnection,
    rules: &RetentionRules,
    at: Option<DateTime<Utc>>,
) -> Result<CleanupPlan> {
    let clock = clock::read(c, rules.library, at).await?;
    let at = clock.at;
    let meetings = meetings(c, MEETINGS, rules, at).await?;
    let audio = self::meetings(c, AUDIO, rules, at).await?;
    let exports = exports(c, rules, at).await?;
    let forecast = forecast(c, rules, at, &meetings, &audio).await?;
    let mut plan = CleanupPlan {
        at,
        meetings,
        audio,
        exports,
        forecast,
        questions: Vec::new(),
        clock_trusted: clock.is_trusted(),
        trusted_at: clock.trusted_at,
        last_run_at: clock.last_run_at,
    };
    plan.questions = clock.questions(&plan);
    Ok(plan)
}

async fn meetings(
    c: &mut AsyncPgConnection,
    sql: &'static str,
    rules: &RetentionRules,
    at: DateTime<Utc>,
) -> Result<Vec<DueMeeting>> {
    let rows: Vec<MeetingRow> = query_due!(sql, rules, at, None::<Vec<JobId>>).load(c).await?;
    let meeting = |row: MeetingRow| DueMeeting {
        id: row.id,
        title: row.title,
        file_name: row.file_name,
        audio_bytes: u64::try_from(row.audio_bytes).unwrap_or(0),
        due_since: row.due_since,
        from_trash: row.from_trash,
    };
    Ok(rows.into_iter().map(meeting).collect())
}

async fn exports(
    c: &mut AsyncPgConnection,
    rules: &RetentionRules,
    at: DateTime<Utc>,
) -> Result<Vec<DueExport>> {
    let rows: Vec<ExportRow> = query_due!(EXPORTS, rules, at, None::<Vec<JobId>>).load(c).await?;
    let export = |row: ExportRow| DueExport {
        id: row.id,
        job_id: row.job_id,
        title: row.title,
        file_name: row.file_name,
        export_type: row.export_type,
        file_path: row.file_path,
        due_since: row.due_since,
        with_meeting: row.with_meeting,
        from_trash: row.from_trash,
    };
    Ok(rows.into_iter().map(export).collect())
}

/// What becomes due within [`FORECAST_DAYS`]: the same query for a later moment, without what is due already.
async fn forecast(
    c: &mut AsyncPgConnection,
    rules: &RetentionRules,
    at: DateTime<Utc>,
    due: &[DueMeeting],
    due_audio: &[DueMeeting],
) -> Result<Vec<ForecastItem>> {
    let later = at.checked_add_signed(TimeDelta::days(FORECAST_DAYS)).unwrap_or(at);
    let ids = |meetings: &[DueMeeting]| meetings.iter().map(|meeting| meeting.id).collect::<HashSet<_>>();
    let (due, due_audio) = (ids(due), ids(due_audio));
    let going = meetings(c, MEETINGS, rules, later).await?;
    let audio = meetings(c, AUDIO, rules, later).await?;
    let going = going.into_iter().filter(|meeting| !due.contains(&meeting.id));
    let audio = audio.into_iter().filter(|meeting| !due_audio.contains(&meeting.id));
    let mut forecast: Vec<ForecastItem> = going
        .map(|meeting| ForecastItem { meeting, audio_only: false })
        .chain(audio.map(|meeting| ForecastItem { meeting, audio_only: true }))
        .collect();
    forecast.sort_by_key(|item| (item.meeting.due_since, item.meeting.id));
    Ok(forecast)
}
