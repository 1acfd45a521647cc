//! A Python environment with independent readers of exported files (subtitles, Word, spreadsheets, JSON schemas), for
//! tests. Nothing of it is shipped. `crates/testing/python/requirements.txt` pins the packages.

use super::{files, pip};
use crate::checkout::Checkout;
use crate::command;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Raise this when this module makes a different folder from the same packages.
const RECIPE: u32 = 1;
/// The packages and their hashes, in pip's format.
const REQUIREMENTS: &str = "crates/testing/python/requirements.txt";

/// Makes `tools/python` in the target folder if it is missing or of other versions.
pub(crate) fn set_up(checkout: &Checkout) -> Result<()> {
    let path = checkout.root.join(REQUIREMENTS);
    let requirements = fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
    let source = format!("requirements {:016x} recipe {RECIPE}", files::checksum(&requirements));
    let folder = checkout.target.join("tools/python");
    if files::is_from(&folder, &source) {
        return Ok(());
    }
    println!("setup: fetching Python packages that read exported files, for tests (17 MB)");
    files::replace_folder(&folder, &source, |new| install(&path, new))?;
    println!("setup: Python packages for tests in {} ({})", folder.display(), files::size(&folder)?);
    Ok(())
}

/// Makes an environment in `folder` with the packages of `requirements`. The scripts in its `bin` name the folder and break
/// when it is renamed, but the interpreter finds its packages in every place.
fn install(requirements: &Path, folder: &Path) -> Result<()> {
    command::output(Command::new(pip::PYTHON).args(["-m", "venv"]).arg(folder))
        .context("could not make a Python environment: Python's module venv is needed")?;
    command::output(
        Command::new(folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" }))
            .args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"])
            .args(["--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement"])
            .arg(requirements),
    )
    .map(drop)
    .context("could not fetch the packages")
}
