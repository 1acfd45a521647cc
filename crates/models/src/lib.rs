//! Published speech models: the catalogue, downloads and the models folder. The only crate that knows HTTP and the
//! formats of model files.
//!
//! | part | what it does |
//! |---|---|
//! | [`Catalogue`] | lists the models that can be downloaded: the bundled data, and an organisation's own file |
//! | [`header`] | checks a file's first bytes: a speech model, or a clause that names what it is instead |
//! | [`Folder`] | the models folder: installed models, whether they are unchanged, partial downloads |
//! | [`import()`] | installs a file of the user, copied or linked |
//! | [`download()`] | installs a model of the catalogue: resumable, from several hosts, verified |
//!
//! All functions block; call them from a thread that may. Only [`download()`] uses the network. There are no accounts
//! and no tokens. The catalogue's statements about a model only help to choose one: the engine asks the loaded model
//! what it can do. This crate knows nothing of engines, of settings, or of which model a meeting uses.
//!
//! **Ids.** A model's id is the stem of its file name. A model is installed once its sidecar `<id>.json` is written.
//! That is the last step, after the content was verified and synced.
//!
//! **Trimming.** Our own copies of Whisper models are trimmed to an encoder context of [`ENCODER_CONTEXT_S`]
//! ([`Folder::trim`]): twelve bytes differ from the published file. The published hash still identifies the model.
//! Linked files belong to the user: they are read, never written or removed.
//!
//! No number in a file's header decides how much memory is allocated.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic"))]

mod cancel;
pub mod catalogue;
mod disk;
pub mod download;
mod encoder_context;
mod folder;
pub mod header;
mod identity;
mod import;
mod progress;
mod resume_info;

pub use cancel::Cancel;
pub use catalogue::{Catalogue, CatalogueError, DownloadRequest};
pub use download::{DownloadError, Downloaded, Options, download};
pub use encoder_context::ENCODER_CONTEXT_S;
pub use folder::{Entry, Folder, FolderError, Installed, PartialDownload, Source};
pub use header::{Header, HeaderError};
pub use identity::{IdentityError, ModelId, Sha256, Slug};
pub use import::{ImportError, ImportMode, import};
pub use progress::{Progress, Stage};
