//! The step of the pipeline that tells the speakers apart: reads the recording once more and keeps who speaks when.
//!
//! It comes after the words, so that these can be read while it runs, and it can fail without them: then the transcript
//! is complete all the same, with a note. Names and corrections of an earlier time stay (`store::keep_speakers`).

use crate::App;
use crate::library::{Place, not_here};
use crate::refusal::capitalised;
use crate::speakers::cast::{Cast, overlay};
use crate::speakers::people::{likely, samples_of, stored};
use crate::speakers::view;
use crate::tasks::{AtWork, Break, Kind, held, ticks};
use anyhow::Result;
use futures_util::future::BoxFuture;
use media::{MediaError, Reader};
use speech::diarize::{Channels, Checked, Diarization, DiarizeError, Diarizer, SURE, Sortformer};
use speech::{ByVoice, CamPlusPlus, Control, Expected, Segmentation, voice_of};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;
use store::{
    Claim, Edit, EditId, FoundSpeakers, Job, Lease, Progress, SpeakerChange, SpeakerId, Speakers, TaskKind,
    WorkflowState,
};
use transcript::{AudioTime, Turn, ruled, same_speakers};

/// What is kept of the work beside the audio, until it is done.
const UNFINISHED: &str = "voices.part";
/// A recording whose workers ended so often while speakers were told apart gets its words without them.
const TAKE_OVERS: i32 = 3;

/// What the thread that works shares with the task that watches.
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

/// Ends the thread also where the task is dropped.
struct Cancels(Arc<Shared>);

impl Drop for Cancels {
    fn drop(&mut self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }
}

/// Why it did not work.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error(transparent)]
    Speech(#[from] DiarizeError),
    #[error("the work broke off")]
    Broken,
}

struct Found {
    method: &'static str,
    model: String,
    diarization: Diarization,
}

/// Only the speakers of a recording are told apart; its words stay.
pub(crate) struct Diarize;

impl Kind for Diarize {
    fn kind(&self) -> TaskKind {
        TaskKind::Diarize
    }

    fn work<'a>(
        &'a self,
        app: &'a App,
        claim: &'a Claim,
        mut at_work: AtWork,
    ) -> BoxFuture<'a, Result<(), Break>> {
        Box::pin(async move {
            if claim.job.current_transcript_id.is_none() {
                let message = format!("{} has no transcript yet. Try again.", claim.job.file_name);
                return Err(Break::Failed(message));
            }
            app.tell_apart(&claim.job, claim.take_overs, Before::Replaced, &mut at_work).await?;
            held(app.store.finish_speakers(claim.lease).await?)
        })
    }

    fn given_up(&self, times: i32) -> String {
        format!(
            "Telling the speakers apart was interrupted {times} times. Try again; if that happens once more, restart the computer first."
        )
    }
}

/// Whether the speakers of a meeting are told apart once more, if that was done before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// Keep the speakers that were found before.
    Kept,
    /// Find the speakers again.
    Replaced,
}

impl App {
    /// Tells the speakers of a recording apart, and notes where that does not work.
    pub(crate) async fn tell_apart(
        &self,
        job: &Job,
        take_overs: i32,
        before: Before,
        at_work: &mut AtWork,
    ) -> Result<(), Break> {
        let lease = at_work.lease();
        let asked = job.choice();
        let known = self.store.speakers(job.id).await?;
        let is_done = known.diarization.as_ref().is_some_and(|done| {
            done.error_message.is_none()
                && (done.expected_min, done.expected_max) == (asked.speakers_min, asked.speakers_max)
        });
        if is_done && before == Before::Kept {
            return Ok(());
        }
        if job.workflow_state() == Some(WorkflowState::Diarizing) && take_overs >= TAKE_OVERS {
            self.forget_unfinished(job).await;
            let message = "Telling the speakers apart was interrupted several times. Try again; if that happens once more, restart the computer first.";
            return self.without_speakers(lease, message).await;
        }
        at_work.tell(Progress { total: job.duration_ms, ..Progress::default() });
        held(self.store.enter_state(lease, WorkflowState::Diarizing).await?)?;
        let began = Instant::now();
        let found = match self.hear_speakers(job, began, at_work).await? {
            Ok(found) => found,
            Err(failure) => {
                tracing::warn!(?failure, "speakers could not be told apart");
                let message = format!(
                    "The speakers of {} could not be told apart: {failure}. The words are complete.",
                    job.file_name
                );
                return self.without_speakers(lease, &message).await;
            }
        };
        let took = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        // Corrections made meanwhile count, for who is whom too.
        let known = self.store.speakers(job.id).await?;
        held(self.store.keep_speakers(lease, &matched(found, &known, job, took)).await?)?;
        self.name_known(job, lease).await
    }

