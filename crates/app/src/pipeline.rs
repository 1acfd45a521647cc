//! The work on one recording: read, find speech, recognise, tell speakers apart, put into lines, complete.
//!
//! Reading, voice activity and recognition run on threads of their own and hand over one window at a time; whatever the
//! length of the recording, only the windows in flight are in memory. Each finished window is committed at once. A
//! recording taken up again is read from the start, and windows that are committed are not recognised again.

use crate::App;
use crate::language_vote::{Early, LEAST_SPEECH_S, VOTERS, Vote, vote};
use crate::library::{Place, not_here};
use crate::sound::keep_seek_index;
use crate::worker::stopped;
use anyhow::{Context, Result, anyhow};
use media::{MediaError, Reader};
use speech::{Cutting, Decoders, EngineCommand, Event, Options, SpeechError, Windower};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use store::{Claim, Job, Lease, NewTranscript, Progress, Spent, Transcript, Window, WorkLock, WorkflowState};
use tokio::sync::mpsc as channel;
use tokio::sync::watch;
use transcript::{AudioTime, Doubt, Span, Word, join, segments};

/// How often the lease is renewed, progress told and a cancel noticed.
pub(crate) const TICK: Duration = Duration::from_millis(500);
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
    Cut { index: u32, span: Span, committed: bool },
    /// These windows are to settle the language; nothing is cut before they have.
    Settle(Vec<Early>),
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
        Self::Speech(crate::memory::or_too_little(error))
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
    /// Seconds of work per second of audio in this computer's earlier runs with the same model.
    usual: Option<f64>,
    /// The search for the language, until it is settled.
    search: Option<Search>,
}

/// The language of a recording is not settled yet.
struct Search {
    /// The language of each window that is recognised, `None` where nothing was said.
    found: HashMap<u32, Option<String>>,
    /// The windows that are to settle it, once the reader has named them.
    windows: Option<Vec<Early>>,
    /// Where the reader waits for the answer.
    answer: mpsc::Sender<Vote>,
}

/// Milliseconds of audio after which a run's own speed counts as much as that of earlier runs.
const LEARNT_MS: f64 = 60_000.0;
/// A run over less audio than this, in milliseconds, says little about the next.
const TELLING_MS: u32 = 10_000;

impl Account {
    fn new(total_ms: Option<u32>, usual: Option<f64>) -> Self {
        Self {
            began: Instant::now(),
            in_flight: HashMap::new(),
            cut_to: AudioTime::ZERO,
            first_new: None,
            total_ms,
            read: None,
            usual,
            search: None,
        }
    }

    /// Everything before this moment is done.
    fn done_to(&self) -> AudioTime {
        self.in_flight.values().copied().min().unwrap_or(self.cut_to)
    }

    /// Seconds of work per second of audio so far, and over how many milliseconds of audio.
    fn measured(&self) -> Option<(f64, u32)> {
        let (from, at) = self.first_new?;
        let audio = self.done_to().since(from);
        (audio > 0).then(|| (at.elapsed().as_secs_f64() * 1000.0 / f64::from(audio), audio))
    }

