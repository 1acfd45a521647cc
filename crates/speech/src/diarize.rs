//! Who speaks when: samples become turns of numbered speakers, and a voice for each of them.
//!
//! Two ways behind one trait. [`ByVoice`] comes along: one network hears who speaks when within ten seconds
//! ([`Segmentation`]), another one makes a vector for every stretch of speech ([`CamPlusPlus`]), and the vectors are
//! grouped. [`Sortformer`] asks a downloaded model, in an engine process like all native
//! code. [`Checked`] has the one look after the other. Voices are unit vectors that can be compared between
//! recordings, so that a person who was named once is known again ([`Voice::similarity`], [`likeness`]).
//!
//! Leaves out who the speakers are, which turns belong to which words, and where any of it is kept (`transcript`,
//! `store`, `app`).

mod band;
mod by_voice;
mod campplus;
mod channels;
mod checked;
mod cluster;
mod fbank;
mod heard;
mod kept;
mod nn;
mod segmentation;
mod sortformer;
mod turns;

pub use by_voice::{ByVoice, voice_of};
pub use campplus::CamPlusPlus;
pub use channels::Channels;
pub use checked::Checked;
pub use segmentation::Segmentation;
pub use sortformer::Sortformer;

use crate::engine::{Control, EngineError};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use transcript::Turn;

/// How many people speak, as far as the user knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Expected {
    /// At least so many; `None` if not known.
    pub min: Option<u32>,
    /// At most so many; `None` if not known. Equal to `min` if the number is known.
    pub max: Option<u32>,
}

impl Expected {
    /// The least and the most, in order and at least one.
    fn range(self) -> (usize, usize) {
        let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX).max(1);
        let min = self.min.map_or(1, count);
        (min, self.max.map_or(usize::MAX, count).max(min))
    }
}

/// Tells the speakers of one recording apart.
pub trait Diarizer: Send {
    /// How it does so, as a word that is stored: `voices`, `sortformer`.
    fn method(&self) -> &'static str;

    /// The name of the model it works with: `CAM++`.
    fn model(&self) -> String;

    /// Takes the next samples of the recording, 16 kHz mono, in order, any number. Most of the work is done here; asks
    /// `control` every second or so of work, and tells it how many samples of the recording have been taken.
    ///
    /// # Errors
    /// [`DiarizeError`]. After one, the diarizer is of no more use.
    fn push(&mut self, samples: &[f32], control: &dyn Control) -> Result<(), DiarizeError>;

    /// After the last samples: the turns in order of start. Speakers are numbered from 0 in order of their first turn.
    ///
    /// # Errors
    /// As [`Diarizer::push`].
    fn finish(&mut self, expected: Expected, control: &dyn Control) -> Result<Diarization, DiarizeError>;
}

/// Who speaks when in a recording.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Diarization {
    /// The turns in order of start.
    pub turns: Vec<Turn>,
    /// The voice of each speaker, by number; `None` where there is too little speech to tell.
    pub voices: Vec<Option<Voice>>,
}

/// What somebody sounds like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Voice {
    /// The name of the encoder that made it. Voices of different encoders cannot be compared.
    pub encoder: String,
    /// A vector of length one.
    pub vector: Vec<f32>,
    /// How much speech it was made of, in milliseconds.
    pub speech_ms: u32,
}

impl Voice {
    /// How alike two voices are: the cosine of the angle between them, from −1 to 1. `None` if they are of different
    /// encoders.
    pub fn similarity(&self, other: &Self) -> Option<f32> {
        let comparable = self.encoder == other.encoder && self.vector.len() == other.vector.len();
        comparable.then(|| dot(&self.vector, &other.vector).clamp(-1.0, 1.0))
    }
}

/// From this similarity on, two voices of different recordings may be one person's, and the name is suggested.
/// `docs/voices.md` tells how often that is right.
pub const SUGGEST: f32 = 0.45;

/// From this similarity on, it is the same person as surely as this encoder can tell.
pub const SURE: f32 = 0.65;

/// Who is suggested is more like the speaker than the next person by at least this.
pub const MARGIN: f32 = 0.08;

/// Nobody is suggested for a speaker who was heard alone for less, in milliseconds.
pub const SUGGESTED_MS: u32 = 3_000;

/// A voice is learnt from at least this much speech of one person alone, in milliseconds.
pub const LEARNT_MS: u32 = 15_000;

