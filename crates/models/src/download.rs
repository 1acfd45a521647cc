//! A model of the catalogue becomes an installed one.
//!
//! Bytes are appended to `<file>.part`, which is locked meanwhile, and `<file>.part.json` notes where they came from.
//! Whatever stops it, a later download goes on from there: what is there is hashed again, and the rest is asked for.
//! Hosts are tried in turn, in rounds with a pause between them, until the file is whole, all say no, or no bytes have
//! come for some rounds. Only what has the right size and hash and is a model gets its final name. It is trimmed after
//! that ([`Folder::trim`]).
//!
//! Redirects are followed by hand: the hub's own answer says what it redirects to
//! (`x-linked-size`, `x-linked-etag`), and nothing may lead from https to http. Leaves out which model to take.

mod http;
mod part;

use crate::catalogue::{self, Wanted};
use crate::context;
use crate::control::{Cancel, Meter, Progress, Stage};
use crate::disk;
use crate::folder::{self, Folder, FolderError, Installed, Pin, Source};
use crate::header::{self, Header, HeaderError};
use crate::identity::{ModelId, Sha256};
use chrono::Utc;
use http::{Ask, Http};
use part::Part;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Fewer new bytes than this do not count as getting on.
const GETTING_ON: u64 = 64 << 10;
/// No model is larger; a host that does not say how much it sends is not believed for ever.
const LARGEST: u64 = 256 << 30;
/// The pause between two rounds grows up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How to download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// A base that is tried before the hosts of the catalogue, such as `https://models.example.org`.
    pub mirror: Option<String>,
    /// A host that sends nothing for so long is left for the next one.
    pub stall: Duration,
    /// So many rounds through all hosts without new bytes, then it is given up.
    pub rounds: u32,
    /// The pause after the first such round; it doubles with each.
    pub pause: Duration,
    /// Whether `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are heeded.
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

/// A download that ended well.
#[derive(Debug, Clone, PartialEq)]
pub struct Downloaded {
    /// The model.
    pub model: Installed,
    /// Whether size or hash were not known before, but taken from the hub; they are kept and hold from now on.
    pub first_seen: bool,
}

