//! Speech models as they are sent to the window or printed as JSON.

use crate::transcribe::options::TranscriptionOptions;
use serde::Serialize;

/// All speech models, and what this computer can do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ModelsOverview {
    /// The included model, installed ones, and those of the catalogue.
    pub models: Vec<ModelView>,
    /// The options for new recordings.
    pub defaults: TranscriptionOptions,
    /// Processor cores of this computer.
    pub cores: u32,
    /// Bytes of memory of this computer.
    #[cfg_attr(feature = "specta", specta(type = Option<f64>))]
    pub memory_bytes: Option<u64>,
    /// The graphics processor in use.
    pub device: Option<String>,
    /// A sentence, if speech is transcribed more slowly than this computer or build should allow.
    pub device_note: Option<String>,
    /// Free bytes on the disk of the models folder.
    #[cfg_attr(feature = "specta", specta(type = Option<f64>))]
    pub free_bytes: Option<u64>,
    /// Path of the models folder.
    pub folder: String,
}

/// A speech model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ModelView {
    /// Its id: the stem of its file name.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Shared by all files (quantisations) of one model.
    pub group: String,
    /// Its family: Whisper, Parakeet …
    pub family: String,
    /// Number of parameters: `0.8B`.
    pub parameters: Option<String>,
    /// Its quantisation: `Q8_0`.
    pub quantisation: Option<String>,
    /// Size of the file in bytes.
    #[cfg_attr(feature = "specta", specta(type = Option<f64>))]
    pub byte_size: Option<u64>,
    /// Approximate bytes of memory that it needs with one decoder.
    #[cfg_attr(feature = "specta", specta(type = Option<f64>))]
    pub memory_bytes: Option<u64>,
    /// SHA-256 of the file.
    pub sha256: Option<String>,
    /// Languages it knows, BCP 47; empty if unknown.
    pub languages: Vec<String>,
    /// Whether it detects the language.
    pub detects_language: bool,
    /// Whether it can translate into English.
    pub translates: bool,
    /// Whether it accepts a vocabulary.
    pub vocabulary: bool,
    /// Whether it reports times of words; otherwise they are estimated.
    pub word_times: bool,
    /// Published word error rate in percent.
    pub word_error_rate: Option<f64>,
    /// The test set of that rate.
    pub test_set: Option<String>,
    /// Approximate speed on this computer.
    pub speed: Option<ModelSpeed>,
    /// Measured on this computer: seconds of work per second of audio.
    pub real_time_factor: Option<f64>,
    /// Its licence.
    pub licence: Option<String>,
    /// Special conditions of the licence.
    pub licence_note: Option<String>,
    /// Whether it fits into this computer's memory.
    pub fits: bool,
    /// Whether it is the recommended model for this computer.
    pub recommended: bool,
    /// Whether it is the file of its group that is offered first.
    pub preferred: bool,
    /// Whether it is a model for diarization, which gives no words.
    pub telling_speakers: bool,
    /// Where it comes from.
    pub source: ModelSource,
    /// Whether it is installed.
    pub state: ModelState,
}

/// Where a model comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ModelSource {
    /// It is included.
    BuiltIn,
    /// From the catalogue.
    Catalogue,
    /// A file of the user's.
    Imported,
}

/// Approximate speed of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "lowercase")]
pub enum ModelSpeed {
    /// Much faster than real time.
    Fast,
    /// About real time, or a few times faster.
    Medium,
    /// Slower than real time.
    Slow,
}

impl ModelSpeed {
    /// The speed on a weak computer.
    pub(crate) fn slower(self) -> Self {
        match self {
            Self::Fast => Self::Fast,
            Self::Medium | Self::Slow => Self::Slow,
        }
    }
}

/// Whether a model is installed, and how far an installation is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ModelState {
    /// It is included.
    BuiltIn,
    /// It can be downloaded.
    Available,
    /// It is being downloaded.
    Downloading {
        /// Bytes downloaded.
        #[cfg_attr(feature = "specta", specta(type = u32))]
        done_bytes: u64,
        /// Total bytes.
        #[cfg_attr(feature = "specta", specta(type = Option<f64>))]
        total_bytes: Option<u64>,
        /// Smoothed speed.
        bytes_per_second: Option<f64>,
        /// Approximate milliseconds left.
        left_ms: Option<f64>,
        /// The host that sends it.
        mirror: String,
    },
    /// Its download was stopped.
    Paused {
        /// Bytes downloaded.
        #[cfg_attr(feature = "specta", specta(type = u32))]
        done_bytes: u64,
        /// Total bytes.
        #[cfg_attr(feature = "specta", specta(type = Option<f64>))]
        total_bytes: Option<u64>,
    },
    /// An imported file is being copied.
    Copying {
        /// Bytes copied.
        #[cfg_attr(feature = "specta", specta(type = u32))]
        done_bytes: u64,
        /// Total bytes.
        #[cfg_attr(feature = "specta", specta(type = Option<f64>))]
        total_bytes: Option<u64>,
    },
    /// It is being verified or loaded for the first time.
    Checking,
    /// Its installation failed.
    Failed {
        /// A sentence.
        message: String,
        /// Bytes downloaded.
        #[cfg_attr(feature = "specta", specta(type = u32))]
        done_bytes: u64,
    },
    /// It is installed.
    Installed {
        /// Its file.
        file: String,
        /// Whether the file is the user's own, outside the models folder.
        linked: bool,
    },
    /// It is installed and cannot be used.
    Damaged {
        /// A sentence.
        message: String,
    },
}

/// A change of a model's state in this process.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelNews {
    /// Its id.
    pub id: String,
    /// The new state; none: list all models again.
    pub state: Option<ModelState>,
}