/// How likely it is that two voices of this similarity are one person's, from 0 to 1, for showing: one half at
/// [`SUGGEST`], nine tenths at [`SURE`], and a logistic curve through both. An estimate from few voices, not a
/// measured probability.
pub fn likeness(similarity: f32) -> f32 {
    let slope = 9.0_f32.ln() / (SURE - SUGGEST);
    1.0 / (1.0 + (-slope * (similarity - SUGGEST)).exp())
}

/// A network that makes a vector of a stretch of speech, such that vectors of one person are near each other.
pub trait VoiceEncoder: Send {
    /// What it is called in [`Voice::encoder`]; another version has another name.
    fn name(&self) -> &'static str;

    /// Samples that a window should have, 16 kHz.
    fn window(&self) -> usize;

    /// A vector of length one for each window of each stretch of samples. Windows begin every `every` samples; a stretch
    /// that is shorter than one has one window. The same stretches in the same order give the same bits.
    ///
    /// # Errors
    /// [`DiarizeError::Failed`].
    fn embed(&mut self, stretches: &[&[f32]], every: usize) -> Result<Vec<Vec<Vec<f32>>>, DiarizeError>;
}

/// Why speakers could not be told apart. The texts are clauses for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiarizeError {
    /// A part of the model is not there. Installing it helps.
    #[error("the model for speakers is not installed: {} is missing; install it again", path.display())]
    ModelMissing {
        /// The file that was looked for.
        path: PathBuf,
    },
    /// The model is there and cannot be used: it is damaged, or does not tell speakers apart.
    #[error("the model for speakers {} cannot be used; install it again or choose another", path.display())]
    ModelUnusable {
        /// The file of the model.
        path: PathBuf,
    },
    /// The control said that the speakers are no longer wanted.
    #[error("telling the speakers apart was cancelled")]
    Cancelled,
    /// It gave up.
    #[error("{what} could not tell the speakers apart")]
    Failed {
        /// Who.
        what: String,
    },
    /// The engine process refused.
    #[error(transparent)]
    Engine(EngineError),
}

/// Ends the work if it is no longer wanted.
fn go_on(control: &dyn Control) -> Result<(), DiarizeError> {
    if control.cancelled() { Err(DiarizeError::Cancelled) } else { Ok(()) }
}

/// In eight sums, so that several products are added at once.
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

/// `vector` at length one; of no direction, it stays as it is.
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

    fn voice(encoder: &str, vector: &[f32]) -> Voice {
        Voice { encoder: encoder.to_owned(), vector: vector.to_vec(), speech_ms: 1 }
    }

    #[test]
    fn voices_of_one_encoder_are_compared_and_no_others() {
        let a = voice("A", &[0.6, 0.8]);
        assert_eq!(a.similarity(&a), Some(1.0));
        assert_eq!(a.similarity(&voice("A", &[0.8, -0.6])), Some(0.0));
        assert_eq!(a.similarity(&voice("B", &[0.6, 0.8])), None);
        assert_eq!(a.similarity(&voice("A", &[1.0])), None);
    }

    #[test]
    fn likeness_grows_from_nothing_to_certainty() {
        for (similarity, expected) in [(SUGGEST - 0.5, 0.0), (SUGGEST, 0.5), (SURE, 0.9), (1.0, 1.0)] {
            assert!((likeness(similarity) - expected).abs() < 0.01, "{similarity}: {}", likeness(similarity));
        }
        assert!((-10..10).all(|i| likeness(i as f32 / 10.0) < likeness((i + 1) as f32 / 10.0)));
    }

    #[test]
    fn what_is_expected_becomes_a_range() {
        for (min, max, range) in [
            (None, None, (1, usize::MAX)),
            (Some(0), Some(0), (1, 1)),
            (Some(3), Some(3), (3, 3)),
            (Some(4), Some(2), (4, 4)),
            (None, Some(2), (1, 2)),
        ] {
            assert_eq!(Expected { min, max }.range(), range);
        }
    }

    #[test]
    fn a_dot_product_takes_any_length() {
        let numbers: Vec<f32> = (0..19).map(|i| i as f32).collect();
        for length in 0..19 {
            let expected: f32 = numbers[..length].iter().map(|n| n * n).sum();
            assert_eq!(dot(&numbers[..length], &numbers[..length]), expected);
        }
        assert_eq!(unit(vec![0.0; 3]), [0.0; 3]);
    }
}
