//! Which meetings hold the words and pass the filters: one scan of the index of whole meetings.

use super::pattern::{IndexClause, meeting_tsquery};
use super::query::{NameFilter, SearchFilters};
use crate::Result;
use crate::query::Prepared;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

/// Meetings that hold the words.
#[derive(Debug, diesel::QueryableByName)]
pub(super) struct Candidates {
    /// How many there are.
    #[diesel(sql_type = Integer)]
    pub(super) total: i32,
    /// The newest of them, newest first.
    #[diesel(sql_type = Array<SqlUuid>)]
    pub(super) ids: Vec<Uuid>,
}

/// The names of speakers that the filters fit.
#[derive(Debug, Default)]
pub(super) struct Speakers {
    /// The names that fit a filter that is not negated; `None` without such a filter.
    pub(super) wanted: Option<Vec<String>>,
    /// The names that fit a negated filter.
    pub(super) unwanted: Vec<String>,
}

/// The conditions of all filters; the parameters are bound by [`candidates`]. A filter that is not set is NULL, and the planner
/// removes it, because each plan is made for its values. The words are looked up on their own: beside a filter that few
/// meetings pass, the planner would read all words of each of those instead of the index.
const MATCHING: &str = "WITH RECURSIVE
    below (id, name, top) AS (
        SELECT id, meetmemo_search_fold(meetmemo_search_lower(name)), id FROM folders
    ),
    inside (id, top) AS (
        SELECT f.id, f.id FROM folders f
        UNION
        SELECT f.id, inside.top FROM folders f JOIN inside ON f.parent_id = inside.id
    ),
    in_folders AS (
        SELECT inside.id, below.name FROM inside JOIN below ON below.id = inside.top
    ),
    with_words AS MATERIALIZED (
        SELECT job_id FROM search_meetings WHERE words @@ $1::tsquery
    ),
    matching AS MATERIALIZED (
        SELECT j.id, coalesce(j.recorded_at, j.created_at AT TIME ZONE 'UTC') AS sorted_at
        FROM jobs j
        WHERE ($1 IS NULL OR j.id IN (SELECT job_id FROM with_words))
            AND j.trashed_at IS NULL
            AND ($2 IS NULL OR coalesce(j.recorded_at, j.created_at AT TIME ZONE 'UTC') >= $2)
            AND ($3 IS NULL OR coalesce(j.recorded_at, j.created_at AT TIME ZONE 'UTC') < $3)
            AND ($4 IS NULL OR j.duration_ms >= $4)
            AND ($5 IS NULL OR j.duration_ms <= $5)
            AND ($6 IS NULL OR j.favourite = $6)
            AND ($7 IS NULL OR $7 = EXISTS (SELECT FROM notes n WHERE n.job_id = j.id AND n.text <> ''))
            AND ($20 IS NULL OR $20 = EXISTS (SELECT FROM summaries s WHERE s.job_id = j.id))
            AND ($8 IS NULL OR j.folder_id IN (
                SELECT id FROM in_folders WHERE name = ANY (SELECT meetmemo_search_fold(meetmemo_search_lower(w)) FROM unnest($8) w)))
            AND ($9 IS NULL OR j.folder_id IS NULL OR j.folder_id NOT IN (
                SELECT id FROM in_folders WHERE name = ANY (SELECT meetmemo_search_fold(meetmemo_search_lower(w)) FROM unnest($9) w)))
            AND ($10 IS NULL OR NOT EXISTS (
                SELECT FROM unnest($10) w WHERE NOT EXISTS (
                    SELECT FROM meeting_tags mt JOIN tags t ON t.id = mt.tag_id WHERE mt.job_id = j.id
                        AND meetmemo_search_fold(meetmemo_search_lower(t.name)) = meetmemo_search_fold(meetmemo_search_lower(w)))))
            AND ($11 IS NULL OR NOT EXISTS (
                SELECT FROM unnest($11) w, meeting_tags mt JOIN tags t ON t.id = mt.tag_id WHERE mt.job_id = j.id
                    AND meetmemo_search_fold(meetmemo_search_lower(t.name)) = meetmemo_search_fold(meetmemo_search_lower(w))))
            AND ($12 IS NULL OR EXISTS (
                SELECT FROM transcripts t, unnest($12) w WHERE t.id = j.current_transcript_id
                    AND (lower(t.language) = lower(w) OR starts_with(lower(t.language), lower(w) || '-'))))
            AND ($13 IS NULL OR NOT EXISTS (
                SELECT FROM transcripts t, unnest($13) w WHERE t.id = j.current_transcript_id
                    AND (lower(t.language) = lower(w) OR starts_with(lower(t.language), lower(w) || '-'))))
            AND ($14 IS NULL OR EXISTS (
                SELECT FROM speakers s LEFT JOIN people p ON p.id = s.person_id
                WHERE s.job_id = j.id AND s.present AND coalesce(p.name, s.name) = ANY ($14)))
            AND ($15 IS NULL OR NOT EXISTS (
                SELECT FROM speakers s LEFT JOIN people p ON p.id = s.person_id
                WHERE s.job_id = j.id AND s.present AND coalesce(p.name, s.name) = ANY ($15)))
            AND ($16 IS NULL OR j.id = ANY ($16))
            AND ($17 IS NULL OR NOT j.id = ANY ($17))
    )
    SELECT (SELECT count(*) FROM matching)::integer AS total,
        ARRAY(SELECT id FROM matching ORDER BY sorted_at DESC, id DESC OFFSET $18 LIMIT $19) AS ids";