/// What one host did instead of sending the file: a clause that makes sense after its name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Setback {
    /// 404 or 410.
    #[error("does not have it")]
    NotThere,
    /// 401, 403 and others of their kind.
    #[error("refuses to give it (code {0})")]
    Refused(u16),
    /// 5xx, 408, 429 and what should not happen.
    #[error("cannot give it at the moment (code {0})")]
    Unable(u16),
    /// A page to log in to a network, or an error dressed as success.
    #[error("sent a web page instead: the network may want you to sign in")]
    WebPage,
    /// No address, no route, no answer; also through a proxy.
    #[error("could not be reached")]
    Unreachable(#[source] io::Error),
    /// No certificate that this computer trusts.
    #[error(
        "could not prove who it is: look at the date of this computer, and at the certificates of your proxy"
    )]
    Untrusted(#[source] io::Error),
    /// In circles, or too long a chain.
    #[error("redirected too many times")]
    RedirectLoop,
    /// From https to http, or to something that is no address.
    #[error("redirected to an address that is not safe")]
    RedirectUnsafe,
    /// No byte for so many seconds.
    #[error("sent nothing for {0} s")]
    Stalled(u64),
    /// It ended before the file was whole.
    #[error("broke off")]
    Broke(#[source] io::Error),
    /// A part of the file other than the one asked for.
    #[error("sent another part of it than was asked for")]
    WrongRange,
    /// Another size than that of the catalogue, announced or sent.
    #[error("has a file of another size")]
    WrongSize,
    /// Another hash.
    #[error("sent other content than expected")]
    WrongContent,
}

impl Setback {
    /// Whether asking the same host again is of no use.
    fn is_final(&self) -> bool {
        matches!(
            self,
            Self::NotThere
                | Self::Refused(_)
                | Self::WebPage
                | Self::RedirectLoop
                | Self::RedirectUnsafe
                | Self::WrongSize
        )
    }
}

/// Why a model was not downloaded. Each is a clause that makes sense after the model's name and a colon.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// Another process, or another thread of this one, is at it.
    #[error("it is already being downloaded by another MeetMemo")]
    Elsewhere,
    /// It was stopped; what is there is kept.
    #[error("the download was cancelled")]
    Cancelled,
    /// The mirror of the settings is none.
    #[error("the mirror “{0}” is not an address: it begins with https:// or http:// and a name")]
    Mirror(String),
    /// It is named in no catalogue.
    #[error("no host is known that has it")]
    NoHost,
    /// Another model has the name.
    #[error("another model is installed as “{0}”: remove that one first")]
    OtherContent(ModelId),
    /// There is not enough space for it.
    #[error(
        "there is not enough space: {} are needed, {} are free", header::size(*.needed), header::size(*.free)
    )]
    NoSpace {
        /// Bytes.
        needed: u64,
        /// Bytes.
        free: u64,
    },
    /// The disk became full; what is there is kept.
    #[error("the disk of the models folder became full: make space, and the download goes on where it was")]
    DiskFull(#[source] io::Error),
    /// No host could be reached.
    #[error("no host could be reached: check the network, or set a proxy or a mirror. What is there is kept")]
    Offline {
        /// The hosts.
        hosts: Vec<String>,
    },
    /// No host has it.
    #[error("{} not have it any more: the catalogue may be out of date, or the mirror incomplete", does(.hosts))]
    NotThere {
        /// The hosts.
        hosts: Vec<String>,
    },
    /// The content was wrong twice. Nothing of it is kept.
    #[error(
        "what came from {host} is not the file that is expected, and neither was what came before: a proxy may change \
         what it passes on, or the hub has another file now. Nothing of it was kept"
    )]
    WrongContent {
        /// The last host.
        host: String,
    },
    /// The content is as expected, or nobody knows what is to be expected, and it is no model. Nothing of it is kept.
    #[error("what came is not a speech model: {0}")]
    NotAModel(#[source] HeaderError),
    /// Anything else, for each host.
    #[error("it could not be downloaded: {}. What is there is kept: try again later", reasons(.0))]
    Failed(Vec<(String, Setback)>),
    /// The models folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

fn does(hosts: &[String]) -> String {
    match hosts {
        [host] => format!("{host} does"),
        hosts => format!("{} do", hosts.join(" and ")),
    }
}

fn reasons(reasons: &[(String, Setback)]) -> String {
    let clauses: Vec<String> = reasons.iter().map(|(host, setback)| format!("{host} {setback}")).collect();
    clauses.join("; ")
}

/// What ends an attempt at one host.
enum Stop {
    /// The next host may do better.
    Setback(Setback),
    /// No host can help.
    Fatal(DownloadError),
}

impl From<Setback> for Stop {
    fn from(setback: Setback) -> Self {
        Self::Setback(setback)
    }
}

impl From<DownloadError> for Stop {
    fn from(error: DownloadError) -> Self {
        Self::Fatal(error)
    }
}

fn disk_error(error: io::Error) -> DownloadError {
    if disk::is_full(&error) { DownloadError::DiskFull(error) } else { DownloadError::Folder(error.into()) }
}

/// One place to get it from.
struct Place {
    address: String,
    host: String,
    /// Given up for good.
    closed: bool,
    setback: Option<Setback>,
}

/// Downloads a file into the models folder, going on where an earlier download was stopped. If it is installed
/// already, that is the answer. In both cases it is trimmed, if it can be; a cancel then leaves it as it came.
///
/// # Errors
/// If no host gives it, it was cancelled, or the disk cannot take it. What is there is kept, unless it is wrong.
pub fn download(
    folder: &Folder,
    wanted: &Wanted,
    options: &Options,
    on_progress: &mut dyn FnMut(&Progress),
    cancel: &Cancel,
) -> Result<Downloaded, DownloadError> {
    let mut meter = Meter::new(on_progress, Stage::Checking);
    let downloaded = install(folder, wanted, options, &mut meter, cancel)?;
    let Downloaded { model, first_seen } = downloaded;
    let model = match folder.trim_telling(&model.id, &mut meter, cancel) {
        Err(error @ FolderError::Damaged(_)) => return Err(error.into()),
        trimmed => trimmed.unwrap_or(model),
    };
    Ok(Downloaded { model, first_seen })
}

/// The same, and leaves the model as it was published.
fn install(
    folder: &Folder,
    wanted: &Wanted,
    options: &Options,
    meter: &mut Meter<'_>,
    cancel: &Cancel,
) -> Result<Downloaded, DownloadError> {
    let places = places(wanted, options)?;
    let pin = folder.pin(&wanted.file_name);
    let first_seen = (wanted.sha256.is_none() || wanted.byte_size.is_none()) && pin.is_none();
    let expected = Expected {
        byte_size: wanted.byte_size.or(pin.map(|pin| pin.byte_size)),
        sha256: wanted.sha256.or(pin.map(|pin| pin.sha256)),
    };
    match folder.sidecar(&wanted.id) {
        Ok(installed) if expected.sha256.is_some_and(|sha256| sha256 != installed.sha256) => {
            return Err(DownloadError::OtherContent(wanted.id.clone()));
        }
        // If its file is gone or altered it is downloaded once more.
        Ok(_) => {
            if let Ok(model) = folder.current(&wanted.id) {
                return Ok(Downloaded { model, first_seen: false });
            }
        }
        Err(_) => {}
    }
    if let Some(model) = adopt(folder, wanted, expected, meter, cancel)? {
        return Ok(Downloaded { model, first_seen: false });
    }
    let part = Part::open(folder, &wanted.file_name, expected, meter, cancel)?;
    let mut run = Run { folder, wanted, options, cancel, first_seen, part, places, wrong: 0 };
    let result = run.all_rounds(meter);
    if result.is_err() {
        run.part.leave();
    }
    result
}

/// What the file has to be, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Expected {
    byte_size: Option<u64>,
    sha256: Option<Sha256>,
}

