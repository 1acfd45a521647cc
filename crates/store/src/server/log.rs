//! The log of the private server.

use crate::{Result, Store};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// How much of the log is read, from its end, in bytes. The keeper empties the log when it exceeds four times that.
const READ_BYTES: u64 = 1 << 20;

impl Store {
    /// The log of the private server; `None` if the archive is on a configured server.
    pub fn server_log(&self) -> Option<PathBuf> {
        self.cluster().map(|cluster| cluster.log())
    }

    /// The last `count` lines of the private server's log; `None` if the archive is on a configured server. Blocks the
    /// thread.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn server_log_lines(&self, count: usize) -> Result<Option<Vec<String>>> {
        let Some(cluster) = self.cluster() else { return Ok(None) };
        let text = read_end(&cluster.log()).map_err(|error| cluster.folder_error(error))?;
        let lines: Vec<&str> = text.lines().collect();
        let first = lines.len().saturating_sub(count);
        Ok(Some(lines[first..].iter().map(|line| (*line).to_owned()).collect()))
    }
}

/// The end of a log, from the beginning of a line.
pub(super) fn read_end(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(READ_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    // Not more than there was, even if the server goes on writing.
    file.take(READ_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(match text.split_once('\n') {
        Some((_, rest)) if start > 0 => rest.to_owned(),
        _ => text.into_owned(),
    })
}
