//! Rows as text and back, in a real database.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{database, recording, register};
use std::collections::BTreeMap;
use store::testing::{TestDatabase, insert_meetings};
use store::{JobId, LibraryId, MergeScope, NewJob, Staging, Store, is_backed_up_table};

/// Tables that a backup leaves out on purpose; see `backup/tables.rs`.
const LEFT_OUT: [&str; 8] = [
    "export_batches",
    "__diesel_schema_migrations",
    "pending_removals",
    "retention_state",
    "search_changes",
    "search_meetings",
    "search_passages",
    "search_words",
];

/// The step, the rows of no meeting, and the rows of each meeting.
type Rows = (String, Vec<u8>, BTreeMap<JobId, Vec<u8>>);

async fn rows(store: &Store) -> Rows {
    let snapshot = store.row_snapshot().await.unwrap();
    let meetings = snapshot.meetings().await.unwrap();
    let mut todo: Vec<_> = meetings.iter().collect();
    let mut rows = BTreeMap::new();
    while !todo.is_empty() {
        let texts = snapshot.next_texts(&todo).await.unwrap();
        let rest = todo.split_off(texts.len());
        rows.extend(todo.iter().map(|meeting| meeting.id).zip(texts));
        todo = rest;
    }
    (snapshot.info().schema_step.clone(), snapshot.archive_text().await.unwrap(), rows)
}

async fn filled(meetings: usize) -> (TestDatabase, Store, LibraryId) {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let recordings: Vec<NewJob> = (0..meetings).map(|_| recording(library)).collect();
    insert_meetings(&store, &recordings, 12).await.unwrap();
    (database, store, library)
}

