//! Models and files of the catalogue, as its JSON describes them.

use super::stem;
use crate::identity::{ModelId, Sha256, Slug};
use serde::{Deserialize, Serialize};

/// The finest timestamps that a model gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Timestamps {
    /// None; only the times of the windows are known.
    None,
    /// Per phrase.
    Segment,
    /// Per word.
    Word,
    /// Per token (part of a word).
    Token,
}

/// What a model can do, as published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Translates speech of other languages to English.
    pub translates: bool,
    /// Detects the spoken language.
    pub detects_language: bool,
    /// Made for streaming (live) recognition.
    pub streams: bool,
    /// The finest timestamps it gives.
    pub timestamps: Timestamps,
    /// Most speakers that a diarization model distinguishes; `None` for a speech recognition model.
    #[serde(default, rename = "tells_speakers", skip_serializing_if = "Option::is_none")]
    pub max_speakers: Option<u32>,
}

/// Speed class of a model, relative to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speed {
    /// Usable on any computer.
    Fast,
    /// Needs several processor cores, or patience.
    Medium,
    /// Needs a graphics processor, or hours.
    Slow,
}

impl Speed {
    /// Estimated from the number of parameters, weighted by architecture.
    ///
    /// Parameters count in full for models with an autoregressive decoder (Whisper, Canary, language models); a quarter
    /// for models that mostly run an encoder once over the audio (transducer and CTC models: Parakeet, GigaAM,
    /// SenseVoice, MedASR, Granite NAR and CTC, Sortformer); half for Moonshine, which computes only the length of the
    /// speech instead of whole windows of 30 s. Up to 200 million weighted parameters are fast, up to 1,000 million
    /// medium, more are slow.
    #[must_use]
    pub fn of(architecture: &str, parameters_millions: u32) -> Self {
        let quarters = match architecture {
            "parakeet"
            | "gigaam"
            | "sensevoice"
            | "medasr"
            | "granite_speech_nar"
            | "granite_speech5_ctc"
            | "sortformer" => 1,
            "moonshine" | "moonshine_streaming" => 2,
            _ => 4,
        };
        match u64::from(parameters_millions) * quarters / 4 {
            0..=200 => Self::Fast,
            201..=1000 => Self::Medium,
            _ => Self::Slow,
        }
    }
}

/// One file of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Name of the installed file; its stem is the model's id.
    pub file_name: String,
    /// Path in the hub's repository, if it differs from the file name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Quantisation of the weights, such as `Q8_0`.
    pub quantisation: String,
    /// Size; `None`: taken from the hub at the first download.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub byte_size: Option<u64>,
    /// Hash; `None`: taken from the hub at the first download.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// The published word error rate on the model's test set, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word_error_rate: Option<f64>,
    /// The published diarization error rate on the model's test set, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diarization_error_rate: Option<f64>,
    /// Shown text: how it differs from other files of the same quantisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl File {
    /// The id of the model once it is installed: the stem of the file name.
    #[must_use]
    pub fn id(&self) -> ModelId {
        stem(&self.file_name)
            .and_then(|stem| stem.parse().ok())
            .expect("names of files are validated when parsed")
    }
}

/// A model, which may have several files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Name in commands and links.
    pub slug: Slug,
    /// Shown name.
    pub title: String,
    /// Shown name of the model family.
    pub family: String,
    /// `general.architecture` of its files.
    pub architecture: String,
    /// Number of parameters, in millions.
    pub parameters_millions: u32,
    /// Languages as BCP 47 tags; empty where language does not matter.
    pub languages: Vec<String>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Name of its licence.
    pub licence: String,
    /// Shown sentence about unusual terms of the licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence_note: Option<String>,
    /// Test set of the error rates of its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_set: Option<String>,
    /// The hub's id of the model that its files were converted from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_model: Option<String>,
    /// Repository of its files at the hub.
    pub hub_id: String,
    /// Revision of that repository; `None`: the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Hosts, in the order they are tried. Empty in the JSON: those of the catalogue.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Its files.
    pub files: Vec<File>,
}

impl Model {
    /// Its speed class.
    #[must_use]
    pub fn speed(&self) -> Speed {
        Speed::of(&self.architecture, self.parameters_millions)
    }
}
