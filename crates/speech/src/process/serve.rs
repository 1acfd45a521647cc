//! The engine process's side: loads an engine, then answers each window with its words until the input ends.

use super::protocol::{self, Reply, Request};
use crate::diarization_model::{self, DiarizationModel};
use crate::engine::{Control, EngineError, Options};
use crate::windows::Window;
use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// Added to the process's niceness, so that the user's other programs come first.
#[cfg(unix)]
const NICE: i32 = 5;

/// How long a running engine may take to notice a cancel before the process exits.
const CANCEL_GRACE: Duration = Duration::from_millis(300);

/// The shortest time between two progress messages.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// Loads a diarization model from a file, with a number of threads.
pub type LoadDiarizationModel = fn(&Path, u32) -> Result<Box<dyn DiarizationModel>, EngineError>;

/// The hidden mode `engine`: answers the requests of [`super::Decoders`], or of [`crate::diarize::Sortformer`], over
/// standard input and output until the input ends.
///
/// Must be called first in `main`, before anything writes to standard output. Whatever else the process prints to
/// standard output goes to standard error. Returns a failure if the input does not follow the protocol.
pub fn serve() -> ExitCode {
    serve_with(diarization_model::open)
}

/// [`serve`] with another loader of diarization models, for tests without a model file.
pub fn serve_with(load: LoadDiarizationModel) -> ExitCode {
    let Ok(replies) = private_stdout() else { return ExitCode::FAILURE };
    lower_priority();
    die_with_parent();

    let cancelled = Arc::new(AtomicBool::new(false));
    let (sender, requests) = mpsc::channel();
    let reader = thread::Builder::new().name("requests".to_owned()).spawn({
        let cancelled = Arc::clone(&cancelled);
        move || read_requests(sender, &cancelled)
    });
    if reader.is_err() {
        return ExitCode::FAILURE;
    }
    match serve_requests(&requests, replies, &cancelled, load) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Forwards the requests on standard input to `requests`. When the input ends, sets `cancelled` and soon after exits
/// the process, even if the engine is in the middle of a window and does not return.
fn read_requests(requests: mpsc::Sender<(Request, Vec<f32>)>, cancelled: &AtomicBool) {
    let mut input = io::stdin().lock();
    loop {
        match protocol::read(&mut input) {
            Ok(Some(request)) => {
                if requests.send(request).is_err() {
                    return;
                }
            }
            Ok(None) | Err(protocol::ReadError::Io(_)) => break,
            Err(protocol::ReadError::Garbled) => exit_now(1),
        }
    }
    cancelled.store(true, Ordering::Relaxed);
    drop(requests);
    thread::sleep(CANCEL_GRACE);
    exit_now(0);
}

/// Loads the engine and recognises one window after another; returns when the input has ended.
fn serve_requests(
    requests: &mpsc::Receiver<(Request, Vec<f32>)>,
    mut replies: impl Write,
    cancelled: &AtomicBool,
    load: LoadDiarizationModel,
) -> io::Result<()> {
    let spec = match requests.recv() {
        Ok((Request::Load { spec }, _)) => spec,
        Ok((Request::LoadSpeakers { model, threads }, _)) => {
            return match load(&model, threads) {
                Ok(model) => serve_diarization(model, requests, replies),
                Err(error) => protocol::write(&mut replies, &Reply::Refused { error }, &[]),
            };
        }
        Ok(_) => return Err(io::ErrorKind::InvalidData.into()),
        Err(_) => return Ok(()),
    };
    let mut engine = match spec.open() {
        Ok(engine) => engine,
        Err(error) => return protocol::write(&mut replies, &Reply::Refused { error }, &[]),
    };
    let capabilities = engine.capabilities().clone();
    protocol::write(&mut replies, &Reply::Ready { capabilities }, &[])?;

    let replies = RefCell::new(replies);
    while let Ok((request, samples)) = requests.recv() {
        let Request::Recognise { index, source, options } = request else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        #[cfg(debug_assertions)]
        if super::faults::at(index) == super::faults::Fault::Babble {
            replies.borrow_mut().write_all(b"INFO: a library talks to itself\n")?;
        }
        let window = Window { index, source, samples };
        let reply = recognise(engine.as_mut(), &window, &options, &replies, cancelled);
        if matches!(reply, Reply::Failed { error: EngineError::Cancelled, .. }) {
            return Ok(());
        }
        protocol::write(&mut *replies.borrow_mut(), &reply, &[])?;
    }
    Ok(())
}

/// Diarizes one chunk after another; returns when the input has ended. A cancel closes the input, which ends the
/// process.
fn serve_diarization(
    mut model: Box<dyn DiarizationModel>,
    requests: &mpsc::Receiver<(Request, Vec<f32>)>,
    mut replies: impl Write,
) -> io::Result<()> {
    protocol::write(&mut replies, &Reply::SpeakersReady { name: model.name() }, &[])?;
    while let Ok((request, samples)) = requests.recv() {
        let Request::Diarize { index } = request else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        #[cfg(debug_assertions)]
        if super::faults::at(index) == super::faults::Fault::Babble {
            replies.write_all(b"INFO: a library talks to itself\n")?;
        }
        let reply = match model.diarize(&samples) {
            Ok(spans) => Reply::Diarized { index, spans },
            Err(error) => Reply::Failed { index, error },
        };
        protocol::write(&mut replies, &reply, &[])?;
    }
    Ok(())
}

fn recognise(
    engine: &mut dyn crate::engine::Engine,
    window: &Window,
    options: &Options,
    replies: &RefCell<impl Write>,
    cancelled: &AtomicBool,
) -> Reply {
    let index = window.index;
    let control = ProgressReporter { index, replies, cancelled, last_sent: Cell::new(Instant::now()) };
    match engine.recognise(window, options, &control) {
        Ok(recognition) => Reply::Recognised { index, recognition },
        Err(error) => Reply::Failed { index, error },
    }
}

/// The control of an engine in an engine process: sends progress to the program, which cancels by closing the input.
struct ProgressReporter<'a, W> {
    index: u32,
    replies: &'a RefCell<W>,
    cancelled: &'a AtomicBool,
    last_sent: Cell<Instant>,
}

