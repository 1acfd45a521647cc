//! The work on one recording: read, find speech, recognise, tell speakers apart, put into lines, complete.
//!
//! Reading, voice activity and recognition run on threads of their own and hand over one window at a time; whatever the
//! length of the recording, only the windows in flight are in memory. Each finished window is committed at once. A
//! recording taken up again is read from the start, and windows that are committed are not recognised again.

mod account;
pub(crate) mod choice;
pub(crate) mod language_vote;
mod reading;

use crate::App;
use crate::library::{Place, not_here};
use crate::speakers::tell_apart::Before;
use crate::tasks::{AtWork, Break, Kind, held, ticks};
use crate::transcribe::choice::{Choice, Chosen};
use crate::transcribe::language_vote::{Vote, vote};
use account::{Account, Search};
use anyhow::{Context, Result, anyhow};
use futures_util::future::BoxFuture;
use media::MediaError;
use reading::{Handing, Told, read_and_cut, relay};
use speech::{Decoders, Event, Options, SpeechError};
use std::collections::HashMap;
use std::sync::{Arc, mpsc};
use std::time::Instant;
use store::{Claim, Job, Lease, NewTranscript, Spent, TaskKind, Transcript, Window, WorkflowState};
use tokio::sync::mpsc as channel;
use transcript::{AudioTime, Doubt, Word, join, segments};

/// A recording becomes words, and its speakers are told apart.
pub(crate) struct Transcribe;

impl Kind for Transcribe {
    fn kind(&self) -> TaskKind {
        TaskKind::Transcribe
    }

    fn work<'a>(
        &'a self,
        app: &'a App,
        claim: &'a Claim,
        mut at_work: AtWork,
    ) -> BoxFuture<'a, Result<(), Break>> {
        Box::pin(async move { app.transcribe(claim, &mut at_work).await })
    }

    fn given_up(&self, times: i32) -> String {
        format!(
            "The work on this recording was interrupted {times} times without getting further. Try again; if that happens once more, restart the computer first."
        )
    }
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
        Self::Speech(crate::memory::or_too_little(error))
    }
}

/// A version of a transcript that is being made, and what makes it.
struct Making {
    version: Transcript,
    /// Windows that are committed already.
    committed: Vec<Window>,
    decoders: Recognisers,
    reports: mpsc::Receiver<Event>,
    options: Options,
}

impl App {
    /// Makes a transcript of the recording of `claim`, or goes on with one.
    async fn transcribe(&self, claim: &Claim, at_work: &mut AtWork) -> Result<(), Break> {
        let Claim { job, lease, take_overs, .. } = claim;
        let lease = *lease;
        let failed = |failure: Failure| {
            tracing::warn!(?failure, "a recording could not be transcribed");
            Break::Failed(sentence(&failure, job))
        };
        let place = self.library.place(job).ok_or_else(|| failed(not_here().into()))?;
        let choice = self.choice_of(job).await?;
        let chosen = self.chosen(&choice).await?.map_err(|why| failed(Failure::Sentence(why)))?;
        let (version, account) = loop {
            let making = self.open_version(claim, &choice, &chosen).await?.map_err(failed)?;
            let version = making.version.clone();
            match self.recognise(claim, &place, making, at_work).await? {
                Ok(account) => break (version, account),
                Err(Failure::CutsDiffer) => {
                    // An update of the program cuts differently. The work is done anew rather than mixed.
                    held(self.store.restart_transcript(lease, version.id).await?)?;
                }
                Err(failure) => return Err(failed(failure)),
            }
        };
        let (samples, note) = account.read.clone().context("the recording has been read")?;
        let duration_ms = i64::from(AudioTime::from_samples(samples).as_ms());
        held(self.store.note_media(lease, duration_ms, note.as_deref()).await?)?;
        let spent = account.spent(duration_ms);
        // Where nobody speaks there are no speakers to tell apart.
        if self.store.has_words(version.id).await? {
            let mut job = job.clone();
            job.duration_ms = Some(duration_ms);
            self.tell_apart(&job, *take_overs, Before::Kept, at_work).await?;
        }
        self.complete(lease, &version, spent).await
    }

