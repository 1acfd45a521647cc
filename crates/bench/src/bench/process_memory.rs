//! Reads the memory of the app's processes from `/proc`.
//!
//! Memory is the proportional set size, in which memory shared by several processes counts once. The database server is
//! counted separately from the app's own processes (the command, engine processes, keeper).

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
    /// Highest sum of both, in kB.
    pub(super) all_kb: u64,
}

impl Peak {
    /// Samples the processes of the command `root` and those that use `data`.
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

/// The processes that use `data`.
pub(super) fn using(data: &Path) -> BTreeSet<u32> {
    found(Some(data), None)
}

/// `root`, the processes that have `data` in their environment or arguments, and all their descendants. All three are
/// needed: a keeper has its own session, and the database server starts with an empty environment.
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

/// Zombie children of this process that it did not start. They are recognised by their own session, which the children
/// that it starts do not have.
pub(super) fn ended_orphans() -> Vec<u32> {
    let Some(own) = stat(std::process::id()) else { return Vec::new() };
    let orphan = |stat: &Stat| stat.ended && stat.parent == std::process::id() && stat.session != own.session;
    processes().into_iter().filter(|process| stat(*process).is_some_and(|stat| orphan(&stat))).collect()
}

/// CPU time of the reaped children of this process and their descendants, in clock ticks.
pub(super) fn ticks_of_children() -> Option<u64> {
    Some(stat(std::process::id())?.children)
}

/// Whether a process exists and has not ended.
pub(super) fn is_alive(process: u32) -> bool {
    stat(process).is_some_and(|stat| !stat.ended)
}

/// The parent of a process; `None` if it has ended.
fn parent(process: u32) -> Option<u32> {
    stat(process).filter(|stat| !stat.ended).map(|stat| stat.parent)
}

/// Fields of `/proc/N/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    /// It has ended; its parent may not have reaped it yet.
    ended: bool,
    parent: u32,
    session: u32,
    /// CPU time of its reaped children and their descendants, in clock ticks.
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
    // X: dead, about to disappear.
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

/// Proportional set size in kB; 0 if the process has ended.
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
    fn proc_files_are_parsed() {
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