impl<W: Write> Control for ProgressReporter<'_, W> {
    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn progress(&self, samples: u64) {
        if self.last_sent.get().elapsed() >= PROGRESS_INTERVAL {
            self.last_sent.set(Instant::now());
            let progress = Reply::Progress { index: self.index, samples };
            // If this fails, the program has ended, so the input ends too, which ends this process.
            let _ = protocol::write(&mut *self.replies.borrow_mut(), &progress, &[]);
        }
    }
}

/// The real standard output, for replies only. Redirects the descriptor of standard output to standard error, so that
/// text from native libraries does not get between the replies.
#[cfg(unix)]
fn private_stdout() -> io::Result<std::fs::File> {
    use std::os::fd::AsFd;
    let replies = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(replies.into())
}

#[cfg(not(unix))]
fn private_stdout() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}

#[cfg(unix)]
fn lower_priority() {
    // If this fails, the process keeps its priority.
    let _ = rustix::process::nice(NICE);
}

#[cfg(not(unix))]
fn lower_priority() {}

/// A second safeguard besides the end of the input: the kernel kills this process together with the thread that started
/// it, which lives as long as its `EnginePool`.
#[cfg(target_os = "linux")]
fn die_with_parent() {
    use rustix::process::{Signal, set_parent_process_death_signal};
    // If this fails, the end of the input still ends the process.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent() {}

/// Ends the process at once. Not by `exit`, which would run destructors of native libraries while the engine still
/// runs.
fn exit_now(code: i32) -> ! {
    #[cfg(unix)]
    // SAFETY: does not return and touches nothing of ours.
    unsafe {
        libc::_exit(code)
    }
    #[cfg(not(unix))]
    std::process::exit(code)
}
