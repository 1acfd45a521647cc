//! How much memory the app's processes use together, read from `/proc`.
//!
//! Proportional set size: memory that several processes share is counted once. The database server is told apart from
//! the app's own processes (the command, engines, keeper).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

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

impl Peak {
    /// Looks at the processes of the command `root` and at those that work on `data`.
    pub(super) fn sample(&mut self, root: u32, data: Option<&Path>) {
        let (mut app, mut database) = (0, 0);
        for process in found(data, Some(root)) {
            let kb = pss_kb(process);
            if is_database(process) { database += kb } else { app += kb }
        }
        self.app_kb = self.app_kb.max(app);
        self.database_kb = self.database_kb.max(database);
        self.all_kb = self.all_kb.max(app + database);
    }
}

/// The processes that work on `data`.
pub(super) fn using(data: &Path) -> BTreeSet<u32> {
    found(Some(data), None)
}

/// The processes that were started with `data` as their data folder or name it as an argument, `root`, and all their
/// descendants: a keeper has a session of its own, and the server is started with an empty environment.
fn found(data: Option<&Path>, root: Option<u32>) -> BTreeSet<u32> {
    let data = data.map(|data| data.as_os_str().as_encoded_bytes());
    let mut parents = BTreeMap::new();
    let mut found: BTreeSet<u32> = root.into_iter().collect();
    for process in processes() {
        if process == std::process::id() {
            continue;
        }
        if let Some(parent) = parent(process) {
            parents.insert(process, parent);
        }
        let names =
            |file: &str, data: &[u8]| fs::read(of(process, file)).is_ok_and(|text| contains(&text, data));
        if data.is_some_and(|data| names("environ", data) || names("cmdline", data)) {
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

/// Children of this process that have ended and that it did not start: each began a session of its own, which none of
/// its own children does.
pub(super) fn ended_orphans() -> Vec<u32> {
    let Some(own) = stat(std::process::id()) else { return Vec::new() };
    let orphan = |stat: &Stat| stat.ended && stat.parent == std::process::id() && stat.session != own.session;
    processes().into_iter().filter(|process| stat(*process).is_some_and(|stat| orphan(&stat))).collect()
}

/// Time of processors for the children of this process that ended and were waited for, and for theirs, in clock ticks.
pub(super) fn ticks_of_children() -> Option<u64> {
    Some(stat(std::process::id())?.children)
}

/// Whether a process is there and has not ended.
pub(super) fn is_alive(process: u32) -> bool {
    stat(process).is_some_and(|stat| !stat.ended)
}

/// Nothing for a process that has ended.
fn parent(process: u32) -> Option<u32> {
    stat(process).filter(|stat| !stat.ended).map(|stat| stat.parent)
}

/// What `/proc/N/stat` says of a process.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    /// Its parent has not asked for its end yet.
    ended: bool,
    parent: u32,
    session: u32,
    /// Time of processors for its children that ended and were waited for, and for theirs, in clock ticks.
    children: u64,
}

fn stat(process: u32) -> Option<Stat> {
    stat_in(&fs::read_to_string(of(process, "stat")).ok()?)
}

/// State, parent, process group and session are fields 3 to 6, the times of children for the user and for the system
/// fields 16 and 17 (proc_pid_stat(5)); the second is a name in parentheses that may hold anything.
fn stat_in(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let &[state, parent, _, session, ..] = fields.as_slice() else { return None };
    // X is a process that is just being forgotten.
    let ended = matches!(state, "Z" | "X");
    let ticks = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat {
        ended,
        parent: parent.parse().ok()?,
        session: session.parse().ok()?,
        children: ticks(16)? + ticks(17)?,
    })
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
    use std::process::Command;
    use std::thread;
    use std::time::{Duration, Instant};

    #[test]
    fn the_kernels_texts_are_read() {
        let times = "0 -1 4194560 1000 2000 0 0 250 50 70 30 20 0";
        for (text, ended) in [("17 (a (strange) name) S 4 17 9", false), ("17 (gone) Z 4 17 9", true)] {
            let text = format!("{text} {times}");
            assert_eq!(stat_in(&text), Some(Stat { ended, parent: 4, session: 9, children: 100 }), "{text}");
        }
        assert_eq!(stat_in("17 (cut"), None);
        assert_eq!(
            pss_in("00400000-7ffc000 ---p\nRss:  900 kB\nPss:   123 kB\nPss_Dirty: 4 kB\n"),
            Some(123)
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_and_its_children_are_found_by_their_data_folder() {
        let data = tempfile::tempdir().unwrap();
        assert!(using(data.path()).is_empty());
        // `; true` keeps the shell from becoming the sleep.
        let mut child = Command::new("sh")
            .args(["-c", "env -i sleep 30; true"])
            .env("MEETMEMO_DATA_DIR", data.path())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while using(data.path()).len() < 2 {
            assert!(Instant::now() < deadline, "the sleep below the shell was not found");
            thread::sleep(Duration::from_millis(10));
        }
        for process in using(data.path()) {
            assert!(pss_kb(process) > 0);
            Command::new("kill").arg(process.to_string()).status().unwrap();
        }
        child.wait().unwrap();
    }
}
