//! The figures of the window, beside a window of Tauri's own template. A journey measures them
//! (`tests/journeys/figures.rs`) and prints tables in Markdown.

use crate::args::Bench;
use anyhow::{Context, Result};
use xtask::app;
use xtask::checkout::Checkout;
use xtask::command;
use xtask::setup::{self, Driver, For};

const PACKAGE: &str = "meetmemo-desktop";

/// Runs it; tells whether nothing was ten times what the bare window takes. `meetmemo` is built already.
pub(super) fn run(checkout: &Checkout, asked: &Bench) -> Result<bool> {
    setup::set_up(checkout, For::Tests)?;
    let driver = Driver::find(checkout).context("tauri-driver is gone again, which set-up installs")?;
    let mut bare = app::cargo_for_users(checkout)?;
    command::run(bare.args(["build", "--release", "--package", PACKAGE, "--example", "bare"]))?;
    let mut figures = app::cargo_for_users(checkout)?;
    figures
        .args(["test", "--release", "--package", PACKAGE, "--test", "journeys", "figures::figures"])
        .args(["--", "--exact", "--ignored", "--nocapture"])
        .env("MEETMEMO_TEST_TAURI_DRIVER", driver.path())
        .env("MEETMEMO_BENCH_REPETITIONS", asked.repetitions.to_string());
    command::succeeds(&mut figures)
}
