//! Voice embeddings: vectors of speech that are near each other for the same person, and what their similarity means.
//!
//! A [`VoiceEncoder`] makes an embedding for each short window of speech. The embedding of a person is the direction of
//! the sum over the windows in which that person speaks alone.

use super::{DiarizeError, add, check_cancelled, dot, unit};
use crate::engine::Control;
use crate::voice_activity::{FRAME, VoiceActivityDetector};
use serde::{Deserialize, Serialize};
use transcript::{AudioTime, SAMPLE_RATE};

/// Samples from the start of one window to the next: half a second.
pub(super) const HOP: u64 = SAMPLE_RATE as u64 / 2;
/// Number of windows that are encoded together: half a minute of speech.
pub(super) const BATCH_WINDOWS: usize = 64;
/// The most consecutive windows that are given to the encoder as one excerpt: 5 s.
pub(super) const EXCERPT_WINDOWS: usize = 8;
/// A window gets an embedding if at least this share of it is speech.
pub(super) const MIN_SPEECH_SHARE: f32 = 0.3;
/// The least speech for the embedding of a person, in milliseconds.
const MIN_SPEECH_MS: u32 = 1_000;

/// Two embeddings from different recordings may be of the same person at this similarity or above, and the name is
/// suggested. `docs/voices.md` states how often that is right.
pub const SUGGEST_SIMILARITY: f32 = 0.45;

/// At this similarity or above it is the same person, as surely as this encoder can tell.
pub const SURE_SIMILARITY: f32 = 0.65;

/// The suggested person's similarity exceeds that of the next person by at least this.
pub const SUGGEST_MARGIN: f32 = 0.08;

/// The least speech of a speaker alone for whom a name is suggested, in milliseconds.
pub const SUGGEST_MIN_SPEECH_MS: u32 = 3_000;

/// The least speech of one person alone from which their voice is learnt, in milliseconds.
pub const LEARN_MIN_SPEECH_MS: u32 = 15_000;

/// The probability, from 0 to 1, that two embeddings of this similarity are of the same person, for display: 0.5 at
/// [`SUGGEST_SIMILARITY`], 0.9 at [`SURE_SIMILARITY`], and a logistic curve through both. An estimate from few voices,
/// not a measurement.
pub fn match_probability(similarity: f32) -> f32 {
    let slope = 9.0_f32.ln() / (SURE_SIMILARITY - SUGGEST_SIMILARITY);
    1.0 / (1.0 + (-slope * (similarity - SUGGEST_SIMILARITY)).exp())
}

/// The voice of a person as a vector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VoiceEmbedding {
    /// The name of the encoder that made it. Embeddings of different encoders cannot be compared.
    pub encoder: String,
    /// A vector of length one.
    pub vector: Vec<f32>,
    /// The amount of speech that it was made from, in milliseconds.
    pub speech_ms: u32,
}

impl VoiceEmbedding {
    /// From the sum of the vectors of windows; `None` if there is less than a second of speech, or if the sum is zero.
    pub(super) fn of_sum(encoder: &str, sum: Vec<f32>, speech_ms: u32) -> Option<Self> {
        let vector = unit(sum);
        let is_usable = speech_ms >= MIN_SPEECH_MS && dot(&vector, &vector) > 0.0;
        is_usable.then(|| Self { encoder: encoder.to_owned(), vector, speech_ms })
    }

    /// The cosine similarity of two embeddings, from −1 to 1. `None` if they were made by different encoders.
    pub fn similarity(&self, other: &Self) -> Option<f32> {
        let comparable = self.encoder == other.encoder && self.vector.len() == other.vector.len();
        comparable.then(|| dot(&self.vector, &other.vector).clamp(-1.0, 1.0))
    }
}

/// A network that turns windows of speech into vectors that are near each other for the same person.
pub trait VoiceEncoder: Send {
    /// The name that goes into [`VoiceEmbedding::encoder`]. Another version of the network needs another name.
    fn name(&self) -> &'static str;

    /// Length of a window in samples at 16 kHz.
    fn window(&self) -> usize;

    /// A vector of length one for each window of each excerpt. Windows start every `hop` samples; an excerpt that is
    /// shorter than a window counts as one window. The same excerpts in the same order give the same bits.
    ///
    /// # Errors
    /// [`DiarizeError::Failed`].
    fn embed(&mut self, excerpts: &[&[f32]], hop: usize) -> Result<Vec<Vec<Vec<f32>>>, DiarizeError>;
}

