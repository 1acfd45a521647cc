//! Turns: who speaks when.

use crate::Span;
use serde::{Deserialize, Serialize};

/// A time range in which one speaker talks. Turns of different speakers may overlap.
///
/// `S` identifies the speaker: a number from 0 as diarization returns it, or the id of a speaker in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Turn<S = u32> {
    /// The time range.
    pub span: Span,
    /// The speaker.
    pub speaker: S,
    /// Confidence that it is this speaker, from 0 to 1; `None` if unknown.
    pub confidence: Option<f32>,
    /// Whether another speaker talks at the same time for most of it.
    pub overlap: bool,
}

impl<S> Turn<S> {
    /// The same turn of another speaker.
    pub fn with_speaker<T>(self, speaker: T) -> Turn<T> {
        Turn { span: self.span, speaker, confidence: self.confidence, overlap: self.overlap }
    }
}
