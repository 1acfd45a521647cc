//! `cargo xtask test`: runs all tests of the workspace; prints the counts and the skipped tests at the end.

mod external_server;

use crate::args::ExternalServer;
use anyhow::{Context, Result};
use external_server::RunningServer;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Command, ExitCode, Stdio};
use testing::prerequisite;
use xtask::app::cargo;
use xtask::checkout::Checkout;
use xtask::command;
use xtask::setup::TauriDriver;

/// Test counts by result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl Counts {
    /// Moves tests from passed to skipped: the runner counts them as passed, but they recorded a missing prerequisite.
    fn skip(&mut self, skipped: &BTreeMap<String, BTreeSet<String>>) {
        let number = skipped.values().map(BTreeSet::len).sum::<usize>() as u64;
        self.passed = self.passed.saturating_sub(number);
        self.skipped += number;
    }
}

/// Environment variables that name the user's own archive. They are removed, so that no test touches it.
const USER_ARCHIVE_VARIABLES: &[&str] = &["MEETMEMO_DATA_DIR", "MEETMEMO_DATABASE_URL", "DATABASE_URL"];

/// The variable with the number of tests that nextest runs at once.
const TEST_THREADS: &str = "NEXTEST_TEST_THREADS";
/// Number of tests in the list of the slowest.
const SLOWEST: usize = 20;
/// The package with the journeys: tests that use the real window.
const JOURNEYS: &str = "meetmemo-desktop";

/// Runs the tests; `arguments` go to the runner. Documentation tests run only without arguments.
///
/// With `external_server`, tests that need a database use a server reached over TCP instead of the app's private one.
pub(crate) fn test(
    checkout: &Checkout,
    external_server: Option<&ExternalServer>,
    arguments: &[OsString],
) -> Result<ExitCode> {
    let server = external_server.map(|which| RunningServer::start(checkout, which)).transpose()?;
    let driver =
        TauriDriver::find(checkout).context("tauri-driver is missing although set-up installed it")?;
    let notes = std::env::temp_dir().join(format!("meetmemo-skipped-tests-{}", std::process::id()));
    // May be left over from an earlier process with the same id.
    let _ = fs::remove_file(&notes);
    let cargo = || {
        let mut cargo = cargo(checkout);
        cargo.env("MEETMEMO_TEST_TAURI_DRIVER", driver.path()).env(prerequisite::SKIPPED, &notes);
        for name in USER_ARCHIVE_VARIABLES {
            cargo.env_remove(name);
        }
        if let Some(server) = &server {
            cargo.env("MEETMEMO_TEST_DATABASE_URL", &server.url);
        }
        cargo
    };
    let mut counts = Counts::default();
    let mut durations = Vec::new();
    let mut good = true;
    let mut part = |command: &mut Command, summary: fn(&str) -> Option<Counts>| -> Result<()> {
        let (ok, found) = counted(command, summary, &mut durations, &mut std::io::stdout())?;
        good &= ok;
        counts += found;
        Ok(())
    };
    let terminal = std::io::stdout().is_terminal();
    if command::on_path("cargo-nextest") {
        let mut nextest = cargo();
        // Counts are only complete when a failure does not stop the rest.
        nextest.args(["nextest", "run", "--no-fail-fast"]).args(scope(arguments));
        // Tests wait for other processes half of their time, so one more runs than there are cores, unless the
        // environment says otherwise.
        if std::env::var_os(TEST_THREADS).is_none() {
            nextest.env(TEST_THREADS, (command::cores() + 1).to_string());
        }
        if terminal {
            nextest.args(["--color", "always"]);
        }
        part(nextest.args(arguments), nextest_summary)?;
        if arguments.is_empty() {
            part(cargo().args(["test", "--workspace", "--doc", "--no-fail-fast"]), libtest_summary)?;
        }
    } else if arguments.is_empty() {
        let mut test = cargo();
        test.args(["test", "--no-fail-fast"]);
        part(test.args(["--workspace", "--exclude", JOURNEYS]), libtest_summary)?;
        // One window at a time. For nextest, .config/nextest.toml says so.
        let mut journeys = cargo();
        journeys.args(["test", "--no-fail-fast", "--package", JOURNEYS]).env("RUST_TEST_THREADS", "1");
        part(&mut journeys, libtest_summary)?;
    } else {
        part(
            cargo().args(["test", "--no-fail-fast"]).args(scope(arguments)).args(arguments),
            libtest_summary,
        )?;
    }
    let skipped = prerequisite::skipped(&notes)
        .with_context(|| format!("could not read which tests were skipped from {}", notes.display()))?;
    let _ = fs::remove_file(&notes);
    if !arguments.is_empty() {
        // The runner also counts as skipped what the arguments leave out.
        counts.skipped = 0;
    }
    counts.skip(&skipped);
    if arguments.is_empty() {
        slowest(durations).iter().for_each(|line| println!("{line}"));
    }
    skipped_lines(&skipped).for_each(|line| println!("{line}"));
    println!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A heading, and a line for each of the slowest tests, the slowest first.
fn slowest(mut durations: Vec<(f64, String)>) -> Vec<String> {
    if durations.is_empty() {
        return Vec::new();
    }
    durations.sort_by(|one, other| other.0.total_cmp(&one.0));
    durations.truncate(SLOWEST);
    let lines = durations.iter().map(|(seconds, name)| format!("{seconds:>8.1} s  {name}"));
    std::iter::once("slowest tests:".to_owned()).chain(lines).collect()
}

/// `--workspace`, unless the arguments name packages.
fn scope(arguments: &[OsString]) -> Option<&'static str> {
    let names_packages = arguments.iter().take_while(|argument| *argument != "--").any(|argument| {
        let argument = argument.to_string_lossy();
        argument.starts_with("-p") || argument == "--package" || argument.starts_with("--package=")
    });
    (!names_packages).then_some("--workspace")
}

