//! Finds installed programs that this crate uses.

use std::env;
use std::path::{Path, PathBuf};

/// Installed programs that decode what this crate does not.
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
                // With a relative entry, the program found would depend on the working folder.
                .filter(|folder| folder.is_absolute())
                .map(|folder| folder.join(&name))
                .find(|file| is_program(file))
        });
        Self { ffmpeg }
    }

    /// No programs: only what this crate decodes itself.
    pub const fn none() -> Self {
        Self { ffmpeg: None }
    }

    /// Uses this `ffmpeg`, without checking that it exists.
    pub fn with_ffmpeg(path: impl Into<PathBuf>) -> Self {
        Self { ffmpeg: Some(path.into()) }
    }

    /// The path of `ffmpeg`, if there is one.
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
