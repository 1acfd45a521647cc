//! The command line: commands, options, and their help texts.

mod export;
mod organisation;

pub(crate) use export::Export;
pub(crate) use organisation::{Folder, List, Note, Tag};

use app::view::SpeakerCount;
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Recordings become transcripts, on this computer.
#[derive(Debug, Parser)]
#[command(name = "meetmemo", version, about, propagate_version = true)]
pub(crate) struct Arguments {
    /// Folder that holds all data [default: your system's usual place].
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Your own PostgreSQL server instead of the private one.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database_url: Option<app::DatabaseUrl>,
    /// Print one JSON document instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add recordings: files and folders.
    Import(Import),
    /// List recordings, newest first.
    List(List),
    /// Find what was said, titles, notes and names of speakers.
    Search(Search),
    /// Show a recording and its transcript.
    Show {
        /// The beginning of its id.
        job: String,
    },
    /// Export transcripts to files.
    Export(Box<Export>),
    /// List the formats of exports.
    Formats,
    /// Say whether an exported file is as it was written, and whether its transcript still is.
    VerifyExport {
        /// The exported file.
        file: PathBuf,
    },
    /// Try a failed or cancelled recording again.
    Retry {
        /// The beginning of its id.
        job: String,
    },
    /// Move a waiting recording to the front of the queue.
    Next {
        /// The beginning of its id.
        job: String,
    },
    /// Stop a waiting or running transcription.
    Cancel {
        /// The beginning of its id.
        job: String,
    },
    /// Move recordings to the trash, from where they can be restored.
    Delete {
        /// The beginning of its id; several may be given.
        #[arg(required = true, value_name = "JOB")]
        jobs: Vec<String>,
        /// Delete for good, with transcript and audio in the library, also what is in the trash.
        #[arg(long)]
        now: bool,
    },
    /// List the trash, or empty it.
    Trash {
        /// Delete everything in it for good.
        #[arg(long)]
        empty: bool,
    },
    /// Take recordings out of the trash.
    RestoreFromTrash {
        /// The beginning of its id; several may be given.
        #[arg(required = true, value_name = "JOB")]
        jobs: Vec<String>,
    },
    /// List tags, give them to recordings or take them away, change them.
    Tag(Tag),
    /// List folders, change them, put recordings into them.
    Folder {
        #[command(subcommand)]
        command: Option<Folder>,
    },
    /// Make recordings favourites.
    Favourite {
        /// The beginning of its id; several may be given.
        #[arg(required = true, value_name = "JOB")]
        jobs: Vec<String>,
    },
    /// Make recordings favourites no longer.
    Unfavourite {
        /// The beginning of its id; several may be given.
        #[arg(required = true, value_name = "JOB")]
        jobs: Vec<String>,
    },
    /// Print or write the note of a recording.
    Note(Note),
    /// Print the summary of a recording: an extract, whose sentences are selected from the transcript.
    Summarize {
        /// The beginning of its id.
        job: String,
        /// Make an extract. This is the default, and needs no language model.
        #[arg(long)]
        extract: bool,
    },
    /// Transcribe a recording again, with another speech model or language; the current transcript stays as an older
    /// version.
    Transcribe {
        /// The beginning of its id.
        job: String,
        /// The speech model.
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
        #[command(flatten)]
        options: ModelOptions,
        /// How many people speak: 3, or 2-5.
        #[arg(long, value_name = "N|MIN-MAX", value_parser = speaker_count)]
        speakers: Option<SpeakerCount>,
        /// Wait until it is transcribed.
        #[arg(long)]
        wait: bool,
    },
    /// List the versions of a transcript, show or compare them, or make one current.
    Versions(Versions),
    /// Who speaks in a recording: list, name, merge, correct, tell apart again.
    Speakers {
        /// The beginning of its id.
        job: String,
        #[command(subcommand)]
        command: Option<Speakers>,
    },
    /// People whose voices are remembered, once you allow it.
    People {
        #[command(subcommand)]
        command: Option<People>,
    },
    /// Speech models: list, install, add a file, remove, choose.
    Models {
        #[command(subcommand)]
        command: Option<Models>,
    },
    /// Rename a recording.
    Rename {
        /// The beginning of its id.
        job: String,
        /// The new title.
        title: String,
        /// Rename only if this is still the title, so that no other change is overwritten.
        #[arg(long, value_name = "TITLE")]
        expected: Option<String>,
    },
    /// Transcribe waiting recordings, until stopped.
    Worker {
        /// Stop when nothing is waiting any more.
        #[arg(long)]
        drain: bool,
    },
    /// Remove what is older than your settings allow: meetings, audio, exports.
    Cleanup {
        /// Only show what would go, and when.
        #[arg(long)]
        dry_run: bool,
        /// Remove it also if clean-up asks, because the clock has jumped or most of the archive would go.
        #[arg(long, conflicts_with = "dry_run")]
        yes: bool,
    },
    /// Keep a recording: clean-up never removes it.
    Pin {
        /// The beginning of its id.
        job: String,
    },
    /// Let clean-up treat a recording like any other again.
    Unpin {
        /// The beginning of its id.
        job: String,
    },
    /// Look after the database: figures, maintenance, and PostgreSQL's own tools.
    Database {
        #[command(subcommand)]
        command: Database,
    },
    /// Save the archive and its audio to a folder, or to one file.
    Backup {
        /// A folder (also one that ends in /, or a new one without an extension), or a file such as meetings.tar. A
        /// folder can hold many backups: what is unchanged is stored once.
        place: PathBuf,
        /// Do not read again what was written.
        #[arg(long)]
        no_check: bool,
        /// Replace an existing file.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        passphrase: Passphrase,
    },
    /// Bring back from a backup what the archive lacks. What is in the archive stays as it is.
    Restore {
        /// The folder or file.
        backup: PathBuf,
        /// Only say what would come back.
        #[arg(long)]
        dry_run: bool,
        /// Bring back only this meeting: the beginning of its id.
        #[arg(long, value_name = "JOB", conflicts_with = "table")]
        meeting: Option<String>,
        /// Bring back only the rows of this table, such as jobs.
        #[arg(long, value_name = "NAME")]
        table: Option<String>,
        /// Bring back what is whole of a damaged backup.
        #[arg(long)]
        salvage: bool,
        #[command(flatten)]
        passphrase: Passphrase,
    },
    /// Check a backup; without one, the archive, its audio and the last backup.
    Verify {
        /// The folder or file.
        backup: Option<PathBuf>,
        /// Read only a part of the content, such as 1/7: the first of seven.
        #[arg(long, value_name = "N/T")]
        read_data_subset: Option<app::ReadSubset>,
        #[command(flatten)]
        passphrase: Passphrase,
    },
    /// Check that everything is in order.
    Doctor,
}