/// The same without a look at `jobs`, for searches without other filters than the time.
const MATCHING_WORDS: &str = "WITH matching AS MATERIALIZED (
        SELECT job_id AS id, sorted_at FROM search_meetings
        WHERE words @@ $1::tsquery AND NOT trashed
            AND ($2 IS NULL OR sorted_at >= $2)
            AND ($3 IS NULL OR sorted_at < $3)
            AND ($4 IS NULL OR job_id = ANY ($4))
            AND ($5 IS NULL OR NOT job_id = ANY ($5))
    )
    SELECT (SELECT count(*) FROM matching)::integer AS total,
        ARRAY(SELECT id FROM matching ORDER BY sorted_at DESC, id DESC OFFSET $6 LIMIT $7) AS ids";

/// Meetings to which the search is limited, and which of them to return.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    /// Only these.
    pub(super) only: Option<Vec<Uuid>>,
    /// Not these.
    pub(super) except: Option<Vec<Uuid>>,
    /// How many of the newest to skip.
    pub(super) offset: u32,
    /// How many to return at most.
    pub(super) limit: u32,
}

/// The meetings that hold all words of the clauses, wherever in them, and pass the filters.
pub(super) async fn candidates(
    c: &mut AsyncPgConnection,
    clauses: &[IndexClause],
    filters: &SearchFilters,
    speakers: &Speakers,
    bounds: &Bounds,
) -> Result<Candidates> {
    let words = meeting_tsquery(clauses);
    let time_only = SearchFilters { from: filters.from, until: filters.until, ..SearchFilters::default() };
    if words.is_some() && *filters == time_only {
        let rows: Candidates = diesel::sql_query(MATCHING_WORDS)
            .bind::<Nullable<Text>, _>(words)
            .bind::<Nullable<Timestamptz>, _>(filters.from)
            .bind::<Nullable<Timestamptz>, _>(filters.until)
            .bind::<Nullable<Array<SqlUuid>>, _>(bounds.only.as_ref())
            .bind::<Nullable<Array<SqlUuid>>, _>(bounds.except.as_ref())
            .bind::<BigInt, _>(i64::from(bounds.offset))
            .bind::<BigInt, _>(i64::from(bounds.limit))
            .get_result(c)
            .await?;
        return Ok(rows);
    }
    // With words, a negated speaker may be in the meeting, but does not say them.
    let absent = (clauses.is_empty() && !speakers.unwanted.is_empty()).then_some(&speakers.unwanted);
    let rows: Candidates = diesel::sql_query(MATCHING)
        .bind::<Nullable<Text>, _>(words)
        .bind::<Nullable<Timestamptz>, _>(filters.from)
        .bind::<Nullable<Timestamptz>, _>(filters.until)
        .bind::<Nullable<BigInt>, _>(filters.min_ms.map(i64::from))
        .bind::<Nullable<BigInt>, _>(filters.max_ms.map(i64::from))
        .bind::<Nullable<Bool>, _>(filters.favourite)
        .bind::<Nullable<Bool>, _>(filters.has_note)
        .bind::<Nullable<Array<Text>>, _>(names(&filters.folders, false))
        .bind::<Nullable<Array<Text>>, _>(names(&filters.folders, true))
        .bind::<Nullable<Array<Text>>, _>(names(&filters.tags, false))
        .bind::<Nullable<Array<Text>>, _>(names(&filters.tags, true))
        .bind::<Nullable<Array<Text>>, _>(names(&filters.languages, false))
        .bind::<Nullable<Array<Text>>, _>(names(&filters.languages, true))
        .bind::<Nullable<Array<Text>>, _>(speakers.wanted.as_ref())
        .bind::<Nullable<Array<Text>>, _>(absent)
        .bind::<Nullable<Array<SqlUuid>>, _>(bounds.only.as_ref())
        .bind::<Nullable<Array<SqlUuid>>, _>(bounds.except.as_ref())
        .bind::<BigInt, _>(i64::from(bounds.offset))
        .bind::<BigInt, _>(i64::from(bounds.limit))
        .bind::<Nullable<Bool>, _>(filters.has_summary)
        .get_result(c)
        .await?;
    Ok(rows)
}

