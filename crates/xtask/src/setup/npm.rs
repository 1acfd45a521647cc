//! Fetches the npm packages that runtime files are taken from.
//!
//! `crates/xtask/resources/package.json` pins the versions and `package-lock.json` the contents (integrity). The
//! packages are unpacked below the target folder, never in the checkout, and none of their scripts is run.

use crate::checkout::Checkout;
use crate::command;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The lock file, read.
pub(super) struct Lock {
    value: Value,
}

/// A package of the lock file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    pub name: String,
    pub version: String,
    /// Subresource integrity (hash) of the tarball.
    pub integrity: String,
}

impl Lock {
    /// Reads the checked-in lock file.
    pub(super) fn read(checkout: &Checkout) -> Result<Self> {
        let path = checkout.own("resources/package-lock.json");
        let text = fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not a lock file of npm 7 or later", path.display()))
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).context("not JSON")?;
        value.get("packages").and_then(Value::as_object).context("no `packages`")?;
        Ok(Self { value })
    }

    /// The package called `name`, if it is locked.
    pub(super) fn package(&self, name: &str) -> Result<Package> {
        let entry = &self.value["packages"][format!("node_modules/{name}")];
        match (entry["version"].as_str(), entry["integrity"].as_str()) {
            (Some(version), Some(integrity)) => {
                Ok(Package { name: name.into(), version: version.into(), integrity: integrity.into() })
            }
            _ => bail!("npm package {name} is not pinned in crates/xtask/resources/package-lock.json"),
        }
    }
}

/// Unpacked packages, fetched when the first one is used.
pub(super) struct Packages<'a> {
    checkout: &'a Checkout,
    installed: bool,
}

impl<'a> Packages<'a> {
    /// Packages of `checkout`, none unpacked yet.
    pub(super) fn of(checkout: &'a Checkout) -> Self {
        Self { checkout, installed: false }
    }

    /// Work folder of this process alone: the npm of a killed set-up may still be writing into its own folder.
    fn work_folder(&self) -> PathBuf {
        self.work_folders().join(std::process::id().to_string())
    }

    fn work_folders(&self) -> PathBuf {
        self.checkout.target.join("setup")
    }

    /// The folder with the content of package `name`.
    pub(super) fn folder(&mut self, name: &str) -> Result<PathBuf> {
        if !self.installed {
            self.install()?;
            self.installed = true;
        }
        let folder = self.work_folder().join("node_modules").join(name);
        if !folder.is_dir() {
            bail!("npm did not unpack {name}: is it for another platform, or missing from package.json?");
        }
        Ok(folder)
    }

    fn install(&self) -> Result<()> {
        let work = self.work_folder();
        fs::create_dir_all(&work).with_context(|| format!("could not create {}", work.display()))?;
        for file in ["package.json", "package-lock.json"] {
            let from = self.checkout.own("resources").join(file);
            fs::copy(&from, work.join(file))
                .with_context(|| format!("could not copy {} to {}", from.display(), work.display()))?;
        }
        println!("setup: fetching npm packages (PostgreSQL runtime, fonts)");
        install(&work, &["ci"])
    }

    /// Removes the work folders, also those of earlier runs; npm's cache makes the next run fast.
    pub(super) fn clean(&self) {
        // A folder that another process still writes to is removed next time.
        let _ = fs::remove_dir_all(self.work_folders());
    }
}

/// A command that runs npm in `folder`.
pub(super) fn npm(folder: &Path) -> Result<Command> {
    if !command::on_path("npm") {
        bail!(
            "npm is needed for the PostgreSQL runtime, the fonts and the window's page: install Node.js 20 or later (it brings npm)"
        );
    }
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.current_dir(folder);
    Ok(npm)
}

/// Runs npm with the arguments `words` for the packages of the lock file in `folder`, without running their scripts.
pub(super) fn install(folder: &Path, words: &[&str]) -> Result<()> {
    let quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    command::output(npm(folder)?.args(words).args(quiet))
        .context("could not fetch the npm packages; `npm ping` shows whether the registry can be reached")?;
    Ok(())
}

/// Reads a JSON file.
pub fn read_json(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked_in() -> (Value, Value) {
        let checkout = Checkout::find().unwrap();
        let read = |name| read_json(&checkout.own("resources").join(name)).unwrap();
        (read("package.json"), read("package-lock.json"))
    }

    #[test]
    fn the_lock_file_names_no_registry() {
        let (manifest, lock) = checked_in();
        for text in [manifest.to_string(), lock.to_string()] {
            assert!(!text.contains("://"), "a host would tie every checkout to one registry");
            assert!(!text.contains("resolved"));
        }
    }

    #[test]
    fn every_package_is_pinned_to_one_version_and_one_content() {
        let (manifest, lock) = checked_in();
        let lock = Lock { value: lock };
        let mut count = 0;
        for kind in ["dependencies", "optionalDependencies"] {
            for (name, version) in manifest[kind].as_object().unwrap() {
                let package = lock.package(name).unwrap();
                assert_eq!(
                    Some(package.version.as_str()),
                    version.as_str(),
                    "{name}: exact version, as locked"
                );
                assert!(package.integrity.starts_with("sha512-"), "{name}");
                count += 1;
            }
        }
        let locked = lock.value["packages"].as_object().unwrap().keys().filter(|key| !key.is_empty()).count();
        assert_eq!(locked, count, "a package brings others along");
    }

    #[test]
    fn a_package_that_is_not_locked_is_named() {
        let lock = Lock::parse(r#"{"packages": {"node_modules/a": {"version": "1.0.0"}}}"#).unwrap();
        for name in ["a", "b"] {
            assert!(
                lock.package(name)
                    .unwrap_err()
                    .to_string()
                    .contains(&format!("npm package {name} is not pinned"))
            );
        }
        assert!(Lock::parse("{}").is_err());
    }
}
