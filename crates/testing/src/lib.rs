//! Helpers shared by tests: recordings of real speech, finding and killing processes, diarization scores
//! ([`diarization_error`]), and prerequisites of tests ([`prerequisite`]).
//!
//! Functions panic where a test should fail.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed assumption is a failed test")]

pub mod diarization_error;
pub mod prerequisite;

pub use prerequisite::Prerequisite;
pub use rustix::process::Signal;

use rustix::process::{Pid, kill_process, kill_process_group};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder `shared` beside the checkout.
const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");

/// Ids of all living processes whose command line contains `marker`, and of their descendants.
pub fn processes_of(marker: &str) -> Vec<i32> {
    let mut parent = HashMap::new();
    let mut found: Vec<i32> = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((_, rest)) = stat.rsplit_once(')') else { continue };
        let mut fields = rest.split_whitespace();
        let (state, ppid) = (fields.next().unwrap_or("Z"), fields.next().unwrap_or("0"));
        if state == "Z" {
            continue;
        }
        parent.insert(pid, ppid.parse::<i32>().unwrap_or(0));
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains(marker) {
            found.push(pid);
        }
    }
    loop {
        let more: Vec<i32> = parent
            .iter()
            .filter(|(p, pp)| found.contains(pp) && !found.contains(p))
            .map(|(p, _)| *p)
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// Kills a process (SIGKILL).
pub fn kill(pid: i32) {
    signal(pid, Signal::KILL);
}

/// Kills all processes of a group (SIGKILL). Does nothing if the group has no process any more.
pub fn kill_group(group: i32) {
    let group = Pid::from_raw(group).expect("a process id is not 0");
    let _ = kill_process_group(group, Signal::KILL);
}

/// Sends a signal to a process that the test started. Does nothing if it has already ended.
pub fn signal(pid: i32, signal: Signal) {
    let pid = Pid::from_raw(pid).expect("a process id is not 0");
    let _ = kill_process(pid, signal);
}

/// A command for a program that `cargo xtask setup --tests` installs; fails if it is missing.
pub fn program(name: &str) -> Command {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).any(|folder| folder.join(name).is_file());
    assert!(found, "{name} is missing; `cargo xtask setup --tests` installs it");
    Command::new(name)
}

/// Returns `path`, a file or folder that `cargo xtask setup --tests` makes; fails if it is missing.
pub fn required_path(path: PathBuf) -> PathBuf {
    assert!(path.exists(), "{} is missing; `cargo xtask setup --tests` makes it", path.display());
    path
}

/// The interpreter of the Python environment with independent readers of exported files, which `cargo xtask setup --tests`
/// makes: the one that `MEETMEMO_TEST_PYTHON` names, or else that of the target folder in which the test was built.
pub fn python() -> Command {
    let interpreter = required_path(std::env::var_os("MEETMEMO_TEST_PYTHON").map_or_else(
        || {
            target().join("tools/python").join(if cfg!(windows) {
                "Scripts/python.exe"
            } else {
                "bin/python"
            })
        },
        PathBuf::from,
    ));
    let mut python = Command::new(interpreter);
    // Tests must find the same packages everywhere, and leave no files beside the scripts.
    python.args(["-I", "-B", "-X", "utf8"]);
    python
}

/// The target folder in which the running test was built.
fn target() -> PathBuf {
    // <target>/<profile>/deps/<test>
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
}

/// The resources folder: the one that `MEETMEMO_RESOURCES` names, or else that of the target folder in which the test
/// was built.
pub fn resources() -> PathBuf {
    required_path(
        std::env::var_os("MEETMEMO_RESOURCES").map_or_else(|| target().join("resources"), PathBuf::from),
    )
}

/// A file or folder of `../shared`, beside the checkout. `None` without that folder: the test is then recorded as
/// skipped and must return.
pub fn shared(path: &str) -> Option<PathBuf> {
    if !shared_is_there() {
        Prerequisite::Shared.skip();
        return None;
    }
    let path = Path::new(SHARED).join(path);
    assert!(path.exists(), "{} is missing, although ../shared is there", path.display());
    Some(path.canonicalize().unwrap())
}

/// Whether the folder `../shared` exists, for a test of which a part works without it.
pub fn shared_is_there() -> bool {
    Path::new(SHARED).is_dir()
}

/// The folder of the project's test recordings; `None` as for [`shared`].
pub fn shared_audio() -> Option<PathBuf> {
    shared("audio")
}

/// A file or folder of Debian's package `pocketsphinx-testdata`.
pub fn testdata(path: &str) -> PathBuf {
    let path = Path::new("/usr/share/pocketsphinx/test/data").join(path);
    assert!(
        path.exists(),
        "{} is missing; `cargo xtask setup --tests` installs pocketsphinx-testdata on Debian and Ubuntu",
        path.display()
    );
    path
}

/// LibriVox clips of Debian's test data, 16 kHz mono, 3 to 7 s each.
pub fn clips() -> Vec<PathBuf> {
    let mut clips: Vec<PathBuf> = fs::read_dir(testdata("librivox"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "wav"))
        .collect();
    clips.sort();
    assert_eq!(clips.len(), 5);
    clips
}

/// The 16-bit samples of a WAV file whose samples reach to the end of the file.
pub fn samples(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let data = bytes.windows(4).position(|w| w == b"data").unwrap();
    bytes[data + 8..].to_vec()
}

/// Writes 16-bit samples as a WAV file, 16 kHz mono.
pub fn write_wav(path: &Path, samples: &[u8]) {
    let size = u32::try_from(samples.len()).unwrap();
    let mut file = Vec::with_capacity(samples.len() + 44);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(size + 36).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend_from_slice(&16_000_u32.to_le_bytes());
    file.extend_from_slice(&32_000_u32.to_le_bytes());
    file.extend_from_slice(b"\x02\0\x10\0data");
    file.extend_from_slice(&size.to_le_bytes());
    file.extend_from_slice(samples);
    fs::write(path, file).unwrap();
}

/// Silence of this many seconds, as 16-bit mono samples at 16 kHz.
pub fn silence(seconds: f64) -> Vec<u8> {
    vec![0; (seconds * 16_000.0) as usize * 2]
}

/// At least this many seconds of real speech: the [`clips`] in turns, each followed by a pause of 0.7 s.
pub fn speech(seconds: u32) -> Vec<u8> {
    let clips: Vec<Vec<u8>> = clips().iter().map(|clip| samples(clip)).collect();
    let mut all = Vec::new();
    for clip in clips.iter().cycle() {
        if all.len() >= seconds as usize * 32_000 {
            break;
        }
        all.extend_from_slice(clip);
        all.extend_from_slice(&silence(0.7));
    }
    all
}
