//! The other side: the engine library alone (`crates/speech/examples/bare.rs`), with a model as it was published.

use super::recording::Recording;
use super::watch::{Watched, watch_well};
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use xtask::app::cargo_for_users;
use xtask::checkout::Checkout;
use xtask::command;

/// The model that ships with the app, with an encoder context of 30 s.
pub(super) const BASE: &str = "whisper-base-q8_0-30s.gguf";
/// A smaller one for English, with an encoder context of 30 s.
pub(super) const TINY_EN: &str = "whisper-tiny.en-q8_0-30s.gguf";

/// The built program.
pub(super) struct Bare {
    program: PathBuf,
    /// Where it writes the words.
    text: PathBuf,
}

impl Bare {
    pub(super) fn build(checkout: &Checkout, folder: &Path) -> Result<Self> {
        let mut cargo = cargo_for_users(checkout)?;
        command::run(cargo.args(["build", "--release", "--package", "speech", "--example", "bare"]))?;
        Ok(Self { program: checkout.target.join("release/examples/bare"), text: folder.join("bare.txt") })
    }

    /// One call of the library over the whole recording: what it costs, and the words.
    pub(super) fn run(&self, model: &Path, recording: &Recording) -> Result<(Watched, String)> {
        let file =
            File::create(&self.text).with_context(|| format!("could not create {}", self.text.display()))?;
        let mut bare = Command::new(&self.program);
        bare.arg(model).arg(&recording.path).stdin(Stdio::null()).stdout(file);
        let watched = watch_well(&mut bare, None)?;
        let text = fs::read_to_string(&self.text)
            .with_context(|| format!("could not read {}", self.text.display()))?;
        Ok((watched, text))
    }
}

/// A model that set-up makes for tests and benchmarks.
pub(super) fn published(checkout: &Checkout, name: &str) -> Result<PathBuf> {
    let path = checkout.target.join("test-models").join(name);
    if !path.is_file() {
        bail!("{} is missing: run `cargo xtask setup --tests`", path.display());
    }
    Ok(path)
}
