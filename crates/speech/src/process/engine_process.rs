//! One engine process as the program sees it: a child process with one thread per pipe, so that the program never
//! blocks on a process that does not read its input or does not write.

use super::engine_pool::EnginePool;
use super::protocol::{self, Reply, Request};
use crate::SpeechError;
use crate::windows::Window;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;

/// How to start an engine process: usually our own executable with the name of the hidden mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineCommand {
    /// The program.
    pub program: PathBuf,
    /// The arguments that make it call [`super::serve`].
    pub arguments: Vec<OsString>,
}

impl EngineCommand {
    pub(super) fn spawn(&self) -> Result<Child, SpeechError> {
        let mut command = Command::new(&self.program);
        for (name, _) in env::vars_os().filter(|(name, _)| is_secret(name)) {
            command.env_remove(name);
        }
        command
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| self.not_started(source))
    }

    pub(super) fn not_started(&self, source: io::Error) -> SpeechError {
        SpeechError::NotStarted { program: self.program.clone(), source }
    }
}

/// Whether an environment variable of this name may hold the address of a database, a password or another secret. Engine
/// processes run code of models and native libraries and get none.
fn is_secret(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_uppercase();
    let parts = ["DATABASE", "PASSWORD", "PASSPHRASE", "SECRET", "TOKEN", "API_KEY"];
    name.starts_with("PG") || parts.iter().any(|part| name.contains(part))
}

/// An event that a session's thread waits for.
#[derive(Debug)]
pub(super) enum Signal {
    /// Engine process number `process` sent a reply.
    Reply { process: u64, reply: Reply },
    /// No more replies come from this process: it has ended, or (`garbled`) sent malformed data.
    Ended { process: u64, garbled: bool },
    /// The work has been cancelled.
    Stop,
}

/// A message to an engine process.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) request: Request,
    /// The window whose samples are sent with the request.
    pub(super) window: Option<Arc<Window>>,
}

#[derive(Debug)]
pub(super) struct EngineProcess {
    /// Distinguishes the signals of this process from those of earlier ones in the same session.
    pub(super) number: u64,
    child: Child,
    /// `None` once the process's input is closed.
    messages: Option<mpsc::Sender<Message>>,
}

/// Stack size in bytes of a thread that copies bytes and parses small JSON.
pub(super) const STACK: usize = 256 * 1024;

impl EngineProcess {
    /// Starts an engine process through `pool`, which reports to `signals`.
    pub(super) fn start(
        pool: &EnginePool,
        command: &EngineCommand,
        number: u64,
        signals: &mpsc::Sender<Signal>,
    ) -> Result<Self, SpeechError> {
        let mut child = pool.spawn(command)?;
        let (messages, outgoing) = mpsc::channel();
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut process = Self { number, child, messages: Some(messages) };
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            unreachable!("all three pipes were requested");
        };
        let signals = signals.clone();
        let threads = thread("engine-requests", move || write_messages(&outgoing, stdin))
            .and_then(|()| thread("engine-replies", move || read_replies(number, stdout, &signals)))
            .and_then(|()| thread("engine-log", move || log_stderr(number, stderr)));
        match threads {
            Ok(()) => Ok(process),
            Err(source) => {
                process.kill();
                Err(command.not_started(source))
            }
        }
    }

    /// Queues a message without waiting. If it cannot be delivered, a [`Signal::Ended`] follows.
    pub(super) fn send(&self, message: Message) {
        if let Some(messages) = &self.messages {
            // Fails only if the pipe is broken.
            let _ = messages.send(message);
        }
    }

    /// Closes the process's input, at which it ends by itself.
    pub(super) fn close_input(&mut self) {
        self.messages = None;
    }

    /// Kills the process. Its threads end with its pipes.
    pub(super) fn kill(&mut self) {
        self.messages = None;
        // Both fail only if the process has ended and has been waited for already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for EngineProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).stack_size(STACK).spawn(work).map(drop)
}

fn write_messages(messages: &mpsc::Receiver<Message>, stdin: impl Write) {
    let mut stdin = BufWriter::with_capacity(4096, stdin);
    while let Ok(Message { request, window }) = messages.recv() {
        let samples = window.as_ref().map_or(&[][..], |window| &window.samples);
        if protocol::write(&mut stdin, &request, samples).is_err() {
            return;
        }
    }
}

fn read_replies(process: u64, stdout: impl Read, signals: &mpsc::Sender<Signal>) {
    let mut stdout = BufReader::new(stdout);
    let garbled = loop {
        match protocol::read(&mut stdout) {
            Ok(Some((reply, _))) => {
                if signals.send(Signal::Reply { process, reply }).is_err() {
                    return;
                }
            }
            Ok(None) | Err(protocol::ReadError::Io(_)) => break false,
            Err(protocol::ReadError::Garbled) => break true,
        }
    };
    let _ = signals.send(Signal::Ended { process, garbled });
}

/// Copies the process's standard error to the log.
fn log_stderr(process: u64, stderr: impl Read) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    while (&mut stderr).take(4096).read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
        tracing::debug!(process, line = %String::from_utf8_lossy(&line).trim_end(), "engine process");
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_with_secrets_are_told_from_others() {
        for name in [
            "DATABASE_URL",
            "MEETMEMO_DATABASE_URL",
            "MEETMEMO_DATABASE_PASSWORD_FILE",
            "MEETMEMO_BACKUP_PASSPHRASE_FILE",
            "PGPASSWORD",
            "PGPASSFILE",
            "pgservice",
            "GITHUB_TOKEN",
        ] {
            assert!(is_secret(OsStr::new(name)), "{name}");
        }
        for name in ["PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "MEETMEMO_ENGINE_FAULT", "MEETMEMO_DEVICE"] {
            assert!(!is_secret(OsStr::new(name)), "{name}");
        }
    }
}
