//! `cargo xtask bindings`: generates the TypeScript bindings of the window's commands.

use anyhow::{Context, Result};
use std::process::ExitCode;
use xtask::app::cargo;
use xtask::checkout::Checkout;
use xtask::command;

/// The test of `src-tauri` that fails if the bindings are stale, and can write them.
const TEST: &str = "the_checked_in_bindings_agree_with_the_commands";

/// Writes `ui/src/bindings.ts`.
pub(crate) fn write(checkout: &Checkout) -> Result<ExitCode> {
    command::output(
        cargo(checkout)
            .args(["test", "--quiet", "--package", "shell", "--lib", TEST])
            .env("MEETMEMO_WRITE_BINDINGS", "1"),
    )
    .context("the bindings could not be generated")?;
    println!("bindings: ui/src/bindings.ts is up to date");
    Ok(ExitCode::SUCCESS)
}
