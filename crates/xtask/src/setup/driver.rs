//! tauri-driver: what tests use the window through, between WebDriver and WebKit's own driver.

use crate::checkout::{Checkout, cargo_home};
use crate::command;
use anyhow::{Result, bail};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const NAME: &str = "tauri-driver";
/// The one that was tried with the tauri of this workspace.
const VERSION: &str = "2.1.0";

/// An installed tauri-driver of the right version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver(PathBuf);

impl Driver {
    /// Installs it below the target folder, if it is neither there nor where `cargo install` puts things.
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
                // In a temporary folder of cargo's, which leaves nothing behind.
                .env_remove("CARGO_TARGET_DIR"),
        )?;
        if Self::in_root(&root).is_none() {
            bail!("cargo installed {NAME} {VERSION}, but it is not in {}", root.display());
        }
        Ok(())
    }

    /// The installed one.
    pub fn find(checkout: &Checkout) -> Option<Self> {
        [Some(own_tools(checkout)), cargo_home()].into_iter().flatten().find_map(|root| Self::in_root(&root))
    }

    /// Its program.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The program does not tell its version, but cargo notes what it installed.
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
        assert_eq!(Driver::in_root(root.path()), None, "noted, but gone");
        let program = root.path().join("bin").join(format!("{NAME}{}", env::consts::EXE_SUFFIX));
        fs::create_dir(root.path().join("bin")).unwrap();
        fs::write(&program, "").unwrap();
        assert_eq!(Driver::in_root(root.path()), Some(Driver(program)));
        note("0.1.5");
        assert_eq!(Driver::in_root(root.path()), None);
    }
}
