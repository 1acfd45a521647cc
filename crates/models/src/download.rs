//! Downloads a model of the catalogue and installs it.
//!
//! Bytes are appended to `<file>.part`, which the downloading process keeps locked. `<file>.part.json` records where
//! they came from ([`ResumeInfo`]). Whatever ends a download, the next attempt resumes it: it hashes the bytes that
//! are there and requests the rest, from any host if the hash is known. A download ends with the process that began it.
//!
//! Hosts are tried in turn, in rounds with a growing pause between them ([`attempts`]). This ends when the file is
//! complete, when every host has refused for good, or after some rounds without new bytes. Only a file that has the
//! right size and hash, and whose header is that of a whole speech model, is synced and gets its final name. The
//! sidecar is written last. After that a Whisper model's encoder context is shortened ([`Folder::trim`]).
//!
//! [`http`] follows redirects itself, for two reasons: Hugging Face (“the hub”) sends size and hash of the file with its
//! redirect (`x-linked-size`, `x-linked-etag`), and a redirect must never lead from https to http. Size and hash from the hub
//! are used where the catalogue has none, and are pinned in `pins.json` from then on.

mod attempts;
mod error;
mod http;
mod partial;

use crate::cancel::Cancel;
use crate::catalogue::{self, DownloadRequest};
use crate::encoder_context;
use crate::folder::{self, Folder, FolderError, Installed, Source};
use crate::header::{self, Header};
use crate::identity::Sha256;
use crate::progress::{Meter, Progress, Stage};
use attempts::Attempts;
use chrono::Utc;
use error::disk_error;
use partial::PartialFile;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

pub use error::{DownloadError, HostError};

/// Settings of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Base address that is tried before the hosts of the catalogue, such as `https://models.example.org`.
    pub mirror: Option<String>,
    /// Timeout of a host that sends nothing; then the next host is tried.
    pub stall: Duration,
    /// The download fails after this many rounds through all hosts without new bytes.
    pub rounds: u32,
    /// Pause after the first round without new bytes; it doubles with each further one.
    pub pause: Duration,
    /// Whether `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are used.
    pub proxies_of_environment: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mirror: None,
            stall: Duration::from_secs(30),
            rounds: 3,
            pause: Duration::from_secs(1),
            proxies_of_environment: true,
        }
    }
}

/// The result of a successful download.
#[derive(Debug, Clone, PartialEq)]
pub struct Downloaded {
    /// The installed model.
    pub model: Installed,
    /// Whether size or hash were unknown before this download. They are pinned now, and later downloads must match.
    pub newly_pinned: bool,
}

/// A host that may have the file.
struct Host {
    /// Address of the file.
    address: String,
    /// Name and port, for messages.
    name: String,
    /// Not asked again.
    excluded: bool,
    /// The result of the last attempt.
    error: Option<HostError>,
}

/// Downloads a model into the models folder, resuming an earlier download. A model that is installed already is
/// returned without a download. In both cases the model is trimmed if possible; a cancel during that leaves it as
/// published.
///
/// # Errors
/// If no host sends the file, the download was cancelled, or the disk cannot take it. The bytes that arrived are kept,
/// unless they are wrong.
pub fn download(
    folder: &Folder,
    request: &DownloadRequest,
    options: &Options,
    on_progress: &mut dyn FnMut(&Progress),
    cancel: &Cancel,
) -> Result<Downloaded, DownloadError> {
    let mut meter = Meter::new(on_progress, Stage::Checking);
    let downloaded = install(folder, request, options, &mut meter, cancel)?;
    let Downloaded { model, newly_pinned } = downloaded;
    let model = match folder.trim_with_progress(&model.id, &mut meter, cancel) {
        Err(error @ FolderError::Damaged(_)) => return Err(error.into()),
        trimmed => trimmed.unwrap_or(model),
    };
    Ok(Downloaded { model, newly_pinned })
}

