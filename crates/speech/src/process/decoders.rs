//! The program's side: several engine processes that share the windows of a recording.
//!
//! Each decoder is a thread that owns one engine process at a time, gives it a window, waits for the words and takes
//! the next window. A process that crashes or does not answer is replaced and its window tried once more.

use super::child::{EngineCommand, Message, STACK, Signal};
use super::protocol::{Reply, Request};
use super::queue::{Closed, Queue, Work};
use super::session::{Session, loaded, twice};
use super::stable::{Idle, Stable};
use crate::SpeechError;
use crate::engine::{Capabilities, EngineSpec, Options, Recognition};
use crate::windows::Window;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use transcript::Span;

/// What decoders report. The windows of a recording come out of order.
#[derive(Debug)]
pub enum Event {
    /// A window is being worked on. Engines tell this when they can, some only at the end.
    Progress {
        /// Number of the window.
        index: u32,
        /// Samples done of it. Starts anew if the window has to be tried again.
        samples: u64,
    },
    /// A window has been recognised.
    Finished {
        /// Number of the window.
        index: u32,
        /// Its place in the recording.
        span: Span,
        /// The words in it.
        recognition: Recognition,
        /// How long the engine took.
        took: Duration,
    },
    /// A window could not be recognised; the others go on.
    Failed {
        /// Number of the window.
        index: u32,
        /// Its place in the recording.
        span: Span,
        /// Why not.
        error: SpeechError,
    },
}

/// How long an engine process is waited for before it counts as hung and is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a model to be loaded.
    pub load: Duration,
    /// For the words of a window, however short it is, …
    pub window: Duration,
    /// … and in addition for each second of its audio.
    pub audio_second: Duration,
    /// For a process that has been asked to end.
    pub stop: Duration,
}

impl Default for Patience {
    /// Generous: a computer that is thirty times slower than real time is not hung.
    fn default() -> Self {
        Self {
            load: Duration::from_secs(120),
            window: Duration::from_secs(60),
            audio_second: Duration::from_secs(30),
            stop: Duration::from_secs(2),
        }
    }
}

