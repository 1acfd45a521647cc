//! What the package depends on: what its programs are linked with, and what set-up knows they need besides.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use xtask::command;
use xtask::setup::needed_when_installed;

/// The packages in order of name, each with its least version where the linked libraries ask for one.
pub(super) fn all(programs: &[&Path]) -> Result<Vec<String>> {
    Ok(joined(needed_when_installed(), &linked(programs)?))
}

/// `libc6 (>= 2.34)` and so on, in the words of Debian's own program.
///
/// Not asked about the PostgreSQL runtime: it would name the system's packages of the libraries that come along.
fn linked(programs: &[&Path]) -> Result<Vec<String>> {
    if !command::on_path("dpkg-shlibdeps") {
        bail!("dpkg-shlibdeps is needed to see what the programs are linked with (Debian: dpkg-dev)");
    }
    // It insists on running in a source package.
    let folder = std::env::temp_dir().join(format!("meetmemo-depends-{}", std::process::id()));
    let control = folder.join("debian/control");
    fs::create_dir_all(folder.join("debian"))
        .and_then(|()| fs::write(&control, "Source: meetmemo\n\nPackage: meetmemo\nArchitecture: any\n"))
        .with_context(|| format!("could not write {}", control.display()))?;
    let mut shlibdeps = Command::new("dpkg-shlibdeps");
    shlibdeps.arg("-O").args(programs).current_dir(&folder);
    let told = command::output(&mut shlibdeps);
    let _ = fs::remove_dir_all(&folder);
    let told = told?;
    let list = told.trim().strip_prefix("shlibs:Depends=");
    let list = list.with_context(|| format!("`{}` told no dependencies", command::shown(&shlibdeps)))?;
    Ok(list.split(", ").map(str::to_owned).collect())
}

fn joined<'a>(needed: impl IntoIterator<Item = &'a str>, linked: &'a [String]) -> Vec<String> {
    let mut all: BTreeMap<&str, &str> = needed.into_iter().map(|name| (name, name)).collect();
    // A package may be there twice, with and without a version.
    for dependency in linked {
        let name = dependency.split_whitespace().next().unwrap_or(dependency);
        let known = all.entry(name).or_insert(dependency);
        if dependency.len() > known.len() {
            *known = dependency;
        }
    }
    all.into_values().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn the_package_depends_on_what_set_up_installs_for_the_window() {
        let all = joined(needed_when_installed(), &[]);
        for package in ["libwebkit2gtk-4.1-0", "libgtk-3-0", "libstdc++6", "gstreamer1.0-plugins-good"] {
            assert!(all.iter().any(|name| name == package), "{package} in {all:?}");
        }
    }

    #[test]
    fn versions_come_from_what_the_programs_are_linked_with() {
        let linked = ["libgtk-3-0 (>= 3.24)", "libc6 (>= 2.34)", "libc6"].map(str::to_owned);
        assert_eq!(
            joined(["libgtk-3-0", "gstreamer1.0-plugins-good"], &linked),
            ["gstreamer1.0-plugins-good", "libc6 (>= 2.34)", "libgtk-3-0 (>= 3.24)"]
        );
    }
}
