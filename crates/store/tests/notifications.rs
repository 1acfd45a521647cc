//! Notifications of changes, and work that continues after connections have broken.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{TIMEOUT, database, exported_file, recording, register, wait_for};
use store::testing::TestDatabase;
use store::{
    ClaimRequest, ExportId, JobId, LibraryId, MachineId, NewExport, NewTranscript, Notifications, Store,
    TaskKind, TaskProgress, Topic, TranscriptWindow, TranscriptionCost,
};
use transcript::{AudioTime, Span};

/// Terminates all other sessions of the database whose last statement matches `pattern`; returns their number.
async fn end_sessions(database: &TestDatabase, pattern: &str) -> usize {
    let ended = database
        .column(&format!(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '{pattern}'"
        ))
        .await
        .unwrap();
    assert!(ended.iter().all(|done| done == "true"), "{ended:?}");
    ended.len()
}

async fn next(notifications: &mut Notifications) -> Topic {
    tokio::time::timeout(TIMEOUT, notifications.next()).await.expect("a notification within 15 s")
}

/// Listens, and renames a marker recording to find the end of the notifications so far.
struct Listener {
    notifications: Notifications,
    store: Store,
    marker: JobId,
}

impl Listener {
    async fn new(store: &Store) -> Self {
        let marker = register(store, LibraryId::new()).await;
        Self { notifications: Notifications::listen(store).await.unwrap(), store: store.clone(), marker }
    }

    /// The distinct notifications since the last call, except those of tasks.
    async fn topics(&mut self) -> Vec<Topic> {
        let all = self.all_topics().await;
        all.into_iter().filter(|topic| !matches!(topic, Topic::Task(_))).collect()
    }

