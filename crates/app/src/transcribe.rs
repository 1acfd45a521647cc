//! The task that transcribes one recording: read, find speech, recognise, diarize, cut into segments, complete.
//!
//! | step | where |
//! |---|---|
//! | select the engine and open the version to work on | [`engine_selection`], `open_version` |
//! | read the audio and cut it into windows at pauses | [`reader_thread`], `speech::windows` |
//! | recognise each window | engine processes, `speech::process` |
//! | commit each window | `commit_windows` |
//! | settle the language, if it was not given | [`language_vote`] |
//! | diarize | [`crate::speakers::diarize`] |
//! | join the words of all windows, cut them into segments, make the version current | `complete` |
//!
//! Reading, voice activity detection and recognition run on threads of their own; the async task commits. The reader
//! waits while the decoders are busy or the task is behind, so only the windows in flight are in memory, whatever the
//! length of the recording. Each finished window is committed at once.
//!
//! **Resuming.** An interrupted run is continued by reading and cutting from the start again and leaving out the windows
//! that are already committed. Windows depend only on the samples and the model's `Cutting`, so they come out the same. If a committed window
//! has another span than the one cut now (`RecordingError::WindowsDiffer`, after an update of the program), the
//! unfinished version is cleared and filled anew.

pub(crate) mod engine_selection;
pub(crate) mod error;
pub(crate) mod language_vote;
pub(crate) mod options;
mod reader_thread;
mod run_progress;

use crate::App;
use crate::library::{RecordingFolder, missing_audio};
use crate::retention::audio_removed_message;
use crate::speakers::diarize::EarlierSpeakers;
use crate::tasks::{TaskContext, TaskError, TaskHandler, heartbeats, require_lease};

use crate::transcribe::engine_selection::SelectedEngine;
use crate::transcribe::language_vote::{Vote, vote};
use crate::transcribe::options::TranscriptionOptions;
use anyhow::{Context, anyhow};
use error::{RecordingError, RunError};
use futures_util::future::BoxFuture;
use reader_thread::{ThreadEvent, WindowSubmitter, forward_decoder_events, read_and_cut};
use run_progress::{LanguageSearch, RunProgress};
use speech::{Decoders, Event, Options, SpeechError};
use std::collections::HashMap;
use std::sync::{Arc, mpsc};
use std::time::Instant;
use store::{
    Claim, Lease, NewTranscript, TaskKind, Transcript, TranscriptWindow, TranscriptionCost, WorkflowState,
};
use tokio::sync::mpsc as channel;
use transcript::{AudioTime, Doubt, Word, join_windows, segments};

/// Transcribes a recording and diarizes it.
pub(crate) struct Transcribe;

impl TaskHandler for Transcribe {
    fn kind(&self) -> TaskKind {
        TaskKind::Transcribe
    }

    fn work<'a>(
        &'a self,
        app: &'a App,
        claim: &'a Claim,
        mut context: TaskContext,
    ) -> BoxFuture<'a, Result<(), TaskError>> {
        Box::pin(async move {
            if let Some(message) = audio_removed_message(&claim.job) {
                return Err(TaskError::Failed(message));
            }
            app.transcribe(claim, &mut context).await.map_err(|error| match error {
                RunError::Task(error) => error,
                RunError::Recording(error) => {
                    tracing::warn!(?error, "a recording could not be transcribed");
                    TaskError::Failed(error.message(&claim.job))
                }
            })
        })
    }

    fn abandoned_message(&self, times: i32) -> String {
        format!(
            "The work on this recording was interrupted {times} times without getting further. Try again; if that happens once more, restart the computer first."
        )
    }
}

/// An unfinished version of a transcript and the decoders that fill it.
struct OpenVersion {
    version: Transcript,
    /// Windows that earlier runs have committed.
    committed: Vec<TranscriptWindow>,
    decoders: CancelOnDrop,
    decoder_events: mpsc::Receiver<Event>,
    options: Options,
}

