//! Runs the engine library alone (`crates/speech/examples/engine_only.rs`), with a model as published.

use super::process_cost::{Measurement, run_measured};
use super::test_recordings::Recording;
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use xtask::app::cargo_for_users;
use xtask::checkout::Checkout;
use xtask::command;

/// The included model, with an encoder context of 30 s.
pub(super) const BASE: &str = "whisper-base-q8_0-30s.gguf";
/// A smaller model for English, with an encoder context of 30 s.
pub(super) const TINY_EN: &str = "whisper-tiny.en-q8_0-30s.gguf";

/// The built program.
pub(super) struct EngineAlone {
    program: PathBuf,
    /// The file for its output, the words.
    text: PathBuf,
}

impl EngineAlone {
    pub(super) fn build(checkout: &Checkout, folder: &Path) -> Result<Self> {
        let mut cargo = cargo_for_users(checkout)?;
        command::run(cargo.args(["build", "--release", "--workspace", "--example", "engine_only"]))?;
        Ok(Self {
            program: checkout.target.join("release/examples/engine_only"),
            text: folder.join("bare.txt"),
        })
    }

    /// Calls the library once with the whole recording; returns the cost and the words.
    pub(super) fn run(&self, model: &Path, recording: &Recording) -> Result<(Measurement, String)> {
        let file =
            File::create(&self.text).with_context(|| format!("could not create {}", self.text.display()))?;
        let mut bare = Command::new(&self.program);
        bare.arg(model).arg(&recording.path).stdin(Stdio::null()).stdout(file);
        let measured = run_measured(&mut bare, None)?;
        let text = fs::read_to_string(&self.text)
            .with_context(|| format!("could not read {}", self.text.display()))?;
        Ok((measured, text))
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
