//! The folders of the checkout, the build and the resources.

use anyhow::{Context, Result};
use std::env;
use std::path::{Path, PathBuf};

/// The folders that every command uses.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder: `CARGO_TARGET_DIR`, else `target` in the checkout.
    pub target: PathBuf,
    /// Files that the programs need at run time: PostgreSQL, models, fonts, licence texts.
    pub resources: PathBuf,
}

impl Checkout {
    /// Finds the folders from the crate's own folder and the environment.
    pub fn find() -> Result<Self> {
        // Cargo sets the variable at run time too, which stays right if the checkout is moved after compiling.
        let manifest_dir = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest_dir
            .ancestors()
            .nth(2)
            .with_context(|| format!("{} is not crates/xtask of a checkout", manifest_dir.display()))?
            .to_path_buf();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(dir) if !dir.is_empty() => std::path::absolute(&dir)
                .with_context(|| format!("CARGO_TARGET_DIR={} is not a path", Path::new(&dir).display()))?,
            _ => root.join("target"),
        };
        let resources = target.join("resources");
        Ok(Self { root, target, resources })
    }

    /// A file or folder of this crate, such as `resources/package.json`.
    pub fn own(&self, relative: &str) -> PathBuf {
        self.root.join("crates/xtask").join(relative)
    }
}

/// Cargo's home folder, with downloads and installed programs.
pub fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")))
}
