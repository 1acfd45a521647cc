//! Retention: what clean-up removes, in random archives under random clocks, and what it asks before.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
#[path = "retention/model.rs"]
mod model;

use chrono::{DateTime, TimeDelta, Utc};
use common::{TIMEOUT, database, register};
use model::{Archive, EXPORTS};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;
use std::time::Duration;
use store::testing::TestDatabase;
use store::{
    CleanupLock, CleanupPlan, CleanupQuestion, CleanupRemovals, ExportId, JobId, LibraryId, MachineId,
    NewExport, RetentionRules, Store,
};

fn rules(library: LibraryId) -> RetentionRules {
    RetentionRules {
        library,
        job_retention_hours: None,
        audio_retention_days: None,
        export_retention_hours: None,
        trash_retention_days: None,
        exports_folder: EXPORTS.to_owned(),
    }
}

fn meetings_for_hours(library: LibraryId, hours: u32) -> RetentionRules {
    RetentionRules { job_retention_hours: Some(hours), ..rules(library) }
}

/// Carries a plan out.
async fn remove(
    store: &Store,
    rules: &RetentionRules,
    plan: &CleanupPlan,
    confirmed: bool,
) -> Option<CleanupRemovals> {
    // The server releases the lock of an earlier clean-up a moment after its connection is closed.
    let acquire = async || CleanupLock::acquire(store).await.unwrap();
    let lock = common::wait_for("the lock of an earlier clean-up", TIMEOUT, acquire).await;
    store.remove_due(&lock, rules, plan, confirmed).await.unwrap()
}

/// Registers recordings and completes them; `ages` are in hours.
async fn completed(database: &TestDatabase, store: &Store, library: LibraryId, ages: &[i64]) -> Vec<JobId> {
    let mut ids = Vec::new();
    for hours in ages {
        let id = register(store, library).await;
        database
            .execute(&format!(
                "UPDATE jobs SET status = 'completed', created_at = now() - interval '{hours} hours',
                    updated_at = now() - interval '{hours} hours' WHERE id = '{id}';
                INSERT INTO transcripts (id, job_id, version, status, engine, model, settings)
                    VALUES ('{id}', '{id}', 1, 'complete', 'e', 'm', '{{}}');
                UPDATE jobs SET current_transcript_id = '{id}' WHERE id = '{id}'"
            ))
            .await
            .unwrap();
        ids.push(id);
    }
    ids
}

/// Sets the last moment that was believed, in hours from now.
async fn trust(database: &TestDatabase, hours: i64) {
    let sql = format!("UPDATE retention_state SET trusted_at = now() + interval '{hours} hours'");
    database.execute(&sql).await.unwrap();
}

async fn ids(database: &TestDatabase, sql: &str) -> Vec<String> {
    let mut ids = database.column(sql).await.unwrap();
    ids.sort();
    ids
}

fn due(plan: &CleanupPlan) -> Vec<JobId> {
    plan.meetings.iter().map(|meeting| meeting.id).collect()
}

#[test]
fn what_goes_is_what_the_preview_said_and_pinned_running_and_foreign_never() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (database, store) = runtime.block_on(database());
    let config = Config { cases: 150, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&model::archives(), |archive| runtime.block_on(check(&database, &store, &archive)))
        .unwrap();
}

#[test]
fn the_random_archives_have_every_case() {
    let mut runner = TestRunner::default();
    let mut seen = BTreeMap::new();
    for _ in 0..2_000 {
        model::archives().new_tree(&mut runner).unwrap().current().tally(&mut seen);
    }
    for case in [
        "a meeting goes",
        "only audio goes",
        "an export goes",
        "an export stays although it is old",
        "a protected meeting is old",
        "clock_behind",
        "clock_ahead",
        "restored",
        "most_meetings",
        "most_audio",
        "nothing is asked and something goes",
    ] {
        assert!(seen.get(case).is_some_and(|count| *count >= 10), "{case}: {seen:?}");
    }
}

