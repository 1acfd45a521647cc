//! Who speaks when.

use crate::Span;
use serde::{Deserialize, Serialize};

/// A stretch of a recording in which one person speaks. Turns of two people may overlap.
///
/// `S` names the speaker: a number from 0 where voices have only been told apart, an id where they are somebody.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Turn<S = u32> {
    /// When.
    pub span: Span,
    /// Who.
    pub speaker: S,
    /// How sure it is that it is them, from 0 to 1; `None` if nothing is known.
    pub confidence: Option<f32>,
    /// Whether somebody else speaks at the same time, for most of it.
    pub overlap: bool,
}

impl<S> Turn<S> {
    /// The same turn of somebody else.
    pub fn of<T>(self, speaker: T) -> Turn<T> {
        Turn { span: self.span, speaker, confidence: self.confidence, overlap: self.overlap }
    }
}
