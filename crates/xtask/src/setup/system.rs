//! Packages of the operating system: compilers, libraries and, for tests, the programs that tests compare with.
//!
//! Debian and its relatives are installed on; elsewhere this says what is missing and leaves it to the user.

use super::For;
use crate::command;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

/// Something the system has to bring.
struct Need {
    /// The name of Debian's package.
    debian: &'static str,
    /// Names elsewhere, as far as known; empty: look for something like it.
    fedora: &'static str,
    arch: &'static str,
    /// How to see that it is there on a system without Debian's packages.
    sign: Sign,
    what_for: &'static str,
    /// Whether only tests and benchmarks need it.
    only_tests: bool,
}

enum Sign {
    /// A program on the path.
    Program(&'static str),
    /// A library that pkg-config knows.
    Library(&'static str),
}

const NEEDS: &[Need] = &[
    Need {
        debian: "build-essential",
        fedora: "gcc-c++ make",
        arch: "base-devel",
        sign: Sign::Program("c++"),
        what_for: "to compile and link",
        only_tests: false,
    },
    Need {
        debian: "pkg-config",
        fedora: "pkgconf-pkg-config",
        arch: "pkgconf",
        sign: Sign::Program("pkg-config"),
        what_for: "to find libraries",
        only_tests: false,
    },
    Need {
        debian: "cmake",
        fedora: "cmake",
        arch: "cmake",
        sign: Sign::Program("cmake"),
        what_for: "to compile the Opus decoder",
        only_tests: false,
    },
    Need {
        debian: "libpocketsphinx-dev",
        fedora: "pocketsphinx-devel",
        arch: "pocketsphinx",
        sign: Sign::Library("pocketsphinx"),
        what_for: "speech recognition",
        only_tests: false,
    },
    Need {
        debian: "pocketsphinx-en-us",
        fedora: "pocketsphinx-models",
        arch: "pocketsphinx",
        sign: Sign::Library("pocketsphinx"),
        what_for: "the English speech model",
        only_tests: false,
    },
    Need {
        debian: "pocketsphinx",
        fedora: "pocketsphinx",
        arch: "pocketsphinx",
        sign: Sign::Program("pocketsphinx_continuous"),
        what_for: "to compare recognition with",
        only_tests: true,
    },
    Need {
        debian: "pocketsphinx-testdata",
        fedora: "",
        arch: "",
        sign: Sign::Library("pocketsphinx"),
        what_for: "spoken test recordings",
        only_tests: true,
    },
    Need {
        debian: "ffmpeg",
        fedora: "ffmpeg-free",
        arch: "ffmpeg",
        sign: Sign::Program("ffmpeg"),
        what_for: "to compare decoding with",
        only_tests: true,
    },
    Need {
        debian: "sox",
        fedora: "sox",
        arch: "sox",
        sign: Sign::Program("sox"),
        what_for: "to make test recordings",
        only_tests: true,
    },
    Need {
        debian: "espeak-ng",
        fedora: "espeak-ng",
        arch: "espeak-ng",
        sign: Sign::Program("espeak-ng"),
        what_for: "to make test speech",
        only_tests: true,
    },
    Need {
        debian: "poppler-utils",
        fedora: "poppler-utils",
        arch: "poppler",
        sign: Sign::Program("pdftotext"),
        what_for: "to read exported PDF files",
        only_tests: true,
    },
    Need {
        debian: "qpdf",
        fedora: "qpdf",
        arch: "qpdf",
        sign: Sign::Program("qpdf"),
        what_for: "to check exported PDF files",
        only_tests: true,
    },
];

fn needs(purpose: For) -> impl Iterator<Item = &'static Need> {
    NEEDS.iter().filter(move |need| !need.only_tests || purpose == For::Tests)
}

/// The families of distributions whose package names are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Debian,
    Fedora,
    Arch,
    Other,
}

impl Family {
    /// From the text of `/etc/os-release`.
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

/// Installs what is missing, or says what to install and fails.
pub(crate) fn set_up(purpose: For) -> Result<()> {
    let family = Family::of(&fs::read_to_string("/etc/os-release").unwrap_or_default());
    if family == Family::Debian && command::on_path("apt-get") && command::on_path("dpkg-query") {
        return on_debian(purpose);
    }
    let missing: Vec<&Need> = needs(purpose).filter(|need| !need.sign.is_there()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    bail!(advice(family, &missing))
}

impl Sign {
    fn is_there(&self) -> bool {
        match self {
            Self::Program(name) => command::on_path(name),
            Self::Library(name) => {
                command::output(Command::new("pkg-config").args(["--exists", name])).is_ok()
            }
        }
    }
}

fn advice(family: Family, missing: &[&Need]) -> String {
    let mut text = String::from("these are missing and have to be installed by hand on this system:");
    for need in missing {
        let name = match family {
            Family::Fedora if !need.fedora.is_empty() => need.fedora.to_owned(),
            Family::Arch if !need.arch.is_empty() => need.arch.to_owned(),
            _ => format!("what Debian calls {}", need.debian),
        };
        text.push_str(&format!("\n  {name} ({})", need.what_for));
    }
    text.push_str("\nthen run the same command again");
    text
}

fn on_debian(purpose: For) -> Result<()> {
    let wanted: Vec<&Need> = needs(purpose).collect();
    let names: Vec<&str> = wanted.iter().map(|need| need.debian).collect();
    let missing = not_installed(&names, &dpkg_answer(&names)?);
    if missing.is_empty() {
        return Ok(());
    }
    println!("setup: installing system packages:");
    for need in wanted.iter().filter(|need| missing.contains(need.debian)) {
        println!("  {} ({})", need.debian, need.what_for);
    }
    let missing: Vec<&str> = names.into_iter().filter(|name| missing.contains(name)).collect();
    if !missing.iter().all(|name| is_offered(name)) {
        as_root(&["apt-get", "update"], &missing)?;
    }
    if as_root(&install(&missing), &missing).is_err() {
        // The lists may be so old that the files they name are gone.
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

/// One line `name status` per known package. dpkg-query fails if one is unknown, and that is an answer too.
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

/// Whether the package lists that are here know `name`.
fn is_offered(name: &str) -> bool {
    command::output(Command::new("apt-cache").args(["show", "--no-all-versions", name])).is_ok()
}

/// Runs `words` as root: directly, or through sudo, which may ask the user for a password.
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
    use super::*;

    #[test]
    fn running_needs_less_than_testing() {
        let run: Vec<&str> = needs(For::Run).map(|need| need.debian).collect();
        let tests: Vec<&str> = needs(For::Tests).map(|need| need.debian).collect();
        assert!(run.contains(&"libpocketsphinx-dev") && !run.contains(&"ffmpeg"));
        assert!(run.iter().all(|name| tests.contains(name)) && tests.contains(&"ffmpeg"));
    }

    #[test]
    fn nothing_graphical_is_installed() {
        assert!(NEEDS.iter().all(|need| !need.debian.contains("gtk") && !need.debian.contains("webkit")));
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
    fn elsewhere_the_user_is_told_what_to_install_and_why() {
        let missing: Vec<&Need> = NEEDS.iter().filter(|need| need.debian.starts_with("libpocket")).collect();
        assert!(advice(Family::Fedora, &missing).contains("pocketsphinx-devel (speech recognition)"));
        assert!(advice(Family::Other, &missing).contains("what Debian calls libpocketsphinx-dev"));
    }
}
