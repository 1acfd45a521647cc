//! The list of files of one import, stored so that an interrupted import can be continued.
//!
//! `imports/<id>.list` has the transcription options and the paths, `imports/<id>.done` one byte for each file that was
//! handled. The importing process holds a lock on the list; a list that another process can lock was interrupted.

use crate::App;
use crate::file_names::shown_path;
use crate::import::options::ImportOptions;
use crate::transcribe::options::TranscriptionOptions;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// A file to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedFile {
    pub(crate) path: PathBuf,
    /// Whether the user named it, rather than a folder that contains it.
    pub(crate) by_hand: bool,
    /// Why it cannot be read, as a sentence that names it.
    pub(crate) problem: Option<String>,
}

/// The files of one import, and how many were handled.
#[derive(Debug)]
pub struct ImportList {
    files: Vec<ListedFile>,
    options: TranscriptionOptions,
    done: usize,
    /// None for a single file: there would be nothing to continue.
    journal: Option<Journal>,
}

/// The two files of a stored list.
#[derive(Debug)]
struct Journal {
    list: PathBuf,
    _lock: File,
    done: File,
}

/// An import that was interrupted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterruptedImport {
    /// For [`App::continue_import`].
    pub id: String,
    /// Number of files that were handled.
    pub done: usize,
    /// Number of files in the list.
    pub total: usize,
}

impl ImportList {
    /// Number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are no files.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Number of files that an earlier run of this import handled.
    pub fn done(&self) -> usize {
        self.done
    }

    pub(crate) fn options(&self) -> &TranscriptionOptions {
        &self.options
    }

    /// The files that were not handled yet.
    pub(crate) fn remaining(&self) -> Vec<ListedFile> {
        self.files[self.done..].to_vec()
    }

    /// Records that one more file was handled.
    pub(crate) fn record_done(&mut self) -> Result<()> {
        match &mut self.journal {
            Some(journal) => {
                journal.done.write_all(b".").context("the list of the import could not be written")
            }
            None => Ok(()),
        }
    }

    /// Removes the stored list.
    pub(crate) fn remove(self) -> Result<()> {
        if let Some(journal) = self.journal {
            fs::remove_file(journal.list.with_extension("done"))
                .and_then(|()| fs::remove_file(&journal.list))?;
        }
        Ok(())
    }
}

impl App {
    /// Lists the files of `paths`; a folder stands for all files in and below it, sorted by name, without hidden ones.
    /// A list of more than one file is stored and can be continued.
    ///
    /// # Errors
    /// [`crate::ErrorCode::NotOffered`] for a language or model that is not available; if the list cannot be stored.
    pub async fn list_files(&self, paths: &[PathBuf], options: ImportOptions) -> Result<ImportList> {
        let options = self.options_for_import(options).await?;
        let (app, paths) = (self.clone(), paths.to_vec());
        tokio::task::spawn_blocking(move || app.stored_list(&paths, options)).await?
    }

    fn stored_list(&self, paths: &[PathBuf], options: TranscriptionOptions) -> Result<ImportList> {
        let mut files = Vec::new();
        for path in paths {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            if path.is_dir() {
                files.extend(files_in_folder(&path));
            } else {
                files.push(ListedFile { path, by_hand: true, problem: None });
            }
        }
        let journal =
            if files.len() > 1 { Some(write_journal(&self.data.imports(), &files, &options)?) } else { None };
        Ok(ImportList { files, options, done: 0, journal })
    }

    /// Imports that were interrupted, oldest first.
    ///
    /// # Errors
    /// If the folder of lists cannot be read.
    pub async fn interrupted_imports(&self) -> Result<Vec<InterruptedImport>> {
        let folder = self.data.imports();
        tokio::task::spawn_blocking(move || interrupted_in(&folder)).await?
    }

    /// Removes the list of an interrupted import. Does nothing if a process is running that import.
    ///
    /// # Errors
    /// If the list cannot be removed.
    pub async fn forget_import(&self, id: &str) -> Result<()> {
        match self.continue_import(id).await? {
            Some(list) => tokio::task::spawn_blocking(move || list.remove()).await?,
            None => Ok(()),
        }
    }

    /// Opens the list of an interrupted import to continue it; `None` if that import has ended or another process
    /// continues it.
    ///
    /// # Errors
    /// If the list cannot be read.
    pub async fn continue_import(&self, id: &str) -> Result<Option<ImportList>> {
        // Must be an id, not a path: it comes from the page.
        let Ok(id) = uuid::Uuid::parse_str(id).map(|id| id.to_string()) else { return Ok(None) };
        let list = self.data.imports().join(id).with_extension("list");
        tokio::task::spawn_blocking(move || open_journal(&list)).await?
    }
}

/// The lists in `folder` that no process has locked, oldest first.
fn interrupted_in(folder: &Path) -> Result<Vec<InterruptedImport>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(id) = path.file_stem().and_then(|s| s.to_str()).filter(|_| has_extension(&path, "list"))
        else {
            continue;
        };
        if let Some(list) = open_journal(&path)? {
            found.push(InterruptedImport { id: id.to_owned(), done: list.done, total: list.files.len() });
        }
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(found)
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|e| e == extension)
}