async fn staged(store: &Store, (step, archive, meetings): &Rows) -> Staging {
    let mut staging = Staging::new(store, step).await.unwrap();
    staging.load(archive).await.unwrap();
    for text in meetings.values() {
        staging.load(text).await.unwrap();
    }
    staging
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_is_in_a_backup_or_left_out_on_purpose() {
    let (database, _store) = database().await;
    for table in
        database.column("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'").await.unwrap()
    {
        assert!(
            is_backed_up_table(&table) != LEFT_OUT.contains(&table.as_str()),
            "{table}: add it to `backup/tables.rs`, or to those that a backup leaves out"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_archive_becomes_equal_to_the_one_that_was_saved() {
    let (_one, from, _) = filled(7).await;
    let saved = rows(&from).await;
    assert_eq!(saved.2.len(), 7);
    assert!(saved.2.values().all(|text| text.len() > 2000), "all tables are in the text of a meeting");
    let (_two, to) = database().await;
    let mut staging = staged(&to, &saved).await;
    for (meeting, text) in &saved.2 {
        assert_eq!(&staging.meeting_text(*meeting).await.unwrap(), text);
    }
    staging.finish_loading().await.unwrap();
    let plan = staging.plan().await.unwrap();
    assert!(plan.into_empty && plan.meetings.iter().all(|meeting| meeting.in_archive.is_none()));
    let merged = staging.merge(MergeScope::Everything, plan.into_empty).await.unwrap();
    staging.remove().await.unwrap();
    assert_eq!(merged.meetings.len(), 7);
    assert_eq!(rows(&to).await, saved);
    assert_eq!(schemas(&to, &_two).await, 0);
}

async fn schemas(_store: &Store, database: &TestDatabase) -> usize {
    let sql = "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'meetmemo%'";
    database.column(sql).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_living_archive_gets_only_what_it_lacks() {
    let (one, from, library) = filled(4).await;
    let saved = rows(&from).await;
    let ids: Vec<JobId> = saved.2.keys().copied().collect();
    // One is renamed after the backup, two are deleted, and one is imported anew, under another id.
    from.rename_job(ids[0], "A new title").await.unwrap();
    from.delete_job(ids[1], library).await.unwrap();
    let hash = from.job(ids[2]).await.unwrap().unwrap().file_hash.unwrap();
    from.delete_job(ids[2], library).await.unwrap();
    let again = NewJob { file_hash: hash, ..recording(library) };
    from.register(&again).await.unwrap();
    let new = register(&from, library).await;

    let mut staging = staged(&from, &saved).await;
    staging.finish_loading().await.unwrap();
    let plan = staging.plan().await.unwrap();
    let in_archive = |id| plan.meetings.iter().find(|meeting| meeting.id == id).unwrap().in_archive;
    assert_eq!(
        ids.iter().map(|id| in_archive(*id)).collect::<Vec<_>>(),
        [Some(ids[0]), None, Some(again.id), Some(ids[3])]
    );
    let merged = staging.merge(MergeScope::Everything, plan.into_empty).await.unwrap();
    assert_eq!(merged.meetings, [ids[1]]);
    // A second time there is nothing to do.
    let merged = staging.merge(MergeScope::Everything, false).await.unwrap();
    assert!(merged.meetings.is_empty() && merged.rows.is_empty(), "{merged:?}");
    staging.remove().await.unwrap();

    let now = rows(&from).await;
    assert_eq!(now.2.keys().filter(|id| ids.contains(id)).count(), 3);
    assert!(now.2.contains_key(&again.id) && now.2.contains_key(&new));
    assert_eq!(from.job(ids[0]).await.unwrap().unwrap().title.as_deref(), Some("A new title"));
    // Only the numbers of turns are others: those of the backup may be in use.
    assert_eq!(count(&one, "turns").await, 3 * 12);
    let next = "INSERT INTO turns (job_id, start_ms, end_ms, speaker_id) SELECT job_id, 0, 1, id FROM speakers LIMIT 1";
    one.execute(next).await.unwrap();
}

async fn count(database: &TestDatabase, table: &str) -> usize {
    database.column(&format!("SELECT '' FROM {table}")).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_meeting_or_one_table_comes_back_alone() {
    let (one, store, library) = filled(3).await;
    let saved = rows(&store).await;
    let ids: Vec<JobId> = saved.2.keys().copied().collect();
    for id in &ids {
        store.delete_job(*id, library).await.unwrap();
    }
    one.execute("DELETE FROM people").await.unwrap();
    let mut staging = staged(&store, &saved).await;
    staging.finish_loading().await.unwrap();
    let merged = staging.merge(MergeScope::Meetings(&ids[..1]), false).await.unwrap();
    assert_eq!(merged.meetings, ids[..1]);
    assert_eq!(rows(&store).await.2[&ids[0]], saved.2[&ids[0]]);
    assert_eq!(count(&one, "people").await, 1, "the one who speaks in it");

    let merged = staging.merge(MergeScope::Table("jobs"), false).await.unwrap();
    assert_eq!((merged.meetings.as_slice(), count(&one, "transcripts").await), (&ids[1..], 1));
    let merged = staging.merge(MergeScope::Table("transcripts"), false).await.unwrap();
    assert_eq!(merged.rows, [("transcripts".to_owned(), 2)]);
    assert!(staging.merge(MergeScope::Table("pg_authid"), false).await.is_err());
    staging.remove().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fingerprint_of_a_meeting_changes_with_each_of_its_rows_only() {
    let (one, store, _) = filled(2).await;
    let fingerprints = async || {
        let meetings = store.row_snapshot().await.unwrap().meetings().await.unwrap();
        meetings.into_iter().map(|meeting| (meeting.id, meeting.fingerprint)).collect::<BTreeMap<_, _>>()
    };
    let mut before = fingerprints().await;
    assert_eq!(before, fingerprints().await);
    let (changed, other) = (*before.keys().next().unwrap(), *before.keys().last().unwrap());
    for change in [
        "UPDATE jobs SET title = 'x' WHERE id = 'ID'",
        "UPDATE segments SET text = text WHERE id = (SELECT s.id FROM segments s JOIN transcripts t ON t.id = s.transcript_id WHERE t.job_id = 'ID' LIMIT 1)",
        "DELETE FROM turns WHERE id = (SELECT min(id) FROM turns WHERE job_id = 'ID')",
        "INSERT INTO edits (id, job_id, edit) VALUES (gen_random_uuid(), 'ID', '{}')",
        "UPDATE speakers SET name = 'B' WHERE number = 2 AND job_id = 'ID'",
    ] {
        one.execute(&change.replace("ID", &changed.to_string())).await.unwrap();
        let after = fingerprints().await;
        assert_ne!(after[&changed], before[&changed], "{change}");
        assert_eq!(after[&other], before[&other], "{change}");
        before = after;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_does_not_change_while_others_write() {
    let (_one, store, library) = filled(2).await;
    let snapshot = store.row_snapshot().await.unwrap();
    let meetings = snapshot.meetings().await.unwrap();
    store.rename_job(meetings[0].id, "changed").await.unwrap();
    store.delete_job(meetings[1].id, library).await.unwrap();
    register(&store, library).await;
    assert_eq!(snapshot.meetings().await.unwrap(), meetings);
    let texts = snapshot.next_texts(&meetings.iter().collect::<Vec<_>>()).await.unwrap();
    let text = String::from_utf8(texts[0].clone()).unwrap();
    assert!(!text.contains("\tchanged\t") && texts[1].len() > 2000, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_newer_schema_and_of_another_shape_are_refused() {
    let (one, store, _) = filled(1).await;
    assert!(matches!(Staging::new(&store, "99991231000001").await, Err(store::StoreError::Newer { .. })));
    let (step, _, meetings) = rows(&store).await;
    let mut staging = Staging::new(&store, &step).await.unwrap();
    let text = meetings.into_values().next().unwrap();
    assert!(staging.load(&text[..text.len() - 2]).await.is_err(), "cut off");
    let text = String::from_utf8(text).unwrap();
    assert!(staging.load(text.replace("\"title\"", "\"tidle\"").as_bytes()).await.is_err());
    assert!(staging.load(text.replace("\tcompleted\t", "\t").as_bytes()).await.is_err());
    // A failed part leaves nothing.
    staging.load(text.as_bytes()).await.unwrap();
    staging.remove().await.unwrap();
    assert_eq!(schemas(&store, &one).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_the_first_schema_become_rows_of_this_one() {
    let (_one, store) = database().await;
    let id = JobId::new();
    let text = format!(
        "-- MeetMemo rows, schema step 20261122000001\nCOPY \"jobs\" (\"id\", \"file_name\", \"file_path\", \"file_hash\", \"status\") FROM stdin;\n{id}\told.wav\t{id}/audio.wav\t\\N\tcompleted\n\\.\n"
    );
    let mut staging = Staging::new(&store, "20261122000001").await.unwrap();
    staging.load(text.as_bytes()).await.unwrap();
    staging.finish_loading().await.unwrap();
    let merged = staging.merge(MergeScope::Everything, true).await.unwrap();
    assert_eq!(merged.meetings, [id]);
    staging.remove().await.unwrap();
    assert_eq!(store.job(id).await.unwrap().unwrap().file_name, "old.wav");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_of_a_killed_restore_is_removed_by_the_next() {
    let (one, store, _) = filled(1).await;
    let (step, ..) = rows(&store).await;
    // Dropped without `remove`, as if its process had been killed: the connection ends.
    drop(Staging::new(&store, &step).await.unwrap());
    let kept = Staging::new(&store, &step).await.unwrap();
    common::wait_for("the lock of the dead process is released", common::TIMEOUT, async || {
        let next = Staging::new(&store, &step).await.unwrap();
        next.remove().await.unwrap();
        (schemas(&store, &one).await == 1).then_some(())
    })
    .await;
    kept.remove().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sample_meetings_hold_values_that_the_program_reads() {
    let (_one, store, _) = filled(1).await;
    let id = store.jobs(store::JobFilter::default()).await.unwrap()[0].id;
    let transcript = store.shown_transcript(id).await.unwrap().unwrap();
    assert_eq!(store.segments(transcript.id).await.unwrap().len(), 12);
    let data = store.speakers(id).await.unwrap();
    assert_eq!((data.speakers.len(), data.edits.len(), data.turns.len()), (2, 1, 12));
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_can_be_read_are_not_reported() {
    let (_one, store, _) = filled(1).await;
    assert_eq!(store.unreadable_tables().await.unwrap(), Vec::<String>::new());
}
