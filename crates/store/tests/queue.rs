//! Registration, the queue, claims and leases, transcript versions, exports, and the worker lock.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{TIMEOUT, database, exported_file, recording, register, wait_for};
use futures_util::future::join_all;
use std::collections::HashSet;
use std::sync::Arc;
use store::testing::TestDatabase;
use store::{
    Claim, ClaimRequest, ExportId, Job, JobFilter, JobId, JobMatch, LibraryId, MachineId, NewExport,
    NewTranscript, Registration, Status, Store, Task, TaskKind, TaskProgress, TaskState, Transcript,
    TranscriptWindow, TranscriptionCost, WorkerLock, WorkflowState,
};
use transcript::{AudioTime, Segment, Span, Word};

/// A computer and its library folder.
struct Computer {
    library: LibraryId,
    machine: MachineId,
}

fn computer() -> Computer {
    Computer { library: LibraryId::new(), machine: MachineId::new() }
}

/// Registers a recording and claims it.
async fn claimed(store: &Store, computer: &Computer) -> Claim {
    let id = register(store, computer.library).await;
    claim(store, computer, Some(&[id])).await.expect("a new recording can be claimed")
}

/// Claims a recording as this computer's only worker.
async fn claim(store: &Store, computer: &Computer, only: Option<&[JobId]>) -> Option<Claim> {
    let Computer { library, machine } = *computer;
    let kinds = &TaskKind::OF_RECORDINGS;
    store.claim(ClaimRequest { kinds, library, machine, alone: true, only }).await.unwrap()
}

/// Claims an export that a dead process left.
async fn claim_export(store: &Store, computer: &Computer) -> Option<Claim> {
    let Computer { library, machine } = *computer;
    store
        .claim(ClaimRequest { kinds: &[TaskKind::Export], library, machine, alone: false, only: None })
        .await
        .unwrap()
}

async fn job(store: &Store, id: JobId) -> Job {
    store.job(id).await.unwrap().expect("the job exists")
}

async fn open_task(store: &Store, id: JobId) -> Option<Task> {
    store.open_tasks(&[id]).await.unwrap().pop()
}

async fn state(store: &Store, id: JobId) -> (Status, Option<WorkflowState>) {
    let job = job(store, id).await;
    (job.status().unwrap(), job.workflow_state())
}

fn made_with(settings: &str) -> NewTranscript {
    NewTranscript {
        engine: "test".to_owned(),
        model: "small".to_owned(),
        model_sha256: None,
        language: Some("en-US".to_owned()),
        settings: serde_json::json!({ "windowing": settings }),
        device: Some("CPU".to_owned()),
        machine: MachineId::new(),
    }
}

fn cost(audio_ms: i64, work_ms: i64) -> TranscriptionCost {
    TranscriptionCost { audio_ms, work_ms, real_time_factor: None }
}

fn span(start: u32, end: u32) -> Span {
    Span::new(AudioTime::from_ms(start), AudioTime::from_ms(end))
}

fn window(index: u32) -> TranscriptWindow {
    let span = span(index * 10_000, (index + 1) * 10_000);
    TranscriptWindow { index, span, language: None, other_language: None }
}

/// A segment in the window of this index.
fn segment(index: u32, text: &str) -> Segment {
    let span = span(index * 10_000 + 100, index * 10_000 + 900);
    let word =
        Word { start: span.start, end: span.end, text: text.to_owned(), confidence: None, estimated: false };
    Segment { span, text: text.to_owned(), words: vec![word], doubt: None }
}

async fn opened(store: &Store, claim: &Claim) -> (Transcript, Vec<TranscriptWindow>) {
    opened_with(store, claim, &made_with("1")).await
}

/// Transcribes a claimed job completely.
async fn complete(store: &Store, claim: &Claim) -> Transcript {
    let (version, _) = opened(store, claim).await;
    assert!(store.commit_window(claim.lease, version.id, &window(0), &[segment(0, "Hello")]).await.unwrap());
    let segments = [segment(0, "Hello")];
    assert!(store.complete_transcript(claim.lease, version.id, &segments, cost(10_000, 500)).await.unwrap());
    version
}

async fn texts(store: &Store, version: &Transcript) -> Vec<String> {
    store.segments(version.id).await.unwrap().into_iter().map(|s| s.segment.text).collect()
}

/// All rows of the tables that work on a recording changes.
async fn all_rows(database: &TestDatabase) -> Vec<String> {
    let rows = ["jobs", "tasks", "transcripts", "transcript_windows", "segments", "export_jobs"]
        .map(|table| format!("SELECT '{table} ' || to_jsonb(t)::text FROM {table} t"));
    database.column(&format!("{} ORDER BY 1", rows.join(" UNION ALL "))).await.unwrap()
}

async fn expire_leases(database: &TestDatabase) {
    database
        .execute("UPDATE tasks SET leased_until = now() - interval '1 second' WHERE state = 'running'")
        .await
        .unwrap();
}

