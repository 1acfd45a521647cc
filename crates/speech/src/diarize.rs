//! Speaker diarization: samples become turns of numbered speakers, and a voice embedding for each of them.
//!
//! All diarizers but [`ChannelDiarizer`] implement the trait [`Diarizer`]:
//!
//! - [`ClusteringDiarizer`] is built in. It combines a segmentation network ([`Segmentation`]) with the clustering of
//!   voice embeddings ([`CamPlusPlus`]); its module describes the steps.
//! - [`Sortformer`] runs a downloaded model in an engine process, like all native code, in chunks of twenty minutes.
//! - [`FallbackDiarizer`] uses the turns of a model, unless another diarizer finds more speakers than the model can
//!   distinguish.
//! - [`ChannelDiarizer`] needs no voices: if each person has a channel or a track, it compares levels.
//!
//! Voice embeddings can be compared between recordings, so that a person who was named once is recognised again
//! ([`VoiceEmbedding::similarity`], [`match_probability`]).
//!
//! The networks are computed here (`nn`); only matrices are multiplied by a library, the crate `gemm`. The names of
//! speakers, the assignment of turns to words, and storage are the business of `app`, `transcript` and `store`.

mod campplus;
mod channel_diarizer;
mod cluster;
mod clustering_diarizer;
mod embedding_cache;
mod fallback_diarizer;
mod filter_bank;
mod narrowband;
mod nn;
mod segmentation;
mod segmentation_grid;
mod sortformer;
mod speaker_clusters;
mod turns;
mod voice_embedding;
mod weights;

pub use campplus::CamPlusPlus;
pub use channel_diarizer::ChannelDiarizer;
pub use clustering_diarizer::ClusteringDiarizer;
pub use fallback_diarizer::FallbackDiarizer;
pub use segmentation::Segmentation;
pub use sortformer::Sortformer;
pub use voice_embedding::{
    LEARN_MIN_SPEECH_MS, SUGGEST_MARGIN, SUGGEST_MIN_SPEECH_MS, SUGGEST_SIMILARITY, SURE_SIMILARITY,
    VoiceEmbedding, VoiceEncoder, embed_voice, match_probability,
};

use crate::engine::{Control, EngineError};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use transcript::Turn;

/// The number of speakers, as far as the user knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ExpectedSpeakers {
    /// The least number; `None` if unknown.
    pub min: Option<u32>,
    /// The greatest number; `None` if unknown. Equal to `min` if the number is known.
    pub max: Option<u32>,
}

impl ExpectedSpeakers {
    /// Least and greatest number, both at least one, the second not below the first.
    fn range(self) -> (usize, usize) {
        let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX).max(1);
        let min = self.min.map_or(1, count);
        (min, self.max.map_or(usize::MAX, count).max(min))
    }
}

/// Finds who speaks when in one recording.
pub trait Diarizer: Send {
    /// The method, as it is stored: `voices`, `sortformer`.
    fn method(&self) -> &'static str;

    /// The name of its model: `CAM++`.
    fn model(&self) -> String;

    /// Takes any number of further samples of the recording, 16 kHz mono, in order. Does most of the work; asks
    /// `control` about once per second of work, and reports the number of samples taken.
    ///
    /// # Errors
    /// [`DiarizeError`], after which the diarizer cannot be used any more.
    fn push(&mut self, samples: &[f32], control: &dyn Control) -> Result<(), DiarizeError>;

    /// Ends the recording and returns its turns. Speakers are numbered from 0 in order of their first turn.
    ///
    /// # Errors
    /// As [`Diarizer::push`].
    fn finish(
        &mut self,
        expected: ExpectedSpeakers,
        control: &dyn Control,
    ) -> Result<Diarization, DiarizeError>;
}

/// Who speaks when in a recording.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Diarization {
    /// The turns in order of start.
    pub turns: Vec<Turn>,
    /// The voice embedding of each speaker, by number; `None` if there is too little speech or the diarizer makes none.
    pub embeddings: Vec<Option<VoiceEmbedding>>,
}

/// Why the diarization failed. The texts are clauses for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiarizeError {
    /// A model file is missing. Install it.
    #[error("the model for speakers is not installed: {} is missing; install it again", path.display())]
    ModelMissing {
        /// The missing file.
        path: PathBuf,
    },
    /// The model file cannot be used: it is damaged, or not a diarization model.
    #[error("the model for speakers {} cannot be used; install it again or choose another", path.display())]
    ModelUnusable {
        /// The model file.
        path: PathBuf,
    },
    /// The diarization was cancelled by its [`Control`].
    #[error("telling the speakers apart was cancelled")]
    Cancelled,
    /// The model or its process failed.
    #[error("{what} could not tell the speakers apart")]
    Failed {
        /// The name of the model or method.
        what: String,
    },
    /// The engine process refused the request.
    #[error(transparent)]
    Engine(EngineError),
}

/// Returns [`DiarizeError::Cancelled`] if `control` has cancelled.
fn check_cancelled(control: &dyn Control) -> Result<(), DiarizeError> {
    if control.cancelled() { Err(DiarizeError::Cancelled) } else { Ok(()) }
}

/// The dot product, in eight partial sums, which the compiler turns into vector instructions.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// `vector` scaled to length one; unchanged if it is zero.
fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = dot(&vector, &vector).sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
    vector
}

fn add(sum: &mut [f32], vector: &[f32]) {
    for (sum, value) in sum.iter_mut().zip(vector) {
        *sum += value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_speakers_become_a_range() {
        for (min, max, range) in [
            (None, None, (1, usize::MAX)),
            (Some(0), Some(0), (1, 1)),
            (Some(3), Some(3), (3, 3)),
            (Some(4), Some(2), (4, 4)),
            (None, Some(2), (1, 2)),
        ] {
            assert_eq!(ExpectedSpeakers { min, max }.range(), range);
        }
    }

    #[test]
    fn a_dot_product_accepts_any_length() {
        let numbers: Vec<f32> = (0..19).map(|i| i as f32).collect();
        for length in 0..19 {
            let expected: f32 = numbers[..length].iter().map(|n| n * n).sum();
            assert_eq!(dot(&numbers[..length], &numbers[..length]), expected);
        }
        assert_eq!(unit(vec![0.0; 3]), [0.0; 3]);
    }
}
