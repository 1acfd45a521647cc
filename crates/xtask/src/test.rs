//! `cargo xtask test`: all tests of the workspace, with their number and with what was skipped at the end.

mod server;

use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Command, ExitCode, Stdio};
use testing::prerequisite;
use xtask::app::cargo;
use xtask::checkout::Checkout;
use xtask::command;
use xtask::setup::Driver;

/// How many tests ended in which way.
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
    /// Counts tests that passed for their runner, but wrote down that they were skipped.
    fn skip(&mut self, skipped: &BTreeMap<String, BTreeSet<String>>) {
        let number = skipped.values().map(BTreeSet::len).sum::<usize>() as u64;
        self.passed = self.passed.saturating_sub(number);
        self.skipped += number;
    }
}

/// What the environment may say about the user's own archive. No test may touch that.
const USERS_OWN: &[&str] = &["MEETMEMO_DATA_DIR", "MEETMEMO_DATABASE_URL", "DATABASE_URL"];

/// How many tests nextest runs at once.
const TEST_THREADS: &str = "NEXTEST_TEST_THREADS";
/// The package whose tests use the window as a person does.
const JOURNEYS: &str = "meetmemo-desktop";

/// Runs the tests; `arguments` go to the runner. Documentation tests are run when all tests are.
///
/// With `external_server` the tests that want a database get one on a server of the user's kind instead of the app's.
pub(crate) fn test(checkout: &Checkout, external_server: bool, arguments: &[OsString]) -> Result<ExitCode> {
    let server = external_server.then(|| server::Server::start(checkout)).transpose()?;
    let driver = Driver::find(checkout).context("tauri-driver is gone again, which set-up installs")?;
    let notes = std::env::temp_dir().join(format!("meetmemo-skipped-tests-{}", std::process::id()));
    // Of an earlier process with our number.
    let _ = fs::remove_file(&notes);
    let cargo = || {
        let mut cargo = cargo(checkout);
        cargo.env("MEETMEMO_TEST_TAURI_DRIVER", driver.path()).env(prerequisite::SKIPPED, &notes);
        for name in USERS_OWN {
            cargo.env_remove(name);
        }
        if let Some(server) = &server {
            cargo.env("MEETMEMO_TEST_DATABASE_URL", &server.url);
        }
        cargo
    };
    let mut counts = Counts::default();
    let mut good = true;
    let mut part = |command: &mut Command, summary: fn(&str) -> Option<Counts>| -> Result<()> {
        let (ok, found) = counted(command, summary, &mut std::io::stdout())?;
        good &= ok;
        counts += found;
        Ok(())
    };
    let terminal = std::io::stdout().is_terminal();
    if command::on_path("cargo-nextest") {
        let mut nextest = cargo();
        // Counts are only complete when a failure does not stop the rest.
        nextest.args(["nextest", "run", "--no-fail-fast"]).args(scope(arguments));
        // Tests wait for other processes half of their time, so one more than there are cores. Told otherwise, nextest
        // does that.
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
        // One window at a time; nextest is told so in .config/nextest.toml.
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
        // The runner counts what the arguments leave out.
        counts.skipped = 0;
    }
    counts.skip(&skipped);
    told(&skipped).for_each(|line| println!("{line}"));
    println!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The whole workspace, unless packages were named: cargo would build it all beside them.
fn scope(arguments: &[OsString]) -> Option<&'static str> {
    let names_packages = arguments.iter().take_while(|argument| *argument != "--").any(|argument| {
        let argument = argument.to_string_lossy();
        argument.starts_with("-p") || argument == "--package" || argument.starts_with("--package=")
    });
    (!names_packages).then_some("--workspace")
}

/// A line for each reason to skip tests. `.ci/run` looks for them.
fn told(skipped: &BTreeMap<String, BTreeSet<String>>) -> impl Iterator<Item = String> {
    skipped.iter().map(|(reason, tests)| {
        let number = tests.len();
        let noun = if number == 1 { "test" } else { "tests" };
        let names: Vec<&str> = tests.iter().map(String::as_str).collect();
        format!("skipped: {number} {noun}, because {reason}: {}", names.join(", "))
    })
}

/// Runs a test runner, passes on what it prints and adds up the lines that `summary` understands.
fn counted(
    command: &mut Command,
    summary: fn(&str) -> Option<Counts>,
    screen: &mut impl Write,
) -> Result<(bool, Counts)> {
    let shown = command::shown(command);
    // Both streams in one, so that reading one cannot block on the other.
    let (reader, writer) = std::io::pipe().context("could not make a pipe")?;
    let both = writer.try_clone().context("could not make a pipe")?;
    command.stdin(Stdio::null()).stdout(Stdio::from(writer)).stderr(Stdio::from(both));
    let mut child = command.spawn().with_context(|| format!("could not start `{shown}`"))?;
    // The command keeps its ends of the pipe until they are taken from it; without this the end would never come.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut counts = Counts::default();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).with_context(|| format!("could not read from `{shown}`"))? > 0 {
        screen.write_all(&line).and_then(|()| screen.flush()).context("could not print")?;
        if let Some(found) = summary(&without_colours(&String::from_utf8_lossy(&line))) {
            counts += found;
        }
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

/// The text without the escape sequences that colour it.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            // Up to the letter that ends the sequence.
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
    fn the_summary_of_nextest_is_read() {
        let line = "     Summary [   1.234s] 14/20 tests run: 11 passed (1 slow, 1 flaky), 2 failed, 1 timed out, 3 skipped\n";
        assert_eq!(nextest_summary(line), Some(Counts { passed: 11, failed: 3, skipped: 3 }));
        assert_eq!(nextest_summary("        PASS [   0.004s] xtask test run: 3 passed"), None);
    }

    #[test]
    fn the_summary_of_libtest_is_read() {
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
    fn tests_that_wrote_down_that_they_were_skipped_did_not_pass() {
        let tests = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let skipped = BTreeMap::from([
            ("there is no moon".to_owned(), tests(&["store b", "cli a"])),
            ("they need root".to_owned(), tests(&["store a"])),
        ]);
        let mut counts = Counts { passed: 10, failed: 1, skipped: 2 };
        counts.skip(&skipped);
        assert_eq!(counts, Counts { passed: 7, failed: 1, skipped: 5 });
        assert_eq!(
            told(&skipped).collect::<Vec<_>>(),
            [
                "skipped: 2 tests, because there is no moon: cli a, store b",
                "skipped: 1 test, because they need root: store a",
            ]
        );
    }

    #[test]
    fn a_runner_is_passed_on_and_counted_to_its_end() {
        let script = "echo 'test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished' >&2; exit 1";
        let mut screen = Vec::new();
        let (good, counts) =
            counted(Command::new("sh").args(["-c", script]), libtest_summary, &mut screen).unwrap();
        assert!(!good);
        assert_eq!(counts.passed, 2);
        assert!(screen.starts_with(b"test result"));
    }
}
