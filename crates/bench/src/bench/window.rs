//! Compares start, memory and scrolling of the window with a window of Tauri's own template. A journey measures them
//! (`tests/journeys/benchmark.rs`) and prints Markdown tables.

use crate::args::Bench;
use anyhow::{Context, Result};
use xtask::app;
use xtask::checkout::Checkout;
use xtask::command;
use xtask::setup::{self, Purpose, TauriDriver};

const PACKAGE: &str = "meetmemo-desktop";

/// Runs the benchmark; returns whether no figure was ten times that of the template's window. `meetmemo` must be built.
pub(super) fn run(checkout: &Checkout, options: &Bench) -> Result<bool> {
    setup::set_up(checkout, Purpose::Tests)?;
    let driver =
        TauriDriver::find(checkout).context("tauri-driver is missing although set-up installed it")?;
    let mut bare = app::cargo_for_users(checkout)?;
    command::run(bare.args(["build", "--release", "--workspace", "--example", "bare"]))?;
    let mut figures = app::cargo_for_users(checkout)?;
    figures
        .args([
            "test",
            "--release",
            "--package",
            PACKAGE,
            "--test",
            "journeys",
            "benchmark::window_benchmark",
        ])
        .args(["--", "--exact", "--ignored", "--nocapture"])
        .env("MEETMEMO_TEST_TAURI_DRIVER", driver.path())
        .env("MEETMEMO_BENCH_REPETITIONS", options.repetitions.to_string());
    command::succeeds(&mut figures)
}