    /// Hears the recording on a thread of its own and tells how far that is.
    async fn hear_speakers(
        &self,
        job: &Job,
        began: Instant,
        at_work: &mut AtWork,
    ) -> Result<Result<Found, Failure>, Break> {
        let shared = Arc::new(Shared::default());
        let cancels = Cancels(Arc::clone(&shared));
        let remembered = self.store.people_settings().await?.enabled;
        let mut work = tokio::task::spawn_blocking({
            let (app, job, shared) = (self.clone(), job.clone(), Arc::clone(&shared));
            move || app.listen_for_speakers(&job, remembered, &shared)
        });
        let mut tick = ticks();
        let ended = loop {
            tokio::select! {
                ended = &mut work => break ended,
                _ = tick.tick() => at_work.tell(progress(job, shared.samples.load(Ordering::Relaxed), began)),
                why = at_work.interrupted() => {
                    drop(cancels);
                    let _ = work.await;
                    if !matches!(why, Break::Stopped) {
                        self.forget_unfinished(job).await;
                    }
                    return Err(why);
                }
            }
        };
        self.forget_unfinished(job).await;
        // A panic in it is its failure, not ours.
        Ok(ended.unwrap_or(Err(Failure::Broken)))
    }

    async fn without_speakers(&self, lease: Lease, message: &str) -> Result<(), Break> {
        held(self.store.note_no_speakers(lease, &capitalised(message)).await?)
    }

    /// Names those who are surely known, if that was turned on, and learns the voices of those who were named.
    async fn name_known(&self, job: &Job, lease: Lease) -> Result<(), Break> {
        let settings = self.store.people_settings().await?;
        if settings.enabled && settings.automatic {
            let cast = Cast::of(self.store.speakers(job.id).await?);
            let people = self.store.people().await?;
            for found in likely(&cast, &self.store.person_voices().await?) {
                let Some(person) = people.iter().find(|person| person.id == found.person) else { continue };
                if found.cosine >= SURE {
                    let edit = Edit::Name {
                        speaker: found.speaker,
                        name: Some(person.name.clone()),
                        person: Some(person.id),
                    };
                    let change = SpeakerChange::Edit { id: EditId::new(), edit, speaker: None, person: None };
                    held(self.store.change_speakers_at_work(lease, &change).await?)?;
                }
            }
        }
        held(self.learn_of(job, Some(lease)).await?)
    }

    /// Reads the recording from start to end. Blocks.
    fn listen_for_speakers(&self, job: &Job, remembered: bool, shared: &Shared) -> Result<Found, Failure> {
        let place = self.library.place(job).ok_or_else(not_here)?;
        let (place, audio) = (&place, place.audio());
        let view::Expected { min, max } = view::Expected::of(&job.choice());
        let expected = Expected { min, max };
        if let Some(found) = self.by_channel(audio, expected, remembered, shared)? {
            return Ok(found);
        }
        let few = [expected.min, expected.max].into_iter().flatten().all(|number| number <= Sortformer::MOST);
        if let Some(model) = self.room.speaker_model().filter(|_| few) {
            let found = self.with_model(&model, place).map_err(Failure::from);
            match found.and_then(|diarizer| self.listen(audio, diarizer, expected, shared)) {
                Err(Failure::Speech(error)) if error != DiarizeError::Cancelled => {
                    tracing::warn!(%error, "the model for speakers cannot be used; voices alone count");
                }
                ended => return ended,
            }
        }
        self.listen(audio, Box::new(self.by_voice(place)?), expected, shared)
    }

    fn listen(
        &self,
        audio: &Path,
        mut diarizer: Box<dyn Diarizer>,
        expected: Expected,
        shared: &Shared,
    ) -> Result<Found, Failure> {
        let mut reader = Reader::open(audio, &self.tools)?;
        while let Some(samples) = reader.read()? {
            diarizer.push(samples, shared)?;
        }
        let diarization = diarizer.finish(expected, shared)?;
        Ok(Found { method: diarizer.method(), model: diarizer.model(), diarization })
    }

