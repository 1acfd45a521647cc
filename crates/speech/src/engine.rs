//! The interface of a speech engine: windows of samples in, words with times out.
//!
//! An [`EngineSpec`] names a model and how to run it, and opens the engine. Engines run in processes of their own:
//! [`crate::process`] sends windows to them and receives the words. [`crate::windows`] makes the windows; the crate
//! `transcript` turns words into readable segments.
//!
//! To add an engine, implement [`Engine`] in a module beside [`crate::neural`] and choose it in [`EngineSpec::open`].

use crate::windows::{Cutting, Window};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use transcript::{Doubt, Word};

/// A loaded speech engine. It keeps no state from one window to the next: the words depend only on the window and the
/// options. So windows may be recognised in any order, several times, and by any engine opened from the same spec.
pub trait Engine: Send {
    /// The capabilities of this engine with its model.
    fn capabilities(&self) -> &Capabilities;

    /// Recognises the words spoken in `window`, in order of time, with times from the start of the recording.
    ///
    /// Takes from a fraction of the window's duration up to a multiple of it. Asks `control` between pieces of work.
    ///
    /// # Errors
    /// [`EngineError::LanguageNotSupported`], [`EngineError::WindowTooLong`], [`EngineError::Cancelled`], or
    /// [`EngineError::Failed`]. The engine stays usable after each of them.
    fn recognise(
        &mut self,
        window: &Window,
        options: &Options,
        control: &dyn Control,
    ) -> Result<Recognition, EngineError>;
}

/// The capabilities of an engine with its model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The engine's display name: `transcribe.cpp`.
    pub engine: String,
    /// The model's name: `whisper-base`.
    pub model: String,
    /// SHA-256 of the published model file, in hexadecimal.
    pub model_sha256: Option<String>,
    /// The languages it can recognise, as BCP 47 tags: `["en"]`.
    pub languages: Vec<String>,
    /// Whether it detects which of its languages is spoken.
    pub detects_language: bool,
    /// Whether the model times each word. Otherwise it times only segments, and word times are estimated.
    pub word_times: bool,
    /// Whether words carry a confidence.
    pub word_confidence: bool,
    /// Whether it can translate its other languages into English.
    #[serde(default)]
    pub translates: bool,
    /// Whether it accepts [`Options::vocabulary`].
    #[serde(default)]
    pub vocabulary: bool,
    /// The longest window it accepts, in milliseconds of audio; `None` if there is no limit.
    pub longest_window_ms: Option<u32>,
    /// How to cut recordings into windows for it.
    #[serde(default)]
    pub cutting: Cutting,
    /// Peak memory of one decoder in bytes, without [`shared_bytes`](Self::shared_bytes).
    pub memory_bytes: u64,
    /// Memory in bytes that all decoders of a model share, counted once.
    #[serde(default)]
    pub shared_bytes: u64,
    /// The device it computes on: `CPU`, or the name of a graphics interface.
    #[serde(default)]
    pub device: String,
    /// Whether the model could not be loaded on the graphics processor and runs on the CPU instead.
    #[serde(default)]
    pub fell_back: bool,
}

impl Capabilities {
    /// The tag of `languages` that matches the tag `asked`: the same or a more general one (`en` for `en-GB`), ignoring
    /// case. If the model lists no languages, returns `asked`. `None` for `None`, which leaves the choice to the
    /// engine.
    ///
    /// # Errors
    /// [`EngineError::LanguageNotSupported`] if no tag matches.
    pub fn language<'a>(&'a self, asked: Option<&'a str>) -> Result<Option<&'a str>, EngineError> {
        let Some(asked) = asked else { return Ok(None) };
        if self.languages.is_empty() {
            return Ok(Some(asked));
        }
        // RFC 4647, section 3.4 “Lookup”: drop subtags from the end until a tag matches.
        let mut tag = asked;
        loop {
            if let Some(known) = self.languages.iter().find(|known| known.eq_ignore_ascii_case(tag)) {
                return Ok(Some(known));
            }
            match tag.rfind(['-', '_']) {
                Some(end) => tag = &tag[..end],
                None => {
                    return Err(EngineError::LanguageNotSupported {
                        language: asked.to_owned(),
                        supported: self.languages.clone(),
                    });
                }
            }
        }
    }
}