impl App {
    /// Makes a transcript of the recording of `claim`, or continues one.
    async fn transcribe(&self, claim: &Claim, context: &mut TaskContext) -> Result<(), RunError> {
        let Claim { job, lease, takeovers, .. } = claim;
        let lease = *lease;
        let folder =
            self.library.recording_folder(job).ok_or_else(|| RecordingError::from(missing_audio()))?;
        let options = self.options_of(job).await?;
        let engine = self.select_engine(&options).await?;
        let (version, progress) = loop {
            let open = self.open_version(claim, &options, &engine).await?;
            let version = open.version.clone();
            match self.recognise(claim, &folder, open, context).await {
                Ok(progress) => break (version, progress),
                Err(RunError::Recording(RecordingError::WindowsDiffer)) => {
                    // This version of the program cuts differently. Start again rather than mix two cuts.
                    require_lease(self.store.restart_transcript(lease, version.id).await?)?;
                }
                Err(error) => return Err(error),
            }
        };
        let (samples, note) = progress.read.clone().context("the recording has been read")?;
        let duration_ms = i64::from(AudioTime::from_samples(samples).as_ms());
        require_lease(self.store.record_media_facts(lease, duration_ms, note.as_deref()).await?)?;
        let cost = progress.cost(duration_ms);
        // Without words there are no speakers to find.
        if self.store.has_words(version.id).await? {
            let mut job = job.clone();
            job.duration_ms = Some(duration_ms);
            self.diarize(&job, *takeovers, EarlierSpeakers::Keep, context).await?;
        }
        Ok(self.complete(lease, &version, cost).await?)
    }

    /// Starts the decoders and opens the version to work on: an unfinished one with equal settings, else a new one.
    async fn open_version(
        &self,
        claim: &Claim,
        options: &TranscriptionOptions,
        engine: &SelectedEngine,
    ) -> Result<OpenVersion, RunError> {
        let unfinished = self.store.unfinished_transcripts(claim.job.id).await?;
        let (spec, count) = engine.decoders(self.settings.decoders, &unfinished);
        let command = self.engine_command();
        let (decoders, decoder_events) = {
            let (pool, spec) = (self.engine_pool.clone(), spec.clone());
            tokio::task::spawn_blocking(move || Decoders::start_in_pool(&pool, command, spec, count))
                .await??
        };
        let decoders = CancelOnDrop(Arc::new(decoders));
        let capabilities = decoders.0.capabilities();
        let language = match capabilities.language(options.language.as_deref()).map_err(SpeechError::from)? {
            None if !capabilities.detects_language => capabilities.languages.first().map(String::as_str),
            language => language,
        };
        let new = NewTranscript {
            engine: capabilities.engine.clone(),
            model: options.model.clone(),
            model_sha256: capabilities.model_sha256.clone(),
            settings: engine.version_settings(&spec, capabilities, language),
            language: language.map(str::to_owned),
            device: Some(capabilities.device.clone()).filter(|device| !device.is_empty()),
            machine: self.machine,
        };
        let opened = self.store.open_transcript(claim.lease, &new).await?;
        let (version, committed) = opened.ok_or(TaskError::LeaseLost)?;
        let options = Options {
            language: version.language.clone(),
            check_language: false,
            translate: options.translate && capabilities.translates,
            vocabulary: if capabilities.vocabulary { options.vocabulary.clone() } else { Vec::new() },
        };
        Ok(OpenVersion { version, committed, decoders, decoder_events, options })
    }

