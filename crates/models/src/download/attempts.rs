//! The attempts of one download: hosts in turn, in rounds, until the file is complete and installed.

use super::error::{AttemptError, DownloadError, HostError, disk_error};
use super::http::{self, Http, Request};
use super::partial::PartialFile;
use super::{Downloaded, Host, Options, describe};
use crate::cancel::Cancel;
use crate::catalogue::DownloadRequest;
use crate::disk;
use crate::folder::{Folder, Pin};
use crate::header::{self, HeaderError};
use crate::progress::{Meter, Stage};
use std::fs;
use std::io;
use std::time::Duration;

/// Fewer new bytes than this in a round do not count as progress.
const MIN_ROUND_PROGRESS: u64 = 64 << 10;
/// Upper bound for a host that does not say how much it sends. No model is larger.
const MAX_MODEL_BYTES: u64 = 256 << 30;
/// Longest pause between two rounds.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// One download in progress.
pub(super) struct Attempts<'a> {
    pub(super) folder: &'a Folder,
    pub(super) request: &'a DownloadRequest,
    pub(super) options: &'a Options,
    pub(super) cancel: &'a Cancel,
    pub(super) newly_pinned: bool,
    pub(super) partial: PartialFile,
    pub(super) hosts: Vec<Host>,
    /// How many complete files had the wrong content.
    pub(super) wrong_contents: u32,
}

