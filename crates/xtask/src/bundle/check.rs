//! Checks of a finished package.

use super::RESOURCES;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;
use xtask::checkout::{Checkout, cargo_home};
use xtask::command;
use xtask::setup::files;

/// Files that must be in the package, besides all resources.
const EXPECTED: &[&str] = &[
    "/usr/bin/meetmemo",
    "/usr/bin/meetmemo-desktop",
    "/usr/share/applications/MeetMemo.desktop",
    "/usr/share/doc/meet-memo/changelog.gz",
    "/usr/share/doc/meet-memo/copyright",
    "/usr/share/icons/hicolor/128x128/apps/meetmemo-desktop.png",
    "/usr/share/metainfo/app.meetmemo.desktop.metainfo.xml",
];

/// Checks the content of the unpacked package.
pub(super) fn content(checkout: &Checkout, unpacked: &Path, staged: &Path) -> Result<()> {
    let resources = files::below(&staged.join("resources"), &|_| true)?;
    let resources = resources.iter().map(|file| format!("{RESOURCES}/{}", file.display()));
    for path in EXPECTED.iter().map(|path| (*path).to_owned()).chain(resources) {
        if !unpacked.join(path.trim_start_matches('/')).is_file() {
            bail!("the package lacks {path}");
        }
    }
    libraries_are_found(unpacked)?;
    nothing_names_this_machine(checkout, unpacked)
}

/// Checks owners and modes in the finished package.
pub(super) fn modes(package: &Path) -> Result<()> {
    let list = command::output(Command::new("dpkg-deb").arg("--contents").arg(package))?;
    match list.lines().filter_map(entry).find(|entry| !entry.is_valid()) {
        Some(entry) => {
            bail!("{} is in the package with mode {} and owner {}", entry.path, entry.mode, entry.owner)
        }
        None => Ok(()),
    }
}

/// A line of `dpkg-deb --contents`.
#[derive(Debug, PartialEq, Eq)]
struct Entry<'a> {
    mode: &'a str,
    owner: &'a str,
    path: &'a str,
}

/// `-rwxr-xr-x root/root   6858360 2026-03-03 10:00 ./usr/bin/meetmemo-desktop`.
fn entry(line: &str) -> Option<Entry<'_>> {
    let mut words = line.split_whitespace();
    let (mode, owner) = (words.next()?, words.next()?);
    // Skips size, date and time; a path may have spaces.
    let time = words.nth(2)?;
    let (_, path) = line.split_once(&format!(" {time} "))?;
    Some(Entry { mode, owner, path: path.trim_start_matches("./") })
}

impl Entry<'_> {
    /// Readable for all users, writable for root only.
    fn is_valid(&self) -> bool {
        let owner = matches!(self.owner, "root/root" | "0/0");
        let mode = match self.mode.as_bytes().first() {
            Some(b'd') => self.mode == "drwxr-xr-x",
            _ => matches!(self.mode, "-rwxr-xr-x" | "-rw-r--r--"),
        };
        owner && mode
    }
}

/// Checks that every program finds its libraries in the package or on this system.
fn libraries_are_found(unpacked: &Path) -> Result<()> {
    let resources = unpacked.join(RESOURCES.trim_start_matches('/'));
    let mut programs = files::entries(&unpacked.join("usr/bin"))?;
    programs.extend(files::entries(&resources.join("postgres/bin"))?);
    for program in programs {
        let output = command::output(Command::new("ldd").arg(&program).env_remove("LD_LIBRARY_PATH"))?;
        if let Some(line) = output.lines().find(|line| line.contains("not found")) {
            bail!("{} does not find a library: {}", program.display(), line.trim());
        }
    }
    Ok(())
}

fn nothing_names_this_machine(checkout: &Checkout, unpacked: &Path) -> Result<()> {
    let mut folders = vec![checkout.root.clone(), checkout.target.clone()];
    folders.extend(cargo_home());
    let mut grep = Command::new("grep");
    grep.args(["--recursive", "--files-with-matches", "--fixed-strings"]);
    for folder in folders {
        grep.arg("-e").arg(folder);
    }
    // grep's exit code is 1 if it finds nothing.
    let output = grep.arg(unpacked).output().context("could not start grep")?;
    match output.status.code() {
        Some(1) => Ok(()),
        Some(0) => bail!(
            "these files of the package name folders of this machine:\n{}",
            String::from_utf8_lossy(&output.stdout).trim_end()
        ),
        _ => {
            bail!(
                "`{}` failed: {}",
                command::shown(&grep),
                String::from_utf8_lossy(&output.stderr).trim_end()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_content_list_is_parsed() {
        let read = entry("-rwxr-xr-x root/root   6858360 2026-03-03 10:00 ./usr/lib/a file").unwrap();
        assert_eq!(read, Entry { mode: "-rwxr-xr-x", owner: "root/root", path: "usr/lib/a file" });
        assert!(read.is_valid());
        assert_eq!(entry(""), None);
    }

    #[test]
    fn wrong_modes_and_owners_are_detected() {
        for line in [
            "-rw------- root/root 1 2026-03-03 10:00 ./usr/bin/a",
            "-rwxrwxr-x root/root 1 2026-03-03 10:00 ./usr/bin/a",
            "-rwsr-xr-x root/root 1 2026-03-03 10:00 ./usr/bin/a",
            "-rw-r--r-- ann/ann 1 2026-03-03 10:00 ./usr/bin/a",
            "drwx------ root/root 0 2026-03-03 10:00 ./usr/bin/",
        ] {
            assert!(!entry(line).unwrap().is_valid(), "{line}");
        }
    }
}
