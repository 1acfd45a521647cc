//! What the page may call. Each parses, calls `app`, and converts.
//!
//! The page names meetings, exports and models by id. Paths come from it in [`imports::import_paths`] (with
//! [`imports::describe_drop`], which says what that would do) and [`models::import_models`] only: a copy is made of what is
//! a recording or a speech model, nothing is shown or changed.

pub(crate) mod exports;
pub(crate) mod imports;
pub(crate) mod meetings;
pub(crate) mod models;
pub(crate) mod people;
pub(crate) mod speakers;
pub(crate) mod window;

use crate::core::Core;
use crate::failure::{Answer, Failure};
use app::{Code, JobId};
use std::path::PathBuf;
use std::str::FromStr;
use tauri::{AppHandle, State};
use tauri_plugin_opener::OpenerExt;

type CoreRef<'a> = State<'a, Core>;

fn show_folder(handle: &AppHandle, folder: PathBuf) -> Answer<()> {
    handle.opener().open_path(folder.to_string_lossy(), None::<&str>).map_err(|error| {
        anyhow::Error::from(error).context(format!("{} could not be opened", folder.display())).into()
    })
}

/// Does what may wait for a disk or a file server without holding up anything else.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Answer<T> + Send + 'static) -> Answer<T> {
    tokio::task::spawn_blocking(work).await.map_err(anyhow::Error::from)?
}

/// What is said of an id that is none.
const NO_MEETING: &str = "There is no such meeting.";

const NO_VERSION: &str = "There is no such version of this meeting.";

const NO_SPEAKER: &str = "There is no such speaker in this meeting.";

const NO_PERSON: &str = "This person is not known.";

const NO_EXPORT: &str = "There is no such export.";

fn job_id(text: &str) -> Answer<JobId> {
    parsed(text, NO_MEETING)
}

/// An id as the page spells it: in full; beginnings of ids are for the command line.
fn parsed<T: FromStr>(text: &str, otherwise: &str) -> Answer<T> {
    text.parse().map_err(|_| Failure { code: Code::NotFound, message: otherwise.to_owned() })
}
