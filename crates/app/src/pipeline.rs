//! The work on one recording: read, find speech, recognise, put into lines, complete.
//!
//! Reading, voice activity and recognition run on threads of their own and hand over one window at a time; whatever the
//! length of the recording, only the windows in flight are in memory. Each finished window is committed at once. A
//! recording taken up again is read from the start, and windows that are committed are not recognised again.

use crate::App;
use crate::sound::keep_seek_index;
use crate::worker::stopped;
use anyhow::{Context, Result, anyhow};
use media::{MediaError, Reader};
use speech::{Decoders, EngineCommand, Event, Options, SpeechError, WINDOWING_VERSION, Windower};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use store::{Claim, Job, Lease, NewTranscript, Progress, Transcript, Window, WorkLock, WorkflowState};
use tokio::sync::mpsc as channel;
use tokio::sync::watch;
use transcript::{AudioTime, Segment, Span, Word, segments};

/// How often the lease is renewed, progress told and a cancel noticed.
const TICK: Duration = Duration::from_millis(500);
/// After so many workers have ended in the middle of a recording without one more window done, it is given up.
const TAKE_OVERS: i32 = 5;

/// How the work on a claimed job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The transcript is complete.
    Completed,
    /// The job failed with a sentence.
    Failed,
    /// The lease became void: cancelled, deleted or taken over.
    LeaseLost,
    /// This process was asked to stop; the job waits for the next worker.
    Stopped,
}

/// What the threads tell the task that commits.
enum Told {
    /// A window is on its way to a decoder, or was committed by an earlier run.
    Cut { window: Window, committed: bool },
    /// What a decoder says.
    Speech(Event),
    /// The file has been read to its end.
    Read { samples: u64, note: Option<String> },
    /// It could not be read, or nobody takes the windows.
    Broken(Failure),
}

/// Why a job fails: a sentence for its owner.
#[derive(Debug)]
enum Failure {
    Media(MediaError),
    Speech(SpeechError),
    /// The windows that are committed were cut otherwise than this run cuts.
    CutsDiffer,
    Sentence(String),
}

impl From<MediaError> for Failure {
    fn from(error: MediaError) -> Self {
        Self::Media(error)
    }
}

impl From<SpeechError> for Failure {
    fn from(error: SpeechError) -> Self {
        Self::Speech(error)
    }
}

/// What this run is doing, for progress and its end.
struct Account {
    began: Instant,
    /// Windows handed to decoders and not yet back, by index: where they begin.
    in_flight: HashMap<u32, AudioTime>,
    /// How far cutting is.
    cut_to: AudioTime,
    /// From where and when this run has recognised anything itself.
    first_new: Option<(AudioTime, Instant)>,
    total_ms: Option<u32>,
    read: Option<(u64, Option<String>)>,
}

impl Account {
    fn new(total_ms: Option<u32>) -> Self {
        Self {
            began: Instant::now(),
            in_flight: HashMap::new(),
            cut_to: AudioTime::ZERO,
            first_new: None,
            total_ms,
            read: None,
        }
    }

    /// Everything before this moment is done.
    fn done_to(&self) -> AudioTime {
        self.in_flight.values().copied().min().unwrap_or(self.cut_to)
    }

    fn progress(&self) -> Progress {
        let done = self.done_to();
        let real_time_factor = self.first_new.and_then(|(from, at)| {
            let audio = done.since(from);
            (audio > 0).then(|| at.elapsed().as_secs_f64() * 1000.0 / f64::from(audio))
        });
        Progress {
            audio_done_ms: i64::from(done.as_ms()),
            audio_total_ms: self.total_ms.map(|total| i64::from(total.max(done.as_ms()))),
            real_time_factor,
        }
    }
}

