//! Diarization as a step of the work on a recording: decodes the recording once more and stores who speaks when.
//!
//! It runs after the words, so that they can be read meanwhile, and not again for a new version of the text, unless
//! another number of speakers is expected. A task of the kind `diarize` runs it alone. An error does not fail the job:
//! the transcript is complete, and the error is stored with the diarization.
//!
//! Which diarizer is used: channels or tracks, if each person clearly has one; else an installed speaker model, checked
//! by the built-in diarizer, which is used if it finds more speakers than the model can distinguish; else the built-in
//! diarizer. The built-in one keeps its results in `voices.part` beside the audio, so that another worker can continue
//! after a kill. The file is removed at the end; no voice embedding outlives the work unless the user has allowed it.
//!
//! Speakers of another diarization get the ids of the earlier speakers who spoke at the same times
//! (`transcript::match_speakers`), so names and other edits stay (`store::save_diarization`).

use crate::App;
use crate::library::{RecordingFolder, missing_audio};
use crate::retention::audio_removed_message;
use crate::speakers::meeting_speakers::{MeetingSpeakers, shown_turns};
use crate::speakers::people::learn::{read_speech, to_stored};
use crate::speakers::people::matching::match_people;
use crate::speakers::view::SpeakerCount;
use crate::tasks::{TaskContext, TaskError, TaskHandler, heartbeats, require_lease};
use crate::user_error::capitalised;
use futures_util::future::BoxFuture;
use media::{MediaError, Reader};
use speech::diarize::{
    ChannelDiarizer, Diarization, DiarizeError, Diarizer, FallbackDiarizer, SURE_SIMILARITY, Sortformer,
};
use speech::{CamPlusPlus, ClusteringDiarizer, Control, ExpectedSpeakers, Segmentation, embed_voice};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;
use store::{
    Claim, Edit, EditId, Job, Lease, NewDiarization, SpeakerChange, SpeakerData, SpeakerId, StoreError,
    TaskKind, TaskProgress, WorkflowState,
};
use transcript::{AudioTime, match_speakers};

/// Name of the file beside the audio in which the built-in diarizer keeps its results while it runs.
const EMBEDDING_CACHE: &str = "voices.part";
/// After this many interrupted attempts, the transcript is completed without speakers.
const MAX_TAKEOVERS: i32 = 3;

/// What the diarizing thread shares with the async task.
#[derive(Debug, Default)]
struct Shared {
    cancelled: AtomicBool,
    samples: AtomicU64,
}

impl Control for Shared {
    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn progress(&self, samples: u64) {
        self.samples.store(samples, Ordering::Relaxed);
    }
}

/// Cancels the thread when dropped, also if the task itself is dropped.
struct CancelOnDrop(Arc<Shared>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }
}

/// Why a recording could not be diarized.
#[derive(Debug, thiserror::Error)]
enum RecordingError {
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error(transparent)]
    Diarizer(#[from] DiarizeError),
    /// The thread panicked.
    #[error("the work broke off")]
    Panicked,
}

/// Why a diarization ended early.
enum RunError {
    Recording(RecordingError),
    /// The task was interrupted, or the archive failed.
    Task(TaskError),
}

impl From<StoreError> for RunError {
    fn from(error: StoreError) -> Self {
        Self::Task(error.into())
    }
}

/// The result of a diarizer.
struct Found {
    method: &'static str,
    model: String,
    diarization: Diarization,
}

/// Diarizes a recording again; its words stay.
pub(crate) struct Diarize;

impl TaskHandler for Diarize {
    fn kind(&self) -> TaskKind {
        TaskKind::Diarize
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
            if claim.job.current_transcript_id.is_none() {
                let message = format!("{} has no transcript yet. Try again.", claim.job.file_name);
                return Err(TaskError::Failed(message));
            }
            app.diarize(&claim.job, claim.takeovers, EarlierSpeakers::Replace, &mut context).await?;
            require_lease(app.store.complete_diarization(claim.lease).await?)
        })
    }

    fn abandoned_message(&self, times: i32) -> String {
        format!(
            "Telling the speakers apart was interrupted {times} times. Try again; if that happens once more, restart the computer first."
        )
    }
}

