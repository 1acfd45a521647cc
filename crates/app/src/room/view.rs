//! The model room as it crosses to a front end.

use crate::transcribe::choice::Choice;
use serde::Serialize;

/// All models and what they are for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ModelRoom {
    /// The built-in engine, what is here, and what can be had.
    pub models: Vec<ModelView>,
    /// What new recordings are transcribed with.
    pub defaults: Choice,
    /// Processor cores of this computer.
    pub cores: u32,
    /// Bytes of memory of this computer.
    #[cfg_attr(feature = "specta", specta(type = Option<f64>))]
    pub memory_bytes: Option<u64>,
    /// A graphics processor that is used.
    pub device: Option<String>,
    /// A sentence, where one was wanted and is not used.
    pub device_note: Option<String>,
    /// Bytes free on the disk of the models.
    #[cfg_attr(feature = "specta", specta(type = Option<f64>))]
    pub free_bytes: Option<u64>,
    /// Where models are kept.
    pub folder: String,
}

/// A speech model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ModelView {
    /// The stem of its file's name.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Files of one model, made smaller in different ways, share it.
    pub group: String,
    /// Whose kind it is: Whisper, Parakeet …
    pub family: String,
    /// How large: `0.8B`.
    pub parameters: Option<String>,
    /// How it was made smaller: `Q8_0`.
    pub quantisation: Option<String>,
    /// Bytes.
    #[cfg_attr(feature = "specta", specta(type = Option<f64>))]
    pub byte_size: Option<u64>,
    /// Bytes that it and one recogniser need in memory, about.
    #[cfg_attr(feature = "specta", specta(type = Option<f64>))]
    pub memory_bytes: Option<u64>,
    /// SHA-256 of the file.
    pub sha256: Option<String>,
    /// BCP 47; empty if it does not say.
    pub languages: Vec<String>,
    /// Whether it finds out which of them is spoken.
    pub detects_language: bool,
    /// Whether it writes English, whatever is spoken.
    pub translates: bool,
    /// Whether it takes names and terms.
    pub vocabulary: bool,
    /// Whether words have times of their own; otherwise they are estimated.
    pub word_times: bool,
    /// Published word error rate in percent.
    pub word_error_rate: Option<f64>,
    /// On which test.
    pub test_set: Option<String>,
    /// How fast on this computer, roughly.
    pub speed: Option<ModelSpeed>,
    /// Measured on this computer: seconds of work per second of audio.
    pub real_time_factor: Option<f64>,
    /// Its licence.
    pub licence: Option<String>,
    /// What to know about the licence.
    pub licence_note: Option<String>,
    /// Whether it fits into this computer's memory.
    pub fits: bool,
    /// The one for this computer.
    pub recommended: bool,
    /// The file of its group that is offered first.
    pub preferred: bool,
    /// It tells speakers apart and gives no words.
    pub telling_speakers: bool,
    /// Where it comes from.
    pub source: ModelSource,
    /// Whether it is here, or on its way.
    pub state: ModelState,
}

/// Where a model comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ModelSource {
    /// It comes along.
    BuiltIn,
    /// From the catalogue.
    Catalogue,
    /// A file of the user's.
    Imported,
}

/// How fast a model is, compared with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "lowercase")]
pub enum ModelSpeed {
    /// Faster than people speak, by far.
    Fast,
    /// About as fast as people speak, or some times faster.
    Medium,
    /// Slower than people speak.
    Slow,
}

impl ModelSpeed {
    /// On a computer with little power.
    pub(crate) fn slower(self) -> Self {
        match self {
            Self::Fast => Self::Fast,
            Self::Medium | Self::Slow => Self::Slow,
        }
    }
}

/// Where a model is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ModelState {
    /// It comes along.
    BuiltIn,
    /// It can be had.
    Available,
    /// It is on its way.
    Downloading {
        /// Bytes that are here.
        #[cfg_attr(feature = "specta", specta(type = u32))]
        done_bytes: u64,
        /// Of how many.
        #[cfg_attr(feature = "specta", specta(type = Option<f64>))]
        total_bytes: Option<u64>,
        /// Smoothed.
        bytes_per_second: Option<f64>,
        /// Milliseconds that are left, about.
        left_ms: Option<f64>,
        /// The host it comes from.
        mirror: String,
    },
    /// It was stopped midway.
    Paused {
        /// Bytes that are here.
        #[cfg_attr(feature = "specta", specta(type = u32))]
        done_bytes: u64,
        /// Of how many.
        #[cfg_attr(feature = "specta", specta(type = Option<f64>))]
        total_bytes: Option<u64>,
    },
    /// A file of the user's is being copied.
    Copying {
        /// Bytes done.
        #[cfg_attr(feature = "specta", specta(type = u32))]
        done_bytes: u64,
        /// Of how many.
        #[cfg_attr(feature = "specta", specta(type = Option<f64>))]
        total_bytes: Option<u64>,
    },
    /// It is read and looked into.
    Checking,
    /// It could not be had.
    Failed {
        /// A sentence.
        message: String,
        /// Bytes that are here.
        #[cfg_attr(feature = "specta", specta(type = u32))]
        done_bytes: u64,
    },
    /// It is here.
    Installed {
        /// Its file.
        file: String,
        /// Whether that is the user's own.
        linked: bool,
    },
    /// It was here and cannot be used any more.
    Damaged {
        /// A sentence.
        message: String,
    },
}

/// Something has become of a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelNews {
    /// Which one.
    pub id: String,
    /// What it is doing now; none: look at the room again.
    pub state: Option<ModelState>,
}