/// Engine processes that share the windows of a recording. Dropping it ends them.
///
/// Windows go in by [`Decoders::submit`], which waits while all decoders are busy, so that memory does not grow with
/// the recording: there are never more than twice as many windows as decoders. Reports come out by the channel that
/// [`Decoders::start`] returns. It ends after [`Decoders::finish`], when every window has been reported, and soon
/// after [`Decoders::cancel`]. One thread may submit, another receive and a third cancel.
#[derive(Debug)]
pub struct Decoders {
    crew: Arc<Crew>,
    capabilities: Capabilities,
    stops: Mutex<Vec<mpsc::Sender<Signal>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What all decoders have in common.
#[derive(Debug)]
struct Crew {
    stable: Stable,
    command: EngineCommand,
    /// Without the graphics processor from when it has cost an engine process its life.
    spec: Mutex<EngineSpec>,
    patience: Patience,
    queue: Queue,
    at_work: AtomicUsize,
}

impl Crew {
    fn spec(&self) -> EngineSpec {
        self.spec.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Decoders {
    /// Starts `count` decoders, at least one, with the default [`Patience`]; see [`crate::decoder_count`].
    ///
    /// Returns when the first has loaded its model; each of the others loads it when its first window comes.
    ///
    /// # Errors
    /// [`SpeechError::NotStarted`]; [`SpeechError::Engine`] if the model is missing or damaged, which it also is if
    /// loading it ends the process; [`SpeechError::Hung`] or [`SpeechError::Garbled`] if the process does not behave
    /// while it loads.
    pub fn start(
        command: EngineCommand,
        spec: EngineSpec,
        count: usize,
    ) -> Result<(Self, mpsc::Receiver<Event>), SpeechError> {
        Self::start_with(&Stable::new(), command, spec, count, Patience::default())
    }

    /// [`Decoders::start`] with the processes that wait in `stable`, to which they go back after
    /// [`Decoders::finish`].
    ///
    /// # Errors
    /// As [`Decoders::start`].
    pub fn start_in(
        stable: &Stable,
        command: EngineCommand,
        spec: EngineSpec,
        count: usize,
    ) -> Result<(Self, mpsc::Receiver<Event>), SpeechError> {
        Self::start_with(stable, command, spec, count, Patience::default())
    }

    /// [`Decoders::start_in`] with another patience.
    ///
    /// # Errors
    /// As [`Decoders::start`].
    pub fn start_with(
        stable: &Stable,
        command: EngineCommand,
        spec: EngineSpec,
        count: usize,
        patience: Patience,
    ) -> Result<(Self, mpsc::Receiver<Event>), SpeechError> {
        let count = count.max(1);
        let queue = Queue::new(count);
        let capabilities = spec.capabilities();
        let spec = Mutex::new(spec);
        let stable = stable.clone();
        let crew = Arc::new(Crew { stable, command, spec, patience, queue, at_work: AtomicUsize::new(0) });
        let (events, reports) = mpsc::channel();
        let (ready, first) = mpsc::channel();
        let mut this = Self { capabilities, crew, stops: Mutex::default(), threads: Mutex::default() };
        this.add(events.clone(), Some(ready))?;
        // The thread reports in any case, at the latest when its patience ends; if not, it has panicked.
        this.capabilities = first.recv().unwrap_or(Err(SpeechError::Crashed))?;
        for _ in 1..count {
            this.add(events.clone(), None)?;
        }
        Ok((this, reports))
    }

    /// Adds a decoder. One with `ready` loads its model at once and says there how it went.
    fn add(
        &mut self,
        events: mpsc::Sender<Event>,
        ready: Option<mpsc::Sender<Result<Capabilities, SpeechError>>>,
    ) -> Result<(), SpeechError> {
        let decoder = Decoder::new(Arc::clone(&self.crew), events);
        let stop = decoder.session.stop();
        let thread = thread::Builder::new()
            .name("decoder".to_owned())
            .stack_size(STACK)
            .spawn(move || decoder.run(ready))
            .map_err(|source| self.crew.command.not_started(source))?;
        self.stops.get_mut().unwrap_or_else(PoisonError::into_inner).push(stop);
        self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// What the engine that was started can do.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Hands over a window, to be recognised with `options`. Waits while all decoders are busy and as many windows are
    /// waiting.
    ///
    /// # Errors
    /// [`SpeechError::Cancelled`] or [`SpeechError::Finished`]: the window will not be recognised.
    pub fn submit(&self, window: Window, options: Options) -> Result<(), SpeechError> {
        self.crew.queue.push(Work { window, options }).map_err(|closed| match closed {
            Closed::Finished => SpeechError::Finished,
            Closed::Cancelled => SpeechError::Cancelled,
        })
    }

    /// Says that there are no more windows. Does not wait: the decoders end when every window has been reported, and
    /// with them the channel of reports.
    pub fn finish(&self) {
        self.crew.queue.close(Closed::Finished);
    }

    /// Stops everything and returns when no engine process is left: they are asked to end, and killed if that takes
    /// longer than [`Patience::stop`], two seconds. Windows without words are not reported.
    pub fn cancel(&self) {
        self.crew.queue.close(Closed::Cancelled);
        // Once only: what has ended well may be at work for somebody else by now.
        let stops = std::mem::take(&mut *self.stops.lock().unwrap_or_else(PoisonError::into_inner));
        for stop in stops {
            // A decoder that has ended does not hear it.
            let _ = stop.send(Signal::Stop);
        }
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a decoder panicked");
            }
        }
    }
}

impl Drop for Decoders {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// One decoder: a thread that keeps an engine process and feeds it.
struct Decoder {
    crew: Arc<Crew>,
    events: mpsc::Sender<Event>,
    session: Session,
    /// What the process has loaded.
    loaded: Option<(EngineSpec, Capabilities)>,
}

impl Decoder {
    fn new(crew: Arc<Crew>, events: mpsc::Sender<Event>) -> Self {
        crew.at_work.fetch_add(1, Ordering::Relaxed);
        let (stable, command) = (crew.stable.clone(), crew.command.clone());
        let (session, loaded) = match stable.take(&command, &crew.spec()) {
            Some(Idle { spec, capabilities, connection, .. }) => {
                (Session::with(stable, command, connection), Some((spec, capabilities)))
            }
            None => (Session::new(stable, command), None),
        };
        Self { crew, events, session, loaded }
    }