/// What to do if the recording was diarized before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EarlierSpeakers {
    /// Keep that diarization, if it succeeded and was asked for the same number of speakers.
    Keep,
    /// Diarize again.
    Replace,
}

impl App {
    /// Diarizes a recording and stores the result, or why it failed.
    pub(crate) async fn diarize(
        &self,
        job: &Job,
        takeovers: i32,
        earlier: EarlierSpeakers,
        context: &mut TaskContext,
    ) -> Result<(), TaskError> {
        let lease = context.lease();
        let asked = job.requested_options();
        let before = self.store.speakers(job.id).await?;
        let is_done = before.diarization.as_ref().is_some_and(|done| {
            done.error_message.is_none()
                && (done.expected_min, done.expected_max) == (asked.speakers_min, asked.speakers_max)
        });
        if is_done && earlier == EarlierSpeakers::Keep {
            return Ok(());
        }
        if job.workflow_state() == Some(WorkflowState::Diarizing) && takeovers >= MAX_TAKEOVERS {
            self.remove_embedding_cache(job).await;
            let message = "Telling the speakers apart was interrupted several times. Try again; if that happens once more, restart the computer first.";
            return self.record_failure(lease, message).await;
        }
        context.report(TaskProgress { total: job.duration_ms, ..TaskProgress::default() });
        require_lease(self.store.set_workflow_state(lease, WorkflowState::Diarizing).await?)?;
        let began = Instant::now();
        let found = match self.run_diarizer(job, began, context).await {
            Ok(found) => found,
            Err(RunError::Task(error)) => return Err(error),
            Err(RunError::Recording(error)) => {
                tracing::warn!(?error, "a recording could not be diarized");
                let message = format!(
                    "The speakers of {} could not be detected: {error}. The words are complete.",
                    job.file_name
                );
                return self.record_failure(lease, &message).await;
            }
        };
        let work_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        // Read again: edits that were made meanwhile decide which earlier speakers are matched.
        let before = self.store.speakers(job.id).await?;
        let new = with_earlier_ids(found, &before, job, work_ms);
        require_lease(self.store.save_diarization(lease, &new).await?)?;
        self.name_and_learn(job, lease).await
    }

    /// Runs the diarizer on a thread of its own and reports its progress.
    async fn run_diarizer(
        &self,
        job: &Job,
        began: Instant,
        context: &mut TaskContext,
    ) -> Result<Found, RunError> {
        let shared = Arc::new(Shared::default());
        let cancel = CancelOnDrop(Arc::clone(&shared));
        let embed = self.store.people_settings().await?.enabled;
        let mut work = tokio::task::spawn_blocking({
            let (app, job, shared) = (self.clone(), job.clone(), Arc::clone(&shared));
            move || app.diarize_recording(&job, embed, &shared)
        });
        let mut heartbeat = heartbeats();
        let ended = loop {
            tokio::select! {
                ended = &mut work => break ended,
                _ = heartbeat.tick() => {
                    context.report(progress(job, shared.samples.load(Ordering::Relaxed), began));
                }
                interruption = context.interrupted() => {
                    drop(cancel);
                    let _ = work.await;
                    if !matches!(interruption, TaskError::Stopped) {
                        self.remove_embedding_cache(job).await;
                    }
                    return Err(RunError::Task(interruption));
                }
            }
        };
        self.remove_embedding_cache(job).await;
        // A panic of the thread fails the diarization, not the task.
        ended.unwrap_or(Err(RecordingError::Panicked)).map_err(RunError::Recording)
    }

    async fn record_failure(&self, lease: Lease, message: &str) -> Result<(), TaskError> {
        require_lease(self.store.record_diarization_error(lease, &capitalised(message)).await?)
    }

