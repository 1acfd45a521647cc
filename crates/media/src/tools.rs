//! Programs outside ours that can help.

use std::env;
use std::path::{Path, PathBuf};

/// Where the programs are that decode what this crate does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tools {
    ffmpeg: Option<PathBuf>,
}

impl Tools {
    /// Looks for `ffmpeg` in the folders of `PATH`.
    pub fn find() -> Self {
        let name = format!("ffmpeg{}", env::consts::EXE_SUFFIX);
        let ffmpeg = env::var_os("PATH").and_then(|path| {
            env::split_paths(&path)
                // A relative entry would make the answer, and what is run, depend on the working folder.
                .filter(|folder| folder.is_absolute())
                .map(|folder| folder.join(&name))
                .find(|file| is_program(file))
        });
        Self { ffmpeg }
    }

    /// No programs at all: only what this crate decodes itself.
    pub const fn none() -> Self {
        Self { ffmpeg: None }
    }

    /// With this `ffmpeg`, which is not checked.
    pub fn with_ffmpeg(path: impl Into<PathBuf>) -> Self {
        Self { ffmpeg: Some(path.into()) }
    }

    /// The `ffmpeg` program, if there is one.
    pub fn ffmpeg(&self) -> Option<&Path> {
        self.ffmpeg.as_deref()
    }
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}