    /// Works until there are no more windows; then its process waits in the stable, if it is in order.
    fn run(mut self, ready: Option<mpsc::Sender<Result<Capabilities, SpeechError>>>) {
        if let Some(ready) = ready {
            let loaded = match &self.loaded {
                Some((_, capabilities)) => Ok(capabilities.clone()),
                None => loaded(&self.crew.spec().model, || self.load()),
            };
            let usable = loaded.is_ok();
            if ready.send(loaded).is_err() || !usable {
                return;
            }
        }
        while let Some(Work { window, options }) = self.crew.queue.pop() {
            let window = Arc::new(window);
            let (index, span) = (window.index, window.span());
            let event = match self.recognise(&window, &options) {
                Ok((recognition, took)) => Event::Finished { index, span, recognition, took },
                Err(SpeechError::Cancelled) => break,
                Err(error) => Event::Failed { index, span, error },
            };
            if self.events.send(event).is_err() {
                break;
            }
        }
        if self.crew.queue.is_finished() {
            self.keep_process();
        }
        self.session.end(self.crew.patience.stop);
    }

    /// Leaves the process to whoever needs the same next.
    fn keep_process(&mut self) {
        if self.session.catch_up().is_err() {
            return;
        }
        if let Some((spec, capabilities)) = self.loaded.take()
            && let Some(connection) = self.session.take()
        {
            let (command, since) = (self.crew.command.clone(), Instant::now());
            self.crew.stable.put(Idle { command, spec, capabilities, connection, since });
        }
    }

    /// The words of `window`, in a second attempt if the first cost the engine process its life.
    fn recognise(
        &mut self,
        window: &Arc<Window>,
        options: &Options,
    ) -> Result<(Recognition, Duration), SpeechError> {
        twice(window.index, || {
            let begin = Instant::now();
            Ok((self.attempt(window, options)?, begin.elapsed()))
        })
    }

    fn attempt(&mut self, window: &Arc<Window>, options: &Options) -> Result<Recognition, SpeechError> {
        self.session.catch_up()?;
        if !self.session.is_running() {
            self.load()?;
        }
        let index = window.index;
        let request = Request::Recognise { index, place: window.place.clone(), options: options.clone() };
        let message = Message { request, window: Some(Arc::clone(window)) };
        let patience = self.crew.patience;
        let patience = patience.window + patience.audio_second.mul_f64(window.seconds());
        let events = &self.events;
        self.session.ask(message, patience, None, |reply| match reply {
            Reply::Progress { index: i, samples } if i == index => {
                let told = events.send(Event::Progress { index, samples });
                told.map(|()| None).map_err(|_| SpeechError::Cancelled)
            }
            Reply::Recognised { index: i, recognition } if i == index => Ok(Some(recognition)),
            Reply::Failed { index: i, error } if i == index => Err(error.into()),
            _ => Err(SpeechError::Garbled),
        })
    }

    /// Starts a process and has it load the model; without the graphics processor if that is what it dies of.
    fn load(&mut self) -> Result<Capabilities, SpeechError> {
        let spec = self.crew.spec();
        let loaded = self.load_as(spec.clone());
        let (Err(error), Some(on_cpu)) = (&loaded, spec.on_cpu()) else { return loaded };
        if matches!(error, SpeechError::Cancelled | SpeechError::NotStarted { .. }) {
            return loaded;
        }
        tracing::warn!(%error, "the graphics processor cannot be used");
        let fallen_back = Capabilities { fell_back: true, ..self.load_as(on_cpu.clone())? };
        *self.crew.spec.lock().unwrap_or_else(PoisonError::into_inner) = on_cpu;
        Ok(fallen_back)
    }

    fn load_as(&mut self, spec: EngineSpec) -> Result<Capabilities, SpeechError> {
        self.loaded = None;
        let request = Request::Load { spec: spec.clone() };
        let capabilities =
            self.session.load(request, self.crew.patience.load, None, |reply| match reply {
                Reply::Ready { capabilities } => Some(capabilities),
                _ => None,
            })?;
        self.loaded = Some((spec, capabilities.clone()));
        Ok(capabilities)
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // Nobody would take the windows any more. That matters after a panic or when nobody reads the reports.
        if self.crew.at_work.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.crew.queue.close(Closed::Cancelled);
        }
    }
}