/// A search.
#[derive(Debug, Args)]
pub(crate) struct Search {
    /// Words that must all occur; "phrases", -without, a OR b, begin*, and filters such as speaker:anna or longer:30m.
    #[arg(required = true)]
    pub(crate) query: Vec<String>,
    /// Only what this person says.
    #[arg(long, value_name = "NAME")]
    pub(crate) speaker: Vec<String>,
    /// Recorded on this day or later: 2026-03-01, 2026-03, yesterday, 7d.
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<String>,
    /// Recorded on this day or earlier.
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Option<String>,
    /// Only meetings with this tag.
    #[arg(long, value_name = "NAME")]
    pub(crate) tag: Vec<String>,
    /// Only meetings in this folder or below it.
    #[arg(long, value_name = "NAME")]
    pub(crate) folder: Option<String>,
    /// Only transcripts in this language.
    #[arg(long, value_name = "CODE")]
    pub(crate) language: Option<String>,
    /// The newest first, instead of the best.
    #[arg(long)]
    pub(crate) newest_first: bool,
    /// At most this many meetings.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: u32,
    /// Leave out the first ones.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) skip: u32,
}

/// The passphrase of encrypted backups.
#[derive(Debug, Args)]
pub(crate) struct Passphrase {
    /// Encrypt or open the backup with the first line of this file, which only you may be able to read [default: the
    /// setting backup_passphrase_file].
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

impl Command {
    /// The file with the passphrase of backups, if the command takes one.
    pub(crate) fn passphrase_file(&self) -> Option<&Path> {
        match self {
            Self::Backup { passphrase, .. }
            | Self::Restore { passphrase, .. }
            | Self::Verify { passphrase, .. } => passphrase.passphrase_file.as_deref(),
            _ => None,
        }
    }