/// The options for recognising a recording.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Options {
    /// The spoken language as a BCP 47 tag; `None` lets the engine detect or choose it.
    pub language: Option<String>,
    /// Also detect the language of this window, and report it in [`Recognition::other_language`] if it differs from
    /// `language`. The words are in `language` in any case. Takes no extra time where both agree.
    #[serde(default)]
    pub check_language: bool,
    /// Translate into English.
    #[serde(default)]
    pub translate: bool,
    /// Names and terms to expect, the most important first. Ignored by engines without this capability.
    #[serde(default)]
    pub vocabulary: Vec<String>,
}

impl Options {
    /// These options without a language, so that the engine detects it.
    pub(crate) fn without_language(&self) -> Self {
        Self { language: None, ..self.clone() }
    }
}

/// The result of recognising a window.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Recognition {
    /// The words in order of time, with times from the start of the recording.
    pub words: Vec<Word>,
    /// The language of the words as a BCP 47 tag; `None` if there are no words or the engine does not know it.
    pub language: Option<String>,
    /// The detected language, if it was detected and differs from the one asked for.
    #[serde(default)]
    pub other_language: Option<String>,
    /// Spans in which the engine probably invented the words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
}

/// Lets the caller cancel a recognition or diarization and follow its progress. Asked between pieces of work.
pub trait Control {
    /// Whether the caller has cancelled the work. It then ends soon, with an error that says so.
    fn cancelled(&self) -> bool;

    /// Reports that `samples` of the input have been processed. Never decreases within one piece of work.
    fn progress(&self, samples: u64);
}

/// A control that never cancels and ignores progress.
#[derive(Debug, Clone, Copy, Default)]
pub struct NeverCancel;

impl Control for NeverCancel {
    fn cancelled(&self) -> bool {
        false
    }

    fn progress(&self, _samples: u64) {}
}

/// A model file and how to run it. Sent to engine processes; opening the same spec again gives the same engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineSpec {
    /// The model's file, of any family that `transcribe-cpp` knows.
    pub model: PathBuf,
    /// SHA-256 of the published file, in hexadecimal.
    pub sha256: Option<String>,
    /// The device to compute on.
    pub device: Device,
    /// Threads of one decoder, at least one. The last bits of the results depend on it.
    pub threads: u32,
    /// Context of a Whisper model's encoder in seconds of audio: each window is padded to this length, so all windows
    /// take the same time. The model file states it: 30 s as published, 16 s in the built-in model and in our copies of
    /// installed ones. `None` for models that do not pad.
    pub context_s: Option<u32>,
}

/// The device that an engine computes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// A graphics processor if this program was built for one and it works, else the CPU.
    #[default]
    Auto,
    /// The CPU. Graphics drivers are not touched.
    Cpu,
}

impl Device {
    /// Whether this program was built with support for a graphics processor.
    pub const GPU_SUPPORTED: bool = cfg!(any(feature = "vulkan", feature = "cuda", feature = "metal"));
}

impl EngineSpec {
    /// Checks that the model file exists, without loading it.
    ///
    /// # Errors
    /// [`EngineError::ModelMissing`].
    pub fn check(&self) -> Result<(), EngineError> {
        match self.model.is_file() {
            true => Ok(()),
            false => Err(EngineError::ModelMissing { path: self.model.clone() }),
        }
    }

    /// This spec on the CPU; `None` if it does not use a graphics processor.
    pub(crate) fn on_cpu(&self) -> Option<Self> {
        (self.device == Device::Auto && Device::GPU_SUPPORTED)
            .then(|| Self { device: Device::Cpu, ..self.clone() })
    }

    /// The capabilities, as far as they are known without loading the model.
    pub fn capabilities(&self) -> Capabilities {
        // A cyclic dependency on purpose: `neural` implements the trait of this module, which selects the engine.
        crate::neural::capabilities_before_loading(self)
    }