fn places(wanted: &Wanted, options: &Options) -> Result<Vec<Place>, DownloadError> {
    let mut bases = wanted.hosts.clone();
    if let Some(mirror) = &options.mirror {
        let mirror =
            catalogue::checked_host(mirror.clone()).map_err(|_| DownloadError::Mirror(mirror.clone()))?;
        bases.retain(|base| *base != mirror);
        bases.insert(0, mirror);
    }
    if bases.is_empty() {
        return Err(DownloadError::NoHost);
    }
    let place = |base: String| {
        let address = format!("{base}/{}", wanted.path);
        Place { host: http::host(&address), address, closed: false, setback: None }
    };
    Ok(bases.into_iter().map(place).collect())
}

/// Installs a file that the user copied into the folder, if it has the wanted content (trimmed or not). Never replaces
/// such a file.
fn adopt(
    folder: &Folder,
    wanted: &Wanted,
    expected: Expected,
    meter: &mut Meter<'_>,
    cancel: &Cancel,
) -> Result<Option<Installed>, DownloadError> {
    let file = folder.path().join(&wanted.file_name);
    if folder.has_sidecar(&wanted.id) || folder.has_note(&wanted.file_name) || !file.exists() {
        return Ok(None);
    }
    let other = || DownloadError::OtherContent(wanted.id.clone());
    let header = header::read(&file).map_err(|_| other())?;
    let opened = fs::File::open(&file).map_err(disk_error)?;
    let modified_ns = opened.metadata().ok().and_then(|found| folder::modified_ns(&found));
    meter.begin(Stage::Checking, 0, Some(header.byte_size), None);
    let (byte_size, hashes) = context::hashes(opened, header.context.as_ref(), meter, cancel)
        .map_err(disk_error)?
        .ok_or(DownloadError::Cancelled)?;
    let sha256 = expected.sha256.filter(|sha256| hashes.fit(*sha256)).ok_or_else(other)?;
    let installed = Installed {
        file_sha256: hashes.as_is,
        ..describe(wanted, file, byte_size, sha256, modified_ns, header)
    };
    let held = folder.hold().map_err(disk_error)?;
    folder.register(&held, &installed).map_err(disk_error)?;
    Ok(Some(installed))
}

/// A file that is as it was published.
fn describe(
    wanted: &Wanted,
    file: PathBuf,
    byte_size: u64,
    sha256: Sha256,
    modified_ns: Option<u64>,
    header: Header,
) -> Installed {
    Installed {
        id: wanted.id.clone(),
        file,
        linked: false,
        byte_size,
        sha256,
        file_sha256: sha256,
        context_s: header.context_s(),
        architecture: header.architecture,
        variant: header.variant,
        slug: wanted.slug.clone(),
        source: Source::Catalogue,
        added_at: Utc::now(),
        facts: None,
        modified_ns,
    }
}

