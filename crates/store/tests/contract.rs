//! The published contract, the migrations, and databases that are refused.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::keeper;
use store::StoreError;
use store::testing::TestDatabase;

/// Name, type, nullability and default of every column of the contract, after the first migration.
const COLUMNS: [&str; 18] = [
    "export_jobs.id uuid NO -",
    "export_jobs.job_id uuid NO -",
    "export_jobs.export_type character varying(50) NO -",
    "export_jobs.status character varying(50) NO 'pending'::character varying",
    "export_jobs.progress integer YES 0",
    "export_jobs.error_message text YES -",
    "export_jobs.file_path text YES -",
    "export_jobs.created_at timestamp without time zone NO now()",
    "export_jobs.updated_at timestamp without time zone NO now()",
    "jobs.id uuid NO -",
    "jobs.file_name character varying(255) NO -",
    "jobs.file_path text NO -",
    "jobs.file_hash character varying(64) YES -",
    "jobs.status character varying(50) NO 'pending'::character varying",
    "jobs.error_message text YES -",
    "jobs.workflow_state character varying(50) YES -",
    "jobs.created_at timestamp without time zone NO now()",
    "jobs.updated_at timestamp without time zone NO now()",
];

const CATALOGUE: &str = "
    SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' '
        || CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '-')
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relname IN ('jobs', 'export_jobs') AND c.relkind = 'r'
    ORDER BY c.relname, a.attnum";

const CONSTRAINTS: &str = "
    SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid::regclass::text IN ('jobs', 'export_jobs') AND contype IN ('p', 'u', 'f')
    ORDER BY 1";

const INDEXES: &str = "
    SELECT tablename || ' ' || split_part(indexdef, ' USING ', 2) FROM pg_indexes
    WHERE tablename IN ('jobs', 'export_jobs') ORDER BY 1";

const FIRST_MIGRATION: &str = include_str!("../../../migrations/2026-11-22-000001_contract/up.sql");

/// The server edition writes only these columns.
const SERVER_EDITION_WRITES: &str = "
    INSERT INTO jobs (id, file_name, file_path, file_hash, status, workflow_state)
        VALUES ('00000000-0000-4000-8000-000000000001', 'a.wav', '/srv/a.wav', 'abc', 'completed', 'exported');
    INSERT INTO export_jobs (id, job_id, export_type)
        VALUES ('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001', 'pdf_summary')";

