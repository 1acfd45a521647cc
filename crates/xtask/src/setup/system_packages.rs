//! Installs system packages: compilers, libraries for the window, and the programs that tests and benchmarks use.
//!
//! On Debian and its derivatives packages are installed. On other systems an error lists what is missing.

mod requirements;

use super::Purpose;
use crate::command;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use requirements::{Requirement, requirements};

pub use requirements::package_dependencies;

/// Linux distributions by package names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Debian,
    Fedora,
    Arch,
    Other,
}

impl Family {
    /// Parses the text of `/etc/os-release`.
    fn of(os_release: &str) -> Self {
        let names: Vec<&str> = os_release
            .lines()
            .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
            .flat_map(|value| value.trim_matches(['"', '\'']).split_whitespace())
            .collect();
        let is = |wanted: &[&str]| names.iter().any(|name| wanted.contains(name));
        if is(&["debian", "ubuntu"]) {
            Self::Debian
        } else if is(&["fedora", "rhel", "centos"]) {
            Self::Fedora
        } else if is(&["arch"]) {
            Self::Arch
        } else {
            Self::Other
        }
    }
}

/// Installs missing packages; where it cannot, an error lists what to install.
pub(super) fn set_up(purpose: Purpose) -> Result<()> {
    let family = Family::of(&fs::read_to_string("/etc/os-release").unwrap_or_default());
    if family == Family::Debian && command::on_path("apt-get") && command::on_path("dpkg-query") {
        return on_debian(purpose);
    }
    let missing: Vec<&Requirement> =
        requirements(purpose).filter(|requirement| !requirement.probe.is_present()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    bail!(advice(family, &missing))
}

fn advice(family: Family, missing: &[&Requirement]) -> String {
    let mut text = String::from("these are missing and must be installed by hand on this system:");
    for requirement in missing {
        let name = match family {
            Family::Fedora if !requirement.fedora.is_empty() => requirement.fedora.to_owned(),
            Family::Arch if !requirement.arch.is_empty() => requirement.arch.to_owned(),
            _ => format!("what Debian calls {}", requirement.debian),
        };
        text.push_str(&format!("\n  {name} ({})", requirement.what_for));
    }
    text.push_str("\nthen run the same command again");
    text
}

fn on_debian(purpose: Purpose) -> Result<()> {
    let wanted: Vec<&Requirement> = requirements(purpose).collect();
    let names: Vec<&str> = wanted.iter().map(|requirement| requirement.debian).collect();
    let missing = not_installed(&names, &dpkg_answer(&names)?);
    if missing.is_empty() {
        return Ok(());
    }
    println!("setup: installing system packages:");
    for requirement in wanted.iter().filter(|requirement| missing.contains(requirement.debian)) {
        println!("  {} ({})", requirement.debian, requirement.what_for);
    }
    let missing: Vec<&str> = names.into_iter().filter(|name| missing.contains(name)).collect();
    if !missing.iter().all(|name| is_offered(name)) {
        as_root(&["apt-get", "update"], &missing)?;
    }
    if as_root(&install(&missing), &missing).is_err() {
        // The package lists may be so old that their files no longer exist.
        as_root(&["apt-get", "update"], &missing)?;
        as_root(&install(&missing), &missing)?;
    }
    Ok(())
}

fn install<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    let mut words =
        vec!["apt-get", "install", "--yes", "--no-install-recommends", "--option", "DPkg::Lock::Timeout=120"];
    words.extend(packages);
    words
}

/// The output of dpkg-query: one line `name status` per known package. Its exit code is ignored, because it fails if a
/// package is unknown.
fn dpkg_answer(names: &[&str]) -> Result<String> {
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat=${Package} ${db:Status-Status}\n"])
        .args(names)
        .output()
        .context("could not start dpkg-query")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn not_installed<'a>(names: &[&'a str], dpkg_answer: &str) -> BTreeSet<&'a str> {
    let installed: BTreeSet<&str> =
        dpkg_answer.lines().filter_map(|line| line.strip_suffix(" installed")).collect();
    names.iter().filter(|name| !installed.contains(**name)).copied().collect()
}