    /// What the words took.
    fn spent(&self, audio_ms: i64) -> Spent {
        let telling = self.measured().filter(|(_, audio)| *audio >= TELLING_MS);
        Spent {
            audio_ms,
            work_ms: i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX),
            real_time_factor: telling.map(|(factor, _)| factor),
        }
    }

    fn progress(&self) -> Progress {
        let done = self.done_to();
        let measured = self.measured();
        let total = self.total_ms.map(|total| total.max(done.as_ms()));
        // This run's speed and the usual one, weighed by how much audio this run's is about.
        let expected = match (measured, self.usual) {
            (Some((own, audio)), Some(usual)) => {
                let weight = f64::from(audio) / (f64::from(audio) + LEARNT_MS);
                Some(own * weight + usual * (1.0 - weight))
            }
            (Some((own, _)), None) => Some(own),
            (None, usual) => usual,
        };
        let left = total.map(|total| f64::from(total - done.as_ms()));
        Progress {
            audio_done_ms: i64::from(done.as_ms()),
            audio_total_ms: total.map(i64::from),
            real_time_factor: measured.map(|(own, _)| own),
            left_ms: left.zip(expected).map(|(audio, factor)| (audio * factor).round() as i64),
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
        let run = match claim.job.speakers_only && claim.job.current_transcript_id.is_some() {
            true => self.speakers_alone(&claim, lock, stop).await?,
            false => self.run(&claim, lock, stop).await?,
        };
        match run {
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

    /// The words of a meeting are there and stay; who says them is to be found out once more.
    async fn speakers_alone(
        &self,
        claim: &Claim,
        lock: &mut WorkLock,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Result<Ending, Failure>> {
        let Claim { job, lease, take_overs } = claim;
        if let Some(ending) = self.tell_apart(job, *lease, *take_overs, lock, stop).await? {
            return Ok(Ok(ending));
        }
        let held = self.store.finish_speakers(*lease).await?;
        Ok(Ok(if held { Ending::Completed } else { Ending::LeaseLost }))
    }

    async fn run(
        &self,
        claim: &Claim,
        lock: &mut WorkLock,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Result<Ending, Failure>> {
        let Claim { job, lease, take_overs } = claim;
        let lease = *lease;
        let Some(place) = self.library.place(job) else {
            return Ok(Err(not_here().into()));
        };
        let choice = self.choice_of(job).await?;
        let chosen = match self.chosen(&choice).await? {
            Ok(chosen) => chosen,
            Err(why) => return Ok(Err(Failure::Sentence(why))),
        };
        let unfinished = self.store.unfinished_transcripts(job.id).await?;
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
        let decoders = AtWork(Arc::new(decoders));
        let offered = decoders.0.capabilities();
        let language = match offered.language(choice.language.as_deref()) {
            Ok(None) if !offered.detects_language => offered.languages.first().map(String::as_str),
            Ok(language) => language,
            Err(error) => return Ok(Err(SpeechError::from(error).into())),
        };
        let language = language.map(str::to_owned);
        let new = NewTranscript {
            engine: offered.engine.clone(),
            model: choice.model.clone(),
            model_sha256: offered.model_sha256.clone(),
            settings: chosen.settings(&spec, offered, language.as_deref()),
            language: language.clone(),
            device: Some(offered.device.clone()).filter(|device| !device.is_empty()),
            machine: self.machine,
        };
        let Some((version, committed)) = self.store.open_transcript(lease, &new).await? else {
            return Ok(Ok(Ending::LeaseLost));
        };
        let usual = self.store.speed(self.machine, &new.model).await?;
        let mut account = Account::new(job.duration_ms.and_then(|ms| u32::try_from(ms).ok()), usual);
        let options = Options {
            language: version.language.clone(),
            check_language: false,
            translate: choice.translate && offered.translates,
            vocabulary: if offered.vocabulary { choice.vocabulary.clone() } else { Vec::new() },
        };
        let (answer, settled) = mpsc::channel();
        let searching = version.language.is_none() && offered.detects_language;
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
            let cutting = offered.cutting;
            let detects = offered.detects_language;
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
            })?
        };
        let listener = std::thread::Builder::new()
            .name("reports".to_owned())
            .spawn(move || relay(&reports, &tell, recognised))?;

        let ending = self.commit_all(account, lease, &version, &mut told, lock, stop).await;
        // The threads wait for one another: a reader for room, the relay for a listener. Both end once these are gone.
        drop(told);
        tokio::task::spawn_blocking(move || {
            decoders.0.cancel();
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
                return Box::pin(self.run(claim, lock, stop)).await;
            }
            Err(failure) => return Ok(Err(failure)),
        };
        let (samples, note) = account.read.clone().context("the recording has been read")?;
        let duration_ms = i64::from(AudioTime::from_samples(samples).as_ms());
        if !self.store.note_media(lease, duration_ms, note.as_deref()).await? {
            return Ok(Ok(Ending::LeaseLost));
        }
        let spent = account.spent(duration_ms);
        let mut job = job.clone();
        job.duration_ms = Some(duration_ms);
        // Where nobody speaks there are no speakers to tell apart.
        if self.store.has_words(version.id).await?
            && let Some(ending) = self.tell_apart(&job, lease, *take_overs, lock, stop).await?
        {
            return Ok(Ok(ending));
        }
        self.complete(lease, &version, spent).await.map(Ok)
    }

    /// Takes what the threads tell, commits finished windows, shows signs of life, until all windows are committed.
    async fn commit_all(
        &self,
        mut account: Account,
        lease: Lease,
        version: &Transcript,
        told: &mut channel::Receiver<Told>,
        lock: &mut WorkLock,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Result<Recognised, Failure>> {
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
                Some(Told::Cut { index, span, committed }) => {
                    // A window that is recognised again lies before others.
                    account.cut_to = account.cut_to.max(span.end);
                    if !committed {
                        account.first_new.get_or_insert((span.start, Instant::now()));
                        account.in_flight.insert(index, span.start);
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
                    // A window without words is in no language.
                    let language = recognition.language.filter(|_| !recognition.words.is_empty());
                    let lines = segments(recognition.words, &recognition.doubts);
                    let other_language = recognition.other_language;
                    let window = Window { index, span, language: language.clone(), other_language };
                    if !self.store.commit_window(lease, version.id, &window, &lines).await? {
                        return Ok(Ok(Recognised::Stopped(Ending::LeaseLost)));
                    }
                    account.in_flight.remove(&index);
                    if let Some(search) = &mut account.search {
                        search.found.insert(index, language);
                    }
                    if !self.settle_language(&mut account, lease, version).await? {
                        return Ok(Ok(Recognised::Stopped(Ending::LeaseLost)));
                    }
                }
                Some(Told::Settle(windows)) => {
                    if let Some(search) = &mut account.search {
                        search.windows = Some(windows);
                    }
                    if !self.settle_language(&mut account, lease, version).await? {
                        return Ok(Ok(Recognised::Stopped(Ending::LeaseLost)));
                    }
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
                None if account.read.is_some() && account.in_flight.is_empty() => {
                    return Ok(Ok(Recognised::All(Box::new(account))));
                }
                None => return Err(anyhow!("the decoders ended before the recording did")),
            }
        }
    }

    /// Settles the language if the windows that decide are all recognised, and answers the reader. False if the lease is
    /// void.
    async fn settle_language(
        &self,
        account: &mut Account,
        lease: Lease,
        version: &Transcript,
    ) -> Result<bool> {
        let Some(search) = &mut account.search else { return Ok(true) };
        let Some(windows) = &search.windows else { return Ok(true) };
        let vote = vote(windows, &search.found);
        match &vote {
            Vote::Open => return Ok(true),
            Vote::Silent => search.windows = None,
            Vote::Settled { language, .. } => {
                if !self.store.settle_language(lease, version.id, language).await? {
                    return Ok(false);
                }
            }
        }
        // A reader that has ended waits for nothing.
        let _ = search.answer.send(vote.clone());
        if matches!(vote, Vote::Settled { .. }) {
            account.search = None;
        }
        Ok(true)
    }

    /// How engine processes are started: as this program in a hidden mode, or on a processor that its engine library is
    /// not built for, as the slower program that comes in the package.
    pub(crate) fn engine_command(&self) -> EngineCommand {
        let slower = self.resources.slower_engine();
        match !speech::neural::processor_suffices() && slower.is_file() {
            true => EngineCommand { program: slower, arguments: Vec::new() },
            false => {
                EngineCommand { program: self.program.clone(), arguments: vec![crate::hidden::ENGINE.into()] }
            }
        }
    }

    /// Becomes this computer's worker again after the server was restarted. Should another process have been faster,
    /// it has claimed our job too, and the next renewal of the lease says so.
    pub(crate) async fn keep_lock(&self, lock: &mut WorkLock) -> Result<()> {
        if !lock.is_held().await
            && let Some(again) = WorkLock::acquire(&self.store, self.machine).await?
        {
            *lock = again;
        }
        Ok(())
    }

    /// All words are there: cuts them into lines across windows and makes the version the current one.
    async fn complete(&self, lease: Lease, version: &Transcript, spent: Spent) -> Result<Ending> {
        if !self.store.enter_state(lease, WorkflowState::Aligning).await? {
            return Ok(Ending::LeaseLost);
        }
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
        let held = self.store.complete_transcript(lease, version.id, &lines, spent).await?;
        Ok(if held { Ending::Completed } else { Ending::LeaseLost })
    }
}

/// How recognising ended.
enum Recognised {
    All(Box<Account>),
    Stopped(Ending),
}

/// Hands windows to the decoders, or says that they are committed already.
struct Handing<'a> {
    committed: HashMap<u32, Span>,
    decoders: &'a Decoders,
    options: Options,
    /// Whether the model can tell languages.
    detects: bool,
    /// While the language is not settled: where it will be told, and the windows since the last vote.
    search: Option<(mpsc::Receiver<Vote>, Vec<speech::Window>)>,
    /// Receives a message when the first window has been recognised. The reader waits for it before it hands over
    /// another window: with the processor to itself, the first window takes two thirds of the time. `None` once that is
    /// over, and for a version that already has words.
    first: Option<mpsc::Receiver<()>>,
    tell: &'a channel::Sender<Told>,
    /// Committed windows that were cut again.
    seen: usize,
}

impl Handing<'_> {
    fn over(&mut self, windows: Vec<speech::Window>) -> Result<(), Failure> {
        for window in windows {
            let before = self.committed.get(&window.index);
            if before.is_some_and(|span| *span != window.span()) {
                return Err(Failure::CutsDiffer);
            }
            self.seen += usize::from(before.is_some());
            let committed = before.is_some();
            if let Some((_, early)) = &mut self.search {
                early.push(window.clone());
            }
            self.hand(window, committed)?;
            if self
                .search
                .as_ref()
                .is_some_and(|(_, early)| early.iter().filter(|w| votes(w)).count() == VOTERS)
            {
                self.settle()?;
            }
        }
        Ok(())
    }

    fn hand(&mut self, window: speech::Window, committed: bool) -> Result<(), Failure> {
        let cut = Told::Cut { index: window.index, span: window.span(), committed };
        if self.tell.blocking_send(cut).is_err() {
            // Nobody listens any more: stopped.
            return Err(SpeechError::Cancelled.into());
        }
        if !committed {
            let check_language = self.detects && self.options.language.is_some() && votes(&window);
            self.decoders.submit(window, Options { check_language, ..self.options.clone() })?;
            if let Some(first) = self.first.take() {
                // An error means that the decoders have ended; the next `submit` reports that.
                let _ = first.recv();
            }
        }
        Ok(())
    }

    /// Waits until the language is settled by the windows since the last vote, and has those that turn out to be in
    /// another language recognised again. If nothing was said in them, the next ones decide.
    fn settle(&mut self) -> Result<(), Failure> {
        let Some((settled, early)) = &mut self.search else { return Ok(()) };
        let early = std::mem::take(early);
        let windows =
            early.iter().map(|window| Early { index: window.index, votes: votes(window) }).collect();
        if self.tell.blocking_send(Told::Settle(windows)).is_err() {
            return Err(SpeechError::Cancelled.into());
        }
        // An end without an answer is that of everything.
        let Vote::Settled { language, again } = settled.recv().map_err(|_| SpeechError::Cancelled)? else {
            return Ok(());
        };
        self.search = None;
        self.options.language = Some(language);
        for window in early.into_iter().filter(|window| again.contains(&window.index)) {
            self.hand(window, false)?;
        }
        Ok(())
    }
}

