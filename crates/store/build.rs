//! Rebuilds the crate when a migration changes, because the migrations are compiled in, and sets `MEETMEMO_MIGRATIONS`
//! to their hash, which names the template database of the tests.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{fs, io};

fn main() -> io::Result<()> {
    const FOLDER: &str = "../../migrations";
    println!("cargo:rerun-if-changed={FOLDER}");
    let mut fingerprint = DefaultHasher::new();
    for step in sorted(Path::new(FOLDER))?.into_iter().filter(|step| step.is_dir()) {
        for file in sorted(&step)? {
            (file.file_name(), fs::read(&file)?).hash(&mut fingerprint);
        }
    }
    println!("cargo:rustc-env=MEETMEMO_MIGRATIONS={:016x}", fingerprint.finish());
    Ok(())
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    paths.sort();
    Ok(paths)
}
