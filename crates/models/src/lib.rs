//! Published speech models: which there are, how one gets here, and which are here.
//!
//! | part | what it does |
//! |---|---|
//! | [`Catalogue`] | the models that can be had: bundled data, and an organisation's own beside it |
//! | [`header`] | what a file is, by its first bytes: a speech model, or a sentence about what it is instead |
//! | [`Folder`] | the models folder: what is installed, whether it is still whole, what was stopped midway |
//! | [`import()`] | a file of the user becomes an installed model, copied or linked |
//! | [`download()`] | a model of the catalogue becomes an installed one: resumed, from several hosts, verified |
//!
//! Everything blocks and is meant for a thread that may. Nothing is asked of the network but by [`download()`], and
//! there are no accounts and no tokens. What a model can do is read from the model by the engine; what the catalogue
//! says about it is for choosing only. Leaves out engines, settings, and which model a meeting is given.
//!
//! Our own copies of Whisper models are trimmed to [`ENCODER_CONTEXT_S`] ([`Folder::trim`]): twelve bytes of the file
//! differ from the published one. The published hash still says which model it is. Linked files are never written.
//!
//! A model's id is the stem of its file's name. A file counts as installed when its sidecar `<id>.json` is written,
//! which is the last thing that happens, after its content has been verified and synced.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic"))]

pub mod catalogue;
mod context;
mod control;
mod disk;
pub mod download;
mod folder;
pub mod header;
mod identity;
mod import;
mod note;

pub use catalogue::{Catalogue, CatalogueError, Wanted};
pub use context::ENCODER_CONTEXT_S;
pub use control::{Cancel, Progress, Stage};
pub use download::{DownloadError, Downloaded, Options, download};
pub use folder::{Entry, Folder, FolderError, Installed, Partial, Source};
pub use header::{Header, HeaderError};
pub use identity::{IdentityError, ModelId, Sha256, Slug};
pub use import::{How, ImportError, import};
