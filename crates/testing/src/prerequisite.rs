//! What may be missing where tests run, and how a test says so.
//!
//! A missing program, recording or model is a failure: set-up installs it. The exceptions are the few that
//! [`Prerequisite`] lists. The runner counts a test that lacks one as passed; `cargo xtask test` reads what the tests
//! wrote down, prints it at its end, and counts them as skipped.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// The environment variable that names the file where tests write down that they are skipped. `cargo xtask test` sets
/// it.
pub const SKIPPED: &str = "MEETMEMO_TEST_SKIPPED";

/// All that a test may do without. Set-up cannot provide any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prerequisite {
    /// The folder `../shared`: its recordings and models are not published.
    Shared,
    /// A private server: the caller of the run asked for a configured one with `MEETMEMO_TEST_DATABASE_URL`.
    PrivateServer,
    /// The rights of root, also to mount a file system: who runs the tests decides that, and containers limit it.
    Root,
    /// A model that tells speakers apart: no package repository has one. `MEETMEMO_TEST_SORTFORMER` names the file.
    SpeakerModel,
}

impl Prerequisite {
    /// Why a test without it is skipped, as a clause.
    const fn reason(self) -> &'static str {
        match self {
            Self::Shared => "../shared is not there",
            Self::PrivateServer => {
                "MEETMEMO_TEST_DATABASE_URL names a server to use instead of a private one"
            }
            Self::Root => "it takes root with the right to mount file systems",
            Self::SpeakerModel => "MEETMEMO_TEST_SORTFORMER names no model",
        }
    }

    /// Writes down that the running test is skipped without this. The test has to return after it.
    pub fn skip(self) {
        let thread = std::thread::current();
        let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
        let test = format!("{package} {}", thread.name().unwrap_or("without a name"));
        println!("skipped: {test}, because {}", self.reason());
        if let Some(path) = std::env::var_os(SKIPPED) {
            note(Path::new(&path), self.reason(), test.trim_start()).expect("what is skipped can be noted");
        }
    }
}

fn note(path: &Path, reason: &str, test: &str) -> io::Result<()> {
    // Tests of several processes write at once: each line is one write at the end of the file.
    let mut file = File::options().append(true).create(true).open(path)?;
    file.write_all(format!("{reason}\t{test}\n").as_bytes())
}

/// The skipped tests by the reason, from the file that [`SKIPPED`] named. Without a file there are none.
///
/// # Errors
/// If the file cannot be read.
pub fn skipped(path: &Path) -> io::Result<BTreeMap<String, BTreeSet<String>>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read?,
    };
    let mut tests: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (reason, test) in text.lines().filter_map(|line| line.split_once('\t')) {
        tests.entry(reason.to_owned()).or_default().insert(test.to_owned());
    }
    Ok(tests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_test_is_noted_once_for_each_reason() {
        let path = std::env::temp_dir().join(format!("meetmemo-noted-{}", std::process::id()));
        assert!(skipped(&path).unwrap().is_empty());
        for (reason, test) in [("no root", "store b"), ("no disk", "cli a"), ("no root", "store a")] {
            note(&path, reason, test).unwrap();
            note(&path, reason, test).unwrap();
        }
        let found = skipped(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let found: Vec<(&str, Vec<&str>)> = found
            .iter()
            .map(|(reason, tests)| (reason.as_str(), tests.iter().map(String::as_str).collect()))
            .collect();
        assert_eq!(found, [("no disk", vec!["cli a"]), ("no root", vec!["store a", "store b"])]);
    }
}
