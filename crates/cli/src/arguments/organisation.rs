//! Arguments of `list`, `tag`, `folder` and `note`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Which recordings to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only pending, processing, completed or failed ones.
    #[arg(long, value_name = "STATUS", value_parser = ["pending", "processing", "completed", "failed"])]
    pub(crate) status: Option<String>,
    /// Only those in this folder and the folders in it, such as Clients/Acme.
    #[arg(long, value_name = "PATH")]
    pub(crate) folder: Option<String>,
    /// Only those with this tag; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) tag: Vec<String>,
    /// Only favourites.
    #[arg(long)]
    pub(crate) favourite: bool,
    /// Those in the trash, the latest first.
    #[arg(long)]
    pub(crate) trash: bool,
    /// Recorded on this day or later: 2026-03-01, 2026-03, yesterday, 7d.
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<String>,
    /// Recorded on this day or earlier.
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Option<String>,
    /// At most this many.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u32>,
}

/// Tags of recordings. Without a word, the tags are listed.
#[derive(Debug, Args)]
pub(crate) struct Tag {
    /// Recordings (the beginnings of their ids) and last the tag that they get; with an option below, see there.
    #[arg(value_name = "JOB… NAME")]
    pub(crate) words: Vec<String>,
    /// Take this tag away from the recordings.
    #[arg(long, value_name = "NAME", group = "change")]
    pub(crate) remove: Option<String>,
    /// Rename the tag that is given instead of recordings.
    #[arg(long, value_name = "NAME", group = "change")]
    pub(crate) rename: Option<String>,
    /// Give the tag another colour: c1 to c12.
    #[arg(long, value_name = "COLOUR", group = "change")]
    pub(crate) colour: Option<String>,
    /// Delete the tag. The recordings stay.
    #[arg(long, group = "change")]
    pub(crate) delete: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Folder {
    /// List the folders as a tree.
    List,
    /// Make a folder, and those above it that do not exist.
    Add {
        /// Its path, such as Clients/Acme.
        path: String,
    },
    /// Rename a folder.
    Rename {
        /// Its path.
        path: String,
        /// The new name.
        name: String,
    },
    /// Move a folder into another one, or to the top.
    Move {
        /// Its path.
        path: String,
        /// The path of the other folder.
        #[arg(required_unless_present = "top")]
        into: Option<String>,
        /// Move it out of all folders.
        #[arg(long, conflicts_with = "into")]
        top: bool,
    },
    /// Delete a folder; what is in it moves to the folder above.
    Remove {
        /// Its path.
        path: String,
    },
    /// Put recordings into a folder.
    Put {
        /// Recordings (the beginnings of their ids) and last the path of the folder.
        #[arg(required = true, num_args = 2.., value_name = "JOB… PATH")]
        words: Vec<String>,
    },
    /// Take recordings out of their folders.
    TakeOut {
        /// The beginning of its id; several may be given.
        #[arg(required = true, value_name = "JOB")]
        jobs: Vec<String>,
    },
}

/// The note of a recording. Without an option, it is printed.
#[derive(Debug, Args)]
pub(crate) struct Note {
    /// The beginning of its id.
    pub(crate) job: String,
    /// Write this text, in Markdown.
    #[arg(long, value_name = "TEXT", conflicts_with = "file", allow_hyphen_values = true)]
    pub(crate) set: Option<String>,
    /// Write the text of this file; - for standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Open it in your text editor ($VISUAL or $EDITOR) and save it when the editor ends.
    #[arg(long, conflicts_with_all = ["set", "file", "revision"])]
    pub(crate) edit: bool,
    /// Save only if the note still has this revision, so that no other change is overwritten.
    #[arg(long, value_name = "N")]
    pub(crate) revision: Option<u32>,
}