    /// Names the speakers who are surely known, if the user has turned that on, and learns the voices of named
    /// speakers.
    async fn name_and_learn(&self, job: &Job, lease: Lease) -> Result<(), TaskError> {
        let settings = self.store.people_settings().await?;
        if settings.enabled && settings.automatic {
            let speakers = MeetingSpeakers::new(self.store.speakers(job.id).await?);
            let people = self.store.people().await?;
            for found in match_people(&speakers, &self.store.person_embeddings().await?) {
                let Some(person) = people.iter().find(|person| person.id == found.person) else { continue };
                if found.similarity >= SURE_SIMILARITY {
                    let edit = Edit::Name {
                        speaker: found.speaker,
                        name: Some(person.name.clone()),
                        person: Some(person.id),
                    };
                    let change = SpeakerChange::Edit { id: EditId::new(), edit, speaker: None, person: None };
                    require_lease(self.store.change_speakers_under_lease(lease, &change).await?)?;
                }
            }
        }
        require_lease(self.learn_voices_of(job, Some(lease)).await?)
    }

    /// Selects a diarizer and runs it over the recording. With `embed`, speakers of channels get a voice embedding too.
    /// Blocks.
    fn diarize_recording(&self, job: &Job, embed: bool, shared: &Shared) -> Result<Found, RecordingError> {
        let folder = self.library.recording_folder(job).ok_or_else(missing_audio)?;
        let audio = folder.audio();
        let SpeakerCount { min, max } = SpeakerCount::of(&job.requested_options());
        let expected = ExpectedSpeakers { min, max };
        if let Some(found) = self.diarize_channels(audio, expected, embed, shared)? {
            return Ok(found);
        }
        let few_enough = [min, max].into_iter().flatten().all(|number| number <= Sortformer::MAX_SPEAKERS);
        if let Some(model) = self.models.speaker_model().filter(|_| few_enough) {
            let diarizer = self.model_diarizer(&model, &folder).map_err(RecordingError::from);
            match diarizer.and_then(|diarizer| self.run_over(audio, diarizer, expected, shared)) {
                Err(RecordingError::Diarizer(error)) if error != DiarizeError::Cancelled => {
                    tracing::warn!(%error, "the speaker model cannot be used; the built-in diarizer is used instead");
                }
                ended => return ended,
            }
        }
        self.run_over(audio, Box::new(self.built_in_diarizer(&folder)?), expected, shared)
    }

    /// Decodes the recording from start to end into `diarizer`.
    fn run_over(
        &self,
        audio: &Path,
        mut diarizer: Box<dyn Diarizer>,
        expected: ExpectedSpeakers,
        shared: &Shared,
    ) -> Result<Found, RecordingError> {
        let mut reader = Reader::open(audio, &self.tools)?;
        while let Some(samples) = reader.read()? {
            diarizer.push(samples, shared)?;
        }
        let diarization = diarizer.finish(expected, shared)?;
        Ok(Found { method: diarizer.method(), model: diarizer.model(), diarization })
    }

    /// The built-in diarizer, which keeps its results beside the audio.
    fn built_in_diarizer(&self, folder: &RecordingFolder) -> Result<ClusteringDiarizer, DiarizeError> {
        let segmentation = Segmentation::load(self.resources.folder())?;
        let encoder = Box::new(CamPlusPlus::load(self.resources.folder())?);
        let diarizer = ClusteringDiarizer::new(segmentation, encoder);
        Ok(match folder.beside(EMBEDDING_CACHE) {
            Some(file) => diarizer.with_cache(&file),
            None => diarizer,
        })
    }

    /// A diarizer with an installed speaker model. The built-in one runs beside it, in case there are more speakers
    /// than the model can distinguish.
    fn model_diarizer(
        &self,
        model: &Path,
        folder: &RecordingFolder,
    ) -> Result<Box<dyn Diarizer>, DiarizeError> {
        let threads = u32::try_from(speech::cores()).unwrap_or(1);
        let encoder = Box::new(CamPlusPlus::load(self.resources.folder())?);
        let sortformer = Sortformer::start(&self.engine_command(), model, threads)?.with_encoder(encoder);
        let built_in = self.built_in_diarizer(folder)?;
        let fallback =
            FallbackDiarizer::new(Box::new(sortformer), Box::new(built_in), Sortformer::MAX_SPEAKERS);
        Ok(Box::new(fallback))
    }

