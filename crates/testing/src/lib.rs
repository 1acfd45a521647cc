//! What tests of whole programs share: recordings of real speech, and processes to look at and to kill.
//!
//! Only for tests; panics where a test should fail.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed assumption is a failed test")]

pub mod turns;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// All living processes whose command line holds `marker`, and those they started, by id.
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

/// Ends a process at once.
pub fn kill(pid: i32) {
    // SAFETY: integers only; a process that has ended meanwhile is no error.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

/// The folder with the project's test recordings, where there is one.
pub fn shared_audio() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/audio");
    if !folder.is_dir() {
        println!("skipped: ../shared is not here");
        return None;
    }
    Some(folder.canonicalize().unwrap())
}

/// LibriVox clips of Debian's test data, 16 kHz mono, 3 to 7 s each.
pub fn clips() -> Vec<PathBuf> {
    let mut clips: Vec<PathBuf> = fs::read_dir("/usr/share/pocketsphinx/test/data/librivox")
        .expect("set-up installs pocketsphinx-testdata")
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "wav"))
        .collect();
    clips.sort();
    assert_eq!(clips.len(), 5);
    clips
}

/// The 16-bit samples of a WAV file with a plain header.
pub fn samples(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let data = bytes.windows(4).position(|w| w == b"data").unwrap();
    bytes[data + 8..].to_vec()
}

/// A 16 kHz mono WAV file of these 16-bit samples.
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

/// Silence of this many seconds, as 16-bit samples at 16 kHz.
pub fn silence(seconds: f64) -> Vec<u8> {
    vec![0; (seconds * 16_000.0) as usize * 2]
}

/// Real speech of about this many seconds: the clips in turns, a short pause after each.
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