    /// What the process calls itself in the database server's lists of connections.
    pub(crate) fn application(&self) -> &'static str {
        match self {
            Self::Import(_) => "meetmemo import",
            Self::Export(_) => "meetmemo export",
            Self::Formats => "meetmemo formats",
            Self::VerifyExport { .. } => "meetmemo verify-export",
            Self::Transcribe { .. } => "meetmemo transcribe",
            Self::Worker { .. } => "meetmemo worker",
            Self::Database { .. } => "meetmemo database",
            Self::Cleanup { .. } => "meetmemo cleanup",
            Self::Backup { .. } => "meetmemo backup",
            Self::Restore { .. } => "meetmemo restore",
            Self::Verify { .. } => "meetmemo verify",
            Self::Doctor => "meetmemo doctor",
            _ => "meetmemo",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Files and folders to import.
    #[arg(required_unless_present = "continue_interrupted", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Wait until the recordings are transcribed.
    #[arg(long)]
    pub(crate) wait: bool,
    /// The speech model; see `meetmemo models`.
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    #[command(flatten)]
    pub(crate) options: ModelOptions,
    /// How many people speak: 3, or 2-5.
    #[arg(long, value_name = "N|MIN-MAX", value_parser = speaker_count)]
    pub(crate) speakers: Option<SpeakerCount>,
    /// Continue interrupted imports.
    #[arg(
        long = "continue",
        conflicts_with_all = ["paths", "language", "model", "translate", "vocabulary", "speakers"]
    )]
    pub(crate) continue_interrupted: bool,
}

/// Transcription options besides the model.
#[derive(Debug, Args)]
pub(crate) struct ModelOptions {
    /// The language spoken, as a code such as en.
    #[arg(long, value_name = "LANGUAGE")]
    pub(crate) language: Option<String>,
    /// Translate into English.
    #[arg(long)]
    pub(crate) translate: bool,
    /// A name or term to expect; may be given several times.
    #[arg(long, value_name = "TERM")]
    pub(crate) vocabulary: Vec<String>,
}

impl ModelOptions {
    /// `options` with the values that were given here.
    pub(crate) fn override_in(self, options: app::TranscriptionOptions) -> app::TranscriptionOptions {
        app::TranscriptionOptions {
            language: self.language.or(options.language),
            translate: self.translate || options.translate,
            vocabulary: if self.vocabulary.is_empty() { options.vocabulary } else { self.vocabulary },
            model: options.model,
            speakers: options.speakers,
        }
    }
}

/// Parses `3` or `2-5`.
fn speaker_count(text: &str) -> Result<SpeakerCount, String> {
    let number = |text: &str| text.trim().parse::<u32>().ok();
    let range = match text.split_once('-') {
        Some((min, max)) => number(min).zip(number(max)),
        None => number(text).map(|exactly| (exactly, exactly)),
    };
    let (min, max) = range.ok_or("a number of people is expected, such as 3 or 2-5")?;
    Ok(SpeakerCount { min: Some(min), max: Some(max) })
}

