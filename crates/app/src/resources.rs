//! The resources folder: files that the program needs besides itself. PostgreSQL, the included speech model, the
//! networks for diarization, fonts, licences; in packages also the engine process for old processors.

use anyhow::{Result, anyhow};
use std::path::{Path, PathBuf};

/// The resources folder: `postgres/`, `speech/`, `speakers/`, `fonts/`, `licenses/`, in packages also `engine/`.
#[derive(Debug, Clone)]
pub struct Resources(PathBuf);

impl Resources {
    /// `MEETMEMO_RESOURCES`, else `../resources` beside the executable's folder (a checkout's target folder), else the
    /// locations that packages use.
    ///
    /// # Errors
    /// If there is none. The message names the executable.
    pub fn find() -> Result<Self> {
        if let Some(given) = std::env::var_os("MEETMEMO_RESOURCES").filter(|p| !p.is_empty()) {
            let given = PathBuf::from(given);
            return match given.is_dir() {
                true => Ok(Self(given)),
                false => Err(anyhow!("MEETMEMO_RESOURCES names {}, which is not a folder", given.display())),
            };
        }
        let executable = std::env::current_exe()?;
        let folder = executable.parent().unwrap_or(Path::new("/"));
        let places =
            [folder.join("../resources"), folder.join("../lib/MeetMemo/resources"), folder.join("resources")];
        places.iter().find(|place| place.join("postgres").is_dir()).cloned().map(Self).ok_or_else(|| {
            anyhow!(
                "MeetMemo's own files (database program, speech model, fonts) are missing beside {}. Install MeetMemo again; in a checkout, run `cargo xtask setup`",
                executable.display()
            )
        })
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// PostgreSQL's installation folder.
    pub fn postgres(&self) -> PathBuf {
        self.0.join("postgres")
    }

    /// The engine process for processors without AVX2. Only packages have it.
    pub fn slower_engine(&self) -> PathBuf {
        self.0.join("engine").join("meetmemo-engine")
    }

    /// Fonts for PDF exports.
    pub fn fonts(&self) -> PathBuf {
        self.0.join("fonts")
    }
}
