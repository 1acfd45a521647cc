//! From files to registered recordings.
//!
//! | step | where | what it leaves behind |
//! |---|---|---|
//! | list the files | [`list`] | `imports/<id>.list` and `.done`, for more than one file |
//! | copy each file while hashing, sync | [`copy_file`] | `library/incoming/<job id>/audio.<ext>`, `import.json` |
//! | rename, then register | [`import_files`] | `library/<job id>/`, a row of `jobs`; `import.json` is removed |
//! | after a kill: remove or register the copies that were left | [`recovery`] | – |

mod copy_file;
pub(crate) mod drop_preview;
pub(crate) mod hash;
pub(crate) mod import_files;
pub(crate) mod list;
pub(crate) mod options;
mod recorded_at;
pub(crate) mod recovery;