impl Attempts<'_> {
    /// Tries the hosts in rounds until the model is installed or there is nothing left to try.
    pub(super) fn all_rounds(&mut self, meter: &mut Meter<'_>) -> Result<Downloaded, DownloadError> {
        let http = Http::new(self.options);
        let agent = http.agent();
        let _hook = self.cancel.on_cancel(move || agent.shutdown());
        let mut furthest = self.partial.done();
        let mut idle_rounds = 0;
        loop {
            let mut progressed = false;
            for number in 0..self.hosts.len() {
                if self.hosts[number].excluded {
                    continue;
                }
                match self.attempt(&http, number, meter) {
                    Ok(downloaded) => return Ok(downloaded),
                    Err(_) if self.cancel.is_cancelled() => return Err(DownloadError::Cancelled),
                    Err(AttemptError::Fatal(error)) => return Err(error),
                    Err(AttemptError::Host(error)) => {
                        let host = &mut self.hosts[number];
                        tracing::debug!(host = host.name, %error, "attempt at a host failed");
                        host.excluded = error.is_final();
                        host.error = Some(error);
                    }
                }
                if self.partial.done() >= furthest.saturating_add(MIN_ROUND_PROGRESS) {
                    furthest = self.partial.done();
                    progressed = true;
                }
            }
            idle_rounds = if progressed { 0 } else { idle_rounds + 1 };
            if idle_rounds >= self.options.rounds.max(1) || self.hosts.iter().all(|host| host.excluded) {
                return Err(self.failure());
            }
            let doubled = 1_u32.checked_shl(idle_rounds.saturating_sub(1)).unwrap_or(u32::MAX);
            if self.cancel.wait(self.options.pause.saturating_mul(doubled).min(MAX_PAUSE)) {
                return Err(DownloadError::Cancelled);
            }
        }
    }

    /// The error of the download, from the last errors of all hosts.
    fn failure(&mut self) -> DownloadError {
        let reasons: Vec<(String, HostError)> =
            self.hosts.iter_mut().filter_map(|host| Some((host.name.clone(), host.error.take()?))).collect();
        let hosts = || reasons.iter().map(|(host, _)| host.clone()).collect();
        if reasons.iter().all(|(_, error)| matches!(error, HostError::NotThere)) {
            DownloadError::NotThere { hosts: hosts() }
        } else if reasons.iter().all(|(_, error)| matches!(error, HostError::Unreachable(_))) {
            DownloadError::Offline { hosts: hosts() }
        } else {
            DownloadError::Failed(reasons)
        }
    }

    /// Fetches the missing bytes from one host, and installs the model if the file is then complete and right.
    fn attempt(
        &mut self,
        http: &Http,
        number: usize,
        meter: &mut Meter<'_>,
    ) -> Result<Downloaded, AttemptError> {
        let host = &self.hosts[number];
        let (address, host) = (host.address.clone(), host.name.clone());
        if !self.partial.is_complete() {
            self.fetch(http, &address, &host, meter)?;
        }
        let expected = self.partial.expected();
        let size_fits = expected.byte_size.is_none_or(|size| size == self.partial.done());
        if !size_fits || expected.sha256.is_some_and(|sha256| sha256 != self.partial.sha256()) {
            self.partial.discard().map_err(disk_error)?;
            self.wrong_contents += 1;
            if self.wrong_contents >= 2 {
                return Err(DownloadError::WrongContent { host }.into());
            }
            // The next host is tried, which is this one again if there is no other.
            return Err(HostError::WrongContent.into());
        }
        Ok(self.install()?)
    }

    /// Requests the missing bytes from one host and appends them.
    fn fetch(
        &mut self,
        http: &Http,
        address: &str,
        host: &str,
        meter: &mut Meter<'_>,
    ) -> Result<(), AttemptError> {
        if self.partial.done() > 0 && !self.partial.can_resume_from(address) {
            self.partial.discard().map_err(disk_error)?;
        }
        let request =
            Request { address, from: self.partial.done(), validator: self.partial.validator(address) };
        meter.begin(Stage::Downloading, self.partial.done(), self.partial.expected().byte_size, Some(host));
        let response = http.get(&request)?;
        if response.from == 0 && self.partial.done() > 0 {
            self.partial.discard().map_err(disk_error)?;
            meter.begin(Stage::Downloading, 0, self.partial.expected().byte_size, Some(host));
        }
        if self.newly_pinned {
            let size = response.linked_size.or(response.total);
            if size.is_some_and(|size| size > MAX_MODEL_BYTES) {
                return Err(HostError::WrongSize.into());
            }
            self.partial.learn_expected(size, response.linked_hash);
        }
        let expected = self.partial.expected().byte_size;
        if let (Some(expected), Some(total)) = (expected, response.total)
            && expected != total
        {
            return Err(HostError::WrongSize.into());
        }
        meter.set_total(expected);
        let missing = expected.map(|size| size.saturating_sub(self.partial.done()));
        let free = disk::free_bytes(self.folder.path());
        if let (Some(needed), Some(free)) = (missing, free)
            && free < needed.saturating_add(disk::SPACE_LEFT)
        {
            return Err(DownloadError::NoSpace { needed, free }.into());
        }
        self.partial.record_source(address, response.validator.as_deref()).map_err(disk_error)?;
        self.receive(http, response, expected, meter)
    }

    /// Appends the body of a response. `expected` is the size of the whole file.
    fn receive(
        &mut self,
        http: &Http,
        mut response: http::Response,
        expected: Option<u64>,
        meter: &mut Meter<'_>,
    ) -> Result<(), AttemptError> {
        let mut buffer = vec![0; disk::CHUNK];
        loop {
            if self.cancel.is_cancelled() {
                self.partial.checkpoint().map_err(disk_error)?;
                return Err(DownloadError::Cancelled.into());
            }
            let count = match response.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.partial.checkpoint().map_err(disk_error)?;
                    return Err(http.read_error(error).into());
                }
            };
            if self.partial.done() + count as u64 > expected.unwrap_or(MAX_MODEL_BYTES).min(MAX_MODEL_BYTES) {
                self.partial.discard().map_err(disk_error)?;
                return Err(HostError::WrongSize.into());
            }
            self.partial.append(&buffer[..count]).map_err(disk_error)?;
            meter.set_done(self.partial.done());
        }
        if expected.is_some_and(|size| self.partial.done() < size) {
            self.partial.checkpoint().map_err(disk_error)?;
            return Err(HostError::Broke(io::ErrorKind::UnexpectedEof.into()).into());
        }
        Ok(())
    }

    /// Gives the file its final name and writes its sidecar.
    fn install(&mut self) -> Result<Downloaded, DownloadError> {
        let header = match header::read(self.partial.path()) {
            Ok(header) => header,
            Err(HeaderError::Io(error)) => return Err(disk_error(error)),
            Err(error) => {
                self.partial.discard().map_err(disk_error)?;
                return Err(DownloadError::NotAModel(error));
            }
        };
        self.partial.sync().map_err(disk_error)?;
        let (byte_size, sha256) = (self.partial.done(), self.partial.sha256());
        let file = self.folder.path().join(&self.request.file_name);
        let lock = self.folder.lock().map_err(disk_error)?;
        // Another file of this name may have been imported, or copied there, meanwhile.
        let name_taken = match self.folder.sidecar(&self.request.id) {
            Ok(installed) => installed.sha256 != sha256,
            Err(_) => file.exists() && !self.folder.has_sidecar(&self.request.id),
        };
        if name_taken {
            return Err(DownloadError::OtherContent(self.request.id.clone()));
        }
        let installed = describe(self.request, file, byte_size, sha256, self.partial.modified_ns(), header);
        let finish = || {
            fs::rename(self.partial.path(), &installed.file)?;
            disk::sync_folder(self.folder.path())?;
            if self.newly_pinned {
                self.folder.set_pin(&lock, &self.request.file_name, Pin { byte_size, sha256 })?;
            }
            self.folder.register(&lock, &installed)?;
            // Removed last: while there is no sidecar, it shows that the file is from a download.
            fs::remove_file(self.partial.resume_info_path())
        };
        finish().map_err(disk_error)?;
        Ok(Downloaded { model: installed, newly_pinned: self.newly_pinned })
    }
}
