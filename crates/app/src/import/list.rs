//! The files of one import, written down so that an import that was cut short can be continued.
//!
//! `imports/<id>.list` holds the options and the paths, `imports/<id>.done` one byte for each file that has ended. The
//! list is locked while its process lives; one that can be locked by somebody else was interrupted.

use crate::App;
use crate::import::options::ImportOptions;
use crate::names::shown_path;
use crate::transcribe::choice::Choice;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// A file to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) path: PathBuf,
    /// Named by the user, not found in a folder.
    pub(crate) by_hand: bool,
    /// Why it cannot even be looked at.
    pub(crate) problem: Option<String>,
}

/// The files of one import and how far it is.
#[derive(Debug)]
pub struct ImportList {
    files: Vec<Listed>,
    choice: Choice,
    done: usize,
    /// None for a single file: there is nothing to continue.
    journal: Option<Journal>,
}

#[derive(Debug)]
struct Journal {
    list: PathBuf,
    _lock: File,
    done: File,
}

/// An import that was cut short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupted {
    /// For [`App::continue_import`].
    pub id: String,
    /// Files that had ended.
    pub done: usize,
    /// Files there were.
    pub total: usize,
}

impl ImportList {
    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// How many had ended before, where this list is being continued.
    pub fn done(&self) -> usize {
        self.done
    }

    pub(crate) fn choice(&self) -> &Choice {
        &self.choice
    }

    pub(crate) fn rest(&self) -> Vec<Listed> {
        self.files[self.done..].to_vec()
    }

    /// One more file has ended.
    pub(crate) fn tick(&mut self) -> Result<()> {
        match &mut self.journal {
            Some(journal) => {
                journal.done.write_all(b".").context("the list of the import could not be written")
            }
            None => Ok(()),
        }
    }

    /// All have ended.
    pub(crate) fn finish(self) -> Result<()> {
        if let Some(journal) = self.journal {
            fs::remove_file(journal.list.with_extension("done"))
                .and_then(|()| fs::remove_file(&journal.list))?;
        }
        Ok(())
    }
}

impl App {
    /// The files that `paths` stand for: files as they are, folders with all that is in them, in order of name. Hidden
    /// files are left out. More than one file is written down as a list that can be continued.
    ///
    /// # Errors
    /// [`crate::Code::NotOffered`] for a language or model that there is not; where the list cannot be written.
    pub async fn list_files(&self, paths: &[PathBuf], options: ImportOptions) -> Result<ImportList> {
        let choice = self.choice_for(options).await?;
        let (app, paths) = (self.clone(), paths.to_vec());
        tokio::task::spawn_blocking(move || app.written_list(&paths, choice)).await?
    }

    fn written_list(&self, paths: &[PathBuf], choice: Choice) -> Result<ImportList> {
        let mut files = Vec::new();
        for path in paths {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            if path.is_dir() {
                files.extend(in_folder(&path));
            } else {
                files.push(Listed { path, by_hand: true, problem: None });
            }
        }
        let journal =
            if files.len() > 1 { Some(write_journal(&self.data.imports(), &files, &choice)?) } else { None };
        Ok(ImportList { files, choice, done: 0, journal })
    }

    /// Imports that ended in the middle, oldest first.
    ///
    /// # Errors
    /// Where the folder of lists cannot be read.
    pub async fn interrupted_imports(&self) -> Result<Vec<Interrupted>> {
        let folder = self.data.imports();
        tokio::task::spawn_blocking(move || interrupted_in(&folder)).await?
    }

    /// Forgets what an interrupted import had left to do. One that somebody works on is left alone.
    ///
    /// # Errors
    /// Where the list cannot be removed.
    pub async fn forget_import(&self, id: &str) -> Result<()> {
        match self.continue_import(id).await? {
            Some(list) => tokio::task::spawn_blocking(move || list.finish()).await?,
            None => Ok(()),
        }
    }

    /// Takes up an interrupted import; `None` if it has ended meanwhile or somebody else has taken it up.
    ///
    /// # Errors
    /// Where the list cannot be read.
    pub async fn continue_import(&self, id: &str) -> Result<Option<ImportList>> {
        // An id, not a path: it may come from a page.
        let Ok(id) = uuid::Uuid::parse_str(id).map(|id| id.to_string()) else { return Ok(None) };
        let list = self.data.imports().join(id).with_extension("list");
        tokio::task::spawn_blocking(move || open_journal(&list)).await?
    }
}

/// The lists in `folder` that nobody works on, oldest first.
fn interrupted_in(folder: &Path) -> Result<Vec<Interrupted>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(id) = path.file_stem().and_then(|s| s.to_str()).filter(|_| has_extension(&path, "list"))
        else {
            continue;
        };
        if let Some(list) = open_journal(&path)? {
            found.push(Interrupted { id: id.to_owned(), done: list.done, total: list.files.len() });
        }
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(found)
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|e| e == extension)
}