/// Whether a window holds enough speech to tell its language.
fn votes(window: &speech::Window) -> bool {
    window.seconds() >= LEAST_SPEECH_S
}

/// Decoders of one recording. Their end is waited for on a thread that may block, whatever ends the work.
struct AtWork(Arc<Decoders>);

impl Drop for AtWork {
    fn drop(&mut self) {
        let decoders = Arc::clone(&self.0);
        // Without a runtime there is no other thread to wait on: the last reference then waits when it is dropped.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || decoders.cancel());
        }
    }
}

/// Reads the audio, cuts it at pauses and hands over what is not committed yet. Leaves behind where the audio can be
/// entered for listening. Runs on a thread of its own.
fn read_and_cut(
    place: &Place,
    tools: &media::Tools,
    cutting: Cutting,
    mut windows: Handing<'_>,
) -> Result<(), Failure> {
    let mut reader = Reader::open(place.audio(), tools)?;
    let mut windower = Windower::new(cutting);
    while let Some(samples) = reader.read()? {
        windows.over(windower.push(samples))?;
    }
    if let Some(index) = reader.seek_index() {
        keep_seek_index(place, &index);
    }
    windows.over(windower.finish())?;
    windows.settle()?;
    if windows.seen != windows.committed.len() {
        return Err(Failure::CutsDiffer);
    }
    let note = reader.shortfall().map(|shortfall| shortfall.to_string());
    let _ = windows.tell.blocking_send(Told::Read { samples: reader.position(), note });
    Ok(())
}