    /// Recognises and commits the windows of `open` that are not committed yet.
    async fn recognise(
        &self,
        claim: &Claim,
        folder: &RecordingFolder,
        open: OpenVersion,
        context: &mut TaskContext,
    ) -> Result<RunProgress, RunError> {
        let OpenVersion { version, committed, decoders, decoder_events, options } = open;
        let capabilities = decoders.0.capabilities();
        let (cutting, detects_language) = (capabilities.cutting, capabilities.detects_language);
        let usual = self.store.mean_real_time_factor(self.machine, &version.model).await?;
        let length = claim.job.duration_ms.and_then(|ms| u32::try_from(ms).ok());
        let mut progress = RunProgress::new(length, usual);
        let (vote_sender, vote_receiver) = mpsc::channel();
        let searching = version.language.is_none() && detects_language;
        if searching {
            let found = committed.iter().map(|window| (window.index, window.language.clone())).collect();
            progress.search = Some(LanguageSearch { found, windows: None, vote: vote_sender });
        }

        let (events, mut received) = channel::channel(16);
        let (recognised, first_recognised) = mpsc::channel();
        // A version that already has words can be read meanwhile, so its first window is not urgent.
        let first_recognised = committed.is_empty().then_some(first_recognised);
        let reader = {
            let (decoders, events, tools) = (Arc::clone(&decoders.0), events.clone(), self.tools.clone());
            let folder = folder.clone();
            std::thread::Builder::new().name("reader".to_owned()).spawn(move || {
                let committed = committed.into_iter().map(|window| (window.index, window.span)).collect();
                let submitter = WindowSubmitter {
                    committed,
                    decoders: &decoders,
                    options,
                    detects_language,
                    search: searching.then_some((vote_receiver, Vec::new())),
                    first_recognised,
                    events: &events,
                    committed_seen: 0,
                };
                if let Err(error) = read_and_cut(&folder, &tools, cutting, submitter) {
                    let _ = events.blocking_send(ThreadEvent::Failed(error));
                }
                decoders.finish();
            })
        };
        let reader = reader.context("a thread could not be started")?;
        let forwarder = std::thread::Builder::new()
            .name("reports".to_owned())
            .spawn(move || forward_decoder_events(&decoder_events, &events, recognised))
            .context("a thread could not be started")?;

        let result = self.commit_windows(progress, &version, &mut received, context).await;
        // Both threads may be waiting: the reader for a free decoder, the forwarder for space in the channel. Dropping
        // the receiver and cancelling the decoders ends them.
        drop(received);
        tokio::task::spawn_blocking(move || {
            decoders.0.cancel();
            let _ = reader.join();
            let _ = forwarder.join();
        })
        .await?;
        result
    }

