//! Helpers of this crate's integration tests.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::time::{Duration, Instant};
use store::managed::KeeperCommand;
use store::testing::TestDatabase;
use store::{ExportedFile, JobId, LibraryId, NewJob, Registration, Store};

pub(crate) fn keeper() -> KeeperCommand {
    KeeperCommand { program: env!("CARGO_BIN_EXE_store-test-keeper").into(), arguments: Vec::new() }
}

pub(crate) async fn database() -> (TestDatabase, Store) {
    let database = TestDatabase::new(keeper()).await.expect("a test database");
    let store = database.store().await.expect("the archive in it");
    (database, store)
}

/// A recording with unique content.
pub(crate) fn recording(library: LibraryId) -> NewJob {
    let id = JobId::new();
    NewJob {
        id,
        file_name: "meeting.wav".to_owned(),
        file_path: format!("{id}/audio.wav"),
        file_hash: format!("{:0>64}", id.uuid().simple().to_string()),
        duration_ms: Some(60_000),
        recorded_at: None,
        recorded_offset_s: None,
        byte_size: 10,
        media_format: "WAV".to_owned(),
        library_id: library,
        requested_language: None,
        requested_model: None,
        requested_translate: false,
        requested_vocabulary: None,
        requested_speakers_min: None,
        requested_speakers_max: None,
    }
}

/// Registers a recording with unique content.
pub(crate) async fn register(store: &Store, library: LibraryId) -> JobId {
    match store.register(&recording(library)).await.expect("a recording can be registered") {
        Registration::New(job) => job.id,
        Registration::Duplicate(job) => panic!("{} has the same content", job.id),
    }
}

/// Calls `poll` until it returns a value. Fails with `what` after `limit`.
pub(crate) async fn wait_for<T>(what: &str, limit: Duration, mut poll: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = poll().await {
            return value;
        }
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// How long a test waits for something that must happen.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(15);

/// A connection to the database of `store` outside its pool.
pub(crate) async fn raw_client(store: &Store) -> tokio_postgres::Client {
    let environment = store.tool_environment().expect("the server runs");
    let of = |name: &str| {
        environment
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    };
    let mut config = tokio_postgres::Config::new();
    config.host(of("PGHOST")).port(of("PGPORT").parse().expect("a port")).user(of("PGUSER"));
    config.password(of("PGPASSWORD")).dbname(of("PGDATABASE"));
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// The file of an export, at `path`.
pub(crate) fn exported_file(path: &str, note: Option<&str>) -> ExportedFile {
    ExportedFile {
        path: path.to_owned(),
        sha256: "0".repeat(64),
        passages: vec![1; 16],
        note: note.map(str::to_owned),
    }
}