/// Passes what decoders report to the task that commits, and tells the reader that a window has been recognised. Runs on
/// a thread of its own until the decoders end.
fn relay(reports: &mpsc::Receiver<Event>, tell: &channel::Sender<Told>, recognised: mpsc::Sender<()>) {
    while let Ok(event) = reports.recv() {
        if matches!(event, Event::Finished { .. } | Event::Failed { .. }) {
            // An error means that the reader has ended or has received the first message already.
            let _ = recognised.send(());
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A run that has recognised `audio_ms` of a minute in `work`.
    fn account(usual: Option<f64>, audio_ms: u32, work: Duration) -> Account {
        let mut account = Account::new(Some(60_000), usual);
        if audio_ms > 0 {
            let begun = Instant::now().checked_sub(work).expect("the clock has run for a minute");
            account.first_new = Some((AudioTime::ZERO, begun));
            account.cut_to = AudioTime::from_ms(audio_ms);
        }
        account
    }

    #[test]
    fn what_is_left_is_learnt_from_earlier_runs_and_then_from_this_one() {
        assert_eq!(account(None, 0, Duration::ZERO).progress().left_ms, None, "nothing is known yet");
        // A computer that usually takes half the time of the recording.
        assert_eq!(account(Some(0.5), 0, Duration::ZERO).progress().left_ms, Some(30_000));
        // This run takes as long as the recording. After half a minute that counts for a third.
        let left = account(Some(0.5), 30_000, Duration::from_secs(30)).progress().left_ms.unwrap_or(0);
        assert!((19_900..20_100).contains(&left), "{left}");
        let left = account(None, 30_000, Duration::from_secs(30)).progress().left_ms.unwrap_or(0);
        assert!((29_900..30_100).contains(&left), "{left}");
        let done = account(Some(0.5), 60_000, Duration::from_secs(60)).progress();
        assert_eq!((done.left_ms, done.audio_done_ms), (Some(0), 60_000));
    }
}
