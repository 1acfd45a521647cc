//! What a benchmark compares search with: the usual ways to search, and commits without the triggers of search.

use super::execute;
use crate::{Result, Store};
use std::time::Instant;

/// Commits of windows per round.
const WINDOWS: usize = 300;
/// Rounds with and without triggers.
const ROUNDS: usize = 4;

/// Removes old versions of rows, and counts rows and values for the planner.
///
/// # Errors
/// Those of the database.
pub async fn analyze(store: &Store) -> Result<()> {
    execute(store, "VACUUM (ANALYZE)").await
}

/// Milliseconds to find the newest twenty segments with each of `words` by `LIKE`.
///
/// # Errors
/// Those of the database.
pub async fn like_ms(store: &Store, words: &[String]) -> Result<Vec<f64>> {
    let sql = "SELECT s.id, s.text FROM segments s JOIN jobs j ON j.current_transcript_id = s.transcript_id
        WHERE s.text ILIKE '%' || $1 || '%' ORDER BY j.recorded_at DESC LIMIT 20";
    statement_ms(store, sql, words).await
}

/// Milliseconds to find the twenty best passages with each of `words` when every match is ranked.
///
/// # Errors
/// Those of the database.
pub async fn plain_rank_ms(store: &Store, words: &[String]) -> Result<Vec<f64>> {
    let sql = "SELECT job_id, part FROM search_passages, to_tsquery('simple', $1) query
        WHERE words @@ query ORDER BY ts_rank_cd(words, query) DESC LIMIT 20";
    statement_ms(store, sql, words).await
}

/// Milliseconds of the commit of a window, with the triggers on `segments` and without them. The window belongs to a
/// version that is not current, as while a meeting is transcribed again.
///
/// # Errors
/// Those of the database.
pub async fn commit_ms(store: &Store) -> Result<(Vec<f64>, Vec<f64>)> {
    execute(
        store,
        "INSERT INTO transcripts (id, job_id, version, status, engine, model, settings)
         SELECT '00000000-0000-4000-8000-000000000001', id, 2, 'running', 'whisper', 'bench', '{}'
         FROM jobs WHERE current_transcript_id IS NOT NULL ORDER BY id LIMIT 1 ON CONFLICT DO NOTHING",
    )
    .await?;
    let commit = "INSERT INTO segments (id, transcript_id, window_index, start_ms, end_ms, text, words)
        SELECT gen_random_uuid(), '00000000-0000-4000-8000-000000000001', length($1), n * 7000, n * 7000 + 6900,
            $1 || ' and then we spoke about the plan for the next quarter again', '[]'
        FROM generate_series(1, 5) n";
    let texts: Vec<String> = (0..WINDOWS).map(|number| format!("Window {number}")).collect();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        with.extend(statement_ms(store, commit, &texts).await?);
        execute(store, "ALTER TABLE segments DISABLE TRIGGER USER").await?;
        without.extend(statement_ms(store, commit, &texts).await?);
        execute(store, "ALTER TABLE segments ENABLE TRIGGER USER").await?;
    }
    execute(store, "DELETE FROM transcripts WHERE id = '00000000-0000-4000-8000-000000000001'").await?;
    Ok((with, without))
}

/// Milliseconds that a statement takes on one connection, with each of `parameters` as `$1`.
async fn statement_ms(store: &Store, sql: &'static str, parameters: &[String]) -> Result<Vec<f64>> {
    let client = store.raw_connection().await?;
    let statement = client.prepare(sql).await?;
    let mut took = Vec::with_capacity(parameters.len());
    for parameter in parameters {
        let started = Instant::now();
        client.query(&statement, &[parameter]).await?;
        took.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(took)
}
