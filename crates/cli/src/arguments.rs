//! The command line.

use app::view::Expected;
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Recordings become transcripts, on this computer.
#[derive(Debug, Parser)]
#[command(name = "meetmemo", version, about, propagate_version = true)]
pub(crate) struct Arguments {
    /// Where everything is kept [default: the usual place of your system].
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Your own PostgreSQL server instead of the private one.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
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
    List {
        /// Only pending, processing, completed or failed ones.
        #[arg(long, value_name = "STATUS", value_parser = ["pending", "processing", "completed", "failed"])]
        status: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
    },
    /// Show a recording and what was said.
    Show {
        /// The beginning of its id.
        job: String,
    },
    /// Make a file of a transcript.
    Export(Export),
    /// Try a failed or cancelled recording again.
    Retry {
        /// The beginning of its id.
        job: String,
    },
    /// Have a waiting recording transcribed before the others that wait.
    Next {
        /// The beginning of its id.
        job: String,
    },
    /// Stop a waiting or running transcription.
    Cancel {
        /// The beginning of its id.
        job: String,
    },
    /// Remove a recording with its transcript and its audio in the library.
    Delete {
        /// The beginning of its id.
        job: String,
    },
    /// Transcribe a recording again, with another speech model or language; what there is stays as an older version.
    Transcribe {
        /// The beginning of its id.
        job: String,
        /// The speech model.
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
        #[command(flatten)]
        choosing: Choosing,
        /// How many people speak: 3, or 2-5.
        #[arg(long, value_name = "N|MIN-MAX", value_parser = expected)]
        speakers: Option<Expected>,
        /// Transcribe before returning.
        #[arg(long)]
        wait: bool,
    },
    /// Look at the versions of a transcript, compare them, or make one current.
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
    /// Give a recording a title.
    Rename {
        /// The beginning of its id.
        job: String,
        /// The new title.
        title: String,
    },
    /// Transcribe what waits, until stopped.
    Worker {
        /// End when nothing waits any more.
        #[arg(long)]
        drain: bool,
    },
    /// PostgreSQL's own tools on the archive.
    Database {
        #[command(subcommand)]
        command: Database,
    },
    /// Check that everything is in order.
    Doctor,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Files and folders.
    #[arg(required_unless_present = "continue_interrupted", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Transcribe before returning.
    #[arg(long)]
    pub(crate) wait: bool,
    /// The speech model; see `meetmemo models`.
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    #[command(flatten)]
    pub(crate) choosing: Choosing,
    /// How many people speak: 3, or 2-5.
    #[arg(long, value_name = "N|MIN-MAX", value_parser = expected)]
    pub(crate) speakers: Option<Expected>,
    /// Go on with imports that were interrupted.
    #[arg(
        long = "continue",
        conflicts_with_all = ["paths", "language", "model", "translate", "vocabulary", "speakers"]
    )]
    pub(crate) continue_interrupted: bool,
}

/// How to transcribe, besides the model.
#[derive(Debug, Args)]
pub(crate) struct Choosing {
    /// The language spoken, as a code such as en.
    #[arg(long, value_name = "LANGUAGE")]
    pub(crate) language: Option<String>,
    /// Write in English what is said in another language.
    #[arg(long)]
    pub(crate) translate: bool,
    /// A name or term to expect; may be given several times.
    #[arg(long, value_name = "TERM")]
    pub(crate) vocabulary: Vec<String>,
}

impl Choosing {
    /// What was said here instead of what `choice` says.
    pub(crate) fn onto(self, choice: app::Choice) -> app::Choice {
        app::Choice {
            language: self.language.or(choice.language),
            translate: self.translate || choice.translate,
            vocabulary: if self.vocabulary.is_empty() { choice.vocabulary } else { self.vocabulary },
            model: choice.model,
            speakers: choice.speakers,
        }
    }
}

/// `3` or `2-5`.
fn expected(text: &str) -> Result<Expected, String> {
    let number = |text: &str| text.trim().parse::<u32>().ok();
    let range = match text.split_once('-') {
        Some((min, max)) => number(min).zip(number(max)),
        None => number(text).map(|exactly| (exactly, exactly)),
    };
    let (min, max) = range.ok_or("a number of people, as 3, or from two numbers, as 2-5, is expected")?;
    Ok(Expected { min: Some(min), max: Some(max) })
}