/// [`download()`] without trimming.
fn install(
    folder: &Folder,
    request: &DownloadRequest,
    options: &Options,
    meter: &mut Meter<'_>,
    cancel: &Cancel,
) -> Result<Downloaded, DownloadError> {
    let hosts = hosts(request, options)?;
    let pin = folder.pin(&request.file_name);
    let newly_pinned = (request.sha256.is_none() || request.byte_size.is_none()) && pin.is_none();
    let expected = Expected {
        byte_size: request.byte_size.or(pin.map(|pin| pin.byte_size)),
        sha256: request.sha256.or(pin.map(|pin| pin.sha256)),
    };
    match folder.sidecar(&request.id) {
        Ok(installed) if expected.sha256.is_some_and(|sha256| sha256 != installed.sha256) => {
            return Err(DownloadError::OtherContent(request.id.clone()));
        }
        // If its file is missing or has changed, it is downloaded again.
        Ok(_) => {
            if let Ok(model) = folder.current(&request.id) {
                return Ok(Downloaded { model, newly_pinned: false });
            }
        }
        Err(_) => {}
    }
    if let Some(model) = adopt(folder, request, expected, meter, cancel)? {
        return Ok(Downloaded { model, newly_pinned: false });
    }
    let partial = PartialFile::open(folder, &request.file_name, expected, meter, cancel)?;
    let mut attempts =
        Attempts { folder, request, options, cancel, newly_pinned, partial, hosts, wrong_contents: 0 };
    let result = attempts.all_rounds(meter);
    if result.is_err() {
        attempts.partial.remove_if_empty();
    }
    result
}

/// Size and hash that the file must have, as far as they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Expected {
    byte_size: Option<u64>,
    sha256: Option<Sha256>,
}

/// The hosts to try, in order: the mirror, then those of the catalogue.
fn hosts(request: &DownloadRequest, options: &Options) -> Result<Vec<Host>, DownloadError> {
    let mut bases = request.hosts.clone();
    if let Some(mirror) = &options.mirror {
        let mirror =
            catalogue::checked_host(mirror.clone()).map_err(|_| DownloadError::Mirror(mirror.clone()))?;
        bases.retain(|base| *base != mirror);
        bases.insert(0, mirror);
    }
    if bases.is_empty() {
        return Err(DownloadError::NoHost);
    }
    let host = |base: String| {
        let address = format!("{base}/{}", request.path);
        Host { name: http::host_name(&address), address, excluded: false, error: None }
    };
    Ok(bases.into_iter().map(host).collect())
}

/// Installs a file that the user copied into the folder, if it has the requested content (trimmed or not). Such a file
/// is never replaced.
fn adopt(
    folder: &Folder,
    request: &DownloadRequest,
    expected: Expected,
    meter: &mut Meter<'_>,
    cancel: &Cancel,
) -> Result<Option<Installed>, DownloadError> {
    let file = folder.path().join(&request.file_name);
    if folder.has_sidecar(&request.id) || folder.has_resume_info(&request.file_name) || !file.exists() {
        return Ok(None);
    }
    let other = || DownloadError::OtherContent(request.id.clone());
    let header = header::read(&file).map_err(|_| other())?;
    let opened = fs::File::open(&file).map_err(disk_error)?;
    let modified_ns = opened.metadata().ok().and_then(|metadata| folder::modified_ns(&metadata));
    meter.begin(Stage::Checking, 0, Some(header.byte_size), None);
    let (byte_size, hashes) = encoder_context::hashes(opened, header.context.as_ref(), meter, cancel)
        .map_err(disk_error)?
        .ok_or(DownloadError::Cancelled)?;
    let sha256 = expected.sha256.filter(|sha256| hashes.matches_published(*sha256)).ok_or_else(other)?;
    let installed = Installed {
        file_sha256: hashes.as_is,
        ..describe(request, file, byte_size, sha256, modified_ns, header)
    };
    let lock = folder.lock().map_err(disk_error)?;
    folder.register(&lock, &installed).map_err(disk_error)?;
    Ok(Some(installed))
}

/// The sidecar's content for a file that is as published.
fn describe(
    request: &DownloadRequest,
    file: PathBuf,
    byte_size: u64,
    sha256: Sha256,
    modified_ns: Option<u64>,
    header: Header,
) -> Installed {
    Installed {
        id: request.id.clone(),
        file,
        linked: false,
        byte_size,
        sha256,
        file_sha256: sha256,
        context_s: header.context_s(),
        architecture: header.architecture,
        variant: header.variant,
        slug: request.slug.clone(),
        source: Source::Catalogue,
        added_at: Utc::now(),
        facts: None,
        modified_ns,
    }
}
