//! `cargo xtask bindings`: what the page can call, written down for TypeScript.

use anyhow::{Context, Result};
use std::process::ExitCode;
use xtask::app::cargo;
use xtask::checkout::Checkout;
use xtask::command;

/// The test of `src-tauri` that says whether the bindings are stale, and that can write them.
const TEST: &str = "the_checked_in_bindings_are_those_of_the_commands";

/// Writes `ui/src/bindings.ts`.
pub(crate) fn write(checkout: &Checkout) -> Result<ExitCode> {
    command::output(
        cargo(checkout)
            .args(["test", "--quiet", "--package", "shell", "--lib", TEST])
            .env("MEETMEMO_WRITE_BINDINGS", "1"),
    )
    .context("the bindings could not be made")?;
    println!("bindings: ui/src/bindings.ts is that of the commands");
    Ok(ExitCode::SUCCESS)
}