/// One line per reason for skipped tests. `.ci/run` parses these lines.
fn skipped_lines(skipped: &BTreeMap<String, BTreeSet<String>>) -> impl Iterator<Item = String> {
    skipped.iter().map(|(reason, tests)| {
        let number = tests.len();
        let noun = if number == 1 { "test" } else { "tests" };
        let names: Vec<&str> = tests.iter().map(String::as_str).collect();
        format!("skipped: {number} {noun}, because {reason}: {}", names.join(", "))
    })
}

/// Runs a test runner, copies its output to `screen` and adds up the counts of the lines that `summary` parses. Returns
/// whether the runner succeeded, and the counts. `durations` gets the seconds and the name of each test of nextest.
fn counted(
    command: &mut Command,
    summary: fn(&str) -> Option<Counts>,
    durations: &mut Vec<(f64, String)>,
    screen: &mut impl Write,
) -> Result<(bool, Counts)> {
    let shown = command::shown(command);
    // Both streams go into one pipe, so that reading one cannot block the other.
    let (reader, writer) = std::io::pipe().context("could not make a pipe")?;
    let both = writer.try_clone().context("could not make a pipe")?;
    command.stdin(Stdio::null()).stdout(Stdio::from(writer)).stderr(Stdio::from(both));
    let mut child = command.spawn().with_context(|| format!("could not start `{shown}`"))?;
    // `command` holds write ends of the pipe; replacing them lets the reader see the end of the output.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut counts = Counts::default();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).with_context(|| format!("could not read from `{shown}`"))? > 0 {
        screen.write_all(&line).and_then(|()| screen.flush()).context("could not print")?;
        let text = without_colours(&String::from_utf8_lossy(&line));
        if let Some(found) = summary(&text) {
            counts += found;
        }
        durations.extend(nextest_duration(&text));
        line.clear();
    }
    let status = child.wait().with_context(|| format!("could not wait for `{shown}`"))?;
    if !status.success() && counts.failed == 0 {
        eprintln!("error: `{shown}` failed ({status})");
    }
    Ok((status.success(), counts))
}

/// `Summary [   1.23s] 12 tests run: 11 passed (1 slow), 1 failed, 3 skipped`.
fn nextest_summary(line: &str) -> Option<Counts> {
    let (before, results) = line.split_once("run: ")?;
    if !before.trim_start().starts_with("Summary [") {
        return None;
    }
    Some(sum(results, ','))
}

/// `PASS [  12.345s] (1/2) package::binary module::test`: the seconds and the name of the test.
fn nextest_duration(line: &str) -> Option<(f64, String)> {
    let (seconds, name) = line.trim_start().strip_prefix("PASS [")?.split_once("s] ")?;
    let (_, name) = name.split_once(") ")?;
    Some((seconds.trim().parse().ok()?, name.trim().to_owned()))
}

