//! The dependencies of the package: the libraries that its programs are linked with, and further packages that set-up's
//! table lists (`package_dependencies`).

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use xtask::command;
use xtask::setup::package_dependencies;

/// The packages sorted by name, each with the minimum version that the linked libraries need, if any.
pub(super) fn all(programs: &[&Path]) -> Result<Vec<String>> {
    Ok(joined(package_dependencies(), &linked(programs)?))
}

/// The output of `dpkg-shlibdeps` for `programs`, such as `libc6 (>= 2.34)`.
///
/// Not called for the PostgreSQL runtime: it would name system packages for libraries that are in the package.
fn linked(programs: &[&Path]) -> Result<Vec<String>> {
    if !command::on_path("dpkg-shlibdeps") {
        bail!(
            "dpkg-shlibdeps is needed to find the libraries that the programs are linked with (Debian: dpkg-dev)"
        );
    }
    // It only runs in a source package.
    let folder = std::env::temp_dir().join(format!("meetmemo-depends-{}", std::process::id()));
    let control = folder.join("debian/control");
    fs::create_dir_all(folder.join("debian"))
        .and_then(|()| fs::write(&control, "Source: meetmemo\n\nPackage: meetmemo\nArchitecture: any\n"))
        .with_context(|| format!("could not write {}", control.display()))?;
    let mut shlibdeps = Command::new("dpkg-shlibdeps");
    shlibdeps.arg("-O").args(programs).current_dir(&folder);
    let output = command::output(&mut shlibdeps);
    let _ = fs::remove_dir_all(&folder);
    let output = output?;
    let list = output.trim().strip_prefix("shlibs:Depends=");
    let list = list.with_context(|| format!("`{}` printed no dependencies", command::shown(&shlibdeps)))?;
    Ok(list.split(", ").map(str::to_owned).collect())
}

fn joined<'a>(needed: impl IntoIterator<Item = &'a str>, linked: &'a [String]) -> Vec<String> {
    let mut all: BTreeMap<&str, &str> = needed.into_iter().map(|name| (name, name)).collect();
    // A package may occur twice, with and without a version.
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
    fn the_package_depends_on_the_libraries_that_set_up_installs_for_the_window() {
        let all = joined(package_dependencies(), &[]);
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