#[derive(Debug, Subcommand)]
pub(crate) enum Speakers {
    /// Who speaks, and how much.
    List,
    /// Give a speaker a name; without one, take it away.
    Rename {
        /// The number, name or id of the speaker.
        speaker: String,
        /// The name.
        name: Option<String>,
    },
    /// Make two speakers one.
    Merge {
        /// The number, name or id of the speaker who is not somebody else …
        from: String,
        /// … but this one.
        into: String,
    },
    /// Give lines to another speaker: those that begin in a stretch of the recording.
    Assign {
        /// The number, name or id of the speaker; `new` for somebody else, `nobody` if it is not known.
        speaker: String,
        /// From this moment, in seconds.
        #[arg(long, value_name = "SECONDS")]
        from: f64,
        /// Up to this moment, in seconds.
        #[arg(long, value_name = "SECONDS")]
        to: f64,
    },
    /// Take back what was done last.
    Undo,
    /// Do once more what was taken back.
    Redo,
    /// Tell the speakers apart again; names and what was given by hand stay.
    Rerun {
        /// How many people speak: 3, or 2-5.
        #[arg(long, value_name = "N|MIN-MAX", value_parser = expected)]
        speakers: Option<Expected>,
        /// Do it before returning.
        #[arg(long)]
        wait: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum People {
    /// Who is known.
    List,
    /// Give a person another name, in all meetings.
    Rename {
        /// The name or id.
        person: String,
        /// The new name.
        name: String,
    },
    /// Make two people one.
    Merge {
        /// The name or id of the person who is …
        from: String,
        /// … this one.
        into: String,
    },
    /// Forget a person's voice everywhere; the name stays in the meetings.
    Forget {
        /// The name or id.
        person: String,
    },
    /// Allow voices to be remembered: as numbers, in the archive only. Ask the people first.
    On {
        /// Name those who are surely known without asking.
        #[arg(long)]
        automatic: bool,
    },
    /// Forget all voices and remember none.
    Off,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Models {
    /// Those that are here, and those to be had.
    List {
        /// Every size of every model.
        #[arg(long)]
        all: bool,
        /// Only those that know this language.
        #[arg(long, value_name = "LANGUAGE")]
        language: Option<String>,
    },
    /// Download one, or go on with a download that was stopped.
    Install {
        /// Its name in the list.
        model: String,
    },
    /// Add a model file that is on this computer.
    Add {
        /// The file.
        file: PathBuf,
        /// Use it where it is instead of copying it.
        #[arg(long)]
        link: bool,
    },
    /// Remove one, or what has come of a download.
    Remove {
        /// Its name in the list.
        model: String,
    },
    /// Choose what transcribes new recordings.
    Use {
        /// Its name in the list.
        model: String,
        #[command(flatten)]
        choosing: Choosing,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Versions {
    /// The beginning of its id.
    pub(crate) job: String,
    /// Show the words of this version.
    #[arg(long, value_name = "N", conflicts_with_all = ["compare", "make_current"])]
    pub(crate) show: Option<String>,
    /// Show where two versions differ.
    #[arg(long, num_args = 2, value_names = ["N", "M"], conflicts_with = "make_current")]
    pub(crate) compare: Vec<String>,
    /// Make this version the current one.
    #[arg(long = "use", value_name = "N")]
    pub(crate) make_current: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The beginning of its id.
    pub(crate) job: String,
    /// What kind of file.
    #[arg(long = "type", value_name = "TYPE", value_parser = app::export_words())]
    pub(crate) kind: String,
    /// A file or folder [default: exports in the data folder].
    #[arg(long, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// Replace a file that is there.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Database {
    /// Run a program such as psql or pg_dump with the archive's address in its environment.
    Run {
        /// The program and its arguments, after --.
        #[arg(required = true, last = true, value_name = "CMD")]
        program: Vec<OsString>,
    },
}