async fn transcribe_again(store: &Store, id: JobId) {
    store
        .transcribe_again(id, &store::RequestedOptions::default())
        .await
        .unwrap()
        .expect("it neither waits nor runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_registrations_of_one_content_exactly_one_is_new() {
    let (_database, store) = database().await;
    let content = recording(LibraryId::new());
    let answers = join_all((0..16).map(|_| {
        let (store, mine) = (store.clone(), store::NewJob { id: JobId::new(), ..content.clone() });
        tokio::spawn(async move { (mine.id, store.register(&mine).await.unwrap()) })
    }))
    .await;
    let mut new = Vec::new();
    let mut met = HashSet::new();
    for answer in answers {
        match answer.unwrap() {
            (asked, Registration::New(job)) => {
                assert_eq!(job.id, asked);
                assert_eq!(job.status().unwrap(), Status::Pending);
                assert_eq!(job.workflow_state(), Some(WorkflowState::Queued));
                new.push(job.id);
            }
            (asked, Registration::Duplicate(job)) => {
                assert_ne!(job.id, asked);
                met.insert(job.id);
            }
        }
    }
    assert_eq!(new.len(), 1);
    assert_eq!(met, HashSet::from([new[0]]), "the others get the new job");
    assert_eq!(store.jobs(JobFilter::default()).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_the_same_row_again_is_still_new() {
    // A statement is run again when its connection breaks, and the first run may have been committed.
    let (_database, store) = database().await;
    let recording = recording(LibraryId::new());
    for _ in 0..2 {
        let registered = store.register(&recording).await.unwrap();
        assert!(matches!(&registered, Registration::New(job) if job.id == recording.id), "{registered:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn content_can_be_registered_again_after_deletion() {
    let (_database, store) = database().await;
    let first = recording(LibraryId::new());
    store.register(&first).await.unwrap();
    store.delete_job(first.id, first.library_id).await.unwrap().unwrap();
    let second = store::NewJob { id: JobId::new(), ..first.clone() };
    let registered = store.register(&second).await.unwrap();
    assert!(matches!(&registered, Registration::New(job) if job.id == second.id), "{registered:?}");
    assert_eq!(store.job_by_hash(&first.file_hash).await.unwrap().unwrap().id, second.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_found_by_an_unambiguous_prefix_of_its_id() {
    let (_database, store) = database().await;
    let library = LibraryId::new();
    let ids = ["3a5b0000-0000-4000-8000-00000000abcd", "3a5c0000-0000-4000-8000-000000000001"];
    for id in ids {
        let id: JobId = id.parse().unwrap();
        let new = store::NewJob { id, ..recording(library) };
        store.register(&new).await.unwrap();
    }
    for (prefix, expected) in [
        (ids[0], Some(0)),
        ("3a5b00000000400080000000 000abcd", None),
        ("3a5b000000004000800000000000abcd", Some(0)),
        ("3a5b", Some(0)),
        ("3A5B0000-0000-4", Some(0)),
        ("3a5c0000-", Some(1)),
        ("3a5c-00", Some(1)),
        ("3a5d", None),
        ("ff", None),
        ("", None),
        ("-", None),
        ("3a5b%", None),
        ("3a5bä", None),
        ("3a5b000000004000800000000000abcd0", None),
    ] {
        let found = store.find_job(prefix).await.unwrap();
        match (found, expected) {
            (JobMatch::Unique(job), Some(expected)) => {
                assert_eq!(job.id.to_string(), ids[expected], "{prefix}")
            }
            (JobMatch::NotFound, None) => {}
            (found, _) => panic!("{prefix}: {found:?}"),
        }
    }
    for ambiguous in ["3", "3a5", "3a5-"] {
        assert_eq!(store.find_job(ambiguous).await.unwrap(), JobMatch::Ambiguous, "{ambiguous}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_newest_first_by_status_and_limit() {
    let (_database, store) = database().await;
    let here = computer();
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(register(&store, here.library).await);
    }
    store.cancel_job(ids[1]).await.unwrap().unwrap();
    ids.reverse();
    let listed = async |filter| {
        store.jobs(filter).await.unwrap().into_iter().map(|job| job.id).collect::<Vec<JobId>>()
    };
    assert_eq!(listed(JobFilter::default()).await, ids);
    assert_eq!(listed(JobFilter { status: None, limit: Some(2) }).await, ids[..2]);
    assert_eq!(listed(JobFilter { status: Some(Status::Failed), limit: None }).await, [ids[2]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_waiting_job_is_claimed_first_and_an_interrupted_one_before_it() {
    let (database, store) = database().await;
    let (here, there) = (computer(), MachineId::new());
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(register(&store, here.library).await);
    }
    let first = claim(&store, &here, None).await.unwrap();
    assert_eq!(first.job.id, ids[0]);
    assert_eq!(first.job.status().unwrap(), Status::Processing);
    assert_eq!(first.job.workflow_state(), Some(WorkflowState::Decoding));
    assert_eq!(first.takeovers, 0);
    let there = Computer { library: here.library, machine: there };
    let second = claim(&store, &there, None).await.unwrap();
    assert_eq!(second.job.id, ids[1], "a job with a valid lease of another computer is skipped");
    expire_leases(&database).await;
    let again = claim(&store, &there, None).await.unwrap();
    assert_eq!(again.job.id, ids[0], "an interrupted job comes before a waiting one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_with_a_list_claims_nothing_else() {
    let (_database, store) = database().await;
    let here = computer();
    let first = register(&store, here.library).await;
    let second = register(&store, here.library).await;
    assert!(claim(&store, &here, Some(&[])).await.is_none());
    assert!(claim(&store, &here, Some(&[JobId::new()])).await.is_none());
    assert_eq!(claim(&store, &here, Some(&[second])).await.unwrap().job.id, second);
    assert_eq!(claim(&store, &here, Some(&[first, JobId::new()])).await.unwrap().job.id, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_workers_on_one_queue_each_job_is_claimed_by_one() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    for _ in 0..60 {
        register(&store, library).await;
    }
    // Many other rows slow down the choice of a task, so that claims overlap with commits.
    database
        .execute(&format!(
            "INSERT INTO jobs (id, file_name, file_path, library_id)
             SELECT gen_random_uuid(), 'other.wav', 'other', '{}' FROM generate_series(1, 30000)",
            LibraryId::new()
        ))
        .await
        .unwrap();
    let start = Arc::new(tokio::sync::Barrier::new(8));
    let workers = join_all((0..8).map(|_| {
        let (store, start) = (store.clone(), Arc::clone(&start));
        let here = Computer { library, machine: MachineId::new() };
        tokio::spawn(async move {
            let mut mine = Vec::new();
            start.wait().await;
            while let Some(claim) = claim(&store, &here, None).await {
                let state = WorkflowState::Transcribing;
                let held = store.set_workflow_state(claim.lease, state).await.unwrap();
                mine.push((claim.job.id, claim.takeovers, held));
                complete(&store, &claim).await;
            }
            mine
        })
    }))
    .await;
    let claims: Vec<(JobId, i32, bool)> = workers.into_iter().flat_map(|mine| mine.unwrap()).collect();
    assert_eq!(claims.iter().map(|(id, ..)| id).collect::<HashSet<_>>().len(), 60);
    assert_eq!(claims.len(), 60, "a job was claimed twice");
    assert!(claims.iter().all(|(_, takeovers, held)| *takeovers == 0 && *held));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_librarys_recordings_and_those_without_a_library_are_never_claimed() {
    let (database, store) = database().await;
    let here = computer();
    register(&store, LibraryId::new()).await;
    database
        .execute(
            "INSERT INTO jobs (id, file_name, file_path) VALUES (gen_random_uuid(), 'a.wav', '/srv/a.wav');
             INSERT INTO jobs (id, file_name, file_path, status)
                VALUES (gen_random_uuid(), 'b.wav', '/srv/b.wav', 'processing')",
        )
        .await
        .unwrap();
    assert!(claim(&store, &here, None).await.is_none());
    let all: Vec<JobId> = store.jobs(JobFilter::default()).await.unwrap().into_iter().map(|j| j.id).collect();
    assert_eq!(all.len(), 3);
    assert!(claim(&store, &here, Some(&all)).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_computer_takes_over_when_the_lease_has_expired_and_not_before() {
    let (database, store) = database().await;
    let here = computer();
    let there = Computer { library: here.library, machine: MachineId::new() };
    let first = claimed(&store, &here).await;
    assert!(store.set_workflow_state(first.lease, WorkflowState::Transcribing).await.unwrap());
    assert!(claim(&store, &there, None).await.is_none());
    expire_leases(&database).await;
    // A worker that renews an expired lease before it is taken over keeps its job.
    assert!(store.renew(first.lease, TaskProgress::default()).await.unwrap());
    assert!(claim(&store, &there, None).await.is_none());
    expire_leases(&database).await;
    let second = claim(&store, &there, None).await.unwrap();
    assert_eq!(second.job.id, first.job.id);
    assert_eq!(second.takeovers, 1);
    assert_eq!(second.job.workflow_state(), Some(WorkflowState::Transcribing), "the step reached is kept");
    assert_ne!(second.lease, first.lease);
    assert!(!store.renew(first.lease, TaskProgress::default()).await.unwrap());
    assert!(store.renew(second.lease, TaskProgress::default()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_computer_takes_over_at_once_and_a_committed_window_resets_the_count() {
    let (_database, store) = database().await;
    let here = computer();
    let mut last = claimed(&store, &here).await;
    for takeovers in 1..=3 {
        last = claim(&store, &here, None).await.unwrap();
        assert_eq!(last.takeovers, takeovers);
    }
    let (version, _) = opened(&store, &last).await;
    assert!(store.commit_window(last.lease, version.id, &window(0), &[]).await.unwrap());
    assert_eq!(claim(&store, &here, None).await.unwrap().takeovers, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_job_can_be_claimed_by_every_computer() {
    let (_database, store) = database().await;
    let here = computer();
    let there = Computer { library: here.library, machine: MachineId::new() };
    let first = claimed(&store, &here).await;
    let (version, _) = opened(&store, &first).await;
    assert!(store.commit_window(first.lease, version.id, &window(0), &[segment(0, "Kept")]).await.unwrap());
    store.release(first.lease).await.unwrap();
    let second = claim(&store, &there, None).await.unwrap();
    assert_eq!(second.job.id, first.job.id);
    let (again, windows) = opened(&store, &second).await;
    assert_eq!((again.id, windows), (version.id, vec![window(0)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_shown_while_a_job_runs_and_restarts_with_the_next_worker() {
    let (_database, store) = database().await;
    let here = computer();
    let first = claimed(&store, &here).await;
    let progress = TaskProgress {
        done: 4_000,
        total: Some(60_000),
        real_time_factor: Some(0.25),
        left_ms: Some(14_000),
    };
    assert!(store.renew(first.lease, progress).await.unwrap());
    let task = open_task(&store, first.job.id).await.unwrap();
    assert_eq!((task.kind(), task.state().unwrap()), (Some(TaskKind::Transcribe), TaskState::Running));
    assert_eq!((task.done, task.total, task.real_time_factor), (4_000, Some(60_000), Some(0.25)));
    let second = claim(&store, &here, None).await.unwrap();
    let task = open_task(&store, first.job.id).await.unwrap();
    assert_eq!((task.done, task.real_time_factor), (0, None));
    complete(&store, &second).await;
    assert_eq!(open_task(&store, first.job.id).await, None);
}

/// Asserts that every write of a worker is refused and changes no row.
async fn assert_void(
    database: &TestDatabase,
    store: &Store,
    claim: &Claim,
    version: &Transcript,
    after: &str,
) {
    let before = all_rows(database).await;
    let (lease, segments) = (claim.lease, [segment(7, "Too late")]);
    let progress = TaskProgress { done: 99, ..TaskProgress::default() };
    assert!(!store.renew(lease, progress).await.unwrap(), "renew after {after}");
    assert!(
        !store.set_workflow_state(lease, WorkflowState::Aligning).await.unwrap(),
        "set_workflow_state after {after}"
    );
    assert!(
        !store.record_media_facts(lease, 1, Some("late")).await.unwrap(),
        "record_media_facts after {after}"
    );
    let opened = store.open_transcript(lease, &made_with("other")).await.unwrap();
    assert_eq!(opened, None, "open_transcript after {after}");
    let committed = store.commit_window(lease, version.id, &window(7), &segments).await.unwrap();
    assert!(!committed, "commit_window after {after}");
    assert!(!store.restart_transcript(lease, version.id).await.unwrap(), "restart_transcript after {after}");
    let completed = store.complete_transcript(lease, version.id, &segments, cost(1, 1)).await.unwrap();
    assert!(!completed, "complete_transcript after {after}");
    assert!(!store.fail(lease, "late").await.unwrap(), "fail after {after}");
    store.release(lease).await.unwrap();
    assert_eq!(all_rows(database).await, before, "after {after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_can_be_written_with_a_void_lease() {
    let (database, store) = database().await;
    let here = computer();
    let there = Computer { library: here.library, machine: MachineId::new() };
    for after in ["cancel", "delete", "takeover", "complete", "failure", "cancel and retry"] {
        let claim = claimed(&store, &here).await;
        let id = claim.job.id;
        let (version, _) = opened(&store, &claim).await;
        assert!(
            store.commit_window(claim.lease, version.id, &window(0), &[segment(0, "In time")]).await.unwrap()
        );
        match after {
            "cancel" => assert!(store.cancel_job(id).await.unwrap().is_some()),
            "delete" => assert!(store.delete_job(id, here.library).await.unwrap().is_some()),
            "takeover" => {
                expire_leases(&database).await;
                assert!(self::claim(&store, &there, Some(&[id])).await.is_some());
            }
            "complete" => {
                assert!(store.complete_transcript(claim.lease, version.id, &[], cost(1, 1)).await.unwrap());
            }
            "failure" => assert!(store.fail(claim.lease, "broken").await.unwrap()),
            _ => {
                assert!(store.cancel_job(id).await.unwrap().is_some());
                assert!(store.requeue(id).await.unwrap().is_some());
                assert!(self::claim(&store, &here, Some(&[id])).await.is_some());
            }
        }
        assert_void(&database, &store, &claim, &version, after).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_concurrent_completion_and_cancellation_exactly_one_takes_effect() {
    let (_database, store) = database().await;
    let here = computer();
    let races = join_all((0..12).map(async |_| {
        let claim = claimed(&store, &here).await;
        let (version, _) = opened(&store, &claim).await;
        let (a, b) = (store.clone(), store.clone());
        let (lease, id) = (claim.lease, claim.job.id);
        let completion =
            tokio::spawn(
                async move { a.complete_transcript(lease, version.id, &[], cost(5, 5)).await.unwrap() },
            );
        let cancellation = tokio::spawn(async move { b.cancel_job(id).await.unwrap() });
        (id, version.id, completion.await.unwrap(), cancellation.await.unwrap().is_some())
    }))
    .await;
    for (id, version, completed, cancelled) in races {
        assert_ne!(completed, cancelled, "both or neither");
        let job = job(&store, id).await;
        let expected = if completed {
            (Status::Completed, Some(WorkflowState::Done), Some(version))
        } else {
            (Status::Failed, Some(WorkflowState::Cancelled), None)
        };
        assert_eq!((job.status().unwrap(), job.workflow_state(), job.current_transcript_id), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_is_committed_once() {
    let (database, store) = database().await;
    let here = computer();
    let claim = claimed(&store, &here).await;
    let (version, none) = opened(&store, &claim).await;
    assert!(none.is_empty());
    assert!(store.commit_window(claim.lease, version.id, &window(1), &[segment(1, "second")]).await.unwrap());
    assert!(store.commit_window(claim.lease, version.id, &window(0), &[segment(0, "first")]).await.unwrap());
    let before = all_rows(&database).await;
    assert!(store.commit_window(claim.lease, version.id, &window(1), &[segment(1, "again")]).await.unwrap());
    assert_eq!(all_rows(&database).await, before);
    assert_eq!(texts(&store, &version).await, ["first", "second"], "in order of time, not of arrival");
    let (same, windows) = opened(&store, &claim).await;
    assert_eq!((same.id, windows), (version.id, vec![window(0), window(1)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_read_as_they_were_committed() {
    let (_database, store) = database().await;
    let here = computer();
    let claim = claimed(&store, &here).await;
    let (version, _) = opened(&store, &claim).await;
    let mut said = segment(0, "Grüße „aus“ \\ 北京 🎤 'x' {\"y\"}");
    said.words[0].confidence = Some(0.5);
    let many: Vec<Segment> = (0..4_500).map(|i| segment(i, &format!("line {i}"))).collect();
    assert!(store.commit_window(claim.lease, version.id, &window(0), &[said.clone()]).await.unwrap());
    assert_eq!(store.segments(version.id).await.unwrap()[0].segment, said);
    assert!(store.complete_transcript(claim.lease, version.id, &many, cost(45_000_000, 5)).await.unwrap());
    let stored: Vec<Segment> =
        store.segments(version.id).await.unwrap().into_iter().map(|line| line.segment).collect();
    assert_eq!(stored, many);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_resumed_with_equal_settings_and_restarted_with_others() {
    let (_database, store) = database().await;
    let here = computer();
    let first = claimed(&store, &here).await;
    let (one, _) = opened(&store, &first).await;
    assert_eq!(one.version, 1);
    assert!(store.commit_window(first.lease, one.id, &window(0), &[segment(0, "one")]).await.unwrap());
    assert!(store.fail(first.lease, "The disk is full.").await.unwrap());
    store.requeue(first.job.id).await.unwrap().unwrap();

    let second = claim(&store, &here, None).await.unwrap();
    let others = [
        NewTranscript { engine: "other".to_owned(), ..made_with("1") },
        NewTranscript { model: "large".to_owned(), ..made_with("1") },
        NewTranscript { model_sha256: Some("0".repeat(64)), ..made_with("1") },
        made_with("2"),
    ];
    for (other, version) in others.iter().zip(2..) {
        let (made, windows) = opened_with(&store, &second, other).await;
        assert_eq!((made.version, windows), (version, Vec::new()));
    }

    let (resumed, windows) = opened(&store, &second).await;
    assert_eq!((resumed.id, windows), (one.id, vec![window(0)]));
    assert_eq!(resumed.error_message, None);
    assert!(store.restart_transcript(second.lease, one.id).await.unwrap());
    assert!(opened(&store, &second).await.1.is_empty());
    assert!(texts(&store, &one).await.is_empty());
    complete(&store, &second).await;

    // A complete version is never changed.
    transcribe_again(&store, second.job.id).await;
    let third = claim(&store, &here, None).await.unwrap();
    let (new, windows) = opened(&store, &third).await;
    assert_eq!((new.version, windows), (6, Vec::new()));
}

async fn opened_with(
    store: &Store,
    claim: &Claim,
    new: &NewTranscript,
) -> (Transcript, Vec<TranscriptWindow>) {
    store.open_transcript(claim.lease, new).await.unwrap().expect("the lease is valid")
}

#[tokio::test(flavor = "multi_thread")]
async fn completion_makes_the_version_current_and_ends_the_run() {
    let (_database, store) = database().await;
    let here = computer();
    let claim = claimed(&store, &here).await;
    assert!(store.record_media_facts(claim.lease, 61_000, Some("the file ends early")).await.unwrap());
    let (version, _) = opened(&store, &claim).await;
    assert!(!version.is_complete());
    assert!(
        store
            .commit_window(claim.lease, version.id, &window(0), &[segment(0, "a"), segment(0, "b")])
            .await
            .unwrap()
    );
    assert_eq!(
        store.shown_transcript(claim.job.id).await.unwrap().unwrap().id,
        version.id,
        "the version is shown while it grows"
    );
    let segments = [segment(0, "A b.")];
    assert!(store.complete_transcript(claim.lease, version.id, &segments, cost(60_500, 900)).await.unwrap());
    let job = job(&store, claim.job.id).await;
    assert_eq!((job.status().unwrap(), job.workflow_state()), (Status::Completed, Some(WorkflowState::Done)));
    assert_eq!(job.current_transcript_id, Some(version.id));
    assert_eq!((job.duration_ms, job.media_note.as_deref()), (Some(60_500), Some("the file ends early")));
    let shown = store.shown_transcript(job.id).await.unwrap().unwrap();
    assert!(shown.is_complete() && shown.completed_at.is_some());
    assert_eq!((shown.audio_ms, shown.work_ms), (Some(60_500), 900));
    assert_eq!(texts(&store, &shown).await, ["A b."], "the final segments replace those of the windows");
    assert_eq!(open_task(&store, job.id).await, None);
    assert!(self::claim(&store, &here, None).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_with_a_transcript_is_completed_again_when_a_new_run_fails_or_is_cancelled() {
    let (database, store) = database().await;
    let here = computer();
    let first = claimed(&store, &here).await;
    let id = first.job.id;
    let version = complete(&store, &first).await;
    assert!(store.requeue(id).await.unwrap().is_none(), "only a failed job can be requeued");
    for ending in ["failed", "cancelled while running", "cancelled while waiting"] {
        transcribe_again(&store, id).await;
        if ending != "cancelled while waiting" {
            let again = claim(&store, &here, None).await.unwrap();
            let new = opened_with(&store, &again, &made_with(ending)).await.0;
            assert!(
                store.commit_window(again.lease, new.id, &window(0), &[segment(0, "other")]).await.unwrap()
            );
            if ending == "failed" {
                assert!(store.fail(again.lease, "The engine ended.").await.unwrap());
            }
        }
        if ending != "failed" {
            assert_eq!(store.cancel_job(id).await.unwrap().unwrap().status().unwrap(), Status::Completed);
        }
        assert_eq!(state(&store, id).await, (Status::Completed, Some(WorkflowState::Done)), "{ending}");
        assert_eq!(job(&store, id).await.error_message, None, "{ending}");
        let shown = store.shown_transcript(id).await.unwrap().unwrap();
        assert_eq!(
            (shown.id, texts(&store, &shown).await),
            (version.id, vec!["Hello".to_owned()]),
            "{ending}"
        );
        assert_eq!(open_task(&store, id).await, None, "{ending}");
    }
    let reason = "SELECT error_message FROM transcripts WHERE status = 'failed'";
    assert_eq!(database.column(reason).await.unwrap(), ["The engine ended."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_failed_or_cancelled_job_is_put_back_into_the_queue() {
    let (_database, store) = database().await;
    let here = computer();
    let waiting = register(&store, here.library).await;
    assert!(store.requeue(waiting).await.unwrap().is_none());
    assert!(store.requeue(JobId::new()).await.unwrap().is_none());
    let running = claim(&store, &here, None).await.unwrap();
    assert!(store.requeue(waiting).await.unwrap().is_none());
    assert!(store.fail(running.lease, "The file cannot be read.").await.unwrap());
    let failed = job(&store, waiting).await;
    assert_eq!(failed.status().unwrap(), Status::Failed);
    assert_eq!(failed.error_message.as_deref(), Some("The file cannot be read."));
    assert!(!failed.is_cancelled());
    assert!(store.cancel_job(waiting).await.unwrap().is_none(), "there is nothing to cancel");
    let again = store.requeue(waiting).await.unwrap().unwrap();
    assert_eq!((again.status().unwrap(), again.error_message.as_deref()), (Status::Pending, None));
    let cancelled = store.cancel_job(waiting).await.unwrap().unwrap();
    assert!(cancelled.is_cancelled());
    assert_eq!((cancelled.status().unwrap(), cancelled.error_message), (Status::Failed, None));
    assert!(store.requeue(waiting).await.unwrap().is_some());
    assert_eq!(claim(&store, &here, None).await.unwrap().takeovers, 0, "a retry is no takeover");
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_job_records_its_file_and_deletes_everything_of_it() {
    let (database, store) = database().await;
    let here = computer();
    let kept = claimed(&store, &here).await;
    complete(&store, &kept).await;
    let before = all_rows(&database).await;
    let doomed = claimed(&store, &here).await;
    let id = doomed.job.id;
    complete(&store, &doomed).await;
    transcribe_again(&store, id).await;
    let again = claim(&store, &here, Some(&[id])).await.unwrap();
    let (version, _) = opened(&store, &again).await;
    assert!(store.commit_window(again.lease, version.id, &window(0), &[segment(0, "x")]).await.unwrap());
    let export = export_of(id, here.library);
    create_export(&store, &export, &here).await;
    create_export(&store, &export_of(id, LibraryId::new()), &here).await;

    let (gone, exports) = store.delete_job(id, here.library).await.unwrap().unwrap();
    assert_eq!(gone.id, id);
    assert_eq!(exports, [export.file_path], "not those on another computer");
    assert_eq!(all_rows(&database).await, before, "all of the job is gone, and nothing of the other");
    let noted = store.pending_removals(here.library).await.unwrap();
    assert_eq!(noted, [doomed.job.file_path.as_str()]);
    assert!(store.pending_removals(LibraryId::new()).await.unwrap().is_empty());
    store.finish_removal(here.library, &doomed.job.file_path, || async { false }).await.unwrap();
    assert_eq!(store.pending_removals(here.library).await.unwrap(), noted, "it could not be removed");
    store.finish_removal(here.library, &doomed.job.file_path, || async { true }).await.unwrap();
    assert!(store.pending_removals(here.library).await.unwrap().is_empty());
    assert!(store.delete_job(id, here.library).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_another_export_has_is_not_returned_for_the_deleted_job() {
    let (_database, store) = database().await;
    let here = computer();
    let (deleted, other) = (register(&store, here.library).await, register(&store, here.library).await);
    let first = export_of(deleted, here.library);
    let own = export_of(deleted, here.library);
    let same_name = NewExport { file_path: first.file_path.clone(), ..export_of(other, here.library) };
    for export in [&first, &own, &same_name] {
        create_export(&store, export, &here).await;
    }
    let (_, exports) = store.delete_job(deleted, here.library).await.unwrap().unwrap();
    assert_eq!(exports, [own.file_path]);
}

fn export_of(job: JobId, library: LibraryId) -> NewExport {
    let id = ExportId::new();
    NewExport {
        id,
        job_id: job,
        export_type: "markdown_transcript".to_owned(),
        file_path: format!("/tmp/{id}.md"),
        library_id: library,
        options: serde_json::Value::Null,
        batch_id: None,
    }
}

/// Creates an export, claimed by this computer.
async fn create_export(store: &Store, export: &NewExport, computer: &Computer) -> Claim {
    let parameters = serde_json::json!({ "replace": true });
    store.create_export(export, &parameters, computer.machine).await.unwrap().expect("the recording exists")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_belongs_to_its_creator_and_ends_once() {
    let (_database, store) = database().await;
    let here = computer();
    let id = register(&store, here.library).await;
    let export = export_of(id, here.library);
    let nowhere = export_of(JobId::new(), here.library);
    let none = store.create_export(&nowhere, &serde_json::json!({}), here.machine).await.unwrap();
    assert!(none.is_none(), "the recording does not exist");
    let claim = create_export(&store, &export, &here).await;
    assert_eq!(claim.lease.export().unwrap(), export.id);
    assert_eq!(claim.parameters, serde_json::json!({ "replace": true }));
    let row = store.export(export.id).await.unwrap().unwrap();
    assert_eq!((row.status().unwrap(), row.progress), (Status::Processing, Some(0)));
    assert!(claim_export(&store, &here).await.is_none(), "it is being made");

    let ended = store
        .finish_export(claim.lease, &exported_file("/tmp/other.md", Some("one sign is missing")))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((ended.status().unwrap(), ended.progress), (Status::Completed, Some(100)));
    assert_eq!(ended.file_path.as_deref(), Some("/tmp/other.md"));
    assert_eq!(ended.note.as_deref(), Some("one sign is missing"));
    assert!(!store.fail(claim.lease, "Too late.").await.unwrap());
    assert!(claim_export(&store, &here).await.is_none());

    let failing = export_of(id, here.library);
    let claim = create_export(&store, &failing, &here).await;
    assert!(store.fail(claim.lease, "The folder is read-only.").await.unwrap());
    let ended = store.export(failing.id).await.unwrap().unwrap();
    assert_eq!(ended.status().unwrap(), Status::Failed);
    assert_eq!(ended.error_message.as_deref(), Some("The folder is read-only."));
    let all: Vec<ExportId> = store.exports(id).await.unwrap().into_iter().map(|e| e.id).collect();
    assert_eq!(all, [failing.id, export.id], "newest first");
    let job = job(&store, id).await;
    assert_eq!(
        (job.status().unwrap(), job.error_message),
        (Status::Pending, None),
        "the recording itself has not failed"
    );
    let last = create_export(&store, &export_of(id, here.library), &here).await;
    store.delete_job(id, here.library).await.unwrap().unwrap();
    assert!(store.finish_export(last.lease, &exported_file("/tmp/x.md", None)).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_export_was_taken_over_changes_nothing() {
    let (database, store) = database().await;
    let here = computer();
    let job = register(&store, here.library).await;
    let export = export_of(job, here.library);
    let asleep = create_export(&store, &export, &here).await;
    expire_leases(&database).await;
    let awake = claim_export(&store, &here).await.unwrap();
    assert_eq!((awake.takeovers, &awake.parameters), (1, &asleep.parameters));
    assert!(store.renew(awake.lease, TaskProgress { done: 30, ..TaskProgress::default() }).await.unwrap());

    assert!(!store.renew(asleep.lease, TaskProgress { done: 80, ..TaskProgress::default() }).await.unwrap());
    assert!(!store.fail(asleep.lease, "Too late.").await.unwrap());
    assert!(store.finish_export(asleep.lease, &exported_file("/tmp/late.md", None)).await.unwrap().is_none());
    let row = store.export(export.id).await.unwrap().unwrap();
    assert_eq!((row.status().unwrap(), row.progress), (Status::Processing, Some(30)));
    let ended = store.finish_export(awake.lease, &exported_file("/tmp/x.md", None)).await.unwrap().unwrap();
    assert_eq!(ended.status().unwrap(), Status::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_a_dead_process_is_taken_over_on_the_same_computer() {
    let (database, store) = database().await;
    let here = computer();
    let id = register(&store, here.library).await;
    let first = create_export(&store, &export_of(id, here.library), &here).await;
    assert!(claim_export(&store, &here).await.is_none(), "its process is alive");
    expire_leases(&database).await;
    assert!(claim_export(&store, &computer()).await.is_none(), "another computer's disk");
    assert!(store.renew(first.lease, TaskProgress::default()).await.unwrap());
    assert!(claim_export(&store, &here).await.is_none(), "progress renews the lease");
    for end in ["finished", "failed"] {
        expire_leases(&database).await;
        let claim = claim_export(&store, &here).await.unwrap();
        match end {
            "finished" => {
                assert!(
                    store
                        .finish_export(claim.lease, &exported_file("/tmp/x.md", None))
                        .await
                        .unwrap()
                        .is_some()
                );
                create_export(&store, &export_of(id, here.library), &here).await;
            }
            _ => assert!(store.fail(claim.lease, "The disk is full.").await.unwrap()),
        }
    }
    expire_leases(&database).await;
    assert!(claim_export(&store, &here).await.is_none(), "all have ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_of_the_server_edition_are_not_claimed() {
    let (database, store) = database().await;
    let here = computer();
    let (job, export) = (register(&store, here.library).await, ExportId::new());
    database
        .execute(&format!(
            "INSERT INTO export_jobs (id, job_id, export_type, created_at, updated_at)
             VALUES ('{export}', '{job}', 'pdf_summary', now() - interval '1 day', now() - interval '1 day')"
        ))
        .await
        .unwrap();
    assert!(claim_export(&store, &here).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_the_server_edition_get_tasks_that_follow_their_status() {
    let (database, store) = database().await;
    let here = computer();
    let id = JobId::new();
    let insert =
        format!("INSERT INTO jobs (id, file_name, file_path) VALUES ('{id}', 'a.wav', '/srv/a.wav')");
    database.execute(&insert).await.unwrap();
    let tasks = "SELECT concat_ws(' ', kind, state, subject = job_id, library_id IS NULL) FROM tasks";
    assert_eq!(database.column(tasks).await.unwrap(), ["transcribe waiting t t"]);
    assert!(claim(&store, &here, None).await.is_none(), "its file is not in our library");
    let set = async |status: &str| {
        database.execute(&format!("UPDATE jobs SET status = '{status}'")).await.unwrap();
        database.column(tasks).await.unwrap().remove(0)
    };
    assert_eq!(set("processing").await, "transcribe waiting t t");
    assert_eq!(set("completed").await, "transcribe done t t");
    assert_eq!(set("pending").await, "transcribe waiting t t");
    assert_eq!(set("failed").await, "transcribe failed t t");
    store.requeue(id).await.unwrap().unwrap();
    assert_eq!(database.column(tasks).await.unwrap(), ["transcribe waiting t t"]);
    store.cancel_job(id).await.unwrap().unwrap();
    assert_eq!(database.column(tasks).await.unwrap(), ["transcribe cancelled t t"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_brought_forward_is_claimed_first() {
    let (_database, store) = database().await;
    let here = computer();
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(register(&store, here.library).await);
    }
    assert!(!store.bring_forward(JobId::new()).await.unwrap());
    assert!(store.bring_forward(ids[2]).await.unwrap());
    assert!(!store.bring_forward(ids[2]).await.unwrap(), "it is the first already");
    assert!(store.bring_forward(ids[3]).await.unwrap());
    let mut order = Vec::new();
    while let Some(claim) = claim(&store, &here, None).await {
        assert!(!store.bring_forward(claim.job.id).await.unwrap(), "it does not wait");
        complete(&store, &claim).await;
        order.push(claim.job.id);
    }
    assert_eq!(order, [ids[3], ids[2], ids[0], ids[1]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_of_different_kinds_do_each_task_exactly_once() {
    let (database, store) = database().await;
    let here = computer();
    let ids = join_all((0..10).map(|_| register(&store, here.library))).await;
    // Ten transcriptions, each followed by a diarization and an export that a dead process left.
    let worker = async |kinds: &'static [TaskKind]| {
        let other = Computer { library: here.library, machine: MachineId::new() };
        let (mut done, mut idle) = (Vec::new(), 0);
        while idle < 20 {
            let Computer { library, machine } = other;
            let request = ClaimRequest { kinds, library, machine, alone: false, only: None };
            let Some(claim) = store.claim(request).await.unwrap() else {
                idle += 1;
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            };
            idle = 0;
            let job = claim.job.id;
            match claim.lease.kind {
                TaskKind::Transcribe => {
                    complete(&store, &claim).await;
                    assert!(store.requeue_diarization(job, Some(2), None).await.unwrap().is_some());
                    let export = export_of(job, here.library);
                    create_export(&store, &export, &here).await;
                    let gone = format!(
                        "UPDATE tasks SET leased_until = now() - interval '1 s' WHERE subject = '{}'",
                        export.id
                    );
                    database.execute(&gone).await.unwrap();
                }
                TaskKind::Diarize => assert!(store.complete_diarization(claim.lease).await.unwrap()),
                TaskKind::Export => {
                    assert!(
                        store
                            .finish_export(claim.lease, &exported_file("/tmp/x.md", None))
                            .await
                            .unwrap()
                            .is_some()
                    );
                }
            }
            done.push((claim.lease.kind, job));
        }
        done
    };
    let (a, b, c) = tokio::join!(
        worker(&TaskKind::OF_RECORDINGS),
        worker(&[TaskKind::Transcribe, TaskKind::Diarize, TaskKind::Export]),
        worker(&[TaskKind::Export])
    );
    let all: Vec<_> = [a, b, c].concat();
    for kind in [TaskKind::Transcribe, TaskKind::Diarize, TaskKind::Export] {
        let mut of_kind: Vec<JobId> = all.iter().filter(|(k, _)| *k == kind).map(|(_, job)| *job).collect();
        of_kind.sort();
        let mut expected = ids.clone();
        expected.sort();
        assert_eq!(of_kind, expected, "{kind:?}");
    }
    let open = "SELECT kind || ' ' || state FROM tasks WHERE state <> 'done'";
    assert_eq!(database.column(open).await.unwrap(), [] as [&str; 0]);
    let jobs = "SELECT DISTINCT status FROM jobs UNION ALL SELECT DISTINCT status FROM export_jobs";
    assert_eq!(database.column(jobs).await.unwrap(), ["completed", "completed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_worker_per_computer_holds_the_lock_until_it_ends() {
    let (database, store) = database().await;
    let (here, there) = (MachineId::new(), MachineId::new());
    let mut held = WorkerLock::acquire(&store, here).await.unwrap().unwrap();
    assert!(held.is_held().await);
    let other_process = database.store().await.unwrap();
    assert!(WorkerLock::acquire(&other_process, here).await.unwrap().is_none());
    let other = WorkerLock::acquire(&other_process, there).await.unwrap();
    assert!(other.is_some(), "another computer works on the same database at the same time");

    drop(held);
    let mut next = wait_for("the lock of a dropped holder", TIMEOUT, async || {
        WorkerLock::acquire(&other_process, here).await.unwrap()
    })
    .await;
    assert!(next.is_held().await);
    database
        .execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .await
        .unwrap();
    wait_for("notice of the broken connection", TIMEOUT, async || (!next.is_held().await).then_some(()))
        .await;
    wait_for("the lock of the ended connection", TIMEOUT, async || {
        WorkerLock::acquire(&store, here).await.unwrap()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_about_the_file_is_appended_once() {
    let (_database, store) = database().await;
    let id = register(&store, LibraryId::new()).await;
    for (note, notes) in [("one", "one"), ("one", "one"), ("two", "one. two"), ("two", "one. two")] {
        let job = store.add_media_note(id, note).await.unwrap().unwrap();
        assert_eq!(job.media_note.as_deref(), Some(notes));
    }
    assert!(store.add_media_note(JobId::new(), "x").await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_updates_its_timestamp() {
    let (_database, store) = database().await;
    let id = register(&store, LibraryId::new()).await;
    let before = job(&store, id).await;
    let renamed = store.rename_job(id, "Jour fixe – ü 会议").await.unwrap().unwrap();
    assert_eq!(renamed.title.as_deref(), Some("Jour fixe – ü 会议"));
    assert!(renamed.updated_at > before.updated_at);
    assert_eq!(renamed.created_at, before.created_at);
    assert!(store.rename_job(JobId::new(), "x").await.unwrap().is_none());
}
