//! The program's side: several engine processes that share the windows of a recording.
//!
//! Each decoder is a thread that owns one engine process at a time: it sends the process a window, waits for the words
//! and takes the next window from the queue. A process that crashes or does not answer is replaced, and its window is
//! tried once more. The app runs as many decoders as cores, up to eight ([`crate::decoder_count`]), with one thread each,
//! because a second thread in a decoder mostly waits for the first.

use super::engine_pool::{EnginePool, IdleProcess};
use super::engine_process::{EngineCommand, Message, STACK, Signal};
use super::protocol::{Reply, Request};
use super::session::{Session, load_with_retry, with_retry};
use super::window_queue::{Closed, Queue, QueuedWindow};
use crate::SpeechError;
use crate::engine::{Capabilities, EngineSpec, Options, Recognition};
use crate::windows::Window;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use transcript::Span;

/// A report from the decoders. The windows of a recording are reported out of order.
#[derive(Debug)]
pub enum Event {
    /// A window is being worked on. Some engines report this only at the end.
    Progress {
        /// Number of the window.
        index: u32,
        /// Samples of it that are done. Starts at zero again if the window is tried again.
        samples: u64,
    },
    /// A window has been recognised.
    Finished {
        /// Number of the window.
        index: u32,
        /// The part of the recording that the window owns.
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
        /// The part of the recording that the window owns.
        span: Span,
        /// The reason.
        error: SpeechError,
    },
}

/// How long to wait for an engine process before it counts as hung and is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For loading a model.
    pub load: Duration,
    /// For the words of a window of any length, …
    pub window: Duration,
    /// … plus this for each second of its audio.
    pub audio_second: Duration,
    /// For a process to end after its input has been closed.
    pub stop: Duration,
}

