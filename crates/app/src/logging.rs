//! The log file. It holds ids and numbers, never words of a transcript or names of files.

use crate::DataFolder;
use std::fs::{self, OpenOptions};
use std::sync::Mutex;
use tracing_subscriber::EnvFilter;

/// Size in bytes above which the log is renamed to `meetmemo.1.log` at the next start.
const MAX_LOG_BYTES: u64 = 4 << 20;

/// Logs to `logs/meetmemo.log` in the data folder. `MEETMEMO_LOG` sets the filter, as in `MEETMEMO_LOG=debug`; the
/// default is `info`. If the file cannot be opened, nothing is logged and the program runs.
pub fn start(data: &DataFolder) {
    let path = data.logs().join("meetmemo.log");
    if fs::metadata(&path).is_ok_and(|found| found.len() > MAX_LOG_BYTES) {
        let _ = fs::rename(&path, path.with_extension("1.log"));
    }
    let _ = fs::create_dir_all(data.logs());
    let Ok(file) = OpenOptions::new().create(true).append(true).open(path) else { return };
    let filter = EnvFilter::try_from_env("MEETMEMO_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(Mutex::new(file)).with_ansi(false);
    // Fails if this process logs already, as in tests; the first call counts.
    let _ = log.try_init();
}
