//! Prerequisites without which tests are skipped, and the record of skipped tests.
//!
//! In general a missing program, recording or model fails a test, because `cargo xtask setup --tests` installs it. The
//! exceptions are listed in [`Prerequisite`]. The test runner counts a test that lacks one as passed; each such test
//! writes a line to the file [`SKIPPED`], and `cargo xtask test` reports the tests in that file as skipped.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// The environment variable that names the file in which skipped tests are recorded. `cargo xtask test` sets it.
pub const SKIPPED: &str = "MEETMEMO_TEST_SKIPPED";

/// Everything that may be missing when tests run, because set-up cannot provide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prerequisite {
    /// The folder `../shared`, whose recordings and models are not published.
    Shared,
    /// A private database server. Missing if `MEETMEMO_TEST_DATABASE_URL` names a server for the tests.
    PrivateServer,
    /// Root rights that include mounting file systems, which containers often lack.
    Root,
    /// A diarization model, which no package repository offers. `MEETMEMO_TEST_SORTFORMER` names the file.
    SpeakerModel,
    /// `psql`, `pg_dump` and `pg_restore` of the server's major version or a later one. Missing where the package that
    /// set-up fetches is not published for the system.
    PostgresTools,
}

impl Prerequisite {
    /// Why a test is skipped, as a clause.
    const fn reason(self) -> &'static str {
        match self {
            Self::Shared => "../shared does not exist",
            Self::PrivateServer => {
                "MEETMEMO_TEST_DATABASE_URL names a server to use instead of a private one"
            }
            Self::Root => "it needs root rights that include mounting file systems",
            Self::SpeakerModel => "MEETMEMO_TEST_SORTFORMER names no model",
            Self::PostgresTools => "there is no psql and pg_dump of the server's version or a later one",
        }
    }

    /// Records that the running test is skipped because this is missing. The test must then return.
    pub fn skip(self) {
        let thread = std::thread::current();
        let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
        let test = format!("{package} {}", thread.name().unwrap_or("(unnamed test)"));
        println!("skipped: {test}, because {}", self.reason());
        if let Some(path) = std::env::var_os(SKIPPED) {
            record(Path::new(&path), self.reason(), test.trim_start())
                .expect("the skipped test can be recorded");
        }
    }
}

fn record(path: &Path, reason: &str, test: &str) -> io::Result<()> {
    // Tests of several processes append at the same time, so each line is written by a single call.
    let mut file = File::options().append(true).create(true).open(path)?;
    file.write_all(format!("{reason}\t{test}\n").as_bytes())
}

/// The skipped tests by reason, from the file that [`SKIPPED`] names. Empty if the file does not exist.
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
    fn each_test_is_listed_once_per_reason() {
        let path = std::env::temp_dir().join(format!("meetmemo-skipped-{}", std::process::id()));
        assert!(skipped(&path).unwrap().is_empty());
        for (reason, test) in [("no root", "store b"), ("no disk", "cli a"), ("no root", "store a")] {
            record(&path, reason, test).unwrap();
            record(&path, reason, test).unwrap();
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
