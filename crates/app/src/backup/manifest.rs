//! The manifest of one backup: lines of JSON. The first describes the backup, the last counts the meetings; the name of
//! the file holds the SHA-256 of its content. Lines stand for themselves, so damage to one leaves the others readable.

use super::layout::{ContentHash, ObjectName, SNAPSHOTS, readme_text};
use crate::library::Library;
use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{JobId, LibraryId, MachineId};
use uuid::Uuid;

/// The version of the format that this program writes; it reads no greater one.
const FORMAT: u32 = 1;

/// What one backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) header: Header,
    /// The settings, without secrets and addresses of databases.
    pub(super) settings: Option<String>,
    /// The rows that belong to no meeting.
    pub(super) archive_rows: Option<Content>,
    /// Newest first.
    pub(super) meetings: Vec<BackedUpMeeting>,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// See [`FORMAT`].
    pub(super) format: u32,
    /// The moment of the backup, by the clock of the database server.
    pub(super) taken_at: DateTime<Utc>,
    /// The version of the program that made it.
    pub(super) program: String,
    /// The id of the archive.
    pub(super) archive: Uuid,
    /// The last migration of the schema.
    pub(super) schema_step: String,
    /// The version of PostgreSQL.
    pub(super) server_version: String,
    /// See `store::SnapshotInfo::tables_id`.
    pub(super) tables_id: String,
    /// The library whose audio is in the backup.
    pub(super) library: LibraryId,
    /// Where that library was.
    pub(super) library_folder: String,
    /// The computer that made it.
    pub(super) machine: MachineId,
    /// The hash of the text for somebody who finds the backup.
    pub(super) readme: ContentHash,
}

impl Header {
    pub(super) fn new(
        snapshot: &store::SnapshotInfo,
        library: &Library,
        machine: MachineId,
        encrypted: bool,
    ) -> Self {
        Self {
            format: FORMAT,
            taken_at: snapshot.taken_at,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            archive: snapshot.archive,
            schema_step: snapshot.schema_step.clone(),
            server_version: snapshot.server_version.clone(),
            tables_id: snapshot.tables_id.clone(),
            library: library.id(),
            library_folder: library.folder().display().to_string(),
            machine,
            readme: ContentHash::of(readme_text(encrypted).as_bytes()),
        }
    }
}

/// An object and its size in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) sha256: ContentHash,
    pub(super) bytes: u64,
}

/// A meeting in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BackedUpMeeting {
    pub(super) id: JobId,
    pub(super) title: String,
    /// Its rows.
    pub(super) rows: Content,
    /// See `store::SnapshotMeeting::fingerprint`.
    pub(super) fingerprint: String,
    pub(super) audio: BackedUpAudio,
    /// The audio as the row of the meeting names it. Only in newer backups: a preview of others reads the rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<NamedFile>,
}

/// Where a row of `jobs` says that the audio is, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NamedFile {
    /// `file_path`: relative to the folder of its library.
    pub(super) path: String,
    /// `file_hash`: the SHA-256 at import.
    pub(super) sha256: Option<String>,
}

/// The audio of a meeting in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum BackedUpAudio {
    /// It is in the backup.
    Kept(Content),
    /// It is in the backup, but was altered on disk after it was imported: `expected` is its hash at import.
    Altered { sha256: ContentHash, bytes: u64, expected: ContentHash },
    /// It was not in the library, or was removed from it on purpose.
    Missing,
    /// It is in the library of another computer.
    Elsewhere,
}

impl BackedUpAudio {
    /// What is in the backup.
    pub(super) fn content(&self) -> Option<Content> {
        match self {
            Self::Kept(content) => Some(content.clone()),
            Self::Altered { sha256, bytes, .. } => Some(Content { sha256: sha256.clone(), bytes: *bytes }),
            Self::Missing | Self::Elsewhere => None,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum Line {
    Backup(Header),
    Settings { toml: String },
    ArchiveRows(Content),
    Meeting(BackedUpMeeting),
    End { meetings: usize },
}

impl Manifest {
    /// The text, and the path in the backup.
    pub(super) fn write(&self) -> Result<(String, Vec<u8>)> {
        let mut text = Vec::new();
        let mut line = |line: Line| -> Result<()> {
            serde_json::to_writer(&mut text, &line)?;
            text.push(b'\n');
            Ok(())
        };
        line(Line::Backup(self.header.clone()))?;
        if let Some(toml) = &self.settings {
            line(Line::Settings { toml: toml.clone() })?;
        }
        if let Some(content) = &self.archive_rows {
            line(Line::ArchiveRows(content.clone()))?;
        }
        for meeting in &self.meetings {
            line(Line::Meeting(meeting.clone()))?;
        }
        line(Line::End { meetings: self.meetings.len() })?;
        let moment = self.header.taken_at.format("%Y%m%dT%H%M%S%.3fZ");
        Ok((format!("{SNAPSHOTS}/{moment}-{}.jsonl", ContentHash::of(&text)), text))
    }

    /// Reads a manifest whose content agrees with its name.
    ///
    /// # Errors
    /// What is wrong, as a clause.
    pub(super) fn read(path: &str, text: &[u8]) -> Result<Self> {
        if hash_in_name(path) != Some(ContentHash::of(text)) {
            bail!("its content does not agree with its name");
        }
        let (manifest, unreadable, end) = Self::read_lines(text)?;
        if unreadable > 0 || end != Some(manifest.meetings.len()) {
            bail!("it is not complete");
        }
        Ok(manifest)
    }

    /// Reads what can be read of a damaged manifest.
    ///
    /// # Errors
    /// If its first line is damaged.
    pub(super) fn salvage(text: &[u8]) -> Result<Self> {
        Ok(Self::read_lines(text)?.0)
    }

    /// The readable lines, the number of others, and the number of meetings in the last line.
    fn read_lines(text: &[u8]) -> Result<(Self, usize, Option<usize>)> {
        let (mut header, mut settings, mut archive_rows, mut end) = (None, None, None, None);
        let (mut meetings, mut unreadable) = (Vec::new(), 0);
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(Line::Backup(line)) => header = Some(line),
                Ok(Line::Settings { toml }) => settings = Some(toml),
                Ok(Line::ArchiveRows(content)) => archive_rows = Some(content),
                Ok(Line::Meeting(meeting)) => meetings.push(meeting),
                Ok(Line::End { meetings }) => end = Some(meetings),
                Err(_) => unreadable += 1,
            }
        }
        let header: Header = header.context("its first line cannot be read")?;
        if header.format > FORMAT {
            bail!("a newer MeetMemo made it; update MeetMemo to read it");
        }
        Ok((Self { header, settings, archive_rows, meetings }, unreadable, end))
    }

    /// Every object that the backup needs, with its size in bytes.
    pub(super) fn objects(&self) -> BTreeMap<ObjectName, u64> {
        let mut objects = BTreeMap::new();
        if let Some(rows) = &self.archive_rows {
            objects.insert(ObjectName::rows(&rows.sha256), rows.bytes);
        }
        for meeting in &self.meetings {
            objects.insert(ObjectName::rows(&meeting.rows.sha256), meeting.rows.bytes);
            if let Some(audio) = meeting.audio.content() {
                objects.insert(ObjectName::audio(&audio.sha256), audio.bytes);
            }
        }
        objects
    }
}

/// The hash in the path of a manifest.
pub(super) fn hash_in_name(path: &str) -> Option<ContentHash> {
    let name = path.strip_prefix(SNAPSHOTS)?.strip_prefix('/')?.strip_suffix(".jsonl")?;
    ContentHash::parse(name.rsplit_once('-')?.1)
}