#[tokio::test(flavor = "multi_thread")]
async fn the_first_migration_creates_exactly_the_published_tables() {
    let database = TestDatabase::empty(keeper()).await.unwrap();
    database.execute(FIRST_MIGRATION).await.unwrap();
    assert_eq!(database.column(CATALOGUE).await.unwrap(), COLUMNS);
    assert_eq!(
        database.column(CONSTRAINTS).await.unwrap(),
        [
            "export_jobs FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE",
            "export_jobs PRIMARY KEY (id)",
            "jobs PRIMARY KEY (id)",
            "jobs UNIQUE (file_hash)",
        ]
    );
    assert_eq!(
        database.column(INDEXES).await.unwrap(),
        [
            "export_jobs btree (created_at)",
            "export_jobs btree (id)",
            "export_jobs btree (job_id)",
            "jobs btree (created_at)",
            "jobs btree (file_hash)",
            "jobs btree (id)",
            "jobs btree (status)",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn later_migrations_only_add_and_the_server_edition_can_still_write() {
    let (database, store) = common::database().await;
    let columns = database.column(CATALOGUE).await.unwrap();
    for published in COLUMNS {
        assert!(columns.iter().any(|c| c == published), "{published} has changed");
    }
    for added in columns.iter().filter(|c| !COLUMNS.contains(&c.as_str())) {
        let may_be_left_out = added.contains(" YES ") || !added.ends_with(" -");
        assert!(may_be_left_out, "{added} would break the server edition's INSERT");
    }
    database.execute(SERVER_EDITION_WRITES).await.unwrap();
    let jobs = store.jobs(store::JobFilter::default()).await.unwrap();
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].library_id, None);
    assert_eq!(jobs[0].workflow_state(), None, "a value that only the server edition knows");
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_twice_changes_nothing() {
    let (database, store) = common::database().await;
    let steps = "SELECT version || run_on FROM __diesel_schema_migrations ORDER BY 1";
    let before = database.column(steps).await.unwrap();
    drop(store);
    database.store().await.unwrap();
    assert_eq!(database.column(steps).await.unwrap(), before);
    assert_eq!(database.column("SELECT count(*) FROM meetmemo_archive").await.unwrap(), ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_can_open_a_new_database_at_once() {
    let database = TestDatabase::empty(keeper()).await.unwrap();
    let opened = futures_util::future::join_all((0..6).map(|_| database.store())).await;
    for store in opened {
        store.unwrap();
    }
    assert_eq!(database.column("SELECT count(*) FROM meetmemo_archive").await.unwrap(), ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_editions_database_is_adopted_with_its_rows() {
    let database = TestDatabase::empty(keeper()).await.unwrap();
    database.execute(FIRST_MIGRATION).await.unwrap();
    database.execute(SERVER_EDITION_WRITES).await.unwrap();
    let store = database.store().await.unwrap();
    assert_eq!(store.jobs(store::JobFilter::default()).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_database_is_refused_and_not_changed() {
    for foreign in
        ["CREATE TABLE invoices (id int)", "CREATE TABLE jobs (id int); CREATE TABLE export_jobs (id int)"]
    {
        let database = TestDatabase::empty(keeper()).await.unwrap();
        database.execute(foreign).await.unwrap();
        let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
        let before = database.column(tables).await.unwrap();
        let refused = database.store().await.unwrap_err();
        assert!(matches!(refused, StoreError::Foreign { .. }), "{refused}");
        assert_eq!(database.column(tables).await.unwrap(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_version_is_refused_with_its_own_error() {
    let (database, store) = common::database().await;
    drop(store);
    database
        .execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000001')")
        .await
        .unwrap();
    let refused = database.store().await.unwrap_err();
    assert!(matches!(&refused, StoreError::Newer { step } if step == "99990101000001"), "{refused}");
    assert!(refused.to_string().contains("Update MeetMemo"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_migration_can_be_reverted() {
    let (database, store) = common::database().await;
    drop(store);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let mut steps: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    steps.sort();
    for step in steps.iter().rev() {
        database.execute(&std::fs::read_to_string(step.join("down.sql")).unwrap()).await.unwrap();
    }
    let left = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(database.column(left).await.unwrap(), ["__diesel_schema_migrations"]);
    assert!(
        database
            .column("SELECT proname FROM pg_proc WHERE proname LIKE 'meetmemo%'")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_file_matches_the_columns_of_the_database() {
    let (database, _store) = common::database().await;
    let actual = database
        .column(
            "SELECT table_name || '.' || column_name FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations' ORDER BY 1",
        )
        .await
        .unwrap();
    let schema = include_str!("../src/schema.rs");
    let mut written: Vec<String> = Vec::new();
    let mut table = "";
    for line in schema.lines().map(str::trim) {
        if let Some((column, _)) = line.split_once(" -> ").filter(|_| !line.starts_with("diesel::")) {
            written.push(format!("{table}.{column}"));
        } else if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with('{')) {
            table = name;
        }
    }
    written.sort();
    let mut actual = actual;
    actual.sort();
    assert_eq!(written, actual);
}

/// An archive before migration 7, with waiting and interrupted work of every kind.
const BEFORE_TASKS: &str = "
    INSERT INTO jobs (id, file_name, file_path, status, workflow_state, library_id) VALUES
        ('00000000-0000-4000-8000-000000000001', 'waits', 'a', 'pending', 'queued', gen_random_uuid()),
        ('00000000-0000-4000-8000-000000000002', 'begun', 'b', 'processing', 'transcribing', gen_random_uuid()),
        ('00000000-0000-4000-8000-000000000003', 'speakers', 'c', 'pending', 'queued', gen_random_uuid()),
        ('00000000-0000-4000-8000-000000000004', 'failed', 'd', 'failed', 'decoding', gen_random_uuid()),
        ('00000000-0000-4000-8000-000000000005', 'complete', 'e', 'completed', 'done', gen_random_uuid()),
        ('00000000-0000-4000-8000-000000000006', 'theirs', 'f', 'processing', 'their word', NULL);
    INSERT INTO transcripts (id, job_id, version, engine, model, settings)
        SELECT gen_random_uuid(), id, 1, 'e', 'm', '{}' FROM jobs WHERE file_name IN ('speakers', 'complete');
    UPDATE jobs SET current_transcript_id = transcripts.id FROM transcripts WHERE job_id = jobs.id;
    UPDATE jobs SET speakers_only = TRUE WHERE file_name = 'speakers';
    INSERT INTO job_runs (job_id, lease_token, leased_until, machine_id, take_overs, audio_done_ms, audio_total_ms)
        SELECT id, gen_random_uuid(), now() - interval '1 s', gen_random_uuid(), 2, 5, 9 FROM jobs
        WHERE file_name = 'begun';
    INSERT INTO export_jobs (id, job_id, export_type, status, file_path, replace_existing, claimed_until)
        SELECT gen_random_uuid(), id, 'pdf_transcript', s, '/tmp/' || s, s = 'processing', now() - interval '1 s'
        FROM jobs, unnest(ARRAY['pending', 'processing', 'completed', 'failed']) s WHERE file_name = 'complete';
    INSERT INTO export_jobs (id, job_id, export_type)
        SELECT gen_random_uuid(), id, 'pdf_summary' FROM jobs WHERE file_name = 'complete'";

#[tokio::test(flavor = "multi_thread")]
async fn work_of_an_archive_without_tasks_continues_and_the_migration_can_be_reverted() {
    let (database, store) = common::database().await;
    drop(store);
    let down = concat!(
        include_str!("../../../migrations/2026-11-30-000014_summaries/down.sql"),
        include_str!("../../../migrations/2026-11-30-000013_exports/down.sql"),
        include_str!("../../../migrations/2026-11-30-000012_search/down.sql"),
        include_str!("../../../migrations/2026-11-30-000011_organisation/down.sql"),
        include_str!("../../../migrations/2026-11-30-000010_retention/down.sql"),
        include_str!("../../../migrations/2026-11-30-000009_restoring/down.sql"),
        include_str!("../../../migrations/2026-11-30-000008_edits/down.sql"),
        include_str!("../../../migrations/2026-11-30-000007_tasks/down.sql")
    );
    let forget = "DELETE FROM __diesel_schema_migrations WHERE version >= '20261130000007'";
    database.execute(down).await.unwrap();
    database.execute(forget).await.unwrap();
    database.execute(BEFORE_TASKS).await.unwrap();
    let runs = "SELECT to_jsonb(r)::text FROM job_runs r UNION ALL
        SELECT file_name || speakers_only FROM jobs UNION ALL
        SELECT file_path || replace_existing FROM export_jobs WHERE file_path IS NOT NULL AND status IN ('pending', 'processing') ORDER BY 1";
    let before = database.column(runs).await.unwrap();

    let store = database.store().await.unwrap();
    let tasks = database
        .column(
            "SELECT concat_ws(' ', kind, file_name, state, attempts, done, total, parameters, leased_until <= now())
            FROM tasks JOIN jobs ON jobs.id = job_id ORDER BY 1",
        )
        .await
        .unwrap();
    assert_eq!(
        tasks,
        [
            "diarize speakers waiting 0 0 {}",
            "export complete running 0 0 {\"replace\": true} t",
            "export complete waiting 0 0 {\"replace\": false}",
            "transcribe begun running 3 5 9 {} t",
            "transcribe theirs waiting 0 0 {}",
            "transcribe waits waiting 0 0 {}",
        ]
    );
    drop(store);
    database.execute(down).await.unwrap();
    assert_eq!(database.column(runs).await.unwrap(), before);
}
