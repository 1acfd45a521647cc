//! Ensures one window per data folder: a second start of the program hands its files to the running one and exits.
//!
//! The running program holds a lock on `window.lock` in the data folder; the kernel releases the lock however the
//! process ends. Beside it, the socket `window.socket` receives the paths given to later starts: absolute paths, each
//! followed by a zero byte, answered with `ok`. D-Bus is not used, so this works without a session bus.

use anyhow::{Context, Result};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest request that is read, in bytes.
const MAX_REQUEST_BYTES: u64 = 16 << 20;
/// How long the running program may take to answer. It may be busy starting.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// What a start of the program was asked to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// Absolute paths of files and folders to import. If empty, the window is only brought to the front.
    pub(crate) paths: Vec<PathBuf>,
}

impl Request {
    /// Each path followed by a zero byte, which no path contains. Paths need not be Unicode.
    fn to_bytes(&self) -> Vec<u8> {
        self.paths.iter().flat_map(|path| path.as_os_str().as_bytes().iter().copied().chain([0])).collect()
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let paths = bytes.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Self { paths: paths.map(|path| OsString::from_vec(path.to_vec()).into()).collect() }
    }
}

/// The exclusive right to show the window of a data folder.
#[derive(Debug)]
pub(crate) struct Instance {
    listener: UnixListener,
    _lock: File,
}

/// The result of [`begin`].
#[derive(Debug)]
pub(crate) enum Start {
    /// No other process shows the window.
    First(Instance),
    /// Another process shows the window and has accepted the request.
    HandedOver,
}

/// Acquires the right to the window of `data_folder`, or hands `request` to the process that has it.
///
/// # Errors
/// If the folder cannot be used, or the other process does not answer.
pub(crate) fn begin(data_folder: &Path, request: &Request) -> Result<Start> {
    let path = data_folder.join("window.lock");
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("{} could not be opened", path.display()))?;
    if lock.try_lock().is_err() {
        hand_over(data_folder, request).with_context(|| {
            format!(
                "MeetMemo is already open with the data folder {}, but does not answer. End it, then start it again",
                data_folder.display()
            )
        })?;
        return Ok(Start::HandedOver);
    }
    let (_folder, address) = socket_address(data_folder)?;
    match fs::remove_file(&address) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let listener = UnixListener::bind(&address)?;
    fs::set_permissions(data_folder.join(SOCKET), fs::Permissions::from_mode(0o600))?;
    Ok(Start::First(Instance { listener, _lock: lock }))
}

const SOCKET: &str = "window.socket";

/// The address of the socket, through a descriptor of the data folder: the kernel allows 108 bytes for an address, and
/// the path of the folder may be longer. The address is valid while the returned descriptor is open.
fn socket_address(data_folder: &Path) -> Result<(File, PathBuf)> {
    use std::os::fd::AsRawFd;
    let folder = File::open(data_folder)?;
    let address = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()));
    Ok((folder, address))
}

/// Sends `request` to the process that shows the window.
fn hand_over(data_folder: &Path, request: &Request) -> Result<()> {
    let (_folder, address) = socket_address(data_folder)?;
    // The other process may hold the lock but not have bound the socket yet.
    let mut tries = 0;
    let mut stream = loop {
        match UnixStream::connect(&address) {
            Ok(stream) => break stream,
            Err(_) if tries < 40 => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(error) => return Err(error.into()),
        }
    };
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
    stream.write_all(&request.to_bytes())?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer)?;
    anyhow::ensure!(&answer == b"ok", "the answer was not “ok”");
    Ok(())
}

impl Instance {
    /// Receives the requests of later starts on a thread of its own, until the program ends.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn listen(self, on_request: impl Fn(Request) + Send + 'static) -> Result<()> {
        std::thread::Builder::new().name("later starts".to_owned()).spawn(move || {
            // Moves the whole value: the closure would capture only the listener, and the lock would be dropped.
            let instance = self;
            for stream in instance.listener.incoming().flatten() {
                match receive(stream) {
                    Ok(request) => on_request(request),
                    Err(error) => tracing::warn!(%error, "the request of a later start could not be read"),
                }
            }
        })?;
        Ok(())
    }
}

fn receive(mut stream: UnixStream) -> Result<Request> {
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    let mut text = Vec::new();
    Read::by_ref(&mut stream).take(MAX_REQUEST_BYTES).read_to_end(&mut text)?;
    stream.write_all(b"ok")?;
    Ok(Request::from_bytes(&text))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_second_start_hands_its_files_to_the_first() {
        let dir = tempfile::tempdir().unwrap();
        // Longer than a socket address may be.
        let folder = dir.path().join("data folder ä".repeat(10));
        fs::create_dir(&folder).unwrap();
        let Start::First(first) = begin(&folder, &Request::default()).unwrap() else {
            panic!("no other process is running")
        };
        let (send, receive) = mpsc::channel();
        first.listen(move |request| send.send(request).unwrap()).unwrap();
        let latin = OsString::from_vec(b"/M\xe4rz.wav".to_vec());
        let request = Request { paths: vec!["/a b/ü\n.wav".into(), latin.into()] };
        assert!(matches!(begin(&folder, &request).unwrap(), Start::HandedOver));
        assert_eq!(receive.recv_timeout(ANSWER_TIMEOUT).unwrap(), request);
    }

    #[test]
    fn the_socket_of_a_killed_window_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        drop(begin(dir.path(), &Request::default()).unwrap());
        assert!(dir.path().join(SOCKET).exists());
        assert!(matches!(begin(dir.path(), &Request::default()).unwrap(), Start::First(_)));
    }
}