impl Default for Timeouts {
    /// Long enough for a computer that is thirty times slower than real time.
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
/// [`Decoders::submit`] takes the windows and blocks while all decoders are busy, so that memory does not grow with the
/// recording: there are never more than twice as many windows as decoders. [`Decoders::start`] returns the channel of
/// reports. The channel closes after [`Decoders::finish`], when every window has been reported, and soon after
/// [`Decoders::cancel`]. One thread may submit, another receive and a third cancel.
#[derive(Debug)]
pub struct Decoders {
    shared: Arc<Shared>,
    capabilities: Capabilities,
    stops: Mutex<Vec<mpsc::Sender<Signal>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// The state that all decoders share.
#[derive(Debug)]
struct Shared {
    pool: EnginePool,
    command: EngineCommand,
    /// Set to the CPU once an engine process has failed to load the model on the graphics processor.
    spec: Mutex<EngineSpec>,
    timeouts: Timeouts,
    queue: Queue,
    running_decoders: AtomicUsize,
}

impl Shared {
    fn spec(&self) -> EngineSpec {
        self.spec.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Decoders {
    /// Starts `count` decoders, at least one, with the default [`Timeouts`]; see [`crate::decoder_count`].
    ///
    /// Returns when the first has loaded its model; each of the others loads it at its first window.
    ///
    /// # Errors
    /// [`SpeechError::NotStarted`]; [`SpeechError::Engine`] if the model is missing or damaged, or if the process ends
    /// while loading it; [`SpeechError::Hung`] or [`SpeechError::Garbled`] if the process hangs or sends malformed data
    /// while loading.
    pub fn start(
        command: EngineCommand,
        spec: EngineSpec,
        count: usize,
    ) -> Result<(Self, mpsc::Receiver<Event>), SpeechError> {
        Self::start_with_timeouts(&EnginePool::new(), command, spec, count, Timeouts::default())
    }

    /// [`Decoders::start`] with idle processes from `pool`, which get back there after [`Decoders::finish`].
    ///
    /// # Errors
    /// As [`Decoders::start`].
    pub fn start_in_pool(
        pool: &EnginePool,
        command: EngineCommand,
        spec: EngineSpec,
        count: usize,
    ) -> Result<(Self, mpsc::Receiver<Event>), SpeechError> {
        Self::start_with_timeouts(pool, command, spec, count, Timeouts::default())
    }

    /// [`Decoders::start_in_pool`] with other timeouts.
    ///
    /// # Errors
    /// As [`Decoders::start`].
    pub fn start_with_timeouts(
        pool: &EnginePool,
        command: EngineCommand,
        spec: EngineSpec,
        count: usize,
        timeouts: Timeouts,
    ) -> Result<(Self, mpsc::Receiver<Event>), SpeechError> {
        let count = count.max(1);
        let queue = Queue::new(count);
        let capabilities = spec.capabilities();
        let spec = Mutex::new(spec);
        let pool = pool.clone();
        let running_decoders = AtomicUsize::new(0);
        let shared = Arc::new(Shared { pool, command, spec, timeouts, queue, running_decoders });
        let (events, reports) = mpsc::channel();
        let (ready, first) = mpsc::channel();
        let mut this = Self { capabilities, shared, stops: Mutex::default(), threads: Mutex::default() };
        this.add(events.clone(), Some(ready))?;
        // The thread always reports, at the latest after the load timeout; if not, it has panicked.
        this.capabilities = first.recv().unwrap_or(Err(SpeechError::Crashed))?;
        for _ in 1..count {
            this.add(events.clone(), None)?;
        }
        Ok((this, reports))
    }

    /// Adds a decoder. With `ready`, it loads its model at once and sends the result there.
    fn add(
        &mut self,
        events: mpsc::Sender<Event>,
        ready: Option<mpsc::Sender<Result<Capabilities, SpeechError>>>,
    ) -> Result<(), SpeechError> {
        let decoder = Decoder::new(Arc::clone(&self.shared), events);
        let stop = decoder.session.stop_sender();
        let thread = thread::Builder::new()
            .name("decoder".to_owned())
            .stack_size(STACK)
            .spawn(move || decoder.run(ready))
            .map_err(|source| self.shared.command.not_started(source))?;
        self.stops.get_mut().unwrap_or_else(PoisonError::into_inner).push(stop);
        self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// The capabilities of the loaded engine.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Queues a window to be recognised with `options`. Blocks while all decoders are busy and as many windows wait.
    ///
    /// # Errors
    /// [`SpeechError::Cancelled`] or [`SpeechError::Finished`]: the window will not be recognised.
    pub fn submit(&self, window: Window, options: Options) -> Result<(), SpeechError> {
        self.shared.queue.push(QueuedWindow { window, options }).map_err(|closed| match closed {
            Closed::Finished => SpeechError::Finished,
            Closed::Cancelled => SpeechError::Cancelled,
        })
    }

    /// Declares that no more windows follow. Does not wait: when every window has been reported, the decoders end and
    /// the channel of reports closes.
    pub fn finish(&self) {
        self.shared.queue.close(Closed::Finished);
    }

    /// Stops all decoders and returns when no engine process is left: their inputs are closed, and they are killed if
    /// they do not end within [`Timeouts::stop`], two seconds. Unfinished windows are not reported.
    pub fn cancel(&self) {
        self.shared.queue.close(Closed::Cancelled);
        // Sent only once: a process that went back to the pool may have been taken by other decoders.
        let stops = std::mem::take(&mut *self.stops.lock().unwrap_or_else(PoisonError::into_inner));
        for stop in stops {
            // Fails if the decoder has ended.
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

/// One decoder: a thread with an engine process.
struct Decoder {
    shared: Arc<Shared>,
    events: mpsc::Sender<Event>,
    session: Session,
    /// The engine that the process has loaded.
    loaded: Option<(EngineSpec, Capabilities)>,
}

impl Decoder {
    fn new(shared: Arc<Shared>, events: mpsc::Sender<Event>) -> Self {
        shared.running_decoders.fetch_add(1, Ordering::Relaxed);
        let (pool, command) = (shared.pool.clone(), shared.command.clone());
        let (session, loaded) = match pool.take(&command, &shared.spec()) {
            Some(IdleProcess { spec, capabilities, connection, .. }) => {
                (Session::resume(pool, command, connection), Some((spec, capabilities)))
            }
            None => (Session::new(pool, command), None),
        };
        Self { shared, events, session, loaded }
    }

    /// Recognises windows until the queue is closed, then returns the process to the pool if all went well.
    fn run(mut self, ready: Option<mpsc::Sender<Result<Capabilities, SpeechError>>>) {
        if let Some(ready) = ready {
            let loaded = match &self.loaded {
                Some((_, capabilities)) => Ok(capabilities.clone()),
                None => load_with_retry(&self.shared.spec().model, || self.load()),
            };
            let usable = loaded.is_ok();
            if ready.send(loaded).is_err() || !usable {
                return;
            }
        }
        while let Some(QueuedWindow { window, options }) = self.shared.queue.pop() {
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
        if self.shared.queue.is_finished() {
            self.return_process();
        }
        self.session.end(self.shared.timeouts.stop);
    }

    /// Returns the process to the pool.
    fn return_process(&mut self) {
        if self.session.drain_signals().is_err() {
            return;
        }
        if let Some((spec, capabilities)) = self.loaded.take()
            && let Some(connection) = self.session.release()
        {
            let (command, since) = (self.shared.command.clone(), Instant::now());
            self.shared.pool.put(IdleProcess { command, spec, capabilities, connection, since });
        }
    }

    /// Recognises `window`; once more, in a new process, if the engine process fails.
    fn recognise(
        &mut self,
        window: &Arc<Window>,
        options: &Options,
    ) -> Result<(Recognition, Duration), SpeechError> {
        with_retry(window.index, || {
            let begin = Instant::now();
            Ok((self.attempt(window, options)?, begin.elapsed()))
        })
    }

    fn attempt(&mut self, window: &Arc<Window>, options: &Options) -> Result<Recognition, SpeechError> {
        self.session.drain_signals()?;
        if !self.session.is_running() {
            self.load()?;
        }
        let index = window.index;
        let request = Request::Recognise { index, source: window.source.clone(), options: options.clone() };
        let message = Message { request, window: Some(Arc::clone(window)) };
        let timeouts = self.shared.timeouts;
        let timeout = timeouts.window + timeouts.audio_second.mul_f64(window.seconds());
        let events = &self.events;
        self.session.request(message, timeout, None, |reply| match reply {
            Reply::Progress { index: i, samples } if i == index => {
                let sent = events.send(Event::Progress { index, samples });
                sent.map(|()| None).map_err(|_| SpeechError::Cancelled)
            }
            Reply::Recognised { index: i, recognition } if i == index => Ok(Some(recognition)),
            Reply::Failed { index: i, error } if i == index => Err(error.into()),
            _ => Err(SpeechError::Garbled),
        })
    }

    /// Starts a process and loads the model; if that fails on the graphics processor, again without it.
    fn load(&mut self) -> Result<Capabilities, SpeechError> {
        let spec = self.shared.spec();
        let loaded = self.load_as(spec.clone());
        let (Err(error), Some(on_cpu)) = (&loaded, spec.on_cpu()) else { return loaded };
        if matches!(error, SpeechError::Cancelled | SpeechError::NotStarted { .. }) {
            return loaded;
        }
        tracing::warn!(%error, "the model cannot be loaded on the graphics processor");
        let fallen_back = Capabilities { fell_back: true, ..self.load_as(on_cpu.clone())? };
        *self.shared.spec.lock().unwrap_or_else(PoisonError::into_inner) = on_cpu;
        Ok(fallen_back)
    }

    fn load_as(&mut self, spec: EngineSpec) -> Result<Capabilities, SpeechError> {
        self.loaded = None;
        let request = Request::Load { spec: spec.clone() };
        let capabilities =
            self.session.load(request, self.shared.timeouts.load, None, |reply| match reply {
                Reply::Ready { capabilities } => Some(capabilities),
                _ => None,
            })?;
        self.loaded = Some((spec, capabilities.clone()));
        Ok(capabilities)
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // Without decoders, `submit` would block for ever. This happens after a panic, or when the receiver of the
        // reports has been dropped.
        if self.shared.running_decoders.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.shared.queue.close(Closed::Cancelled);
        }
    }
}