    /// Starts the engine and opens the version to work on.
    async fn open_version(
        &self,
        claim: &Claim,
        choice: &Choice,
        chosen: &Chosen,
    ) -> Result<Result<Making, Failure>, Break> {
        let unfinished = self.store.unfinished_transcripts(claim.job.id).await?;
        let (spec, count) = chosen.engines(self.settings.decoders, &unfinished);
        let command = self.engine_command();
        let started = {
            let (stable, spec) = (self.stable.clone(), spec.clone());
            tokio::task::spawn_blocking(move || Decoders::start_in(&stable, command, spec, count)).await?
        };
        let (decoders, reports) = match started {
            Ok(started) => started,
            Err(error) => return Ok(Err(error.into())),
        };
        let decoders = Recognisers(Arc::new(decoders));
        let offered = decoders.0.capabilities();
        let language = match offered.language(choice.language.as_deref()) {
            Ok(None) if !offered.detects_language => offered.languages.first().map(String::as_str),
            Ok(language) => language,
            Err(error) => return Ok(Err(SpeechError::from(error).into())),
        };
        let new = NewTranscript {
            engine: offered.engine.clone(),
            model: choice.model.clone(),
            model_sha256: offered.model_sha256.clone(),
            settings: chosen.settings(&spec, offered, language),
            language: language.map(str::to_owned),
            device: Some(offered.device.clone()).filter(|device| !device.is_empty()),
            machine: self.machine,
        };
        let opened = self.store.open_transcript(claim.lease, &new).await?;
        let (version, committed) = opened.ok_or(Break::LeaseLost)?;
        let options = Options {
            language: version.language.clone(),
            check_language: false,
            translate: choice.translate && offered.translates,
            vocabulary: if offered.vocabulary { choice.vocabulary.clone() } else { Vec::new() },
        };
        Ok(Ok(Making { version, committed, decoders, reports, options }))
    }

    /// Recognises what is not committed yet of the version of `making`, and commits it.
    async fn recognise(
        &self,
        claim: &Claim,
        place: &Place,
        making: Making,
        at_work: &mut AtWork,
    ) -> Result<Result<Account, Failure>, Break> {
        let Making { version, committed, decoders, reports, options } = making;
        let offered = decoders.0.capabilities();
        let (cutting, detects) = (offered.cutting, offered.detects_language);
        let usual = self.store.speed(self.machine, &version.model).await?;
        let length = claim.job.duration_ms.and_then(|ms| u32::try_from(ms).ok());
        let mut account = Account::new(length, usual);
        let (answer, settled) = mpsc::channel();
        let searching = version.language.is_none() && detects;
        if searching {
            let found = committed.iter().map(|window| (window.index, window.language.clone())).collect();
            account.search = Some(Search { found, windows: None, answer });
        }

        let (tell, mut told) = channel::channel(16);
        let (recognised, first) = mpsc::channel();
        // A version that already has words can be read while the work goes on.
        let first = committed.is_empty().then_some(first);
        let reader = {
            let (decoders, tell, tools) = (Arc::clone(&decoders.0), tell.clone(), self.tools.clone());
            let place = place.clone();
            std::thread::Builder::new().name("reader".to_owned()).spawn(move || {
                let committed = committed.into_iter().map(|window| (window.index, window.span)).collect();
                let search = searching.then_some((settled, Vec::new()));
                let windows = Handing {
                    committed,
                    decoders: &decoders,
                    options,
                    detects,
                    search,
                    first,
                    tell: &tell,
                    seen: 0,
                };
                if let Err(failure) = read_and_cut(&place, &tools, cutting, windows) {
                    let _ = tell.blocking_send(Told::Broken(failure));
                }
                decoders.finish();
            })
        };
        let reader = reader.context("a thread could not be started")?;
        let listener = std::thread::Builder::new()
            .name("reports".to_owned())
            .spawn(move || relay(&reports, &tell, recognised))
            .context("a thread could not be started")?;

        let ended = self.commit_all(account, &version, &mut told, at_work).await;
        // The threads wait for one another: a reader for room, the relay for a listener. Both end once these are gone.
        drop(told);
        tokio::task::spawn_blocking(move || {
            decoders.0.cancel();
            let _ = reader.join();
            let _ = listener.join();
        })
        .await?;
        ended
    }

