//! One engine process as the program sees it: a child with a thread for each of its pipes, so that nobody waits for
//! a process that does not read or does not write.

use super::protocol::{self, Reply, Request};
use super::stable::Stable;
use crate::SpeechError;
use crate::windows::Window;
use std::ffi::OsString;
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
    /// What makes it call [`super::serve`].
    pub arguments: Vec<OsString>,
}

impl EngineCommand {
    pub(super) fn spawn(&self) -> Result<Child, SpeechError> {
        Command::new(&self.program)
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

/// What a decoder's thread waits for.
#[derive(Debug)]
pub(super) enum Signal {
    /// Engine process number `process` said something.
    Reply { process: u64, reply: Reply },
    /// It will say nothing any more: it has ended, or (`garbled`) speaks in tongues.
    Gone { process: u64, garbled: bool },
    /// The words are no longer wanted.
    Stop,
}

/// What is to be written to an engine process.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) request: Request,
    /// Whose samples go with it.
    pub(super) window: Option<Arc<Window>>,
}

#[derive(Debug)]
pub(super) struct EngineProcess {
    /// Tells the signals of this process from those of its predecessors.
    pub(super) number: u64,
    child: Child,
    /// `None` when it has been hung up.
    messages: Option<mpsc::Sender<Message>>,
}

/// Stack of a thread that copies bytes and parses small JSON.
pub(super) const STACK: usize = 256 * 1024;

impl EngineProcess {
    /// Starts an engine process in `stable` which reports to `signals`.
    pub(super) fn start(
        stable: &Stable,
        command: &EngineCommand,
        number: u64,
        signals: &mpsc::Sender<Signal>,
    ) -> Result<Self, SpeechError> {
        let mut child = stable.spawn(command)?;
        let (messages, outgoing) = mpsc::channel();
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut process = Self { number, child, messages: Some(messages) };
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            unreachable!("all three were asked for");
        };
        let signals = signals.clone();
        let threads = thread("engine-requests", move || send(&outgoing, stdin))
            .and_then(|()| thread("engine-replies", move || receive(number, stdout, &signals)))
            .and_then(|()| thread("engine-log", move || log(number, stderr)));
        match threads {
            Ok(()) => Ok(process),
            Err(source) => {
                process.kill();
                Err(command.not_started(source))
            }
        }
    }

    /// Gives it a message. Does not wait, and does not know whether it arrives: if not, there is a [`Signal::Gone`].
    pub(super) fn tell(&self, message: Message) {
        if let Some(messages) = &self.messages {
            // The other end is dropped only when the pipe is broken.
            let _ = messages.send(message);
        }
    }

    /// Ends its input, by which it ends itself.
    pub(super) fn hang_up(&mut self) {
        self.messages = None;
    }

    /// Ends it now. Its threads end with its pipes.
    pub(super) fn kill(&mut self) {
        self.messages = None;
        // Both fail only if it has ended and been waited for already.
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

fn send(messages: &mpsc::Receiver<Message>, stdin: impl Write) {
    let mut stdin = BufWriter::with_capacity(4096, stdin);
    while let Ok(Message { request, window }) = messages.recv() {
        let samples = window.as_ref().map_or(&[][..], |window| &window.samples);
        if protocol::write(&mut stdin, &request, samples).is_err() {
            return;
        }
    }
}

fn receive(process: u64, stdout: impl Read, signals: &mpsc::Sender<Signal>) {
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
    let _ = signals.send(Signal::Gone { process, garbled });
}

/// What an engine process says on standard error is for those who look after the program.
fn log(process: u64, stderr: impl Read) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    while (&mut stderr).take(4096).read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
        tracing::debug!(process, line = %String::from_utf8_lossy(&line).trim_end(), "engine process");
        line.clear();
    }
}
