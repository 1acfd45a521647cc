//! The commands that the page can call. Each parses its arguments, calls `app` and converts the result.
//!
//! The page names meetings, exports and models by id. Only four commands take paths: [`imports::import_paths`],
//! [`imports::describe_drop`], [`models::import_models`] and [`exports::verify_dropped`]. They copy recordings and speech
//! models, or describe what would be copied, or check an exported file; they never show or change the content
//! of a file. All other paths come from the system's dialogs and
//! do not pass through the page.

pub(crate) mod backup;
pub(crate) mod cleanup;
pub(crate) mod database;
pub(crate) mod exports;
pub(crate) mod imports;
pub(crate) mod meetings;
pub(crate) mod models;
pub(crate) mod organisation;
pub(crate) mod people;
pub(crate) mod search;
pub(crate) mod speakers;
pub(crate) mod summaries;
pub(crate) mod window;

use crate::core::Core;
use crate::failure::{CommandResult, Failure};
use app::{ErrorCode, JobId};
use std::path::PathBuf;
use std::str::FromStr;
use tauri::{AppHandle, State};
use tauri_plugin_opener::OpenerExt;

type CoreRef<'a> = State<'a, Core>;

/// Opens a folder in the system's file manager.
fn show_folder(handle: &AppHandle, folder: PathBuf) -> CommandResult<()> {
    handle.opener().open_path(folder.to_string_lossy(), None::<&str>).map_err(|error| {
        anyhow::Error::from(error).context(format!("{} could not be opened", folder.display())).into()
    })
}

/// Runs `work`, which may wait for a disk or a file server, on a thread for blocking tasks.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> CommandResult<T> + Send + 'static,
) -> CommandResult<T> {
    tokio::task::spawn_blocking(work).await.map_err(anyhow::Error::from)?
}

// Messages for ids that are unknown or malformed.
const NO_MEETING: &str = "There is no such meeting.";
const NO_VERSION: &str = "There is no such version of this meeting.";
const NO_SPEAKER: &str = "There is no such speaker in this meeting.";
const NO_PERSON: &str = "This person is not known.";
const NO_EXPORT: &str = "There is no such export.";

fn job_id(text: &str) -> CommandResult<JobId> {
    parse_id(text, NO_MEETING)
}

/// Parses a complete id. Abbreviated ids are a feature of the command line only.
///
/// # Errors
/// “Not found” with `message`.
fn parse_id<T: FromStr>(text: &str, message: &str) -> CommandResult<T> {
    text.parse().map_err(|_| Failure { code: ErrorCode::NotFound, message: message.to_owned() })
}