/// Compares a clean-up of `archive` with the model.
async fn check(database: &TestDatabase, store: &Store, archive: &Archive) -> Result<(), TestCaseError> {
    database.execute(&archive.sql()).await.unwrap();
    let (rules, expected) = (archive.rules(), archive.expected());
    let before = model::all_rows(database).await;
    let plan = store.cleanup_plan(&rules, Some(archive.at)).await.unwrap();
    prop_assert_eq!(&expected, &model::Expected::of(&plan), "the preview");
    prop_assert_eq!(&model::all_rows(database).await, &before, "a preview changes nothing");

    let removed = remove(store, &rules, &plan, archive.confirmed).await;
    if !plan.questions.is_empty() && !archive.confirmed {
        prop_assert_eq!(removed, None);
        prop_assert_eq!(&model::all_rows(database).await, &before, "nothing goes before the answer");
        return Ok(());
    }
    let removed = removed.expect("nothing is asked, or it is confirmed");
    prop_assert_eq!(&removed.meetings, &due(&plan));
    prop_assert_eq!(removed.audio, plan.audio.iter().map(|meeting| meeting.id).collect::<Vec<_>>());
    let exports: Vec<ExportId> =
        plan.exports.iter().filter(|export| !export.with_meeting).map(|export| export.id).collect();
    prop_assert_eq!(removed.exports, exports);

    prop_assert_eq!(ids(database, "SELECT id FROM jobs").await, archive.meetings_left(&expected));
    prop_assert_eq!(
        ids(database, "SELECT id FROM jobs WHERE audio_removed_at IS NOT NULL").await,
        archive.without_audio(&expected)
    );
    prop_assert_eq!(ids(database, "SELECT id FROM export_jobs").await, archive.exports_left(&expected));
    prop_assert_eq!(ids(database, "SELECT file_path FROM pending_removals").await, archive.files(&expected));
    let protected = ids(database, &archive.protected_sql()).await;
    prop_assert_eq!(protected, archive.protected(), "pinned, running and foreign rows are there");

    let again = store.cleanup_plan(&rules, Some(archive.at)).await.unwrap();
    prop_assert!(again.is_empty(), "nothing is left to do: {:?}", again);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pinned_queued_or_exported_after_the_preview_stays() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let jobs = completed(&database, &store, library, &[50, 40, 30, 20, 1, 1, 1, 1]).await;
    let rules = meetings_for_hours(library, 12);
    let plan = store.cleanup_plan(&rules, None).await.unwrap();
    assert_eq!(due(&plan), jobs[..4], "those that are due longest come first");
    assert!(plan.questions.is_empty(), "half is not more than half: {:?}", plan.questions);

    store.set_pinned(jobs[0], true).await.unwrap().unwrap();
    store.transcribe_again(jobs[1], &store::RequestedOptions::default()).await.unwrap().unwrap();
    let export = NewExport {
        id: ExportId::new(),
        job_id: jobs[2],
        export_type: "pdf_transcript".to_owned(),
        file_path: format!("{EXPORTS}/a.pdf"),
        library_id: library,
        options: serde_json::Value::Null,
        batch_id: None,
    };
    store.create_export(&export, &serde_json::json!({}), MachineId::new()).await.unwrap().unwrap();
    assert_eq!(remove(&store, &rules, &plan, false).await.unwrap().meetings, jobs[3..4]);
    assert!(store.job(jobs[3]).await.unwrap().is_none());
    for id in &jobs[..3] {
        assert!(store.job(*id).await.unwrap().is_some(), "{id}");
    }
}

