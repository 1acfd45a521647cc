//! The engine process's side: loads an engine and answers windows with words until its input ends.

use super::protocol::{self, Reply, Request};
use crate::engine::{Control, EngineError, Options};
use crate::speaker_model::{self, SpeakerModel};
use crate::windows::Window;
use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// How much less important than the user's other programs (`nice`). Transcription may take the machine that idles,
/// not the one that is being worked on.
#[cfg(unix)]
const NICE: i32 = 5;

/// How long a running engine may take to notice that nobody wants its words any more.
const GRACE: Duration = Duration::from_millis(300);

/// Progress is told no more often than this.
const BETWEEN_PROGRESS: Duration = Duration::from_millis(250);

/// How a model that tells speakers apart is loaded: from which file, with how many threads.
pub type OpenSpeakers = fn(&Path, u32) -> Result<Box<dyn SpeakerModel>, EngineError>;

/// The hidden mode `engine`: speaks with [`super::Decoders`], or with [`crate::diarize::Sortformer`], over standard input
/// and output until the input ends.
///
/// To be called first thing in `main`, before anything writes to standard output. What else the process prints there
/// goes to standard error. Fails if it is not spoken to in its own language.
pub fn serve() -> ExitCode {
    serve_with(speaker_model::open)
}

/// [`serve`] with another way to load models that tell speakers apart, for tests without one.
pub fn serve_with(open: OpenSpeakers) -> ExitCode {
    let Ok(replies) = private_stdout() else { return ExitCode::FAILURE };
    lower_priority();
    die_with_parent();

    let cancelled = Arc::new(AtomicBool::new(false));
    let (heard, requests) = mpsc::channel();
    let listener = thread::Builder::new().name("requests".to_owned()).spawn({
        let cancelled = Arc::clone(&cancelled);
        move || listen(heard, &cancelled)
    });
    if listener.is_err() {
        return ExitCode::FAILURE;
    }
    match answer(&requests, replies, &cancelled, open) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Passes on what comes in. When nothing comes any more it ends the process, also when the engine is in the middle of
/// a window and does not return.
fn listen(heard: mpsc::Sender<(Request, Vec<f32>)>, cancelled: &AtomicBool) {
    let mut input = io::stdin().lock();
    loop {
        match protocol::read(&mut input) {
            Ok(Some(request)) => {
                if heard.send(request).is_err() {
                    return;
                }
            }
            Ok(None) | Err(protocol::ReadError::Io(_)) => break,
            Err(protocol::ReadError::Garbled) => leave(1),
        }
    }
    cancelled.store(true, Ordering::Relaxed);
    drop(heard);
    thread::sleep(GRACE);
    leave(0);
}

/// Loads the engine and recognises window after window; returns when the input has ended.
fn answer(
    requests: &mpsc::Receiver<(Request, Vec<f32>)>,
    mut replies: impl Write,
    cancelled: &AtomicBool,
    open: OpenSpeakers,
) -> io::Result<()> {
    let spec = match requests.recv() {
        Ok((Request::Load { spec }, _)) => spec,
        Ok((Request::LoadSpeakers { model, threads }, _)) => {
            return match open(&model, threads) {
                Ok(model) => tell_apart(model, requests, replies),
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
        let Request::Recognise { index, place, options } = request else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        #[cfg(debug_assertions)]
        if super::faults::at(index) == super::faults::Fault::Babble {
            replies.borrow_mut().write_all(b"INFO: a library talks to itself\n")?;
        }
        let window = Window { index, place, samples };
        let reply = recognise(engine.as_mut(), &window, &options, &replies, cancelled);
        if matches!(reply, Reply::Failed { error: EngineError::Cancelled, .. }) {
            return Ok(());
        }
        protocol::write(&mut *replies.borrow_mut(), &reply, &[])?;
    }
    Ok(())
}

/// Tells the speakers of stretch after stretch apart; returns when the input has ended. A cancel ends the process.
fn tell_apart(
    mut model: Box<dyn SpeakerModel>,
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
            Ok(spoken) => Reply::Diarized { index, spoken },
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
    let control = Teller { index, replies, cancelled, told: Cell::new(Instant::now()) };
    match engine.recognise(window, options, &control) {
        Ok(recognition) => Reply::Recognised { index, recognition },
        Err(error) => Reply::Failed { index, error },
    }
}

/// The control of an engine in an engine process: tells progress to the program, which cancels by hanging up.
struct Teller<'a, W> {
    index: u32,
    replies: &'a RefCell<W>,
    cancelled: &'a AtomicBool,
    told: Cell<Instant>,
}

impl<W: Write> Control for Teller<'_, W> {
    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn progress(&self, samples: u64) {
        if self.told.get().elapsed() >= BETWEEN_PROGRESS {
            self.told.set(Instant::now());
            let progress = Reply::Progress { index: self.index, samples };
            // If nobody listens any more, the input has ended too, and that is what ends the process.
            let _ = protocol::write(&mut *self.replies.borrow_mut(), &progress, &[]);
        }
    }
}

/// The real standard output, for us alone. Whatever a native library prints goes to standard error from now on.
#[cfg(unix)]
fn private_stdout() -> io::Result<std::fs::File> {
    use std::os::fd::AsFd;
    let ours = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(ours.into())
}

#[cfg(not(unix))]
fn private_stdout() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}

#[cfg(unix)]
fn lower_priority() {
    // If it fails, the priority stays, which is fine.
    let _ = rustix::process::nice(NICE);
}

#[cfg(not(unix))]
fn lower_priority() {}

/// A second net below the end of input: the kernel kills this process with the thread that started it, which lives
/// as long as it wants us to (`Decoder::run`).
#[cfg(target_os = "linux")]
fn die_with_parent() {
    use rustix::process::{Signal, set_parent_process_death_signal};
    // Without it, the end of input remains.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent() {}

/// Ends the process at once. Not `exit`: that would tear down native libraries under the running engine.
fn leave(code: i32) -> ! {
    #[cfg(unix)]
    // SAFETY: does not return and touches nothing of ours.
    unsafe {
        libc::_exit(code)
    }
    #[cfg(not(unix))]
    std::process::exit(code)
}
