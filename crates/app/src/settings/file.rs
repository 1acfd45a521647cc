//! The file `settings.toml`: its first content, and how it is changed.

use anyhow::{Context, Result, anyhow};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// The content of `settings.toml` in a new data folder.
const DEFAULT_FILE: &str = "\
# MeetMemo's settings. A line without # overrides the default shown.
# Each can also be given as an environment variable: MEETMEMO_ and the name in capitals.

# Your own PostgreSQL server instead of the private one. It must be empty or MeetMemo's.
# DATABASE_URL in the environment is honoured too. Its password: from the file named here, which only you may read, from
# ~/.pgpass, or from the key store of your system; see docs/external-database.md.
# database_url = \"postgresql://user@host:5432/name\"
# database_password_file = \"/run/secrets/meetmemo\"

# Database connections: kept open, and at most.
# db_pool_min_size = 5
# db_pool_max_size = 20

# Statements that take at least this many milliseconds are recorded; see `meetmemo database slow`.
# slow_query_ms = 500

# A folder for scheduled backups, best on another disk, and the hours from one to the next. 7 daily, 4 weekly and 12
# monthly ones are kept.
# backup_place = \"/media/disk/MeetMemo backup\"
# backup_interval_hours = 24

# A file that only you may read; its first line is the passphrase with which backups are encrypted. See docs/backup.md.
# backup_passphrase_file = \"/home/user/meetmemo-passphrase\"

# What new recordings are transcribed with: a speech model (see `meetmemo models`; whisper-base is included), the language
# spoken, as a code, whether to write English whatever is spoken, and names and terms to expect.
# model = \"whisper-base\"
# language = \"en\"
# translate = false
# vocabulary = [\"MeetMemo\"]

# What speech models are computed on: auto takes a graphics processor if this build supports one; cpu never does.
# device = \"auto\"

# Where speech models are asked for first, and a catalogue file of your own besides the one that comes along.
# model_mirror = \"https://models.example.org\"
# model_catalogue = \"/srv/models/catalogue.json\"

# Recognisers at once. By default one for each processor core, at most eight, as memory allows.
# decoders = 2

# How long things are kept; `meetmemo cleanup --dry-run` shows what would go. Meetings and their audio are kept for ever
# unless you say otherwise: job_retention_hours removes meetings, audio_retention_days only their audio. Exports in the
# folder exports are removed after a day. Meetings in the trash are removed after 30 days; 0 keeps them until you empty it.
# cleanup_interval_hours = 1
# job_retention_hours = 720
# export_retention_hours = 24
# audio_retention_days = 90
# trash_retention_days = 30

# Paper of PDF exports: a4 or letter.
# paper = \"a4\"

# Names of exported files. {date}, {time}, {title}, {speakers} and {file} stand for those of the meeting.
# export_file_name = \"{title}\"

# A PNG or JPEG picture that exported documents show beside the title.
# export_logo = \"/home/anna/logo.png\"

# The window: system, light or dark; and whether it tells when a long job ends while it is not in front.
# theme = \"system\"
# notify = true
";

/// Writes the transcription options for new recordings to `settings.toml`.
///
/// # Errors
/// If the file cannot be read or written.
pub(crate) fn write_transcription_defaults(
    data_folder: &Path,
    options: &crate::TranscriptionOptions,
) -> Result<()> {
    edit(data_folder, |document| {
        document["model"] = toml_edit::value(options.model.as_str());
        match &options.language {
            Some(language) => document["language"] = toml_edit::value(language.as_str()),
            None => drop(document.remove("language")),
        }
        document["translate"] = toml_edit::value(options.translate);
        let terms: toml_edit::Array = options.vocabulary.iter().map(String::as_str).collect();
        document["vocabulary"] = toml_edit::value(terms);
    })
}

/// The TOML error with its line number, but without the line itself, which may contain a password.
pub(super) fn describe_toml_error(
    text: &str,
    span: Option<std::ops::Range<usize>>,
    message: &str,
) -> anyhow::Error {
    let message = message.replace('\n', ", ");
    match span.and_then(|span| text.get(..span.start)) {
        Some(before) => anyhow!("line {}: {message}", before.matches('\n').count() + 1),
        None => anyhow!("{message}"),
    }
}

/// Changes `settings.toml`; other lines and comments stay as they are.
pub(crate) fn edit(data_folder: &Path, change: impl FnOnce(&mut toml_edit::DocumentMut)) -> Result<()> {
    let path = data_folder.join("settings.toml");
    let message = || format!("{} could not be changed", path.display());
    // Serialises concurrent changes, so that none is lost. Dropping the file releases the lock.
    let lock = fs::File::create(data_folder.join("settings.lock")).with_context(message)?;
    lock.lock().with_context(message)?;
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => DEFAULT_FILE.to_owned(),
        text => text.with_context(message)?,
    };
    let mut document: toml_edit::DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| describe_toml_error(&text, error.span(), error.message()))
        .with_context(message)?;
    change(&mut document);
    replace_file(&path, document.to_string().as_bytes()).with_context(message)
}

/// Replaces the content of the file `path` atomically. Only the owner can read the file.
///
/// # Errors
/// If the folder cannot be written to.
pub fn replace_file(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension(uuid::Uuid::new_v4().simple().to_string());
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.write(true).create_new(true).open(&draft).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

/// Creates `settings.toml` with the defaults. If another process was faster, its file stays.
pub(super) fn create_default_file(path: &Path) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.write(true).create_new(true).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        file => file?.write_all(DEFAULT_FILE.as_bytes()),
    }
}
