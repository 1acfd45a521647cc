//! What every process is told, and that the archive goes on when its connections end.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{PATIENCE, database, recording, registered, until};
use store::testing::TestDatabase;
use store::{
    Claimer, ExportId, JobId, LibraryId, MachineId, NewExport, NewTranscript, News, Progress, Spent, Store,
    TaskKind, Topic, Window,
};
use transcript::{AudioTime, Span};

/// Ends all other sessions of the database whose last statement is like `pattern`.
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

async fn next(news: &mut News) -> Topic {
    tokio::time::timeout(PATIENCE, news.next()).await.expect("news within 15 s")
}

/// An ear and a recording whose renaming marks the end of what was told before it.
struct Ear {
    news: News,
    store: Store,
    marker: JobId,
}

impl Ear {
    async fn new(store: &Store) -> Self {
        let marker = registered(store, LibraryId::new()).await;
        Self { news: News::listen(store).await.unwrap(), store: store.clone(), marker }
    }

    /// All that was told since the last call but for tasks; repetitions within one kind are one.
    async fn heard(&mut self) -> Vec<Topic> {
        let all = self.heard_all().await;
        all.into_iter().filter(|topic| !matches!(topic, Topic::Task(_))).collect()
    }

    /// All that was told since the last call; repetitions within one kind are one.
    async fn heard_all(&mut self) -> Vec<Topic> {
        self.store.rename_job(self.marker, "marker").await.unwrap().unwrap();
        let mut heard = Vec::new();
        loop {
            match next(&mut self.news).await {
                Topic::Job(id) if id == self.marker => return heard,
                topic if heard.contains(&topic) => {}
                topic => heard.push(topic),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_a_recording_is_told() {
    let (database, store) = database().await;
    let other_process = database.store().await.unwrap();
    let mut ear = Ear::new(&store).await;
    let (library, machine) = (LibraryId::new(), MachineId::new());
    assert_eq!(ear.heard().await, []);

    let id = registered(&other_process, library).await;
    assert_eq!(ear.heard().await, [Topic::Job(id)]);
    let (kinds, only) = (&TaskKind::OF_RECORDINGS, None);
    let claimer = Claimer { kinds, library, machine, alone: true, only };
    let claim = other_process.claim(claimer).await.unwrap().unwrap();
    assert_eq!(ear.heard().await, [Topic::Progress(id), Topic::Job(id)]);
    assert!(other_process.renew(claim.lease, Progress::default()).await.unwrap());
    assert_eq!(ear.heard().await, [Topic::Progress(id)], "progress does not touch the job");

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
    assert_eq!(ear.heard().await, [Topic::Transcript(version.id)]);
    let window = Window {
        index: 0,
        span: Span::new(AudioTime::ZERO, AudioTime::from_ms(9)),
        language: None,
        other_language: None,
    };
    assert!(other_process.commit_window(claim.lease, version.id, &window, &[]).await.unwrap());
    assert!(ear.heard().await.contains(&Topic::Transcript(version.id)));
    assert!(other_process.commit_window(claim.lease, version.id, &window, &[]).await.unwrap());
    assert_eq!(ear.heard().await, [], "a second commit changes nothing");
    assert!(other_process.complete_transcript(claim.lease, version.id, &[], Spent::default()).await.unwrap());
    let heard = ear.heard().await;
    assert!(heard.contains(&Topic::Job(id)) && heard.contains(&Topic::Transcript(version.id)), "{heard:?}");

    let export = NewExport {
        id: ExportId::new(),
        job_id: id,
        export_type: "pdf_transcript".to_owned(),
        file_path: "/tmp/x.pdf".to_owned(),
        library_id: library,
    };
    let asked = serde_json::json!({});
    let claim = other_process.create_export(&export, &asked, machine).await.unwrap().unwrap();
    assert_eq!(ear.heard().await, [Topic::Export(export.id)]);
    other_process.finish_export(claim.lease, "/tmp/x.pdf", None).await.unwrap().unwrap();
    assert_eq!(ear.heard().await, [Topic::Export(export.id)]);

    other_process.delete_job(id, library).await.unwrap().unwrap();
    let heard = ear.heard().await;
    for gone in [Topic::Job(id), Topic::Export(export.id), Topic::Transcript(version.id)] {
        assert!(heard.contains(&gone), "{gone:?} is not in {heard:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_hear_when_a_task_waits_begins_and_ends_and_of_no_sign_of_life() {
    let (_database, store) = database().await;
    let mut ear = Ear::new(&store).await;
    let (library, machine) = (LibraryId::new(), MachineId::new());
    let tasks = async |ear: &mut Ear| {
        let heard = ear.heard_all().await;
        heard.into_iter().filter(|topic| matches!(topic, Topic::Task(_))).count()
    };
    let (first, second) = (registered(&store, library).await, registered(&store, library).await);
    assert_eq!(tasks(&mut ear).await, 2);
    assert!(store.bring_forward(second).await.unwrap());
    assert_eq!(tasks(&mut ear).await, 1);
    let (kinds, only) = (&TaskKind::OF_RECORDINGS, None);
    let claim = store.claim(Claimer { kinds, library, machine, alone: true, only }).await.unwrap().unwrap();
    assert_eq!(claim.job.id, second);
    assert!(ear.heard_all().await.contains(&Topic::Task(claim.lease.task)));
    assert!(store.renew(claim.lease, Progress::default()).await.unwrap());
    assert_eq!(tasks(&mut ear).await, 0);
    assert!(store.fail(claim.lease, "It did not work.").await.unwrap());
    assert!(ear.heard_all().await.contains(&Topic::Task(claim.lease.task)));
    store.cancel_job(first).await.unwrap().unwrap();
    assert_eq!(tasks(&mut ear).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_and_retrying_are_told_and_what_is_rolled_back_is_not() {
    let (database, store) = database().await;
    let mut ear = Ear::new(&store).await;
    let id = registered(&store, LibraryId::new()).await;
    assert_eq!(ear.heard().await, [Topic::Job(id)]);
    store.cancel_job(id).await.unwrap().unwrap();
    assert_eq!(ear.heard().await, [Topic::Job(id)]);
    store.requeue(id).await.unwrap().unwrap();
    assert_eq!(ear.heard().await, [Topic::Job(id)]);
    database.execute("BEGIN; UPDATE jobs SET title = 'x'; ROLLBACK").await.unwrap();
    database.execute("NOTIFY meetmemo, 'weather:sunny'; NOTIFY meetmemo, ''").await.unwrap();
    assert_eq!(ear.heard().await, [], "what nobody knows is passed over");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_its_connection_was_ended_the_listener_says_so_then_everything_and_goes_on() {
    let (database, store) = database().await;
    let mut ear = Ear::new(&store).await;
    for _ in 0..2 {
        assert_eq!(end_sessions(&database, "LISTEN%").await, 1);
        assert_eq!(next(&mut ear.news).await, Topic::Lost);
        assert_eq!(next(&mut ear.news).await, Topic::Everything);
        let id = registered(&store, LibraryId::new()).await;
        assert_eq!(ear.heard().await, [Topic::Job(id)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_news_may_be_given_up_and_taken_up_again() {
    let (_database, store) = database().await;
    let mut ear = Ear::new(&store).await;
    for _ in 0..20 {
        tokio::select! {
            biased;
            () = tokio::task::yield_now() => {}
            topic = ear.news.next() => panic!("nothing has changed, but {topic:?} was told"),
        }
    }
    let id = registered(&store, LibraryId::new()).await;
    assert_eq!(ear.heard().await, [Topic::Job(id)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_go_on_after_all_connections_were_ended() {
    let (database, store) = database().await;
    let library = LibraryId::new();
    for round in 0..2 {
        // Several connections in the pool, all of which end.
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
async fn a_listener_is_known_by_its_name_while_it_lives() {
    let (database, store) = database().await;
    let other_process = database.store().await.unwrap();
    let name = "meetmemo it's one";
    assert!(!store.is_connected(name).await.unwrap());
    let mut news = News::listen_as(&other_process, name.to_owned()).await.unwrap();
    assert!(store.is_connected(name).await.unwrap());
    assert!(!store.is_connected("meetmemo it's").await.unwrap());
    assert_eq!(end_sessions(&database, "LISTEN%").await, 1);
    assert_eq!(next(&mut news).await, Topic::Lost);
    assert_eq!(next(&mut news).await, Topic::Everything);
    assert!(store.is_connected(name).await.unwrap(), "it keeps its name");
    drop(news);
    until("the end of the session", PATIENCE, async || {
        (!store.is_connected(name).await.unwrap()).then_some(())
    })
    .await;
}
