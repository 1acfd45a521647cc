//! Copies files, and replaces whole folders so that a kill at any moment leaves the old or the new one.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The file in each made folder that records what it was made from. It is written last, so a folder that has it is
/// complete.
pub const SOURCE: &str = "SOURCE";

/// Removes a folder of resources that an earlier version of set-up made, so that it is not packaged.
pub(super) fn remove_outdated(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("could not remove {}", folder.display()))?;
    }
    Ok(())
}

/// Whether `folder` is complete and was made from `source`.
pub fn is_from(folder: &Path, source: &str) -> bool {
    self::source(folder).is_some_and(|made_from| made_from == source)
}

/// The record of what `folder` was made from; `None` if it is not complete.
pub fn source(folder: &Path) -> Option<String> {
    Some(fs::read_to_string(folder.join(SOURCE)).ok()?.trim_end().to_owned())
}

/// Fills a new folder with `fill` and renames it to `folder`, replacing the old one.
pub fn replace_folder(folder: &Path, source: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let (new, old) = (folder.with_extension("new"), folder.with_extension("old"));
    for left_over in [&new, &old] {
        remove(left_over)?;
    }
    fs::create_dir_all(&new).with_context(|| format!("could not create {}", new.display()))?;
    fill(&new).with_context(|| format!("could not make {}", folder.display()))?;
    let stamp = new.join(SOURCE);
    fs::write(&stamp, format!("{source}\n"))
        .with_context(|| format!("could not write {}", stamp.display()))?;
    if folder.exists() {
        rename(folder, &old)?;
    }
    rename(&new, folder)?;
    remove(&old)
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("could not rename {} to {}", from.display(), to.display()))
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("could not remove {}", folder.display()))?;
    }
    Ok(())
}

/// Copies a file with its permissions; creates the folder of `to`.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(|| format!("could not create {}", folder.display()))?;
    }
    fs::copy(from, to).with_context(|| format!("could not copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// Copies a file into a folder under its own name; returns the copy.
pub fn copy_into(from: &Path, folder: &Path) -> Result<PathBuf> {
    let name = from.file_name().with_context(|| format!("{} has no file name", from.display()))?;
    let to = folder.join(name);
    copy(from, &to)?;
    Ok(to)
}

/// The entries of `folder`, sorted by name.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
    };
    let mut paths = read().with_context(|| format!("could not read the folder {}", folder.display()))?;
    paths.sort();
    Ok(paths)
}

/// Copies the files below `from` whose path relative to it is wanted; links are followed.
pub fn copy_tree(from: &Path, to: &Path, wanted: impl Fn(&Path) -> bool) -> Result<()> {
    let mut folders = vec![from.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder)? {
            let relative = path.strip_prefix(from).context("an entry outside its folder")?;
            if path.is_dir() {
                folders.push(path);
            } else if wanted(relative) {
                copy(&path, &to.join(relative))?;
            }
        }
    }
    Ok(())
}

/// The relative paths of the files below `folder`, sorted; `wanted` is also called for folders.
pub fn below(folder: &Path, wanted: &impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inside) = folders.pop() {
        for path in entries(&folder.join(&inside))? {
            let relative = path.strip_prefix(folder).context("an entry outside its folder")?;
            if !wanted(relative) {
                continue;
            }
            match path.is_dir() {
                true => folders.push(relative.to_path_buf()),
                false => found.push(relative.to_path_buf()),
            }
        }
    }
    found.sort();
    Ok(found)
}

/// FNV-1a hash, which only detects edits.
pub fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// One hash of the names and contents of `files` below `folder`.
pub fn checksum_of(folder: &Path, files: &[PathBuf]) -> Result<u64> {
    let mut all = Vec::new();
    for file in files {
        let path = folder.join(file);
        let content = fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
        all.extend_from_slice(file.as_os_str().as_encoded_bytes());
        all.extend_from_slice(&checksum(&content).to_le_bytes());
    }
    Ok(checksum(&all))
}

/// The total size of the files below `folder`, as `12.3 MB`.
pub fn size(folder: &Path) -> Result<String> {
    let mut bytes = 0;
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder)? {
            if path.is_dir() {
                folders.push(path);
            } else {
                bytes += path.metadata().with_context(|| format!("could not read {}", path.display()))?.len();
            }
        }
    }
    Ok(format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn a_folder_is_replaced_only_when_the_new_one_is_complete() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("postgres");
        assert!(!is_from(&folder, "1"));
        replace_folder(&folder, "1", |new| Ok(fs::write(new.join("a"), "one")?)).unwrap();
        assert!(is_from(&folder, "1"));

        let failed = replace_folder(&folder, "2", |new| {
            fs::write(new.join("a"), "half")?;
            bail!("killed here")
        });
        assert!(failed.is_err());
        assert!(is_from(&folder, "1"));
        assert_eq!(fs::read_to_string(folder.join("a")).unwrap(), "one");

        replace_folder(&folder, "2", |new| Ok(fs::write(new.join("b"), "two")?)).unwrap();
        assert!(is_from(&folder, "2") && !folder.join("a").exists());
        assert_eq!(entries(parent.path()).unwrap(), [folder]);
    }

    #[test]
    fn a_tree_is_copied_by_relative_path() {
        let parent = tempfile::tempdir().unwrap();
        let from = parent.path().join("from");
        fs::create_dir_all(from.join("x")).unwrap();
        fs::write(from.join("x/keep"), "kept").unwrap();
        fs::write(from.join("x/drop"), "").unwrap();
        let to = parent.path().join("to");
        copy_tree(&from, &to, |relative| relative.ends_with("keep")).unwrap();
        assert_eq!(entries(&to.join("x")).unwrap(), [to.join("x/keep")]);
    }
}