struct Run<'a> {
    folder: &'a Folder,
    wanted: &'a Wanted,
    options: &'a Options,
    cancel: &'a Cancel,
    first_seen: bool,
    part: Part,
    places: Vec<Place>,
    /// How often the content was wrong.
    wrong: u32,
}

impl Run<'_> {
    fn all_rounds(&mut self, meter: &mut Meter<'_>) -> Result<Downloaded, DownloadError> {
        let http = Http::new(self.options);
        let agent = http.agent();
        let _hook = self.cancel.on_cancel(move || agent.shutdown());
        let mut furthest = self.part.done();
        let mut idle_rounds = 0;
        loop {
            let mut got_on = false;
            for number in 0..self.places.len() {
                if self.places[number].closed {
                    continue;
                }
                match self.attempt(&http, number, meter) {
                    Ok(downloaded) => return Ok(downloaded),
                    Err(_) if self.cancel.is_cancelled() => return Err(DownloadError::Cancelled),
                    Err(Stop::Fatal(error)) => return Err(error),
                    Err(Stop::Setback(setback)) => {
                        let place = &mut self.places[number];
                        tracing::debug!(host = place.host, setback = %setback, "host left");
                        place.closed = setback.is_final();
                        place.setback = Some(setback);
                    }
                }
                if self.part.done() >= furthest.saturating_add(GETTING_ON) {
                    furthest = self.part.done();
                    got_on = true;
                }
            }
            idle_rounds = if got_on { 0 } else { idle_rounds + 1 };
            if idle_rounds >= self.options.rounds.max(1) || self.places.iter().all(|place| place.closed) {
                return Err(self.failure());
            }
            let doubled = 1_u32.checked_shl(idle_rounds.saturating_sub(1)).unwrap_or(u32::MAX);
            if self.cancel.wait(self.options.pause.saturating_mul(doubled).min(LONGEST_PAUSE)) {
                return Err(DownloadError::Cancelled);
            }
        }
    }

    /// The sentence for what all hosts did.
    fn failure(&mut self) -> DownloadError {
        let reasons: Vec<(String, Setback)> = self
            .places
            .iter_mut()
            .filter_map(|place| Some((place.host.clone(), place.setback.take()?)))
            .collect();
        let hosts = || reasons.iter().map(|(host, _)| host.clone()).collect();
        if reasons.iter().all(|(_, setback)| matches!(setback, Setback::NotThere)) {
            DownloadError::NotThere { hosts: hosts() }
        } else if reasons.iter().all(|(_, setback)| matches!(setback, Setback::Unreachable(_))) {
            DownloadError::Offline { hosts: hosts() }
        } else {
            DownloadError::Failed(reasons)
        }
    }

    /// Gets what is missing from one host, and if that is all, installs it.
    fn attempt(&mut self, http: &Http, number: usize, meter: &mut Meter<'_>) -> Result<Downloaded, Stop> {
        let place = &self.places[number];
        let (address, host) = (place.address.clone(), place.host.clone());
        if !self.part.is_whole() {
            self.fetch(http, &address, &host, meter)?;
        }
        let expected = self.part.expected();
        let size_fits = expected.byte_size.is_none_or(|size| size == self.part.done());
        if !size_fits || expected.sha256.is_some_and(|sha256| sha256 != self.part.sha256()) {
            self.part.discard().map_err(disk_error)?;
            self.wrong += 1;
            if self.wrong >= 2 {
                return Err(DownloadError::WrongContent { host }.into());
            }
            // The next host, which is this one again if there is no other.
            return Err(Setback::WrongContent.into());
        }
        Ok(self.install()?)
    }

    /// Appends what one host sends, up to the end of the file.
    fn fetch(&mut self, http: &Http, address: &str, host: &str, meter: &mut Meter<'_>) -> Result<(), Stop> {
        if self.part.done() > 0 && !self.part.can_go_on_with(address) {
            self.part.discard().map_err(disk_error)?;
        }
        let ask = Ask { address, from: self.part.done(), validator: self.part.validator(address) };
        meter.begin(Stage::Downloading, self.part.done(), self.part.expected().byte_size, Some(host));
        let answer = http.ask(&ask)?;
        if answer.from == 0 && self.part.done() > 0 {
            self.part.discard().map_err(disk_error)?;
            meter.begin(Stage::Downloading, 0, self.part.expected().byte_size, Some(host));
        }
        if self.first_seen {
            let size = answer.linked_size.or(answer.total);
            if size.is_some_and(|size| size > LARGEST) {
                return Err(Setback::WrongSize.into());
            }
            self.part.learn(size, answer.linked_hash);
        }
        let expected = self.part.expected().byte_size;
        if let (Some(expected), Some(total)) = (expected, answer.total)
            && expected != total
        {
            return Err(Setback::WrongSize.into());
        }
        meter.expect(expected);
        let missing = expected.map(|size| size.saturating_sub(self.part.done()));
        let free = disk::free_bytes(self.folder.path());
        if let (Some(needed), Some(free)) = (missing, free)
            && free < needed.saturating_add(disk::SPACE_LEFT)
        {
            return Err(DownloadError::NoSpace { needed, free }.into());
        }
        self.part.note(address, answer.validator.as_deref()).map_err(disk_error)?;
        self.receive(http, answer, expected, meter)
    }

    fn receive(
        &mut self,
        http: &Http,
        mut answer: http::Answer,
        expected: Option<u64>,
        meter: &mut Meter<'_>,
    ) -> Result<(), Stop> {
        let mut buffer = vec![0; disk::CHUNK];
        loop {
            if self.cancel.is_cancelled() {
                self.part.keep().map_err(disk_error)?;
                return Err(DownloadError::Cancelled.into());
            }
            let count = match answer.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.part.keep().map_err(disk_error)?;
                    return Err(http.setback_of_reading(error).into());
                }
            };
            if self.part.done() + count as u64 > expected.unwrap_or(LARGEST).min(LARGEST) {
                self.part.discard().map_err(disk_error)?;
                return Err(Setback::WrongSize.into());
            }
            self.part.append(&buffer[..count]).map_err(disk_error)?;
            meter.at(self.part.done());
        }
        if expected.is_some_and(|size| self.part.done() < size) {
            self.part.keep().map_err(disk_error)?;
            return Err(Setback::Broke(io::ErrorKind::UnexpectedEof.into()).into());
        }
        Ok(())
    }

    /// Gives the file its final name and writes its sidecar.
    fn install(&mut self) -> Result<Downloaded, DownloadError> {
        let header = match header::read(self.part.path()) {
            Ok(header) => header,
            Err(HeaderError::Io(error)) => return Err(disk_error(error)),
            Err(error) => {
                self.part.discard().map_err(disk_error)?;
                return Err(DownloadError::NotAModel(error));
            }
        };
        self.part.sync().map_err(disk_error)?;
        let (byte_size, sha256) = (self.part.done(), self.part.sha256());
        let file = self.folder.path().join(&self.wanted.file_name);
        let held = self.folder.hold().map_err(disk_error)?;
        // Somebody may have imported or put there another one meanwhile.
        let in_the_way = match self.folder.sidecar(&self.wanted.id) {
            Ok(installed) => installed.sha256 != sha256,
            Err(_) => file.exists() && !self.folder.has_sidecar(&self.wanted.id),
        };
        if in_the_way {
            return Err(DownloadError::OtherContent(self.wanted.id.clone()));
        }
        let installed = describe(self.wanted, file, byte_size, sha256, self.part.modified_ns(), header);
        let place = || {
            fs::rename(self.part.path(), &installed.file)?;
            disk::sync_folder(self.folder.path())?;
            if self.first_seen {
                self.folder.set_pin(&held, &self.wanted.file_name, Pin { byte_size, sha256 })?;
            }
            self.folder.register(&held, &installed)?;
            // Last, because it says whose the file is while there is no sidecar.
            fs::remove_file(self.part.note_path())
        };
        place().map_err(disk_error)?;
        Ok(Downloaded { model: installed, first_seen: self.first_seen })
    }
}