    /// Receives the events of the threads, commits finished windows and reports progress, until all windows are
    /// committed.
    async fn commit_windows(
        &self,
        mut progress: RunProgress,
        version: &Transcript,
        events: &mut channel::Receiver<ThreadEvent>,
        context: &mut TaskContext,
    ) -> Result<RunProgress, RunError> {
        let lease = context.lease();
        let mut transcribing = false;
        let mut heartbeat = heartbeats();
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                _ = heartbeat.tick() => {
                    context.report(progress.task_progress());
                    continue;
                }
                interruption = context.interrupted() => {
                    context.report(progress.task_progress());
                    return Err(interruption.into());
                }
            };
            match event {
                Some(ThreadEvent::Cut { index, span, committed }) => {
                    // A window that is recognised again lies before the latest one.
                    progress.cut_to = progress.cut_to.max(span.end);
                    if !committed {
                        progress.first_new.get_or_insert((span.start, Instant::now()));
                        progress.in_flight.insert(index, span.start);
                    }
                    if !transcribing {
                        transcribing = true;
                        let state = WorkflowState::Transcribing;
                        require_lease(self.store.set_workflow_state(lease, state).await?)?;
                    }
                }
                Some(ThreadEvent::Decoder(Event::Progress { .. })) => {}
                Some(ThreadEvent::Decoder(Event::Finished { index, span, recognition, took })) => {
                    tracing::debug!(index, took_ms = took.as_millis() as u64, "window recognised");
                    // A window without words has no language.
                    let language = recognition.language.filter(|_| !recognition.words.is_empty());
                    let segments = segments(recognition.words, &recognition.doubts);
                    let other_language = recognition.other_language;
                    let window = TranscriptWindow { index, span, language: language.clone(), other_language };
                    require_lease(self.store.commit_window(lease, version.id, &window, &segments).await?)?;
                    progress.in_flight.remove(&index);
                    if let Some(search) = &mut progress.search {
                        search.found.insert(index, language);
                    }
                    self.settle_language(&mut progress, lease, version).await?;
                }
                Some(ThreadEvent::VoteNeeded(windows)) => {
                    if let Some(search) = &mut progress.search {
                        search.windows = Some(windows);
                    }
                    self.settle_language(&mut progress, lease, version).await?;
                }
                Some(ThreadEvent::Decoder(Event::Failed { span, error, .. })) => {
                    let error = match error {
                        error @ SpeechError::Engine(_) => RecordingError::Speech(error),
                        error => RecordingError::Message(format!(
                            "The work stopped at {}: {error}.{} Try again; what is done so far is kept.",
                            span.start,
                            crate::out_of_memory::limit_hint(&error)
                        )),
                    };
                    return Err(error.into());
                }
                Some(ThreadEvent::Read { samples, note }) => {
                    progress.cut_to = AudioTime::from_samples(samples);
                    progress.total_ms = Some(progress.cut_to.as_ms());
                    progress.read = Some((samples, note));
                }
                Some(ThreadEvent::Failed(error)) => return Err(error.into()),
                // Both threads have ended.
                None if progress.read.is_some() && progress.in_flight.is_empty() => return Ok(progress),
                None => return Err(anyhow!("the decoders ended before the recording did").into()),
            }
        }
    }

    /// Settles the language once all voting windows are recognised, and sends the vote to the reader.
    async fn settle_language(
        &self,
        progress: &mut RunProgress,
        lease: Lease,
        version: &Transcript,
    ) -> Result<(), TaskError> {
        let Some(search) = &mut progress.search else { return Ok(()) };
        let Some(windows) = &search.windows else { return Ok(()) };
        let vote = vote(windows, &search.found);
        match &vote {
            Vote::Open => return Ok(()),
            Vote::Silent => search.windows = None,
            Vote::Settled { language, .. } => {
                require_lease(self.store.set_transcript_language(lease, version.id, language).await?)?;
            }
        }
        // An error means that the reader has ended and no longer waits.
        let _ = search.vote.send(vote.clone());
        if matches!(vote, Vote::Settled { .. }) {
            progress.search = None;
        }
        Ok(())
    }

    /// Joins the words of all windows, cuts them into segments and makes the version the current one.
    async fn complete(
        &self,
        lease: Lease,
        version: &Transcript,
        cost: TranscriptionCost,
    ) -> Result<(), TaskError> {
        require_lease(self.store.set_workflow_state(lease, WorkflowState::Aligning).await?)?;
        let segments = {
            let windows = self.store.transcript_windows(version.id).await?;
            let mut words: HashMap<u32, Vec<Word>> = HashMap::new();
            let mut doubts = Vec::new();
            for stored in self.store.segments(version.id).await? {
                if let Some(reason) = stored.segment.doubt {
                    doubts.push(Doubt { span: stored.segment.span, reason });
                }
                words.entry(stored.window.unwrap_or_default()).or_default().extend(stored.segment.words);
            }
            let windows = windows.into_iter().map(|w| (w.span, words.remove(&w.index).unwrap_or_default()));
            segments(join_windows(windows), &doubts)
        };
        require_lease(self.store.complete_transcript(lease, version.id, &segments, cost).await?)
    }
}

/// The decoders of one recording. Dropping it cancels them and waits for their end on a thread that may block.
struct CancelOnDrop(Arc<Decoders>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        let decoders = Arc::clone(&self.0);
        // Without a runtime there is no other thread to wait on: dropping the last reference then waits.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || decoders.cancel());
        }
    }
}