/// Whether the local package lists contain `name`.
fn is_offered(name: &str) -> bool {
    command::output(Command::new("apt-cache").args(["show", "--no-all-versions", name])).is_ok()
}

/// Runs a command as root: directly, or with sudo, which may ask for a password.
fn as_root(words: &[&str], missing: &[&str]) -> Result<()> {
    let quiet = ["env", "DEBIAN_FRONTEND=noninteractive"];
    let mut command = if is_root()? {
        Command::new(quiet[0])
    } else if command::on_path("sudo") {
        let mut sudo = Command::new("sudo");
        sudo.arg(quiet[0]);
        sudo
    } else {
        bail!(
            "installing packages needs root and there is no sudo; run this as root, then the same command again:\n  apt-get update && {}",
            install(missing).join(" ")
        );
    };
    command::run(command.arg(quiet[1]).args(words))
}

fn is_root() -> Result<bool> {
    Ok(command::output(Command::new("id").arg("-u"))?.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::requirements::{Part, REQUIREMENTS, parts};
    use super::*;

    fn names(purpose: Purpose) -> Vec<&'static str> {
        requirements(purpose).map(|requirement| requirement.debian).collect()
    }

    #[test]
    fn running_needs_less_than_the_window_and_that_less_than_tests() {
        let (run, window, tests) = (names(Purpose::Run), names(Purpose::Window), names(Purpose::Tests));
        assert!(run.contains(&"cmake") && run.contains(&"ffmpeg") && !run.contains(&"sox"));
        assert!(
            run.iter().all(|name| window.contains(name)) && window.iter().all(|name| tests.contains(name))
        );
        assert!(tests.contains(&"sox") && tests.contains(&"webkit2gtk-driver"));
        assert!(!window.contains(&"xvfb") && !tests.contains(&"debootstrap"));
    }

    #[test]
    fn transcribing_needs_no_graphical_packages() {
        for name in [names(Purpose::Run), names(Purpose::Bench)].concat() {
            for graphical in ["gtk", "webkit", "gstreamer", "xvfb", "xdotool", "x11"] {
                assert!(!name.contains(graphical), "{name}");
            }
        }
    }

    #[test]
    fn every_library_of_the_window_is_a_dependency_of_the_app_package() {
        for requirement in
            requirements(Purpose::Window).filter(|requirement| requirement.part == Part::Window)
        {
            assert!(!requirement.installed.is_empty(), "{} has nothing in its place", requirement.debian);
        }
        assert!(REQUIREMENTS.iter().all(|requirement| requirement.installed.is_empty()
            || parts(Purpose::Window).contains(&requirement.part)));
        assert!(package_dependencies().iter().all(|name| !name.ends_with("-dev")));
    }

    #[test]
    fn only_packages_that_are_fully_installed_count() {
        let answer = "sox installed\nqpdf config-files\nffmpeg not-installed\ncmake installed\n";
        let missing = not_installed(&["sox", "qpdf", "ffmpeg", "espeak-ng", "cmake"], answer);
        assert_eq!(missing, BTreeSet::from(["qpdf", "ffmpeg", "espeak-ng"]));
    }

    #[test]
    fn the_family_is_read_from_os_release() {
        assert_eq!(Family::of("PRETTY_NAME=\"Debian\"\nID=debian\n"), Family::Debian);
        assert_eq!(Family::of("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"), Family::Debian);
        assert_eq!(Family::of("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"), Family::Fedora);
        assert_eq!(Family::of("ID=manjaro\nID_LIKE=arch\n"), Family::Arch);
        assert_eq!(Family::of("ID=alpine\n"), Family::Other);
        assert_eq!(Family::of(""), Family::Other);
    }

    #[test]
    fn on_other_systems_the_error_says_what_to_install_and_why() {
        let missing: Vec<&Requirement> =
            REQUIREMENTS.iter().filter(|requirement| requirement.debian == "libgtk-3-dev").collect();
        assert!(advice(Family::Fedora, &missing).contains("gtk3-devel (the window and its dialogs)"));
        assert!(advice(Family::Other, &missing).contains("what Debian calls libgtk-3-dev"));
    }
}
