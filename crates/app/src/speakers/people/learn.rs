//! Learns the voices of named speakers: makes a voice embedding from the recording and stores it with the person.

use crate::App;
use crate::speakers::meeting_speakers::MeetingSpeakers;
use anyhow::{Context, Result};
use media::{MediaError, Reader, StreamSelection};
use speech::diarize::{LEARN_MIN_SPEECH_MS, VoiceEmbedding};
use speech::engine::NeverCancel;
use speech::{CamPlusPlus, embed_voice};
use std::path::Path;
use store::{Job, JobId, Lease, PersonEmbedding, SpeakerId, StoredEmbedding};
use transcript::{SAMPLE_RATE, Span};

/// Milliseconds of speech that an embedding is made from; more hardly improves it.
const ENOUGH_SPEECH_MS: u32 = 45_000;
/// Shorter turns, in milliseconds, are left out.
const MIN_TURN_MS: u32 = 1_000;

impl App {
    /// Learns the voices of the named speakers of a meeting that are not learnt from it yet. Decodes the recording if
    /// needed, which takes a few seconds. Does nothing while voices are not remembered.
    ///
    /// # Errors
    /// [`crate::ErrorCode::NotFound`]; if the archive fails or the recording cannot be read.
    pub async fn learn_named_voices(&self, id: JobId) -> Result<()> {
        let job = self.stored_job(id).await?;
        self.learn_voices_of(&job, None).await?;
        Ok(())
    }

    /// Learns the voices of a meeting's people again if their embeddings come from an earlier version's voice encoder
    /// and cannot be compared with new ones. Call it when the meeting is opened.
    ///
    /// # Errors
    /// As [`App::learn_named_voices`].
    pub async fn relearn_outdated_voices(&self, id: JobId) -> Result<()> {
        let job = self.stored_job(id).await?;
        let outdated = |known: &PersonEmbedding| {
            known.job == Some(job.id) && !known.refused && !is_current(&known.embedding)
        };
        if self.store.person_embeddings().await?.iter().any(outdated) {
            self.learn_voices_of(&job, None).await?;
        }
        Ok(())
    }

    /// Learns the voices of the named speakers of `job`. A worker passes its lease; false if that is lost.
    pub(crate) async fn learn_voices_of(&self, job: &Job, lease: Option<Lease>) -> Result<bool> {
        if !self.store.people_settings().await?.enabled {
            return Ok(true);
        }
        let speakers = MeetingSpeakers::new(self.store.speakers(job.id).await?);
        let known = self.store.person_embeddings().await?;
        for speaker in speakers.visible() {
            let Some(person) = speaker.person else { continue };
            let is_learnt = |known: &PersonEmbedding| {
                known.person == person
                    && known.speaker == Some(speaker.id)
                    && !known.refused
                    && is_current(&known.embedding)
            };
            if known.iter().any(is_learnt) {
                continue;
            }
            let embedding = match speaker.embedding.as_ref().filter(|embedding| is_current(embedding)) {
                Some(embedding) => Some(embedding.clone()),
                None => {
                    let embedding = self.embed_speaker(job, &speakers, speaker.id).await?;
                    if let Some(embedding) = &embedding
                        && !self.store.save_speaker_embedding(speaker.id, embedding, lease).await?
                    {
                        return Ok(false);
                    }
                    embedding
                }
            };
            let Some(embedding) = embedding.filter(|embedding| embedding.speech_ms >= LEARN_MIN_SPEECH_MS)
            else {
                continue;
            };
            let learnt = PersonEmbedding {
                person,
                refused: false,
                embedding,
                job: Some(job.id),
                speaker: Some(speaker.id),
                sample: speakers.voice_sample(speaker.id),
            };
            if !self.store.save_person_embedding(&learnt, lease).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes a voice embedding of a speaker from the recording; `None` if the recording is not here or the speaker
    /// speaks too little.
    async fn embed_speaker(
        &self,
        job: &Job,
        speakers: &MeetingSpeakers,
        speaker: SpeakerId,
    ) -> Result<Option<StoredEmbedding>> {
        let Some(audio) = self.audio_file(job.id).await? else { return Ok(None) };
        let spans: Vec<Span> = speakers
            .turns_of(speaker)
            .filter(|turn| !turn.overlap && turn.span.duration_ms() >= MIN_TURN_MS)
            .map(|turn| turn.span)
            .collect();
        let (resources, tools) = (self.resources.folder().to_owned(), self.tools.clone());
        let embedding = tokio::task::spawn_blocking(move || -> Result<Option<VoiceEmbedding>> {
            let samples = read_speech(&audio, &tools, StreamSelection::All, &spans)?;
            let mut encoder = CamPlusPlus::load(&resources)?;
            Ok(embed_voice(&mut encoder, &samples, &NeverCancel)?)
        });
        let embedding = embedding.await?.context("a voice could not be learnt")?;
        Ok(embedding.map(to_stored))
    }
}

/// The samples of `spans`, which are in order of start, up to [`ENOUGH_SPEECH_MS`]: 16 kHz mono. Blocks.
pub(crate) fn read_speech(
    audio: &Path,
    tools: &media::Tools,
    selection: StreamSelection,
    spans: &[Span],
) -> Result<Vec<f32>, MediaError> {
    let sample_range = |span: &Span| {
        let sample = |ms: u32| u64::from(ms) * u64::from(SAMPLE_RATE) / 1000;
        sample(span.start.as_ms())..sample(span.end.as_ms())
    };
    let enough = (ENOUGH_SPEECH_MS * (SAMPLE_RATE / 1000)) as usize;
    let mut wanted = spans.iter().map(sample_range).peekable();
    let mut reader = Reader::open_selection(audio, tools, selection)?;
    let mut speech = Vec::new();
    let mut start = 0;
    while speech.len() < enough && wanted.peek().is_some() {
        let Some(samples) = reader.read()? else { break };
        let end = start + samples.len() as u64;
        while let Some(range) = wanted.peek() {
            let (from, to) = (range.start.max(start), range.end.min(end));
            if from < to {
                speech.extend_from_slice(&samples[(from - start) as usize..(to - start) as usize]);
            }
            if range.end > end {
                break;
            }
            wanted.next();
        }
        start = end;
    }
    Ok(speech)
}

/// An embedding as `store` keeps it.
pub(crate) fn to_stored(embedding: VoiceEmbedding) -> StoredEmbedding {
    StoredEmbedding { encoder: embedding.encoder, vector: embedding.vector, speech_ms: embedding.speech_ms }
}

/// Whether the current encoder made this embedding. Embeddings of other encoders cannot be compared.
pub(super) fn is_current(embedding: &StoredEmbedding) -> bool {
    embedding.encoder == CamPlusPlus::NAME
}