/// What another program does while a removal waits for it: it locks the meeting, adds an export, and commits as soon as
/// somebody waits for a lock.
fn adds_an_export(job: JobId) -> String {
    format!(
        "BEGIN;
        SELECT FROM jobs WHERE id = '{job}' FOR NO KEY UPDATE;
        INSERT INTO export_jobs (id, job_id, export_type) VALUES (gen_random_uuid(), '{job}', 'pdf_summary');
        SELECT pg_advisory_xact_lock(4711);
        DO $$ BEGIN
            FOR i IN 1..1500 LOOP
                PERFORM pg_stat_clear_snapshot();
                IF EXISTS (SELECT FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock') THEN RETURN; END IF;
                PERFORM pg_sleep(0.01);
            END LOOP;
            RAISE 'nobody waits';
        END $$;
        COMMIT"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_waits_for_an_export_that_is_being_added_and_leaves_its_meeting() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let jobs = completed(&database, &store, library, &[50]).await;
    let rules = meetings_for_hours(library, 12);
    let plan = store.cleanup_plan(&rules, None).await.unwrap();
    assert_eq!(due(&plan), jobs);
    let sql = adds_an_export(jobs[0]);
    let removing = async {
        let locked =
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND database =
            (SELECT oid FROM pg_database WHERE datname = current_database())";
        common::wait_for("the other program has locked the meeting", TIMEOUT, async || {
            (database.column(locked).await.unwrap() == ["1"]).then_some(())
        })
        .await;
        remove(&store, &rules, &plan, false).await
    };
    let (added, removed) = tokio::join!(database.execute(&sql), removing);
    added.unwrap();
    assert_eq!(removed.unwrap(), CleanupRemovals::default());
    assert!(store.job(jobs[0]).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_cleans_up_an_archive_at_a_time() {
    let (_database, store) = database().await;
    let lock = CleanupLock::acquire(&store).await.unwrap();
    assert!(lock.is_some());
    assert!(CleanupLock::acquire(&store).await.unwrap().is_none());
    drop(lock);
    common::wait_for("the server releases the lock", TIMEOUT, async || {
        CleanupLock::acquire(&store).await.unwrap()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_forward_by_years_deletes_nothing_although_rows_were_written_since() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let rules = meetings_for_hours(library, 100);
    // As if the clock had been right until ten years before now, and had then jumped to now.
    trust(&database, -87_600).await;
    let jobs = completed(&database, &store, library, &[87_610, 87_605, 1, 0, 0, 0]).await;
    let plan = store.cleanup_plan(&rules, None).await.unwrap();
    assert_eq!((due(&plan), plan.clock_trusted), (jobs[..2].to_vec(), false));
    assert_eq!(plan.questions, [CleanupQuestion::ClockAhead]);
    assert_eq!(remove(&store, &rules, &plan, false).await, None);
    assert_eq!(store.retention_state().await.unwrap().questions, [CleanupQuestion::ClockAhead]);

    // Time passes under the wrong clock: it is not believed because it lasts.
    let later = store.cleanup_plan(&rules, Some(plan.at + TimeDelta::hours(20))).await.unwrap();
    assert_eq!(later.questions, [CleanupQuestion::ClockAhead]);
    assert_eq!(remove(&store, &rules, &plan, true).await.unwrap().meetings, jobs[..2]);
    let state = store.retention_state().await.unwrap();
    assert_eq!((state.last_run_at, state.questions), (Some(plan.at), vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn weeks_of_use_without_a_clean_up_are_believed_and_a_month_without_any_use_is_asked_about() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let rules = meetings_for_hours(library, 24 * 80);
    trust(&database, -24 * 90).await;
    let weeks: Vec<i64> = (0..13).map(|week| week * 24 * 7).collect();
    let jobs = completed(&database, &store, library, &weeks).await;
    let plan = store.cleanup_plan(&rules, None).await.unwrap();
    assert!(plan.clock_trusted && plan.questions.is_empty(), "{plan:?}");
    assert_eq!(due(&plan), jobs[12..]);
    let month = plan.at + TimeDelta::days(31);
    let later = store.cleanup_plan(&rules, Some(month)).await.unwrap();
    assert!(!later.clock_trusted);
    assert_eq!(later.questions, [CleanupQuestion::ClockAhead]);
    // Without anything to remove there is nothing to ask.
    let idle = store.cleanup_plan(&self::rules(library), Some(month)).await.unwrap();
    assert!(!idle.clock_trusted && idle.questions.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_under_a_clock_that_was_set_back_counts_from_when_the_clock_is_right_again() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let rules = RetentionRules { export_retention_hours: Some(24), ..meetings_for_hours(library, 24 * 7) };
    // The clock says today; the last clean-up ran eleven years later.
    trust(&database, 96_000).await;
    let written = completed(&database, &store, library, &[0]).await;
    database
        .execute(&format!(
            "INSERT INTO export_jobs (id, job_id, export_type, status, file_path, library_id) VALUES
                (gen_random_uuid(), '{}', 'pdf_transcript', 'completed', '{EXPORTS}/a.pdf', '{}')",
            written[0],
            library.uuid()
        ))
        .await
        .unwrap();
    let wrong = store.cleanup_plan(&rules, None).await.unwrap();
    assert!(wrong.is_empty() && !wrong.clock_trusted);
    assert_eq!(wrong.questions, [CleanupQuestion::ClockBehind], "the age of these rows is not known");
    assert_eq!(remove(&store, &rules, &wrong, false).await, None);

    // The clock is right again, a day after the last clean-up.
    let right = wrong.at + TimeDelta::hours(96_024);
    let plan = store.cleanup_plan(&rules, Some(right)).await.unwrap();
    assert!(plan.is_empty() && plan.clock_trusted && plan.questions.is_empty(), "{plan:?}");
    remove(&store, &rules, &plan, false).await.unwrap();
    let after = |hours: i64| store.cleanup_plan(&rules, Some(right + TimeDelta::hours(hours)));
    assert!(after(23).await.unwrap().is_empty());
    assert_eq!(after(24).await.unwrap().exports.len(), 1);
    assert!(after(24 * 7 - 1).await.unwrap().meetings.is_empty());
    assert_eq!(due(&after(24 * 7).await.unwrap()), written);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_behind_is_followed_only_after_confirmation() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let jobs = completed(&database, &store, library, &[50, 0, 0, 0]).await;
    let rules = meetings_for_hours(library, 12);
    trust(&database, 1).await;
    let plan = store.cleanup_plan(&rules, None).await.unwrap();
    assert_eq!(plan.questions, [CleanupQuestion::ClockBehind]);
    assert_eq!(remove(&store, &rules, &plan, false).await, None);
    assert_eq!(remove(&store, &rules, &plan, true).await.unwrap().meetings, jobs[..1]);
    assert!(store.cleanup_plan(&rules, None).await.unwrap().clock_trusted);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_from_the_future_are_never_old_and_rows_of_a_restore_are_as_they_were() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let rules = meetings_for_hours(library, 1);
    completed(&database, &store, library, &[-87_600, -1]).await;
    let plan = store.cleanup_plan(&rules, None).await.unwrap();
    assert!(plan.is_empty() && plan.forecast.len() == 1, "{plan:?}");

    trust(&database, 10).await;
    database
        .execute(
            "BEGIN; SET LOCAL meetmemo.restoring = 'on';
            INSERT INTO jobs (id, file_name, file_path) VALUES (gen_random_uuid(), 'restored', 'x'); COMMIT;
            INSERT INTO jobs (id, file_name, file_path) VALUES (gen_random_uuid(), 'written', 'x')",
        )
        .await
        .unwrap();
    let marks = "SELECT file_name || ' ' || coalesce(retention_from::text, '-') FROM jobs WHERE file_path = 'x' ORDER BY 1";
    assert_eq!(database.column(marks).await.unwrap(), ["restored -", "written infinity"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn most_of_the_archive_goes_only_after_confirmation_and_so_does_what_a_restore_brought_back() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let jobs = completed(&database, &store, library, &[50, 40, 30, 0]).await;
    let rules = meetings_for_hours(library, 12);
    let plan = store.cleanup_plan(&rules, None).await.unwrap();
    assert_eq!(plan.questions, [CleanupQuestion::MostMeetings]);
    assert_eq!(remove(&store, &rules, &plan, false).await, None);
    let audio = RetentionRules { audio_retention_days: Some(1), ..self::rules(library) };
    assert_eq!(store.cleanup_plan(&audio, None).await.unwrap().questions, [CleanupQuestion::MostAudio]);
    // In a library of three, one meeting of two is no reason to ask.
    store.delete_job(jobs[3], library).await.unwrap().unwrap();
    assert!(store.cleanup_plan(&rules, None).await.unwrap().questions.is_empty());

    store.record_restore().await.unwrap();
    let plan = store.cleanup_plan(&rules, None).await.unwrap();
    assert_eq!(plan.questions, [CleanupQuestion::Restored]);
    assert_eq!(remove(&store, &rules, &plan, false).await, None);
    assert_eq!(remove(&store, &rules, &plan, true).await.unwrap().meetings, jobs[..3]);
    completed(&database, &store, library, &[50]).await;
    assert!(store.cleanup_plan(&rules, None).await.unwrap().questions.is_empty(), "it was answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_without_its_audio_waits_for_it_and_audio_that_came_back_stays() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let jobs = completed(&database, &store, library, &[24 * 50, 0, 0, 0]).await;
    let rules = RetentionRules { audio_retention_days: Some(30), ..rules(library) };
    let plan = store.cleanup_plan(&rules, None).await.unwrap();
    // The archive was idle for long only because the test made the row old.
    assert_eq!(remove(&store, &rules, &plan, true).await.unwrap().audio, jobs[..1]);
    let job = store.job(jobs[0]).await.unwrap().unwrap();
    assert!(job.audio_removed_at.is_some());
    assert!(store.transcribe_again(jobs[0], &store::RequestedOptions::default()).await.unwrap().is_none());
    assert!(store.requeue_diarization(jobs[0], None, None).await.unwrap().is_none());
    database.execute(&format!("UPDATE jobs SET status = 'failed' WHERE id = '{}'", jobs[0])).await.unwrap();
    assert!(store.requeue(jobs[0]).await.unwrap().is_none());
    database
        .execute(&format!("UPDATE jobs SET status = 'completed' WHERE id = '{}'", jobs[0]))
        .await
        .unwrap();

    let noted = store.pending_removals(library).await.unwrap();
    assert_eq!(noted, std::slice::from_ref(&job.file_path));
    store.expect_audio(jobs[0]).await.unwrap().unwrap();
    store.finish_removal(library, &job.file_path, || async { panic!("the file came back") }).await.unwrap();
    let job = store.record_audio_restored(jobs[0]).await.unwrap().unwrap();
    assert_eq!(job.audio_removed_at, None);
    let at = |days: i64| store.cleanup_plan(&rules, Some(Utc::now() + TimeDelta::days(days)));
    let is_due = |plan: CleanupPlan| plan.audio.iter().any(|meeting| meeting.id == jobs[0]);
    assert!(!is_due(at(29).await.unwrap()), "its age counts from when it came back");
    assert!(is_due(at(31).await.unwrap()));
    assert!(store.transcribe_again(jobs[0], &store::RequestedOptions::default()).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_that_comes_back_waits_for_a_removal_that_has_begun_and_a_file_in_use_is_never_removed() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let jobs = completed(&database, &store, library, &[0]).await;
    let path = store.job(jobs[0]).await.unwrap().unwrap().file_path;
    let note = format!(
        "INSERT INTO pending_removals (library_id, file_path) VALUES ('{}', '{path}')",
        library.uuid()
    );
    database.execute(&note).await.unwrap();
    // The recording has its audio: an entry that is left over removes nothing.
    store.finish_removal(library, &path, || async { panic!("the audio is in use") }).await.unwrap();
    assert!(store.pending_removals(library).await.unwrap().is_empty());

    database.execute("UPDATE jobs SET audio_removed_at = now()").await.unwrap();
    database.execute(&note).await.unwrap();
    let (begun, begins) = tokio::sync::watch::channel(false);
    let (end, ends) = tokio::sync::watch::channel(false);
    let removal = {
        let (store, path) = (store.clone(), path.clone());
        tokio::spawn(async move {
            let remove = || {
                let mut ends = ends.clone();
                begun.send_replace(true);
                async move { ends.wait_for(|end| *end).await.is_ok() }
            };
            store.finish_removal(library, &path, remove).await
        })
    };
    begins.clone().wait_for(|begun| *begun).await.unwrap();
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let expecting = tokio::spawn({
        let (store, id) = (store.clone(), jobs[0]);
        async move { store.expect_audio(id).await }
    });
    common::wait_for("the audio that comes back waits", TIMEOUT, async || {
        (database.column(waiting).await.unwrap() == ["1"]).then_some(())
    })
    .await;
    assert!(!expecting.is_finished());
    end.send_replace(true);
    removal.await.unwrap().unwrap();
    expecting.await.unwrap().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_to_the_path_of_a_removed_one_is_not_taken_away() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let jobs = completed(&database, &store, library, &[0]).await;
    let path = format!("{EXPORTS}/a.pdf");
    let note = format!(
        "INSERT INTO pending_removals (library_id, file_path) VALUES ('{}', '{path}')",
        library.uuid()
    );
    database.execute(&note).await.unwrap();
    let export = NewExport {
        id: ExportId::new(),
        job_id: jobs[0],
        export_type: "pdf_transcript".to_owned(),
        file_path: path.clone(),
        library_id: library,
        options: serde_json::Value::Null,
        batch_id: None,
    };
    store.create_export(&export, &serde_json::json!({}), MachineId::new()).await.unwrap().unwrap();
    assert!(store.pending_removals(library).await.unwrap().is_empty());
    database.execute(&note).await.unwrap();
    store.finish_removal(library, &path, || async { panic!("the file is in use") }).await.unwrap();
    assert!(store.pending_removals(library).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forecast_names_each_meeting_and_the_moment_at_which_it_goes() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let jobs = completed(&database, &store, library, &[200, 150, 100, 10]).await;
    let rules = RetentionRules { audio_retention_days: Some(5), ..meetings_for_hours(library, 280) };
    let plan = store.cleanup_plan(&rules, None).await.unwrap();
    let audio: Vec<JobId> = plan.audio.iter().map(|meeting| meeting.id).collect();
    assert_eq!(audio, jobs[..2]);
    let forecast: Vec<(JobId, bool)> =
        plan.forecast.iter().map(|item| (item.meeting.id, item.audio_only)).collect();
    // At the end of the seven days the second meeting goes as a whole, too.
    assert_eq!(forecast, [(jobs[2], true), (jobs[0], false), (jobs[3], true), (jobs[1], false)]);
    for item in &plan.forecast {
        let due = item.meeting.due_since;
        let is_due = async |at: DateTime<Utc>| {
            let plan = store.cleanup_plan(&rules, Some(at)).await.unwrap();
            let of = if item.audio_only { &plan.audio } else { &plan.meetings };
            of.iter().any(|meeting| meeting.id == item.meeting.id)
        };
        assert!(is_due(due).await && !is_due(due - Duration::from_millis(1)).await, "{item:?}");
    }
}