/// The files in and below a folder, sorted by name, without hidden ones.
pub(crate) fn files_in_folder(folder: &Path) -> impl Iterator<Item = ListedFile> + '_ {
    WalkDir::new(folder)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !entry.file_name().as_bytes().starts_with(b"."))
        .filter_map(move |entry| match entry {
            Ok(entry) if entry.file_type().is_dir() => None,
            Ok(entry) => Some(ListedFile { path: entry.into_path(), by_hand: false, problem: None }),
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                let why = match (error.loop_ancestor(), error.io_error().map(std::io::Error::kind)) {
                    // A link to a parent folder, whose files are listed anyway.
                    (Some(_), _) => return None,
                    (_, Some(std::io::ErrorKind::PermissionDenied)) => {
                        "it may not be read: permission denied"
                    }
                    (_, Some(std::io::ErrorKind::NotFound)) => "it is a link to something that is not there",
                    _ => "it could not be read",
                };
                let problem = Some(format!("{}: {why}", shown_path(&path)));
                Some(ListedFile { path, by_hand: false, problem })
            }
        })
}

/// Stores a list in `folder`, locked.
fn write_journal(folder: &Path, files: &[ListedFile], options: &TranscriptionOptions) -> Result<Journal> {
    let list = folder.join(format!("{}.list", uuid::Uuid::now_v7()));
    let message = || format!("the list of the import {} could not be written", list.display());
    let mut text = serde_json::to_vec(options)?;
    for file in files {
        text.push(0);
        text.push(if file.by_hand { b'h' } else { b'f' });
        text.extend_from_slice(file.path.as_os_str().as_bytes());
    }
    // Marks the list as complete.
    text.push(0);
    // Locked before it gets the name by which other processes find it.
    let draft = list.with_extension("draft");
    let mut lock = OpenOptions::new().write(true).create_new(true).open(&draft).with_context(message)?;
    lock.lock().with_context(message)?;
    lock.write_all(&text).and_then(|()| lock.sync_all()).with_context(message)?;
    let done = File::create(list.with_extension("done")).with_context(message)?;
    fs::rename(&draft, &list).with_context(message)?;
    Ok(Journal { list: list.clone(), _lock: lock, done })
}

/// Opens and locks the list `path`; `None` if it is gone, locked by another process, or unreadable.
fn open_journal(path: &Path) -> Result<Option<ImportList>> {
    let mut lock = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.with_context(|| format!("{} could not be read", path.display()))?,
    };
    if lock.try_lock().is_err() {
        return Ok(None);
    }
    let mut text = Vec::new();
    lock.read_to_end(&mut text)?;
    let done_path = path.with_extension("done");
    let done = fs::metadata(&done_path).map_or(0, |m| usize::try_from(m.len()).unwrap_or(usize::MAX));
    let Some((options, files)) = parse_journal(&text) else {
        // Not one of our lists, or one of another version: it cannot be continued.
        let _ = fs::remove_file(path);
        let _ = fs::remove_file(done_path);
        return Ok(None);
    };
    let done_file = OpenOptions::new().append(true).create(true).open(&done_path)?;
    let done = done.min(files.len());
    Ok(Some(ImportList {
        files,
        options,
        done,
        journal: Some(Journal { list: path.to_owned(), _lock: lock, done: done_file }),
    }))
}

/// The options and files of a complete list.
fn parse_journal(text: &[u8]) -> Option<(TranscriptionOptions, Vec<ListedFile>)> {
    let text = text.strip_suffix(&[0])?;
    let mut records = text.split(|byte| *byte == 0);
    let options = serde_json::from_slice(records.next()?).ok()?;
    let files = records
        .map(|record| {
            let (kind, path) = record.split_first()?;
            let path = PathBuf::from(OsString::from_vec(path.to_vec()));
            Some(ListedFile { path, by_hand: *kind == b'h', problem: None })
        })
        .collect::<Option<Vec<_>>>()?;
    Some((options, files))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn listed(path: &str, by_hand: bool) -> ListedFile {
        ListedFile { path: OsString::from_vec(path.as_bytes().to_vec()).into(), by_hand, problem: None }
    }

    #[test]
    fn a_list_is_continued_where_it_stopped_but_only_after_its_process_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let files = vec![listed("/a b/ä\n.wav", true), listed("/c", false), listed("/d", false)];
        let options = TranscriptionOptions {
            model: "whisper".to_owned(),
            language: Some("en".to_owned()),
            translate: false,
            vocabulary: vec!["Zoë".to_owned()],
            speakers: None,
        };
        let mut journal = write_journal(dir.path(), &files, &options).unwrap();
        let path = journal.list.clone();
        journal.done.write_all(b".").unwrap();
        assert!(open_journal(&path).unwrap().is_none(), "its process is running");
        drop(journal);
        let list = open_journal(&path).unwrap().unwrap();
        assert_eq!((list.done(), list.remaining(), &list.options), (1, files[1..].to_vec(), &options));
        list.remove().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_is_not_a_list_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.list");
        fs::write(&path, b"[null,null]\0h/a").unwrap();
        assert!(open_journal(&path).unwrap().is_none());
        assert!(!path.exists());
    }

    #[test]
    fn folders_are_listed_in_order_without_hidden_files() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.wav", "a/z.wav", "a/.hidden.wav", ".git/x.wav"] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        std::os::unix::fs::symlink(dir.path(), dir.path().join("a/loop")).unwrap();
        let found: Vec<PathBuf> = files_in_folder(dir.path()).map(|l| l.path).collect();
        assert_eq!(found, [dir.path().join("a/z.wav"), dir.path().join("b.wav")]);
    }
}
