//! What the programs come with: PostgreSQL, the speech model, fonts, the network that tells voices apart.

use anyhow::{Result, anyhow};
use std::path::{Path, PathBuf};

/// The folder of resources: `postgres/`, `speech/`, `speakers/`, `fonts/`, in packages also `engine/`.
#[derive(Debug, Clone)]
pub struct Resources(PathBuf);

impl Resources {
    /// `MEETMEMO_RESOURCES`, else `resources` beside the folder of our executable (a checkout's target folder), else
    /// the places where packages put it.
    ///
    /// # Errors
    /// Where there is none, with where it was looked for.
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

    /// PostgreSQL's installation.
    pub fn postgres(&self) -> PathBuf {
        self.0.join("postgres")
    }

    /// The engine processes' program for processors without AVX2. Only packages have it.
    pub fn slower_engine(&self) -> PathBuf {
        self.0.join("engine").join("meetmemo-engine")
    }

    /// Fonts for PDF.
    pub fn fonts(&self) -> PathBuf {
        self.0.join("fonts")
    }
}
