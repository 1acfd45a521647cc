//! Fills an archive with meetings for tests and benchmarks: rows in every table, as real work leaves them.

use crate::{NewJob, Result, Store};
use uuid::Uuid;

/// Inserts `recordings` as transcribed meetings with `segments` segments of eight words, two speakers, turns, an edit, an
/// export and a known person. The files are the caller's business.
///
/// # Errors
/// Those of the database.
pub async fn insert_meetings(store: &Store, recordings: &[NewJob], segments: i32) -> Result<()> {
    let mut client = store.raw_connection().await?;
    let transaction = client.transaction().await?;
    transaction.batch_execute("SET LOCAL meetmemo.restoring = 'on'").await?;
    for new in recordings {
        transaction
            .execute(
                "INSERT INTO jobs (id, file_name, file_path, file_hash, status, workflow_state, title, duration_ms,
                    byte_size, media_format, library_id, requested_model, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, 'completed', 'done', $5, $6, $7, 'WAV', $8, 'whisper-base',
                    now() - $9 * interval '1 second', now() - $9 * interval '1 second')",
                &[
                    &new.id.uuid(),
                    &new.file_name,
                    &new.file_path,
                    &new.file_hash,
                    &format!("Meeting {}", &new.file_hash[56..]),
                    &(i64::from(segments) * 4_000),
                    &new.byte_size,
                    &new.library_id.uuid(),
                    &f64::from(u32::from_str_radix(&new.file_hash[58..], 16).unwrap_or_default()),
                ],
            )
            .await?;
    }
    let ids: Vec<Uuid> = recordings.iter().map(|new| new.id.uuid()).collect();
    for sql in [
        "INSERT INTO transcripts (id, job_id, version, status, engine, model, language, settings, audio_ms, completed_at)
         SELECT gen_random_uuid(), id, 1, 'complete', 'whisper', 'whisper-base', 'en', '{\"beam\": 1}', duration_ms, now()
         FROM jobs WHERE id = ANY ($1)",
        "UPDATE jobs SET current_transcript_id = t.id FROM transcripts t WHERE t.job_id = jobs.id AND jobs.id = ANY ($1)",
        "INSERT INTO speakers (id, job_id, number, name, shown_as)
         SELECT s, id, n, CASE n WHEN 1 THEN 'Anna' END, s
         FROM jobs, generate_series(1, 2) n, LATERAL (SELECT gen_random_uuid() AS s WHERE n > 0 AND jobs.id IS NOT NULL) new
         WHERE jobs.id = ANY ($1)",
        "INSERT INTO diarizations (job_id, method, model) SELECT id, 'voices', 'wespeaker' FROM jobs WHERE id = ANY ($1)",
        "INSERT INTO edits (id, job_id, edit)
         SELECT gen_random_uuid(), job_id, jsonb_build_object('kind', 'name', 'speaker', id, 'name', name, 'person', NULL)
         FROM speakers
         WHERE number = 1 AND job_id = ANY ($1)",
        "INSERT INTO transcript_windows (transcript_id, window_index, start_ms, end_ms, language)
         SELECT t.id, n, n * 30000, n * 30000 + 30000, 'en' FROM transcripts t, generate_series(0, 3) n
         WHERE t.job_id = ANY ($1)",
        "INSERT INTO export_jobs (id, job_id, export_type, status, progress, file_path)
         SELECT gen_random_uuid(), id, 'markdown_transcript', 'completed', 100, '/elsewhere/' || id || '.md'
         FROM jobs WHERE id = ANY ($1)",
        "INSERT INTO tasks (kind, subject, job_id, library_id, state)
         SELECT 'transcribe', id, id, library_id, 'done' FROM jobs WHERE id = ANY ($1)",
        "INSERT INTO people (id, name) SELECT gen_random_uuid(), 'Anna ' || left(md5(id::text), 6)
         FROM jobs WHERE id = ANY ($1) ORDER BY id LIMIT 3",
        "UPDATE speakers SET person_id = (SELECT id FROM people ORDER BY id LIMIT 1)
         WHERE number = 1 AND job_id = ANY ($1)",
        "ANALYZE",
    ] {
        match sql.contains("$1") {
            true => transaction.execute(sql, &[&ids]).await.map(drop)?,
            false => transaction.batch_execute(sql).await?,
        }
    }
    transaction
        .execute(
            "INSERT INTO turns (job_id, start_ms, end_ms, speaker_id, confidence)
             SELECT s.job_id, n * 4000, n * 4000 + 3900, s.id, 0.9
             FROM speakers s, generate_series(0, $2 - 1) n WHERE n % 2 = s.number - 1 AND s.job_id = ANY ($1)",
            &[&ids, &segments],
        )
        .await?;
    transaction
        .execute(
            "INSERT INTO segments (id, transcript_id, start_ms, end_ms, text, words, speaker_id)
             SELECT gen_random_uuid(), t.id, n * 4000, n * 4000 + 3900, words.text, words.words, s.id
             FROM transcripts t, generate_series(0, $2 - 1) n, speakers s,
             LATERAL (
                SELECT string_agg(word, ' ' ORDER BY i) AS text, jsonb_agg(jsonb_build_object('start_ms', n * 4000 + i * 450,
                    'end_ms', n * 4000 + i * 450 + 400, 'text', word, 'confidence', 0.9) ORDER BY i) AS words
                FROM (SELECT i, left(md5(t.id::text || n || ':' || i), 3 + i % 5) AS word FROM generate_series(0, 7) i) spoken
             ) words
             WHERE s.job_id = t.job_id AND s.number = n % 2 + 1 AND t.job_id = ANY ($1)",
            &[&ids, &segments],
        )
        .await?;
    Ok(transaction.commit().await?)
}