/// `test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s`.
fn libtest_summary(line: &str) -> Option<Counts> {
    let (_, results) = line.strip_prefix("test result: ")?.split_once(". ")?;
    Some(sum(results, ';'))
}

fn sum(results: &str, separator: char) -> Counts {
    let mut counts = Counts::default();
    for part in results.split(separator) {
        let mut words = part.split_whitespace();
        let number: u64 = words.next().and_then(|number| number.parse().ok()).unwrap_or(0);
        match words.next() {
            Some("passed") => counts.passed += number,
            Some("failed" | "timed" | "exec") => counts.failed += number,
            Some("skipped" | "ignored" | "filtered") => counts.skipped += number,
            _ => {}
        }
    }
    counts
}

/// The text without ANSI colour sequences.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            // A letter ends the sequence.
            rest.by_ref().skip(1).find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_packages_replace_the_workspace() {
        let scope = |line: &str| scope(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>());
        for all in ["", "--release", "hash -- -p", "-E rdeps(store)"] {
            assert_eq!(scope(all), Some("--workspace"), "{all}");
        }
        for named in ["-p store", "-pstore", "--package store", "--release --package=store"] {
            assert_eq!(scope(named), None, "{named}");
        }
    }

    #[test]
    fn the_summary_of_nextest_is_parsed() {
        let line = "     Summary [   1.234s] 14/20 tests run: 11 passed (1 slow, 1 flaky), 2 failed, 1 timed out, 3 skipped\n";
        assert_eq!(nextest_summary(line), Some(Counts { passed: 11, failed: 3, skipped: 3 }));
        assert_eq!(nextest_summary("        PASS [   0.004s] xtask test run: 3 passed"), None);
    }

    #[test]
    fn the_slowest_tests_are_listed() {
        let lines = [
            "PASS [   0.042s] ( 1/30) export pdf::tests::a",
            "        PASS [  12.345s] (30/30) store::queue b",
        ];
        let durations: Vec<_> = lines.iter().filter_map(|line| nextest_duration(line)).collect();
        assert_eq!(
            slowest(durations),
            ["slowest tests:", "    12.3 s  store::queue b", "     0.0 s  export pdf::tests::a"]
        );
        assert_eq!(nextest_duration("     Summary [   1.234s] 14/20 tests run: 11 passed"), None);
    }

    #[test]
    fn the_summary_of_libtest_is_parsed() {
        let line = "test result: FAILED. 12 passed; 1 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s\n";
        assert_eq!(libtest_summary(line), Some(Counts { passed: 12, failed: 1, skipped: 4 }));
        assert_eq!(libtest_summary("running 3 tests"), None);
    }

    #[test]
    fn colours_do_not_hide_a_summary() {
        let line = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.1s] \u{1b}[1m2\u{1b}[0m tests run: \u{1b}[1m2\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m skipped";
        assert_eq!(
            nextest_summary(&without_colours(line)),
            Some(Counts { passed: 2, failed: 0, skipped: 0 })
        );
    }

    #[test]
    fn tests_with_a_missing_prerequisite_count_as_skipped() {
        let tests = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let skipped = BTreeMap::from([
            ("there is no moon".to_owned(), tests(&["store b", "cli a"])),
            ("they need root".to_owned(), tests(&["store a"])),
        ]);
        let mut counts = Counts { passed: 10, failed: 1, skipped: 2 };
        counts.skip(&skipped);
        assert_eq!(counts, Counts { passed: 7, failed: 1, skipped: 5 });
        assert_eq!(
            skipped_lines(&skipped).collect::<Vec<_>>(),
            [
                "skipped: 2 tests, because there is no moon: cli a, store b",
                "skipped: 1 test, because they need root: store a",
            ]
        );
    }

    #[test]
    fn the_output_of_a_runner_is_copied_and_counted() {
        let script = "echo 'test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished' >&2; exit 1";
        let mut screen = Vec::new();
        let (good, counts) =
            counted(Command::new("sh").args(["-c", script]), libtest_summary, &mut Vec::new(), &mut screen)
                .unwrap();
        assert!(!good);
        assert_eq!(counts.passed, 2);
        assert!(screen.starts_with(b"test result"));
    }
}
