//! Installs tauri-driver, through which tests use the window: it passes WebDriver requests to WebKit's driver.

use crate::checkout::{Checkout, cargo_home};
use crate::command;
use anyhow::{Result, bail};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const NAME: &str = "tauri-driver";
/// The version that was tested with this workspace's tauri.
const VERSION: &str = "2.1.0";

/// An installed tauri-driver of the right version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TauriDriver(PathBuf);

impl TauriDriver {
    /// Installs it below the target folder, if it is neither there nor in cargo's home folder.
    pub(super) fn set_up(checkout: &Checkout) -> Result<()> {
        if Self::find(checkout).is_some() {
            return Ok(());
        }
        println!("setup: compiling {NAME} {VERSION} (to use the window from tests)");
        let root = own_tools(checkout);
        command::output(
            Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
                .args(["install", NAME, "--version", VERSION, "--locked", "--root"])
                .arg(&root)
                // Cargo then builds in a temporary folder and removes it.
                .env_remove("CARGO_TARGET_DIR"),
        )?;
        if Self::in_root(&root).is_none() {
            bail!("cargo installed {NAME} {VERSION}, but it is not in {}", root.display());
        }
        Ok(())
    }

    /// Finds an installed one.
    pub fn find(checkout: &Checkout) -> Option<Self> {
        [Some(own_tools(checkout)), cargo_home()].into_iter().flatten().find_map(|root| Self::in_root(&root))
    }

    /// Its program.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The program has no version option, but cargo records what it installed.
    fn in_root(root: &Path) -> Option<Self> {
        let notes = fs::read_to_string(root.join(".crates.toml")).ok()?;
        let program = root.join("bin").join(format!("{NAME}{}", env::consts::EXE_SUFFIX));
        (notes.contains(&format!("\"{NAME} {VERSION} ")) && program.is_file()).then_some(Self(program))
    }
}

fn own_tools(checkout: &Checkout) -> PathBuf {
    checkout.target.join("tools")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_version_counts() {
        let root = tempfile::tempdir().unwrap();
        let note = |version: &str| {
            let line = format!("[v1]\n\"{NAME} {version} (registry)\" = [\"{NAME}\"]\n");
            fs::write(root.path().join(".crates.toml"), line).unwrap();
        };
        note(VERSION);
        assert_eq!(TauriDriver::in_root(root.path()), None, "noted, but gone");
        let program = root.path().join("bin").join(format!("{NAME}{}", env::consts::EXE_SUFFIX));
        fs::create_dir(root.path().join("bin")).unwrap();
        fs::write(&program, "").unwrap();
        assert_eq!(TauriDriver::in_root(root.path()), Some(TauriDriver(program)));
        note("0.1.5");
        assert_eq!(TauriDriver::in_root(root.path()), None);
    }
}
