//! The trash: work that stops and goes on, final removal, and clean-up.

use super::*;
use chrono::{DateTime, TimeDelta, Utc};
use common::{TIMEOUT, exported_file, wait_for};
use store::{
    Claim, ClaimRequest, CleanupLock, CleanupQuestion, ExportId, MachineId, MeetingFilter, NewExport,
    RequestedOptions, RetentionRules, Status, TaskKind, TaskProgress, WorkflowState,
};

async fn claim(store: &Store, library: LibraryId, job: JobId) -> Option<Claim> {
    let kinds = &TaskKind::OF_RECORDINGS;
    let (machine, only) = (MachineId::new(), Some([job]));
    store
        .claim(ClaimRequest {
            kinds,
            library,
            machine,
            alone: true,
            only: only.as_ref().map(<[_; 1]>::as_slice),
        })
        .await
        .unwrap()
}

async fn state(store: &Store, id: JobId) -> (Status, Option<WorkflowState>) {
    let job = store.job(id).await.unwrap().unwrap();
    (job.status().unwrap(), job.workflow_state())
}

#[tokio::test(flavor = "multi_thread")]
async fn work_stops_in_the_trash_and_waits_again_after_it() {
    let (database, store) = database().await;
    let (library, machine) = (LibraryId::new(), MachineId::new());
    let (waiting, running, with_text) =
        (register(&store, library).await, register(&store, library).await, register(&store, library).await);
    store.bring_forward(waiting).await.unwrap();
    database
        .execute(&format!(
            "INSERT INTO transcripts (id, job_id, version, status, engine, model, settings)
                VALUES ('{with_text}', '{with_text}', 1, 'complete', 'e', 'm', '{{}}');
            UPDATE jobs SET status = 'completed', workflow_state = 'done', current_transcript_id = id WHERE id = '{with_text}'"
        ))
        .await
        .unwrap();
    store.transcribe_again(with_text, &RequestedOptions::default()).await.unwrap().unwrap();
    let worker = claim(&store, library, running).await.unwrap();
    let export = NewExport {
        id: ExportId::new(),
        job_id: with_text,
        export_type: "txt".to_owned(),
        file_path: "/tmp/x.txt".to_owned(),
        library_id: library,
        options: serde_json::Value::Null,
        batch_id: None,
    };
    let making = store.create_export(&export, &serde_json::json!({}), machine).await.unwrap().unwrap();
    let all = [waiting, running, with_text];
    organise(&store, OrderChange::Trash, &all).await;

    assert!(!store.renew(worker.lease, TaskProgress::default()).await.unwrap(), "the worker must stop");
    assert!(!store.fail(worker.lease, "too late").await.unwrap());
    assert!(store.finish_export(making.lease, &exported_file("/tmp/x.txt", None)).await.unwrap().is_none());
    let given_up = store.export(export.id).await.unwrap().unwrap();
    assert_eq!(given_up.status().unwrap(), Status::Failed);
    assert_eq!(given_up.error_message.as_deref(), Some("The meeting was moved to the trash."));
    assert_eq!(state(&store, waiting).await, (Status::Failed, Some(WorkflowState::Cancelled)));
    assert_eq!(state(&store, with_text).await, (Status::Completed, Some(WorkflowState::Done)));
    let kinds = [TaskKind::Transcribe, TaskKind::Diarize, TaskKind::Export];
    assert!(!store.has_open_tasks(&kinds, library).await.unwrap());
    for id in all {
        assert!(claim(&store, library, id).await.is_none());
        assert!(store.requeue(id).await.unwrap().is_none());
        assert!(store.transcribe_again(id, &RequestedOptions::default()).await.unwrap().is_none());
        assert!(store.requeue_diarization(id, None, None).await.unwrap().is_none());
    }
    assert!(store.meeting_list(&MeetingFilter::default()).await.unwrap().is_empty());

    organise(&store, OrderChange::Restore, &all).await;
    for id in all {
        assert_eq!(state(&store, id).await, (Status::Pending, Some(WorkflowState::Queued)));
        assert_eq!(store.open_tasks(&[id]).await.unwrap().len(), 1);
    }
    assert_eq!(store.open_tasks(&[waiting]).await.unwrap()[0].priority, 1, "its place in the queue");
    assert!(claim(&store, library, with_text).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_user_had_cancelled_or_has_failed_stays_so_after_the_trash() {
    let (_database, store) = database().await;
    let library = LibraryId::new();
    let (cancelled, failed) = (register(&store, library).await, register(&store, library).await);
    store.cancel_job(cancelled).await.unwrap().unwrap();
    let worker = claim(&store, library, failed).await.unwrap();
    assert!(store.fail(worker.lease, "There is no sound in it.").await.unwrap());
    for _ in 0..2 {
        organise(&store, OrderChange::Trash, &[cancelled, failed]).await;
        organise(&store, OrderChange::Restore, &[cancelled, failed]).await;
        assert_eq!(state(&store, cancelled).await.1, Some(WorkflowState::Cancelled));
        let job = store.job(failed).await.unwrap().unwrap();
        assert_eq!(job.error_message.as_deref(), Some("There is no sound in it."));
        assert!(store.open_tasks(&[cancelled, failed]).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_in_the_trash_is_deleted_for_good() {
    let (_database, store) = database().await;
    let (library, elsewhere) = (LibraryId::new(), LibraryId::new());
    let (kept, gone, theirs) =
        (register(&store, library).await, register(&store, library).await, register(&store, elsewhere).await);
    store.save_note(gone, "x", 0).await.unwrap();
    organise(&store, OrderChange::Trash, &[gone, theirs]).await;
    let deleted = store.delete_trashed(&[kept, gone, theirs, JobId::new()], library).await.unwrap();
    let mut ids: Vec<JobId> = deleted.jobs.iter().map(|job| job.id).collect();
    ids.sort();
    let mut expected = vec![gone, theirs];
    expected.sort();
    assert_eq!(ids, expected);
    assert!(store.job(kept).await.unwrap().is_some() && store.job(gone).await.unwrap().is_none());
    assert_eq!(store.note(gone).await.unwrap(), None);
    assert_eq!(store.pending_removals(library).await.unwrap(), [format!("{gone}/audio.wav")]);
    assert_eq!(store.pending_removals(elsewhere).await.unwrap(), [format!("{theirs}/audio.wav")]);
}

fn rules(library: LibraryId, days: Option<u32>) -> RetentionRules {
    RetentionRules {
        library,
        job_retention_hours: None,
        audio_retention_days: None,
        trash_retention_days: days,
        export_retention_hours: None,
        exports_folder: "/exports".to_owned(),
    }
}

async fn due(store: &Store, rules: &RetentionRules, at: Option<DateTime<Utc>>) -> Vec<JobId> {
    let plan = store.cleanup_plan(rules, at).await.unwrap();
    assert!(plan.meetings.iter().all(|meeting| meeting.from_trash || rules.job_retention_hours.is_some()));
    plan.meetings.into_iter().map(|meeting| meeting.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn clean_up_empties_the_trash_after_its_days_except_what_is_pinned() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let ids = recorded(&store, library, &[5, 4, 3, 2, 1]).await;
    let (old, new, pinned, theirs) = (ids[0], ids[1], ids[2], register(&store, LibraryId::new()).await);
    organise(&store, OrderChange::Trash, &[old, new, pinned, theirs]).await;
    let status = format!("UPDATE jobs SET status = 'completed' WHERE id = '{}'", ids[4]);
    database.execute(&status).await.unwrap();
    store.set_pinned(pinned, true).await.unwrap().unwrap();
    let age = format!(
        "UPDATE jobs SET trashed_at = now() - interval '30 days' WHERE id IN ('{old}', '{pinned}', '{theirs}')"
    );
    database.execute(&age).await.unwrap();
    let rules_of = |days| rules(library, days);
    assert_eq!(due(&store, &rules_of(Some(30)), None).await, [old]);
    assert!(due(&store, &rules_of(Some(31)), None).await.is_empty());
    assert!(due(&store, &rules_of(None), None).await.is_empty(), "off");

    // Of two rules the earlier one counts, and the preview says which.
    let both = RetentionRules { job_retention_hours: Some(24 * 365), ..rules_of(Some(30)) };
    let in_two_years = Some(Utc::now() + TimeDelta::days(700));
    let plan = store.cleanup_plan(&both, in_two_years).await.unwrap();
    let why: Vec<(JobId, bool)> = plan.meetings.iter().map(|m| (m.id, m.from_trash)).collect();
    assert!(
        why.contains(&(old, true)) && why.contains(&(new, true)) && why.contains(&(ids[4], false)),
        "{why:?}"
    );
    let plan = store.cleanup_plan(&rules_of(Some(35)), None).await.unwrap();
    assert_eq!(plan.forecast.iter().map(|item| item.meeting.id).collect::<Vec<_>>(), [old]);
    assert!(plan.forecast[0].meeting.from_trash);

    // Most of the library goes, but from the trash, so clean-up does not ask. Waiting recordings stay.
    let sql = format!(
        "UPDATE jobs SET trashed_at = now() - interval '31 days' WHERE id IN ('{new}', '{}')",
        ids[3]
    );
    database.execute(&sql).await.unwrap();
    let plan = store.cleanup_plan(&rules_of(Some(30)), None).await.unwrap();
    let going: Vec<JobId> = plan.meetings.iter().map(|meeting| meeting.id).collect();
    assert_eq!(going, [new, old], "the one that waits is not removed");
    assert!(plan.questions.is_empty(), "{:?}", plan.questions);
    let acquire = async || CleanupLock::acquire(&store).await.unwrap();
    let lock = wait_for("the lock", TIMEOUT, acquire).await;
    // Restored after the preview: it stays.
    organise(&store, OrderChange::Restore, &[new]).await;
    let removed = store.remove_due(&lock, &rules_of(Some(30)), &plan, false).await.unwrap().unwrap();
    assert_eq!(removed.meetings, [old]);
    assert!(store.job(new).await.unwrap().is_some());
    assert_eq!(store.pending_removals(library).await.unwrap(), [format!("{old}/audio.wav")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_does_not_empty_the_trash() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    let id = register(&store, library).await;
    // The last clean-up ran in a year, by a clock that was right then: now it is behind.
    database.execute("UPDATE retention_state SET trusted_at = now() + interval '365 days'").await.unwrap();
    organise(&store, OrderChange::Trash, &[id]).await;
    let trashed = store.job(id).await.unwrap().unwrap().trashed_at.unwrap();
    assert!(
        trashed > Utc::now() + TimeDelta::days(364),
        "it counts from the last moment that was right: {trashed}"
    );
    // When the clock is right again, it has not been in the trash for a year.
    assert!(due(&store, &rules(library, Some(30)), Some(Utc::now() + TimeDelta::days(366))).await.is_empty());
    assert_eq!(due(&store, &rules(library, Some(30)), Some(Utc::now() + TimeDelta::days(396))).await, [id]);

    // A clock that jumps ahead by years asks first.
    database.execute("UPDATE retention_state SET trusted_at = now()").await.unwrap();
    let plan = store
        .cleanup_plan(&rules(library, Some(30)), Some(Utc::now() + TimeDelta::days(4000)))
        .await
        .unwrap();
    assert_eq!(plan.questions, [CleanupQuestion::ClockAhead]);
}