    fn by_voice(&self, place: &Place) -> Result<ByVoice, DiarizeError> {
        let segmentation = Segmentation::load(self.resources.folder())?;
        let encoder = Box::new(CamPlusPlus::load(self.resources.folder())?);
        let diarizer = ByVoice::new(segmentation, encoder);
        Ok(match place.beside(UNFINISHED) {
            Some(file) => diarizer.keep_in(&file),
            None => diarizer,
        })
    }

    /// A model for it, and voices to see whether it is enough.
    fn with_model(&self, model: &Path, place: &Place) -> Result<Box<dyn Diarizer>, DiarizeError> {
        let threads = u32::try_from(speech::cores()).unwrap_or(1);
        let linking = Box::new(CamPlusPlus::load(self.resources.folder())?);
        let sortformer = Sortformer::start(&self.engine_command(), model, threads)?.with_encoder(linking);
        Ok(Box::new(Checked::new(Box::new(sortformer), Box::new(self.by_voice(place)?), Sortformer::MOST)))
    }

    /// Where each person has a channel or a track of their own, that is all there is to know.
    fn by_channel(
        &self,
        audio: &Path,
        expected: Expected,
        remembered: bool,
        shared: &Shared,
    ) -> Result<Option<Found>, Failure> {
        let parts = media::parts(audio, &self.tools)?;
        let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        if count < 2 || expected.min.is_some_and(|min| min > count) || expected.max == Some(1) {
            return Ok(None);
        }
        let mut channels = Channels::new(parts.len());
        for (number, part) in parts.iter().enumerate() {
            let mut reader = Reader::open_part(audio, &self.tools, *part)?;
            while let Some(samples) = reader.read()? {
                channels.push(number, samples)?;
                if shared.cancelled() {
                    return Err(DiarizeError::Cancelled.into());
                }
            }
        }
        let Some((mut diarization, theirs)) = channels.finish() else { return Ok(None) };
        if remembered {
            let mut encoder = CamPlusPlus::load(self.resources.folder())?;
            for (speaker, part) in theirs.iter().enumerate() {
                let of_speaker = diarization.turns.iter().filter(|turn| turn.speaker as usize == speaker);
                let spans: Vec<_> = of_speaker.map(|turn| turn.span).collect();
                let samples = samples_of(audio, &self.tools, parts[*part], &spans)?;
                diarization.voices[speaker] = voice_of(&mut encoder, &samples, shared)?;
            }
        }
        Ok(Some(Found { method: "channels", model: String::new(), diarization }))
    }

    /// Removes what was computed of voices, if it is on this computer.
    pub(crate) async fn forget_unfinished(&self, job: &Job) {
        let Some(file) = self.library.place(job).and_then(|place| place.beside(UNFINISHED)) else { return };
        let removed = tokio::task::spawn_blocking(move || fs::remove_file(file)).await;
        if let Ok(Err(error)) = removed
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(kind = ?error.kind(), "what was kept of voices could not be removed");
        }
    }
}

fn progress(job: &Job, samples: u64, began: Instant) -> Progress {
    let done = AudioTime::from_samples(samples).as_ms();
    let total = job.duration_ms.map(|ms| ms.max(i64::from(done)));
    let factor = (done > 0).then(|| began.elapsed().as_secs_f64() * 1000.0 / f64::from(done));
    Progress {
        done: i64::from(done),
        total,
        real_time_factor: factor,
        left_ms: total.zip(factor).map(|(total, factor)| ((total - i64::from(done)) as f64 * factor) as i64),
    }
}

/// What was found, with the ids of those who spoke at the same times before.
fn matched(found: Found, before: &Speakers, job: &Job, work_ms: i64) -> FoundSpeakers {
    let overlay = overlay(before);
    let known = ruled(&before.turns, overlay.assigned());
    let known: Vec<Turn<SpeakerId>> =
        known.into_iter().map(|turn| turn.of(overlay.shown(turn.speaker))).collect();
    let Diarization { turns, voices } = found.diarization;
    let same = same_speakers(&known, &turns);
    let count = same.len().max(voices.len());
    let mut voices = voices.into_iter();
    let speakers: Vec<_> = (0..count)
        .map(|number| {
            let id = same.get(number).copied().flatten().unwrap_or_else(SpeakerId::new);
            (id, voices.next().flatten().map(stored))
        })
        .collect();
    let asked = job.choice();
    FoundSpeakers {
        method: found.method.to_owned(),
        model: found.model,
        note: None,
        expected_min: asked.speakers_min,
        expected_max: asked.speakers_max,
        work_ms,
        turns: turns.into_iter().map(|turn| turn.of(speakers[turn.speaker as usize].0)).collect(),
        speakers,
    }
}