/// The vectors of the windows of all `excerpts`, which start every [`HOP`] samples.
///
/// # Errors
/// [`DiarizeError::Failed`] if the encoder fails, returns another number of vectors, or vectors that are not finite or
/// of different lengths.
pub(super) fn embed_windows(
    encoder: &mut dyn VoiceEncoder,
    excerpts: &[&[f32]],
) -> Result<Vec<Vec<f32>>, DiarizeError> {
    let vectors = encoder.embed(excerpts, HOP as usize)?;
    let vectors: Vec<Vec<f32>> = vectors.into_iter().flatten().collect();
    let width = vectors.first().map_or(0, Vec::len);
    let windows: usize = excerpts.iter().map(|excerpt| windows_in(excerpt.len(), encoder.window())).sum();
    if vectors.len() != windows
        || vectors.iter().any(|v| v.len() != width || !v.iter().all(|x| x.is_finite()))
    {
        return Err(DiarizeError::Failed { what: encoder.name().to_owned() });
    }
    Ok(vectors)
}

/// The number of windows of `window` samples in an excerpt of `samples` samples.
fn windows_in(samples: usize, window: usize) -> usize {
    samples.saturating_sub(window) / HOP as usize + 1
}

/// The embedding of the one person who speaks in `samples`, 16 kHz mono; `None` if there is less than a second of
/// speech.
///
/// # Errors
/// [`DiarizeError::Cancelled`] or [`DiarizeError::Failed`].
pub fn embed_voice(
    encoder: &mut dyn VoiceEncoder,
    samples: &[f32],
    control: &dyn Control,
) -> Result<Option<VoiceEmbedding>, DiarizeError> {
    let mut detector = VoiceActivityDetector::new();
    let is_speech: Vec<bool> =
        samples.as_chunks::<FRAME>().0.iter().map(|frame| detector.is_speech(frame)).collect();
    let speech = is_speech.iter().filter(|is_speech| **is_speech).count() as u64;
    let speech_ms = AudioTime::from_samples(speech * FRAME as u64).as_ms();
    if speech_ms < MIN_SPEECH_MS {
        return Ok(None);
    }
    let length = encoder.window().min(samples.len());
    let last = samples.len() - length;
    let starts = (0..=last).step_by(HOP as usize);
    let has_speech = |start: &usize| {
        let frames = &is_speech[start / FRAME..((start + length) / FRAME).min(is_speech.len())];
        let speech = frames.iter().filter(|is_speech| **is_speech).count();
        speech as f32 >= MIN_SPEECH_SHARE * frames.len() as f32
    };
    let starts: Vec<usize> = starts.filter(has_speech).collect();
    let runs = starts.chunk_by(|start, next| next - start == HOP as usize);
    let excerpts: Vec<&[f32]> = runs
        .flat_map(|run| run.chunks(EXCERPT_WINDOWS))
        .map(|run| &samples[run[0]..run[run.len() - 1] + length])
        .collect();
    let mut sum = Vec::new();
    for batch in excerpts.chunks(BATCH_WINDOWS / EXCERPT_WINDOWS) {
        check_cancelled(control)?;
        for vector in embed_windows(encoder, batch)? {
            sum.resize(vector.len(), 0.0);
            add(&mut sum, &vector);
        }
    }
    Ok(VoiceEmbedding::of_sum(encoder.name(), sum, speech_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedding(encoder: &str, vector: &[f32]) -> VoiceEmbedding {
        VoiceEmbedding { encoder: encoder.to_owned(), vector: vector.to_vec(), speech_ms: 1 }
    }

    #[test]
    fn only_embeddings_of_the_same_encoder_are_compared() {
        let a = embedding("A", &[0.6, 0.8]);
        assert_eq!(a.similarity(&a), Some(1.0));
        assert_eq!(a.similarity(&embedding("A", &[0.8, -0.6])), Some(0.0));
        assert_eq!(a.similarity(&embedding("B", &[0.6, 0.8])), None);
        assert_eq!(a.similarity(&embedding("A", &[1.0])), None);
    }

    #[test]
    fn match_probability_grows_from_zero_to_one() {
        for (similarity, expected) in
            [(SUGGEST_SIMILARITY - 0.5, 0.0), (SUGGEST_SIMILARITY, 0.5), (SURE_SIMILARITY, 0.9), (1.0, 1.0)]
        {
            let probability = match_probability(similarity);
            assert!((probability - expected).abs() < 0.01, "{similarity}: {probability}");
        }
        let at = |tenths: i32| match_probability(tenths as f32 / 10.0);
        assert!((-10..10).all(|tenths| at(tenths) < at(tenths + 1)));
    }
}
