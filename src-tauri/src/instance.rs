//! One window per data folder. A second start hands over its files and goes.
//!
//! `window.lock` in the data folder is held while a window lives; the kernel frees it however that ends. Beside the lock
//! a socket takes what later starts were given. No D-Bus: a machine without a session bus has one window too.

use anyhow::{Context, Result};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A message longer than this is not from us.
const LONGEST_MESSAGE: u64 = 16 << 20;
/// How long the first window has to answer. It may be busy starting.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a start of the program was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// Files and folders to import, absolute. May be empty: then the window only comes to the front.
    pub(crate) paths: Vec<PathBuf>,
}

impl Request {
    /// Each path with a zero behind it: a path has none inside, and need not be Unicode.
    fn to_bytes(&self) -> Vec<u8> {
        self.paths.iter().flat_map(|path| path.as_os_str().as_bytes().iter().copied().chain([0])).collect()
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let paths = bytes.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Self { paths: paths.map(|path| OsString::from_vec(path.to_vec()).into()).collect() }
    }
}

/// The right to show the window of a data folder.
#[derive(Debug)]
pub(crate) struct Instance {
    listener: UnixListener,
    _lock: File,
}

/// Which start this is.
#[derive(Debug)]
pub(crate) enum Start {
    /// There was no window.
    First(Instance),
    /// There is one, and it has been told.
    HandedOver,
}

/// Takes the right to the window of `data_folder`, or hands `request` to who has it.
///
/// # Errors
/// Where the folder cannot be used, or the window that has it does not answer.
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
                "MeetMemo is open already with the data folder {}, but does not answer. End it, then start again",
                data_folder.display()
            )
        })?;
        return Ok(Start::HandedOver);
    }
    let (_folder, address) = reachable(data_folder)?;
    match fs::remove_file(&address) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let listener = UnixListener::bind(&address)?;
    fs::set_permissions(data_folder.join(SOCKET), fs::Permissions::from_mode(0o600))?;
    Ok(Start::First(Instance { listener, _lock: lock }))
}

const SOCKET: &str = "window.socket";

/// An address of the socket that is short enough for the kernel (108 bytes), however long the path of the data folder
/// is: through a descriptor of the folder, which has to stay open meanwhile.
fn reachable(data_folder: &Path) -> Result<(File, PathBuf)> {
    use std::os::fd::AsRawFd;
    let folder = File::open(data_folder)?;
    let address = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()));
    Ok((folder, address))
}

fn hand_over(data_folder: &Path, request: &Request) -> Result<()> {
    let (_folder, address) = reachable(data_folder)?;
    // The first window binds the socket just after it took the lock.
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
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&request.to_bytes())?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer)?;
    anyhow::ensure!(&answer == b"ok", "the answer was not understood");
    Ok(())
}

impl Instance {
    /// Listens on a thread of its own for later starts, for as long as the program runs.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub(crate) fn listen(self, on_request: impl Fn(Request) + Send + 'static) -> Result<()> {
        std::thread::Builder::new().name("later starts".to_owned()).spawn(move || {
            // All of it: a closure takes only the fields it names, and the lock would be gone.
            let instance = self;
            for stream in instance.listener.incoming().flatten() {
                match receive(stream) {
                    Ok(request) => on_request(request),
                    Err(error) => tracing::warn!(%error, "a later start was not understood"),
                }
            }
        })?;
        Ok(())
    }
}

fn receive(mut stream: UnixStream) -> Result<Request> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut text = Vec::new();
    Read::by_ref(&mut stream).take(LONGEST_MESSAGE).read_to_end(&mut text)?;
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
        // Longer than the address of a socket may be.
        let folder = dir.path().join("data folder ä".repeat(10));
        fs::create_dir(&folder).unwrap();
        let Start::First(first) = begin(&folder, &Request::default()).unwrap() else {
            panic!("nobody is there")
        };
        let (tell, told) = mpsc::channel();
        first.listen(move |request| tell.send(request).unwrap()).unwrap();
        let latin = OsString::from_vec(b"/M\xe4rz.wav".to_vec());
        let request = Request { paths: vec!["/a b/ü\n.wav".into(), latin.into()] };
        assert!(matches!(begin(&folder, &request).unwrap(), Start::HandedOver));
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), request);
    }

    #[test]
    fn what_a_killed_window_left_is_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        drop(begin(dir.path(), &Request::default()).unwrap());
        assert!(dir.path().join(SOCKET).exists());
        assert!(matches!(begin(dir.path(), &Request::default()).unwrap(), Start::First(_)));
    }
}