impl App {
    /// Works on a claimed job until it ends or `stop` says so. `lock` is this computer's right to work, renewed here if
    /// the server restarts.
    pub(crate) async fn transcribe(
        &self,
        claim: Claim,
        lock: &mut WorkLock,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Ending> {
        let lease = claim.lease;
        if claim.take_overs >= TAKE_OVERS {
            let message = format!(
                "The work on this recording was interrupted {TAKE_OVERS} times without getting further. Try again; if that happens once more, restart the computer first."
            );
            return self.fail(lease, &message).await;
        }
        match self.run(&claim.job, lease, lock, stop).await? {
            Ok(ending) => Ok(ending),
            Err(failure) => {
                tracing::warn!(?failure, "a job failed");
                self.fail(lease, &sentence(&failure, &claim.job)).await
            }
        }
    }

    async fn fail(&self, lease: Lease, message: &str) -> Result<Ending> {
        let held = self.store.fail_job(lease, message).await?;
        Ok(if held { Ending::Failed } else { Ending::LeaseLost })
    }

    async fn run(
        &self,
        job: &Job,
        lease: Lease,
        lock: &mut WorkLock,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Result<Ending, Failure>> {
        let audio = self.data.library().join(&job.file_path);
        let spec = match speech::EngineSpec::built_in(self.resources.folder()) {
            Ok(spec) => spec,
            Err(error) => return Ok(Err(SpeechError::from(error).into())),
        };
        let count = self.settings.decoders.unwrap_or_else(|| {
            speech::decoder_count(
                speech::cores(),
                speech::available_memory(),
                spec.capabilities().memory_bytes,
            )
        });
        let command =
            EngineCommand { program: self.program.clone(), arguments: vec![crate::hidden::ENGINE.into()] };
        let options = Options { language: job.requested_language.clone() };
        let started =
            tokio::task::spawn_blocking(move || Decoders::start(command, spec, options, count)).await?;
        let (decoders, reports) = match started {
            Ok(started) => started,
            Err(error) => return Ok(Err(error.into())),
        };
        let decoders = Arc::new(decoders);
        let offered = decoders.capabilities();
        let language = match offered.language(job.requested_language.as_deref()) {
            Ok(language) => language.or(offered.languages.first().map(String::as_str)).map(str::to_owned),
            Err(error) => return Ok(Err(SpeechError::from(error).into())),
        };
        let new = NewTranscript {
            engine: offered.engine.clone(),
            model: offered.model.clone(),
            model_sha256: offered.model_sha256.clone(),
            language,
            settings: serde_json::json!({ "windowing": WINDOWING_VERSION }),
        };
        let Some((version, committed)) = self.store.open_transcript(lease, &new).await? else {
            return Ok(Ok(Ending::LeaseLost));
        };

        let (tell, mut told) = channel::channel(16);
        let reader = {
            let (decoders, tell, tools) = (Arc::clone(&decoders), tell.clone(), self.tools.clone());
            let library = self.data.library();
            std::thread::Builder::new().name("reader".to_owned()).spawn(move || {
                let committed = committed.into_iter().map(|window| (window.index, window.span)).collect();
                if let Err(failure) = read_and_cut(&library, &audio, &tools, &committed, &decoders, &tell) {
                    let _ = tell.blocking_send(Told::Broken(failure));
                }
                decoders.finish();
            })?
        };
        let listener =
            std::thread::Builder::new().name("reports".to_owned()).spawn(move || relay(&reports, &tell))?;

        let ending = self.commit_all(job, lease, &version, &mut told, lock, stop).await;
        // The threads wait for one another: a reader for room, the relay for a listener. Both end once these are gone.
        drop(told);
        tokio::task::spawn_blocking(move || {
            decoders.cancel();
            let _ = reader.join();
            let _ = listener.join();
        })
        .await?;

        let account = match ending? {
            Ok(Recognised::All(account)) => account,
            Ok(Recognised::Stopped(ending)) => return Ok(Ok(ending)),
            Err(Failure::CutsDiffer) => {
                // An update of the program cuts differently. The work is done anew rather than mixed.
                if !self.store.restart_transcript(lease, version.id).await? {
                    return Ok(Ok(Ending::LeaseLost));
                }
                return Box::pin(self.run(job, lease, lock, stop)).await;
            }
            Err(failure) => return Ok(Err(failure)),
        };
        self.complete(lease, &version, &account).await.map(Ok)
    }

    /// Takes what the threads tell, commits finished windows, shows signs of life, until all windows are committed.
    async fn commit_all(
        &self,
        job: &Job,
        lease: Lease,
        version: &Transcript,
        told: &mut channel::Receiver<Told>,
        lock: &mut WorkLock,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Result<Recognised, Failure>> {
        let mut account = Account::new(job.duration_ms.and_then(|ms| u32::try_from(ms).ok()));
        let mut transcribing = false;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let news = tokio::select! {
                news = told.recv() => news,
                _ = tick.tick() => {
                    if !self.store.renew_lease(lease, account.progress()).await? {
                        return Ok(Ok(Recognised::Stopped(Ending::LeaseLost)));
                    }
                    self.keep_lock(lock).await?;
                    continue;
                }
                () = stopped(stop) => {
                    self.store.renew_lease(lease, account.progress()).await?;
                    self.store.release_lease(lease).await?;
                    return Ok(Ok(Recognised::Stopped(Ending::Stopped)));
                }
            };
            match news {
                Some(Told::Cut { window, committed }) => {
                    account.cut_to = window.span.end;
                    if !committed {
                        account.first_new.get_or_insert((window.span.start, Instant::now()));
                        account.in_flight.insert(window.index, window.span.start);
                    }
                    if !transcribing {
                        transcribing = true;
                        if !self.store.enter_state(lease, WorkflowState::Transcribing).await? {
                            return Ok(Ok(Recognised::Stopped(Ending::LeaseLost)));
                        }
                    }
                }
                Some(Told::Speech(Event::Progress { .. })) => {}
                Some(Told::Speech(Event::Finished { index, span, recognition, took })) => {
                    tracing::debug!(index, took_ms = took.as_millis() as u64, "window recognised");
                    let lines = segments(recognition.words);
                    if !self.store.commit_window(lease, version.id, Window { index, span }, &lines).await? {
                        return Ok(Ok(Recognised::Stopped(Ending::LeaseLost)));
                    }
                    account.in_flight.remove(&index);
                }
                Some(Told::Speech(Event::Failed { span, error, .. })) => {
                    return Ok(Err(match error {
                        error @ SpeechError::Engine(_) => Failure::Speech(error),
                        error => Failure::Sentence(format!(
                            "The work stopped at {}: {error}. Try again; what is done so far is kept.",
                            span.start
                        )),
                    }));
                }
                Some(Told::Read { samples, note }) => {
                    account.cut_to = AudioTime::from_samples(samples);
                    account.total_ms = Some(account.cut_to.as_ms());
                    account.read = Some((samples, note));
                }
                Some(Told::Broken(failure)) => return Ok(Err(failure)),
                // All threads are through.
                None if account.read.is_some() && account.in_flight.is_empty() => {
                    return Ok(Ok(Recognised::All(account)));
                }
                None => return Err(anyhow!("the decoders ended before the recording did")),
            }
        }
    }

    /// Becomes this computer's worker again after the server was restarted. Should another process have been faster,
    /// it has claimed our job too, and the next renewal of the lease says so.
    async fn keep_lock(&self, lock: &mut WorkLock) -> Result<()> {
        if !lock.is_held().await
            && let Some(again) = WorkLock::acquire(&self.store, self.machine).await?
        {
            *lock = again;
        }
        Ok(())
    }

    /// All words are there: cuts them into lines across windows and makes the version the current one.
    async fn complete(&self, lease: Lease, version: &Transcript, account: &Account) -> Result<Ending> {
        let (samples, note) = account.read.clone().context("the recording has been read")?;
        let duration_ms = i64::from(AudioTime::from_samples(samples).as_ms());
        let noted = self.store.note_media(lease, duration_ms, note.as_deref()).await?;
        if !noted || !self.store.enter_state(lease, WorkflowState::Aligning).await? {
            return Ok(Ending::LeaseLost);
        }
        let words = self.store.segments(version.id).await?.into_iter().flat_map(|line| line.segment.words);
        let lines: Vec<Segment> = segments(words.collect::<Vec<Word>>());
        let work_ms = i64::try_from(account.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let held = self.store.complete_transcript(lease, version.id, &lines, duration_ms, work_ms).await?;
        Ok(if held { Ending::Completed } else { Ending::LeaseLost })
    }
}

/// How recognising ended.
enum Recognised {
    All(Account),
    Stopped(Ending),
}

/// Reads the audio, cuts it at pauses and hands over what is not committed yet. Leaves behind where the audio can be
/// entered for listening. Runs on a thread of its own.
fn read_and_cut(
    library: &Path,
    audio: &Path,
    tools: &media::Tools,
    committed: &HashMap<u32, Span>,
    decoders: &Decoders,
    tell: &channel::Sender<Told>,
) -> Result<(), Failure> {
    let mut reader = Reader::open(audio, tools)?;
    let mut windower = Windower::new();
    let mut seen = 0;
    let mut hand_over = |windows: Vec<speech::Window>| -> Result<(), Failure> {
        for window in windows {
            let place = Window { index: window.index, span: window.span() };
            let before = committed.get(&place.index);
            if before.is_some_and(|span| *span != place.span) {
                return Err(Failure::CutsDiffer);
            }
            seen += usize::from(before.is_some());
            let committed = before.is_some();
            if tell.blocking_send(Told::Cut { window: place, committed }).is_err() {
                // Nobody listens any more: stopped.
                return Err(SpeechError::Cancelled.into());
            }
            if !committed {
                decoders.submit(window)?;
            }
        }
        Ok(())
    };
    while let Some(samples) = reader.read()? {
        hand_over(windower.push(samples))?;
    }
    if let Some(index) = reader.seek_index() {
        keep_seek_index(library, audio, &index);
    }
    hand_over(windower.finish())?;
    if seen != committed.len() {
        return Err(Failure::CutsDiffer);
    }
    let note = reader.shortfall().map(|shortfall| shortfall.to_string());
    let _ = tell.blocking_send(Told::Read { samples: reader.position(), note });
    Ok(())
}

/// Passes what decoders report to the task that commits. Runs on a thread of its own until the decoders end.
fn relay(reports: &mpsc::Receiver<Event>, tell: &channel::Sender<Told>) {
    while let Ok(event) = reports.recv() {
        if tell.blocking_send(Told::Speech(event)).is_err() {
            return;
        }
    }
}

fn sentence(failure: &Failure, job: &Job) -> String {
    let name = &job.file_name;
    match failure {
        Failure::Media(MediaError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            format!(
                "The audio of {name} is missing in the library. Import the same file again to put it back."
            )
        }
        Failure::Media(error) => format!("{name} could not be read: {error}."),
        Failure::Speech(error) => format!("{name} could not be transcribed: {error}."),
        Failure::CutsDiffer => format!("{name} changed while it was read. Try again."),
        Failure::Sentence(sentence) => sentence.clone(),
    }
}

/// The executable that has the hidden modes: ours.
pub(crate) fn own_program() -> Result<PathBuf> {
    std::env::current_exe().context("the path of the running program is not known")
}
