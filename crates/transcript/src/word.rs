//! A recognised word.

use crate::AudioTime;
use serde::{Deserialize, Serialize};

/// One word as an engine heard it. This is also the form in which words are stored and printed as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Where it begins in the recording.
    #[serde(rename = "start_ms")]
    pub start: AudioTime,
    /// Where it ends.
    #[serde(rename = "end_ms")]
    pub end: AudioTime,
    /// The word with its punctuation, without surrounding spaces.
    pub text: String,
    /// Probability from 0 to 1 that the word is right; `None` where the engine cannot tell.
    pub confidence: Option<f32>,
}
