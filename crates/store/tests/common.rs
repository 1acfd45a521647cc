//! Shared by this crate's integration tests.
#![allow(dead_code, reason = "each test file uses a part")]

use std::time::{Duration, Instant};
use store::managed::KeeperCommand;
use store::testing::TestDatabase;
use store::{JobId, LibraryId, NewJob, Registered, Store};

pub(crate) fn keeper() -> KeeperCommand {
    KeeperCommand { program: env!("CARGO_BIN_EXE_store-test-host").into(), arguments: Vec::new() }
}

pub(crate) async fn database() -> (TestDatabase, Store) {
    let database = TestDatabase::new(keeper()).await.expect("a test database");
    let store = database.store().await.expect("the archive in it");
    (database, store)
}

/// A recording with content of its own.
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

/// Registers a recording of its own.
pub(crate) async fn registered(store: &Store, library: LibraryId) -> JobId {
    match store.register(&recording(library)).await.expect("a recording can be registered") {
        Registered::New(job) => job.id,
        Registered::Duplicate(job) => panic!("{} has the same content", job.id),
    }
}

/// Asks again and again until there is an answer; `what` was waited for in vain after `limit`.
pub(crate) async fn until<T>(what: &str, limit: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
