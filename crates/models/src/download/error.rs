//! Errors of downloads: of one host, of an attempt, and of the whole download.

use crate::disk;
use crate::folder::FolderError;
use crate::header::{self, HeaderError};
use crate::identity::ModelId;
use std::io;

/// Why one host did not send the file. Each text is a clause to follow the host's name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// Status 404 or 410.
    #[error("does not have it")]
    NotThere,
    /// Another status of 400 to 499, such as 401 or 403.
    #[error("refuses to send it (status {0})")]
    Refused(u16),
    /// Status 408, 425, 429, 5xx, or an unexpected one.
    #[error("cannot send it at the moment (status {0})")]
    Unable(u16),
    /// An HTML page with status 200, such as the sign-in page of a network.
    #[error("sent a web page instead: the network may want you to sign in")]
    WebPage,
    /// No address, no route or no connection; also through a proxy.
    #[error("could not be reached")]
    Unreachable(#[source] io::Error),
    /// TLS failed, for example because this computer does not trust the certificate.
    #[error(
        "has no certificate that this computer trusts: check this computer's date, and the certificates of your proxy"
    )]
    Untrusted(#[source] io::Error),
    /// Redirects in a circle, or too many of them.
    #[error("redirected too many times")]
    RedirectLoop,
    /// Redirected from https to http, or to something that is not an HTTP address.
    #[error("redirected to an address that is not safe")]
    RedirectUnsafe,
    /// No byte for this many seconds.
    #[error("sent nothing for {0} s")]
    Stalled(u64),
    /// The connection ended before the file was complete.
    #[error("closed the connection too early")]
    Broke(#[source] io::Error),
    /// The range of the response is not the requested one.
    #[error("sent another part of it than requested")]
    WrongRange,
    /// The announced or sent size is not the expected one.
    #[error("has a file of another size")]
    WrongSize,
    /// The hash of the complete file is not the expected one.
    #[error("sent other content than expected")]
    WrongContent,
}

impl HostError {
    /// Whether asking the same host again is useless.
    pub(super) fn is_final(&self) -> bool {
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

/// Why a model was not downloaded. Each text is a clause to follow the model's name and a colon.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// Another process, or another thread of this one, is downloading it.
    #[error("it is already being downloaded by another MeetMemo")]
    Elsewhere,
    /// The download was cancelled. The bytes that arrived are kept.
    #[error("the download was cancelled")]
    Cancelled,
    /// The mirror in the settings is not a valid address.
    #[error("the mirror “{0}” is not an address: it must begin with https:// or http://, then a host name")]
    Mirror(String),
    /// The request names no host.
    #[error("no host is known that has it")]
    NoHost,
    /// A model with other content has the same id.
    #[error("another model is installed as “{0}”: remove that one first")]
    OtherContent(ModelId),
    /// The disk has too little space.
    #[error(
        "there is not enough space: {} are needed, {} are free", header::size(*.needed), header::size(*.free)
    )]
    NoSpace {
        /// Bytes still to download.
        needed: u64,
        /// Bytes free on the disk.
        free: u64,
    },
    /// The disk became full. The bytes that arrived are kept.
    #[error(
        "the disk of the models folder is full: free some space and try again; the download then continues"
    )]
    DiskFull(#[source] io::Error),
    /// No host could be reached.
    #[error(
        "no host could be reached: check the network, or set a proxy or a mirror. The part that arrived is kept"
    )]
    Offline {
        /// The hosts.
        hosts: Vec<String>,
    },
    /// No host has the file.
    #[error("{} not have it any more: the catalogue may be out of date, or the mirror incomplete", do_clause(.hosts))]
    NotThere {
        /// The hosts.
        hosts: Vec<String>,
    },
    /// Two complete files had the wrong hash. Nothing of them is kept.
    #[error(
        "what {host} sent is not the expected file, and neither was the download before: a proxy may change the \
         content, or the hub has another file now. Nothing of it was kept"
    )]
    WrongContent {
        /// The last host.
        host: String,
    },
    /// The complete file has the expected hash, or no hash is known, and it is not a speech model. It is not kept.
    #[error("the downloaded file is not a speech model: {0}")]
    NotAModel(#[source] HeaderError),
    /// Any other case: each host's name and error.
    #[error("it could not be downloaded: {}. The part that arrived is kept: try again later", reasons(.0))]
    Failed(Vec<(String, HostError)>),
    /// The models folder cannot be read or written.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

fn do_clause(hosts: &[String]) -> String {
    match hosts {
        [host] => format!("{host} does"),
        hosts => format!("{} do", hosts.join(" and ")),
    }
}

fn reasons(reasons: &[(String, HostError)]) -> String {
    let clauses: Vec<String> = reasons.iter().map(|(host, error)| format!("{host} {error}")).collect();
    clauses.join("; ")
}

/// Why an attempt at one host failed.
pub(super) enum AttemptError {
    /// The next host may succeed.
    Host(HostError),
    /// The whole download has failed.
    Fatal(DownloadError),
}

impl From<HostError> for AttemptError {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl From<DownloadError> for AttemptError {
    fn from(error: DownloadError) -> Self {
        Self::Fatal(error)
    }
}

pub(super) fn disk_error(error: io::Error) -> DownloadError {
    if disk::is_full(&error) { DownloadError::DiskFull(error) } else { DownloadError::Folder(error.into()) }
}