#[derive(Debug, Subcommand)]
pub(crate) enum Speakers {
    /// List the speakers and how much they speak.
    List,
    /// Name a speaker; without a name, remove it.
    Rename {
        /// The number, name or id of the speaker.
        speaker: String,
        /// The name.
        name: Option<String>,
    },
    /// Merge two speakers.
    Merge {
        /// The number, name or id of the speaker to merge …
        from: String,
        /// … and of the speaker to merge it into.
        into: String,
    },
    /// Assign lines to another speaker: those that begin in a part of the recording.
    Assign {
        /// The number, name or id of the speaker; `new` for a new one, `nobody` for none.
        speaker: String,
        /// Start of the part, in seconds.
        #[arg(long, value_name = "SECONDS")]
        from: f64,
        /// End of the part, in seconds.
        #[arg(long, value_name = "SECONDS")]
        to: f64,
    },
    /// Undo the last correction.
    Undo,
    /// Redo the correction that was undone last.
    Redo,
    /// Tell the speakers apart again; names and other corrections stay.
    Rerun {
        /// How many people speak: 3, or 2-5.
        #[arg(long, value_name = "N|MIN-MAX", value_parser = speaker_count)]
        speakers: Option<SpeakerCount>,
        /// Wait until it is done.
        #[arg(long)]
        wait: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum People {
    /// List the known people.
    List,
    /// Rename a person in all meetings.
    Rename {
        /// The name or id.
        person: String,
        /// The new name.
        name: String,
    },
    /// Merge two people.
    Merge {
        /// The name or id of the person to merge …
        from: String,
        /// … and of the person to merge it into.
        into: String,
    },
    /// Forget a person's voice everywhere; the name stays in the meetings.
    Forget {
        /// The name or id.
        person: String,
    },
    /// Allow voices to be remembered: as numbers, in the archive only. Ask the people first.
    On {
        /// Name speakers who are surely known without asking.
        #[arg(long)]
        automatic: bool,
    },
    /// Forget all voices and remember none.
    Off,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Models {
    /// List installed models and those that can be downloaded.
    List {
        /// List every size of every model.
        #[arg(long)]
        all: bool,
        /// Only models that know this language.
        #[arg(long, value_name = "LANGUAGE")]
        language: Option<String>,
    },
    /// Download a model, or continue a stopped download.
    Install {
        /// The model's name in the list.
        model: String,
    },
    /// Add a model file from this computer.
    Add {
        /// The file.
        file: PathBuf,
        /// Use it where it is instead of copying it.
        #[arg(long)]
        link: bool,
    },
    /// Remove a model or a partial download.
    Remove {
        /// The model's name in the list.
        model: String,
    },
    /// Choose the model for new recordings.
    Use {
        /// The model's name in the list.
        model: String,
        #[command(flatten)]
        options: ModelOptions,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Versions {
    /// The beginning of its id.
    pub(crate) job: String,
    /// Show the text of this version.
    #[arg(long, value_name = "N", conflicts_with_all = ["compare", "make_current"])]
    pub(crate) show: Option<String>,
    /// Show where two versions differ.
    #[arg(long, num_args = 2, value_names = ["N", "M"], conflicts_with = "make_current")]
    pub(crate) compare: Vec<String>,
    /// Make this version the current one.
    #[arg(long = "use", value_name = "N")]
    pub(crate) make_current: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Database {
    /// Test the connection step by step and say which step fails.
    Test {
        /// The address of a server [default: the archive in use]. Other users of this computer can see it while the
        /// command runs: leave the password out.
        url: Option<app::DatabaseUrl>,
    },
    /// Show the server: version, size, connections, pool, memory, schema.
    Status,
    /// List the tables: size, rows, changes, last vacuum and analyze.
    Tables,
    /// List the indexes: size, use.
    Indexes,
    /// List what other connections are running.
    Activity,
    /// List statements that took long.
    Slow,
    /// Show which connection waits for which.
    Locks,
    /// End a connection; its open transaction is rolled back.
    End {
        /// The process id that `activity` or `locks` shows.
        pid: i32,
    },
    /// Count rows and values anew, so that searches are planned well. Disturbs nobody.
    Analyze,
    /// Make the space of old rows usable again. Disturbs nobody without --full.
    Vacuum {
        /// Write each table anew and give the space back to the disk. Nobody can use a table meanwhile.
        #[arg(long)]
        full: bool,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Write all indexes anew. Disturbs nobody.
    Reindex,
    /// List the steps of the schema.
    Migrations,
    /// Print the end of the private server's log.
    Logs {
        /// How many lines.
        #[arg(long, value_name = "N", default_value_t = 50)]
        lines: u32,
    },
    /// Give the private server a new random password. Nothing that is open is disturbed.
    Password {
        /// The same: the private server's password is always generated.
        #[arg(long)]
        generate: bool,
    },
    /// Run a program such as psql or pg_dump with the archive's address in its environment.
    Run {
        /// The program and its arguments, after --.
        #[arg(required = true, last = true, value_name = "CMD")]
        program: Vec<OsString>,
    },
}
