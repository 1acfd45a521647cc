//! Shared by this crate's integration tests.
#![allow(dead_code, reason = "each test file uses a part")]

use store::managed::KeeperCommand;
use store::testing::TestDatabase;
use store::{JobId, LibraryId, NewJob, Store};

pub fn keeper() -> KeeperCommand {
    KeeperCommand { program: env!("CARGO_BIN_EXE_store-test-host").into(), arguments: Vec::new() }
}

pub async fn database() -> (TestDatabase, Store) {
    let database = TestDatabase::new(keeper()).await.expect("a test database");
    let store = database.store().await.expect("the archive in it");
    (database, store)
}

/// A recording with content of its own.
pub fn recording(library: LibraryId) -> NewJob {
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
    }
}
