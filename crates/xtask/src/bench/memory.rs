//! How much memory the app's processes use together, read from `/proc`.
//!
//! Proportional set size: memory that several processes share is counted once. The database server is told apart from
//! the app's own processes (the command, engines, keeper).

use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// Seldom enough not to slow down what is measured.
const BETWEEN_SAMPLES: Duration = Duration::from_millis(250);
/// How soon the end of a process is noticed.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// The most memory seen at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Peak {
    /// The app's own processes, in kB.
    pub(super) app_kb: u64,
    /// The database server's processes, in kB.
    pub(super) database_kb: u64,
    /// Both together at their worst moment, in kB.
    pub(super) all_kb: u64,
}

/// What a command that was watched to its end left behind.
pub(super) struct Watched {
    pub(super) took: Duration,
    pub(super) peak: Peak,
    pub(super) success: bool,
}

/// Runs `command`, sampling all processes that work on `data`, until it ends.
pub(super) fn watch(command: &mut Command, data: &Path) -> Result<Watched> {
    let started = Instant::now();
    let mut child =
        command.spawn().with_context(|| format!("could not start `{}`", crate::command::shown(command)))?;
    let mut peak = Peak::default();
    let mut next_sample = started;
    let status = loop {
        if let Some(status) = child.try_wait().context("could not wait for the app")? {
            break status;
        }
        if Instant::now() >= next_sample {
            let (mut app, mut database) = (0, 0);
            for process in using(data, Some(child.id())) {
                let kb = pss_kb(process);
                if is_database(process) { database += kb } else { app += kb }
            }
            peak.app_kb = peak.app_kb.max(app);
            peak.database_kb = peak.database_kb.max(database);
            peak.all_kb = peak.all_kb.max(app + database);
            next_sample = Instant::now() + BETWEEN_SAMPLES;
        }
        thread::sleep(BETWEEN_LOOKS);
    };
    Ok(Watched { took: started.elapsed(), peak, success: status.success() })
}

/// Whether a process still works on `data`.
pub(super) fn someone_uses(data: &Path) -> bool {
    !using(data, None).is_empty()
}

/// The processes that were started with `data` as their data folder or name it as an argument, `root`, and all their
/// descendants: a keeper has a session of its own, and the server is started with an empty environment.
fn using(data: &Path, root: Option<u32>) -> BTreeSet<u32> {
    let data = data.as_os_str().as_encoded_bytes();
    let mut parents = BTreeMap::new();
    let mut found: BTreeSet<u32> = root.into_iter().collect();
    for process in processes() {
        if process == std::process::id() {
            continue;
        }
        if let Some(parent) = parent(process) {
            parents.insert(process, parent);
        }
        let names_it = |file: &str| fs::read(of(process, file)).is_ok_and(|text| contains(&text, data));
        if names_it("environ") || names_it("cmdline") {
            found.insert(process);
        }
    }
    loop {
        let more: Vec<u32> = parents
            .iter()
            .filter(|(process, parent)| found.contains(parent) && !found.contains(process))
            .map(|(process, _)| *process)
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn of(process: u32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{process}/{file}"))
}

fn processes() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The fourth field of `/proc/N/stat`; the second is a name in parentheses that may hold anything. Nothing for a zombie.
fn parent(process: u32) -> Option<u32> {
    parent_in(&fs::read_to_string(of(process, "stat")).ok()?)
}

fn parent_in(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (state != "Z").then_some(parent)
}

fn is_database(process: u32) -> bool {
    fs::read_to_string(of(process, "comm")).is_ok_and(|name| matches!(name.trim_end(), "postgres" | "initdb"))
}

/// Nothing for a process that has ended meanwhile.
fn pss_kb(process: u32) -> u64 {
    fs::read_to_string(of(process, "smaps_rollup")).ok().and_then(|text| pss_in(&text)).unwrap_or(0)
}

fn pss_in(smaps_rollup: &str) -> Option<u64> {
    smaps_rollup
        .lines()
        .find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix("kB")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_texts_are_read() {
        assert_eq!(parent_in("17 (a (strange) name) S 4 17 17 0"), Some(4));
        assert_eq!(parent_in("17 (gone) Z 4 17 17 0"), None);
        assert_eq!(
            pss_in("00400000-7ffc000 ---p\nRss:  900 kB\nPss:   123 kB\nPss_Dirty: 4 kB\n"),
            Some(123)
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_and_its_children_are_found_by_their_data_folder() {
        let data = tempfile::tempdir().unwrap();
        assert!(!someone_uses(data.path()));
        // `; true` keeps the shell from becoming the sleep.
        let mut child = Command::new("sh")
            .args(["-c", "env -i sleep 30; true"])
            .env("MEETMEMO_DATA_DIR", data.path())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while using(data.path(), None).len() < 2 {
            assert!(Instant::now() < deadline, "the sleep below the shell was not found");
            thread::sleep(Duration::from_millis(10));
        }
        for process in using(data.path(), None) {
            assert!(pss_kb(process) > 0);
            Command::new("kill").arg(process.to_string()).status().unwrap();
        }
        child.wait().unwrap();
    }
}