/// The names of the filters that are negated, or of those that are not; `None` if there are none. PostgreSQL stores no
/// NUL.
fn names(filters: &[NameFilter], negated: bool) -> Option<Vec<String>> {
    let fitting = filters.iter().filter(|filter| filter.negated == negated);
    let names: Vec<String> = fitting.map(|filter| filter.name.replace('\0', "")).collect();
    (!names.is_empty()).then_some(names)
}

#[derive(diesel::QueryableByName)]
struct SpeakerName {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    negated: bool,
}

/// The names of speakers that the filters mean: each word of the filter begins a word of the name.
pub(super) async fn speakers(c: &mut AsyncPgConnection, filters: &[NameFilter]) -> Result<Speakers> {
    if filters.is_empty() {
        return Ok(Speakers::default());
    }
    let rows: Vec<SpeakerName> = diesel::sql_query(
        "WITH known AS MATERIALIZED (
            SELECT name, (SELECT array_agg(meetmemo_search_fold(w)) FROM unnest(meetmemo_search_words(name)) w) AS words
            FROM (SELECT name FROM speakers WHERE name IS NOT NULL UNION SELECT name FROM people) names
        ),
        wanted AS MATERIALIZED (
            SELECT n, (SELECT array_agg(meetmemo_search_fold(w)) FROM unnest(meetmemo_search_words(name)) w) AS words
            FROM unnest($1) WITH ORDINALITY filter (name, n)
        )
        SELECT known.name, negated FROM known, wanted JOIN unnest($2) WITH ORDINALITY flag (negated, n) USING (n)
        WHERE wanted.words IS NOT NULL AND NOT EXISTS (
            SELECT FROM unnest(wanted.words) w WHERE NOT EXISTS (SELECT FROM unnest(known.words) k WHERE starts_with(k, w)))",
    )
    .bind::<Array<Text>, _>(filters.iter().map(|filter| filter.name.replace('\0', "")).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(filters.iter().map(|filter| filter.negated).collect::<Vec<_>>())
    .load(c)
    .await?;
    let of =
        |negated: bool| rows.iter().filter(move |row| row.negated == negated).map(|row| row.name.clone());
    let wanted = filters.iter().any(|filter| !filter.negated).then(|| of(false).collect());
    Ok(Speakers { wanted, unwanted: of(true).collect() })
}

#[derive(diesel::QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Those of `ids` that have a part that holds the clause, its phrases included.
pub(super) async fn with_phrase_among(
    c: &mut AsyncPgConnection,
    clause: &IndexClause,
    ids: &[Uuid],
) -> Result<Vec<Uuid>> {
    // OFFSET 0 keeps the planner from asking the index of words once for each meeting.
    let rows: Vec<Id> = diesel::sql_query(
        "SELECT id FROM unnest($2) id WHERE EXISTS (
            SELECT FROM (SELECT words FROM search_passages WHERE job_id = id OFFSET 0) part WHERE words @@ $1::tsquery)",
    )
    .bind::<Text, _>(clause.tsquery(true))
    .bind::<Array<SqlUuid>, _>(ids)
    .load(c)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// All meetings that hold the clause, its phrases included. Single words are looked up in whole meetings, because common
/// ones are in many parts.
pub(super) async fn with_phrase(c: &mut AsyncPgConnection, clause: &IndexClause) -> Result<Vec<Uuid>> {
    let (phrases, words) = clause.phrases_and_words();
    let rows: Vec<Id> = diesel::sql_query(
        "SELECT job_id AS id FROM search_passages WHERE words @@ $1::tsquery
        UNION
        SELECT job_id FROM search_meetings WHERE words @@ $2::tsquery",
    )
    .bind::<Nullable<Text>, _>(phrases)
    .bind::<Nullable<Text>, _>(words)
    .load(c)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = Integer)]
    count: i32,
}

/// How many meetings there are.
pub(super) async fn all_meetings(c: &mut AsyncPgConnection) -> Result<i32> {
    let count = diesel::sql_query("SELECT count(*)::integer AS count FROM search_meetings");
    let row: Count = Prepared(count).get_result(c).await?;
    Ok(row.count)
}