    /// The distinct notifications since the last call.
    async fn all_topics(&mut self) -> Vec<Topic> {
        self.store.rename_job(self.marker, "marker").await.unwrap().unwrap();
        let mut topics = Vec::new();
        loop {
            match next(&mut self.notifications).await {
                Topic::Job(id) if id == self.marker => return topics,
                topic if topics.contains(&topic) => {}
                topic => topics.push(topic),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_a_recording_is_notified() {
    let (database, store) = database().await;
    let other_process = database.store().await.unwrap();
    let mut listener = Listener::new(&store).await;
    let (library, machine) = (LibraryId::new(), MachineId::new());
    assert_eq!(listener.topics().await, []);

    let id = register(&other_process, library).await;
    assert_eq!(listener.topics().await, [Topic::Job(id)]);
    let (kinds, only) = (&TaskKind::OF_RECORDINGS, None);
    let request = ClaimRequest { kinds, library, machine, alone: true, only };
    let claim = other_process.claim(request).await.unwrap().unwrap();
    assert_eq!(listener.topics().await, [Topic::Progress(id), Topic::Job(id)]);
    assert!(other_process.renew(claim.lease, TaskProgress::default()).await.unwrap());
    assert_eq!(listener.topics().await, [Topic::Progress(id)], "progress does not touch the job");

    let new = NewTranscript {
        engine: "test".to_owned(),
        model: "small".to_owned(),
        model_sha256: None,
        language: None,
        settings: serde_json::json!({}),
        device: None,
        machine: MachineId::new(),
    };
    let (version, _) = other_process.open_transcript(claim.lease, &new).await.unwrap().unwrap();
    assert_eq!(listener.topics().await, [Topic::Transcript(version.id)]);
    let window = TranscriptWindow {
        index: 0,
        span: Span::new(AudioTime::ZERO, AudioTime::from_ms(9)),
        language: None,
        other_language: None,
    };
    assert!(other_process.commit_window(claim.lease, version.id, &window, &[]).await.unwrap());
    assert!(listener.topics().await.contains(&Topic::Transcript(version.id)));
    assert!(other_process.commit_window(claim.lease, version.id, &window, &[]).await.unwrap());
    assert_eq!(listener.topics().await, [], "a second commit changes nothing");
    assert!(
        other_process
            .complete_transcript(claim.lease, version.id, &[], TranscriptionCost::default())
            .await
            .unwrap()
    );
    let topics = listener.topics().await;
    assert!(
        topics.contains(&Topic::Job(id)) && topics.contains(&Topic::Transcript(version.id)),
        "{topics:?}"
    );

    let export = NewExport {
        id: ExportId::new(),
        job_id: id,
        export_type: "pdf_transcript".to_owned(),
        file_path: "/tmp/x.pdf".to_owned(),
        library_id: library,
        options: serde_json::Value::Null,
        batch_id: None,
    };
    let asked = serde_json::json!({});
    let claim = other_process.create_export(&export, &asked, machine).await.unwrap().unwrap();
    assert_eq!(listener.topics().await, [Topic::Export(export.id)]);
    other_process.finish_export(claim.lease, &exported_file("/tmp/x.pdf", None)).await.unwrap().unwrap();
    assert_eq!(listener.topics().await, [Topic::Export(export.id)]);

    other_process.delete_job(id, library).await.unwrap().unwrap();
    let topics = listener.topics().await;
    for gone in [Topic::Job(id), Topic::Export(export.id), Topic::Transcript(version.id)] {
        assert!(topics.contains(&gone), "{gone:?} is not in {topics:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_notified_when_queued_started_and_ended_but_not_on_heartbeats() {
    let (_database, store) = database().await;
    let mut listener = Listener::new(&store).await;
    let (library, machine) = (LibraryId::new(), MachineId::new());
    let tasks = async |listener: &mut Listener| {
        let topics = listener.all_topics().await;
        topics.into_iter().filter(|topic| matches!(topic, Topic::Task(_))).count()
    };
    let (first, second) = (register(&store, library).await, register(&store, library).await);
    assert_eq!(tasks(&mut listener).await, 2);
    assert!(store.bring_forward(second).await.unwrap());
    assert_eq!(tasks(&mut listener).await, 1);
    let (kinds, only) = (&TaskKind::OF_RECORDINGS, None);
    let claim =
        store.claim(ClaimRequest { kinds, library, machine, alone: true, only }).await.unwrap().unwrap();
    assert_eq!(claim.job.id, second);
    assert!(listener.all_topics().await.contains(&Topic::Task(claim.lease.task)));
    assert!(store.renew(claim.lease, TaskProgress::default()).await.unwrap());
    assert_eq!(tasks(&mut listener).await, 0);
    assert!(store.fail(claim.lease, "It did not work.").await.unwrap());
    assert!(listener.all_topics().await.contains(&Topic::Task(claim.lease.task)));
    store.cancel_job(first).await.unwrap().unwrap();
    assert_eq!(tasks(&mut listener).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_and_retrying_are_notified_and_rolled_back_changes_are_not() {
    let (database, store) = database().await;
    let mut listener = Listener::new(&store).await;
    let id = register(&store, LibraryId::new()).await;
    assert_eq!(listener.topics().await, [Topic::Job(id)]);
    store.cancel_job(id).await.unwrap().unwrap();
    assert_eq!(listener.topics().await, [Topic::Job(id)]);
    store.requeue(id).await.unwrap().unwrap();
    assert_eq!(listener.topics().await, [Topic::Job(id)]);
    database.execute("BEGIN; UPDATE jobs SET title = 'x'; ROLLBACK").await.unwrap();
    database.execute("NOTIFY meetmemo, 'weather:sunny'; NOTIFY meetmemo, ''").await.unwrap();
    assert_eq!(listener.topics().await, [], "unknown payloads are ignored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_reports_a_broken_connection_and_reconnects() {
    let (database, store) = database().await;
    let mut listener = Listener::new(&store).await;
    for _ in 0..2 {
        assert_eq!(end_sessions(&database, "LISTEN%").await, 1);
        assert_eq!(next(&mut listener.notifications).await, Topic::ConnectionLost);
        assert_eq!(next(&mut listener.notifications).await, Topic::Reconnected);
        let id = register(&store, LibraryId::new()).await;
        assert_eq!(listener.topics().await, [Topic::Job(id)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_notifications_can_be_cancelled_and_repeated() {
    let (_database, store) = database().await;
    let mut listener = Listener::new(&store).await;
    for _ in 0..20 {
        tokio::select! {
            biased;
            () = tokio::task::yield_now() => {}
            topic = listener.notifications.next() => panic!("nothing has changed, but {topic:?} was notified"),
        }
    }
    let id = register(&store, LibraryId::new()).await;
    assert_eq!(listener.topics().await, [Topic::Job(id)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_work_after_all_connections_were_terminated() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    for round in 0..2 {
        // Opens several connections in the pool, which are then all terminated.
        let busy = (0..8).map(|_| store.jobs(store::JobFilter::default()));
        for answer in futures_util::future::join_all(busy).await {
            answer.unwrap();
        }
        assert!(end_sessions(&database, "%").await >= 1);
        let answers = futures_util::future::join_all((0..20).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.register(&recording(library)).await })
        }))
        .await;
        for answer in answers {
            answer.unwrap().unwrap();
        }
        let known = store.jobs(store::JobFilter::default()).await.unwrap();
        assert_eq!(known.len(), 20 * (round + 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_is_visible_by_its_name_while_it_lives() {
    let (database, store) = database().await;
    let other_process = database.store().await.unwrap();
    let name = "meetmemo it's one";
    assert!(!store.is_connected(name).await.unwrap());
    let mut notifications = Notifications::listen_with_name(&other_process, name.to_owned()).await.unwrap();
    assert!(store.is_connected(name).await.unwrap());
    assert!(!store.is_connected("meetmemo it's").await.unwrap());
    assert_eq!(end_sessions(&database, "LISTEN%").await, 1);
    assert_eq!(next(&mut notifications).await, Topic::ConnectionLost);
    assert_eq!(next(&mut notifications).await, Topic::Reconnected);
    assert!(store.is_connected(name).await.unwrap(), "it keeps its name");
    drop(notifications);
    wait_for("the end of the session", TIMEOUT, async || {
        (!store.is_connected(name).await.unwrap()).then_some(())
    })
    .await;
}