    /// Diarizes by channels or tracks; `None` unless each clearly belongs to one person. With `embed`, the speakers get
    /// a voice embedding.
    fn diarize_channels(
        &self,
        audio: &Path,
        expected: ExpectedSpeakers,
        embed: bool,
        shared: &Shared,
    ) -> Result<Option<Found>, RecordingError> {
        let streams = media::separate_streams(audio, &self.tools)?;
        let count = u32::try_from(streams.len()).unwrap_or(u32::MAX);
        if count < 2 || expected.min.is_some_and(|min| min > count) || expected.max == Some(1) {
            return Ok(None);
        }
        let mut channels = ChannelDiarizer::new(streams.len());
        for (number, stream) in streams.iter().enumerate() {
            let mut reader = Reader::open_selection(audio, &self.tools, *stream)?;
            while let Some(samples) = reader.read()? {
                channels.push(number, samples)?;
                if shared.cancelled() {
                    return Err(DiarizeError::Cancelled.into());
                }
            }
        }
        let Some((mut diarization, stream_of_speaker)) = channels.finish() else { return Ok(None) };
        if embed {
            let mut encoder = CamPlusPlus::load(self.resources.folder())?;
            for (speaker, stream) in stream_of_speaker.iter().enumerate() {
                let of_speaker = diarization.turns.iter().filter(|turn| turn.speaker as usize == speaker);
                let spans: Vec<_> = of_speaker.map(|turn| turn.span).collect();
                let samples = read_speech(audio, &self.tools, streams[*stream], &spans)?;
                diarization.embeddings[speaker] = embed_voice(&mut encoder, &samples, shared)?;
            }
        }
        Ok(Some(Found { method: "channels", model: String::new(), diarization }))
    }

    /// Removes the results that the built-in diarizer keeps beside the audio, if the recording is on this computer.
    pub(crate) async fn remove_embedding_cache(&self, job: &Job) {
        let folder = self.library.recording_folder(job);
        let Some(file) = folder.and_then(|folder| folder.beside(EMBEDDING_CACHE)) else { return };
        let removed = tokio::task::spawn_blocking(move || fs::remove_file(file)).await;
        if let Ok(Err(error)) = removed
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(kind = ?error.kind(), "a cache of voice embeddings could not be removed");
        }
    }
}

/// `samples` is how many samples were diarized, `began` when the work began.
fn progress(job: &Job, samples: u64, began: Instant) -> TaskProgress {
    let done = AudioTime::from_samples(samples).as_ms();
    let total = job.duration_ms.map(|ms| ms.max(i64::from(done)));
    let factor = (done > 0).then(|| began.elapsed().as_secs_f64() * 1000.0 / f64::from(done));
    TaskProgress {
        done: i64::from(done),
        total,
        real_time_factor: factor,
        left_ms: total.zip(factor).map(|(total, factor)| ((total - i64::from(done)) as f64 * factor) as i64),
    }
}

/// The diarization to store. Speakers get the id of the earlier speaker who spoke at the same times, else a new one.
fn with_earlier_ids(found: Found, before: &SpeakerData, job: &Job, work_ms: i64) -> NewDiarization {
    let Diarization { turns, embeddings } = found.diarization;
    let earlier = match_speakers(&shown_turns(before), &turns);
    let count = earlier.len().max(embeddings.len());
    let mut embeddings = embeddings.into_iter();
    let speakers: Vec<_> = (0..count)
        .map(|number| {
            let id = earlier.get(number).copied().flatten().unwrap_or_else(SpeakerId::new);
            (id, embeddings.next().flatten().map(to_stored))
        })
        .collect();
    let asked = job.requested_options();
    NewDiarization {
        method: found.method.to_owned(),
        model: found.model,
        note: None,
        expected_min: asked.speakers_min,
        expected_max: asked.speakers_max,
        work_ms,
        turns: turns.into_iter().map(|turn| turn.with_speaker(speakers[turn.speaker as usize].0)).collect(),
        speakers,
    }
}