/// The files in a folder and below, in order of name, hidden ones left out.
pub(crate) fn in_folder(folder: &Path) -> impl Iterator<Item = Listed> + '_ {
    WalkDir::new(folder)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !entry.file_name().as_bytes().starts_with(b"."))
        .filter_map(move |entry| match entry {
            Ok(entry) if entry.file_type().is_dir() => None,
            Ok(entry) => Some(Listed { path: entry.into_path(), by_hand: false, problem: None }),
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                let why = match (error.loop_ancestor(), error.io_error().map(std::io::Error::kind)) {
                    // A link back to a folder above: its files are listed there.
                    (Some(_), _) => return None,
                    (_, Some(std::io::ErrorKind::PermissionDenied)) => {
                        "it may not be read: permission denied"
                    }
                    (_, Some(std::io::ErrorKind::NotFound)) => "it is a link to something that is not there",
                    _ => "it could not be read",
                };
                let problem = Some(format!("{}: {why}", shown_path(&path)));
                Some(Listed { path, by_hand: false, problem })
            }
        })
}

fn write_journal(folder: &Path, files: &[Listed], choice: &Choice) -> Result<Journal> {
    let list = folder.join(format!("{}.list", uuid::Uuid::now_v7()));
    let place = || format!("the list of the import {} could not be written", list.display());
    let mut text = serde_json::to_vec(choice)?;
    for file in files {
        text.push(0);
        text.push(if file.by_hand { b'h' } else { b'f' });
        text.extend_from_slice(file.path.as_os_str().as_bytes());
    }
    // Ends every complete list.
    text.push(0);
    // Locked before anybody can see it.
    let draft = list.with_extension("draft");
    let mut lock = OpenOptions::new().write(true).create_new(true).open(&draft).with_context(place)?;
    lock.lock().with_context(place)?;
    lock.write_all(&text).and_then(|()| lock.sync_all()).with_context(place)?;
    let done = File::create(list.with_extension("done")).with_context(place)?;
    fs::rename(&draft, &list).with_context(place)?;
    Ok(Journal { list: list.clone(), _lock: lock, done })
}

/// The list in `path` if nobody works on it.
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
    let finished = path.with_extension("done");
    let done = fs::metadata(&finished).map_or(0, |m| usize::try_from(m.len()).unwrap_or(usize::MAX));
    let Some((choice, files)) = parse_journal(&text) else {
        // Not a list of ours, or one of another version: there is nothing to go on with.
        let _ = fs::remove_file(path);
        let _ = fs::remove_file(finished);
        return Ok(None);
    };
    let done_file = OpenOptions::new().append(true).create(true).open(&finished)?;
    let done = done.min(files.len());
    Ok(Some(ImportList {
        files,
        choice,
        done,
        journal: Some(Journal { list: path.to_owned(), _lock: lock, done: done_file }),
    }))
}

fn parse_journal(text: &[u8]) -> Option<(Choice, Vec<Listed>)> {
    let text = text.strip_suffix(&[0])?;
    let mut records = text.split(|byte| *byte == 0);
    let choice = serde_json::from_slice(records.next()?).ok()?;
    let files = records
        .map(|record| {
            let (kind, path) = record.split_first()?;
            let path = PathBuf::from(OsString::from_vec(path.to_vec()));
            Some(Listed { path, by_hand: *kind == b'h', problem: None })
        })
        .collect::<Option<Vec<_>>>()?;
    Some((choice, files))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn listed(path: &str, by_hand: bool) -> Listed {
        Listed { path: OsString::from_vec(path.as_bytes().to_vec()).into(), by_hand, problem: None }
    }

    #[test]
    fn a_list_is_taken_up_where_it_stopped_but_only_once_its_process_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let files = vec![listed("/a b/ä\n.wav", true), listed("/c", false), listed("/d", false)];
        let choice = Choice {
            model: "whisper".to_owned(),
            language: Some("en".to_owned()),
            translate: false,
            vocabulary: vec!["Zoë".to_owned()],
            speakers: None,
        };
        let mut journal = write_journal(dir.path(), &files, &choice).unwrap();
        let path = journal.list.clone();
        journal.done.write_all(b".").unwrap();
        assert!(open_journal(&path).unwrap().is_none(), "its process lives");
        drop(journal);
        let list = open_journal(&path).unwrap().unwrap();
        assert_eq!((list.done(), list.rest(), &list.choice), (1, files[1..].to_vec(), &choice));
        list.finish().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_list_that_is_none_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.list");
        fs::write(&path, b"[null,null]\0h/a").unwrap();
        assert!(open_journal(&path).unwrap().is_none());
        assert!(!path.exists());
    }

    #[test]
    fn folders_are_searched_in_order_and_hidden_files_left_out() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.wav", "a/z.wav", "a/.hidden.wav", ".git/x.wav"] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        std::os::unix::fs::symlink(dir.path(), dir.path().join("a/loop")).unwrap();
        let found: Vec<PathBuf> = in_folder(dir.path()).map(|l| l.path).collect();
        assert_eq!(found, [dir.path().join("a/z.wav"), dir.path().join("b.wav")]);
    }
}
