//! The log file: what happened, with ids and numbers, never what was said or what a file is called.

use crate::DataFolder;
use std::fs::{self, OpenOptions};
use std::sync::Mutex;
use tracing_subscriber::EnvFilter;

/// A log that has become longer than this is kept once more under another name and begun anew.
const LONGEST: u64 = 4 << 20;

/// Writes what is logged to `logs/meetmemo.log` in the data folder; `MEETMEMO_LOG` chooses more or less, as in
/// `MEETMEMO_LOG=debug`. Where the file cannot be opened nothing is logged: no log is worth refusing to start.
pub fn start(data: &DataFolder) {
    let path = data.logs().join("meetmemo.log");
    if fs::metadata(&path).is_ok_and(|found| found.len() > LONGEST) {
        let _ = fs::rename(&path, path.with_extension("1.log"));
    }
    let _ = fs::create_dir_all(data.logs());
    let Ok(file) = OpenOptions::new().create(true).append(true).open(path) else { return };
    let filter = EnvFilter::try_from_env("MEETMEMO_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(Mutex::new(file)).with_ansi(false);
    // A second start in one process, as in tests, keeps the first.
    let _ = log.try_init();
}
