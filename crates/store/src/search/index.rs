//! Keeping what is searched: meetings that are not indexed yet, and the words of all meetings.

use crate::query::on_connection;
use crate::{Result, Store};
use diesel::result::Error as QueryError;
use diesel::sql_types::{Array, Integer, Nullable, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = Integer)]
    count: i32,
}

#[derive(diesel::QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Each row of `search_meetings` belongs to a row of `jobs`. Two counts are faster than a look for those without one, and
/// each search asks.
const BACKLOG: &str = "SELECT ((SELECT count(*) FROM jobs)
        - (SELECT count(*) FROM search_meetings WHERE edition = (SELECT meetmemo_search_edition())))::integer AS count";

const UNCOUNTED: &str = "SELECT count(*)::integer AS count FROM search_meetings WHERE NOT counted";

/// One process at a time counts, so that no two wait for each other's words.
const LOCK_WORDS: &str = "SELECT pg_advisory_xact_lock(hashtextextended('meetmemo.search_words', 0))";

/// Counts the words of the meetings $1.
const COUNT: &str = "WITH said AS (
        SELECT j.id AS job, word FROM jobs j JOIN segments s ON s.transcript_id = j.current_transcript_id,
            unnest(meetmemo_search_words(s.text)) word WHERE j.id = ANY ($1)
        UNION ALL
        SELECT j.id, word FROM jobs j, unnest(meetmemo_search_words(coalesce(j.title, j.file_name))) word
        WHERE j.id = ANY ($1)
        UNION ALL
        SELECT n.job_id, word FROM notes n, unnest(meetmemo_search_words(n.text)) word WHERE n.job_id = ANY ($1)
        UNION ALL
        SELECT s.job_id, word FROM speakers s LEFT JOIN people p ON p.id = s.person_id,
            unnest(meetmemo_search_words(coalesce(p.name, s.name))) word WHERE s.job_id = ANY ($1)
    ),
    counted AS MATERIALIZED (
        SELECT word, count(*)::integer AS meetings FROM (SELECT DISTINCT job, word COLLATE \"C\" AS word FROM said) once
        WHERE char_length(word) <= 40 GROUP BY word
    ),
    known AS (
        UPDATE search_words k SET meetings = k.meetings + c.meetings FROM counted c WHERE k.word = c.word
        RETURNING k.word
    )
    INSERT INTO search_words (word, folded, meetings, deletions)
    SELECT word, folded, meetings, meetmemo_search_deletions(folded)
    FROM (
        SELECT word, meetmemo_search_fold(word) AS folded, meetings FROM counted c
        WHERE NOT EXISTS (SELECT FROM known WHERE known.word = c.word) AND NOT meetmemo_search_is_run(word)
    ) new
    WHERE folded <> ''";

impl Store {
    /// How many meetings cannot be found yet, because they were there before search was, or come from another version
    /// of the database server or of the program.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn search_backlog(&self) -> Result<u32> {
        let row: Count = on_connection!(self, connection => async { diesel::sql_query(BACKLOG).get_result(connection).await })?;
        Ok(u32::try_from(row.count).unwrap_or_default())
    }

    /// Makes up to `limit` of those meetings searchable, the newest first, each in a transaction of its own. Returns how
    /// many are left.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn index_for_search(&self, limit: u32) -> Result<u32> {
        let ids: Vec<Id> = on_connection!(self, connection => async {
            diesel::sql_query(
                "SELECT j.id FROM jobs j WHERE NOT EXISTS (
                    SELECT FROM search_meetings m WHERE m.job_id = j.id AND m.edition = meetmemo_search_edition())
                 ORDER BY coalesce(j.recorded_at, j.created_at AT TIME ZONE 'UTC') DESC, j.id DESC LIMIT $1",
            )
            .bind::<Integer, _>(i32::try_from(limit).unwrap_or(i32::MAX))
            .load(connection)
            .await
        })?;
        for Id { id } in ids {
            on_connection!(self, connection => async {
                diesel::sql_query("SELECT meetmemo_search_refresh($1, $2)")
                    .bind::<SqlUuid, _>(id)
                    .bind::<Nullable<Array<Integer>>, _>(None::<Vec<i32>>)
                    .execute(connection)
                    .await
            })?;
        }
        self.search_backlog().await
    }

    /// Counts the words of up to `limit` meetings, for suggestions, beginnings of words and compounds. Returns how many
    /// meetings are left. A meeting whose transcript was made again is counted again: the counts only say which words are
    /// frequent.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn count_words(&self, limit: u32) -> Result<u32> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            diesel::sql_query(LOCK_WORDS).execute(c).await?;
            let ids: Vec<Id> = diesel::sql_query(
                "UPDATE search_meetings SET counted = TRUE WHERE job_id IN (
                    SELECT job_id FROM search_meetings WHERE NOT counted ORDER BY job_id LIMIT $1 FOR UPDATE SKIP LOCKED)
                 RETURNING job_id AS id",
            )
            .bind::<Integer, _>(i32::try_from(limit).unwrap_or(i32::MAX))
            .load(c)
            .await?;
            let ids: Vec<Uuid> = ids.into_iter().map(|row| row.id).collect();
            if !ids.is_empty() {
                diesel::sql_query(COUNT).bind::<Array<SqlUuid>, _>(ids).execute(c).await?;
            }
            let left: Count = diesel::sql_query(UNCOUNTED).get_result(c).await?;
            Ok(u32::try_from(left.count).unwrap_or_default())
        }))
    }
}