    /// Loads the model. Takes about a third of a second for the built-in model, and up to a minute for a large one that
    /// is not in the system's file cache.
    ///
    /// # Errors
    /// [`EngineError::ModelMissing`], [`EngineError::ModelUnusable`], [`EngineError::NoSpeechModel`],
    /// [`EngineError::OutOfMemory`], or [`EngineError::NotOnThisSystem`].
    pub fn open(&self) -> Result<Box<dyn Engine>, EngineError> {
        Ok(Box::new(crate::neural::NeuralEngine::load(self)?))
    }
}

/// Why an engine could not be opened or could not recognise a window. Sent from engine processes as JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum EngineError {
    /// The model does not support the language asked for. Choose another language or model.
    #[error("the speech model does not know the language “{language}”; it knows: {}", supported.join(", "))]
    LanguageNotSupported {
        /// The tag asked for.
        language: String,
        /// The supported tags.
        supported: Vec<String>,
    },
    /// The model file is missing. Install the model.
    #[error("the speech model is not installed: {} is missing; install it again", path.display())]
    ModelMissing {
        /// The missing file.
        path: PathBuf,
    },
    /// The model file exists but cannot be loaded. Install it again.
    #[error("the speech model {} cannot be loaded, it may be damaged; install it again or choose another", path.display())]
    ModelUnusable {
        /// The model file.
        path: PathBuf,
    },
    /// The model is not for speech recognition: it is for diarization or voice activity detection.
    #[error("{} is not a speech recognition model; choose another", path.display())]
    NoSpeechModel {
        /// The model file.
        path: PathBuf,
    },
    /// The model is not a diarization model.
    #[error("{} is not a model for telling speakers apart; choose another", path.display())]
    NoSpeakerModel {
        /// The model file.
        path: PathBuf,
    },
    /// Not enough memory for the model. Choose a smaller one.
    #[error(
        "there is not enough memory for the speech model {model}; choose a smaller one or close other programs"
    )]
    OutOfMemory {
        /// Name of the model.
        model: String,
    },
    /// The engine does not run on this operating system or processor.
    #[error("{engine} is not available on this system")]
    NotOnThisSystem {
        /// Name of the engine.
        engine: String,
    },
    /// The window is longer than [`Capabilities::longest_window_ms`].
    #[error("this part of the recording is too long for {engine}, which takes at most {} s", longest_ms / 1000)]
    WindowTooLong {
        /// Name of the engine.
        engine: String,
        /// The longest window it accepts, in milliseconds.
        longest_ms: u32,
    },
    /// The recognition was cancelled by its [`Control`].
    #[error("the recognition was cancelled")]
    Cancelled,
    /// The engine failed at this window.
    #[error("{engine} could not process this part of the recording")]
    Failed {
        /// Name of the engine.
        engine: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> EngineSpec {
        let model = PathBuf::from("/mo dels/ä.gguf");
        EngineSpec { model, sha256: None, device: Device::Cpu, threads: 1, context_s: Some(16) }
    }

    fn capabilities(languages: &[&str]) -> Capabilities {
        let mut c = spec().capabilities();
        c.languages = languages.iter().map(|l| (*l).to_owned()).collect();
        c
    }

    #[test]
    fn a_language_matches_the_same_tag_or_a_more_general_one() {
        let c = capabilities(&["en", "zh-Hant"]);
        for (asked, found) in [
            (None, None),
            (Some("en"), Some("en")),
            (Some("EN_us"), Some("en")),
            (Some("zh-hant-TW"), Some("zh-Hant")),
        ] {
            assert_eq!(c.language(asked), Ok(found), "{asked:?}");
        }
    }

    #[test]
    fn an_unsupported_language_is_refused_with_a_list_of_the_supported_ones() {
        let c = capabilities(&["en", "fr"]);
        let refusal = c.language(Some("de-AT")).expect_err("no German").to_string();
        assert_eq!(refusal, "the speech model does not know the language “de-AT”; it knows: en, fr");
        for asked in ["", "-", "english", "e"] {
            assert!(c.language(Some(asked)).is_err(), "{asked}");
        }
    }

    #[test]
    fn a_spec_can_be_written_and_read_as_json() {
        let spec = spec();
        let json = serde_json::to_string(&spec).expect("a spec can be written");
        assert_eq!(serde_json::from_str::<EngineSpec>(&json).expect("a spec can be read"), spec);
    }
}