    /// Takes what the threads tell, commits finished windows and tells progress, until all windows are committed.
    async fn commit_all(
        &self,
        mut account: Account,
        version: &Transcript,
        told: &mut channel::Receiver<Told>,
        at_work: &mut AtWork,
    ) -> Result<Result<Account, Failure>, Break> {
        let lease = at_work.lease();
        let mut transcribing = false;
        let mut tick = ticks();
        loop {
            let news = tokio::select! {
                news = told.recv() => news,
                _ = tick.tick() => {
                    at_work.tell(account.progress());
                    continue;
                }
                why = at_work.interrupted() => {
                    at_work.tell(account.progress());
                    return Err(why);
                }
            };
            match news {
                Some(Told::Cut { index, span, committed }) => {
                    // A window that is recognised again lies before others.
                    account.cut_to = account.cut_to.max(span.end);
                    if !committed {
                        account.first_new.get_or_insert((span.start, Instant::now()));
                        account.in_flight.insert(index, span.start);
                    }
                    if !transcribing {
                        transcribing = true;
                        held(self.store.enter_state(lease, WorkflowState::Transcribing).await?)?;
                    }
                }
                Some(Told::Speech(Event::Progress { .. })) => {}
                Some(Told::Speech(Event::Finished { index, span, recognition, took })) => {
                    tracing::debug!(index, took_ms = took.as_millis() as u64, "window recognised");
                    // A window without words is in no language.
                    let language = recognition.language.filter(|_| !recognition.words.is_empty());
                    let lines = segments(recognition.words, &recognition.doubts);
                    let other_language = recognition.other_language;
                    let window = Window { index, span, language: language.clone(), other_language };
                    held(self.store.commit_window(lease, version.id, &window, &lines).await?)?;
                    account.in_flight.remove(&index);
                    if let Some(search) = &mut account.search {
                        search.found.insert(index, language);
                    }
                    self.settle_language(&mut account, lease, version).await?;
                }
                Some(Told::Settle(windows)) => {
                    if let Some(search) = &mut account.search {
                        search.windows = Some(windows);
                    }
                    self.settle_language(&mut account, lease, version).await?;
                }
                Some(Told::Speech(Event::Failed { span, error, .. })) => {
                    return Ok(Err(match error {
                        error @ SpeechError::Engine(_) => Failure::Speech(error),
                        error => Failure::Sentence(format!(
                            "The work stopped at {}: {error}.{} Try again; what is done so far is kept.",
                            span.start,
                            crate::memory::hint(&error)
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
                None if account.read.is_some() && account.in_flight.is_empty() => return Ok(Ok(account)),
                None => return Err(anyhow!("the decoders ended before the recording did").into()),
            }
        }
    }

    /// Settles the language if the windows that decide are all recognised, and answers the reader.
    async fn settle_language(
        &self,
        account: &mut Account,
        lease: Lease,
        version: &Transcript,
    ) -> Result<(), Break> {
        let Some(search) = &mut account.search else { return Ok(()) };
        let Some(windows) = &search.windows else { return Ok(()) };
        let vote = vote(windows, &search.found);
        match &vote {
            Vote::Open => return Ok(()),
            Vote::Silent => search.windows = None,
            Vote::Settled { language, .. } => {
                held(self.store.settle_language(lease, version.id, language).await?)?;
            }
        }
        // A reader that has ended waits for nothing.
        let _ = search.answer.send(vote.clone());
        if matches!(vote, Vote::Settled { .. }) {
            account.search = None;
        }
        Ok(())
    }

    /// All words are there: cuts them into lines across windows and makes the version the current one.
    async fn complete(&self, lease: Lease, version: &Transcript, spent: Spent) -> Result<(), Break> {
        held(self.store.enter_state(lease, WorkflowState::Aligning).await?)?;
        let lines = {
            let windows = self.store.windows(version.id).await?;
            let mut words: HashMap<u32, Vec<Word>> = HashMap::new();
            let mut doubts = Vec::new();
            for line in self.store.segments(version.id).await? {
                if let Some(reason) = line.segment.doubt {
                    doubts.push(Doubt { span: line.segment.span, reason });
                }
                words.entry(line.window.unwrap_or_default()).or_default().extend(line.segment.words);
            }
            let windows = windows.into_iter().map(|w| (w.span, words.remove(&w.index).unwrap_or_default()));
            segments(join(windows), &doubts)
        };
        held(self.store.complete_transcript(lease, version.id, &lines, spent).await?)
    }
}

/// Decoders of one recording. Their end is waited for on a thread that may block, whatever ends the work.
struct Recognisers(Arc<Decoders>);

impl Drop for Recognisers {
    fn drop(&mut self) {
        let decoders = Arc::clone(&self.0);
        // Without a runtime there is no other thread to wait on: the last reference then waits when it is dropped.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || decoders.cancel());
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
