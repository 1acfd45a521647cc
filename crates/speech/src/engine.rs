//! What the rest of the program knows of a speech engine: windows of samples in, words with times out.
//!
//! An [`EngineSpec`] names an engine and its model and opens it. Engines do not run in the process that owns the
//! database and the files: [`crate::process`] carries windows to engine processes and words back. Leaves out how
//! windows come about ([`crate::windows`]) and how words become readable segments (crate `transcript`).

use crate::windows::{Cutting, Window};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use transcript::{Doubt, Word};

/// A loaded speech engine. It keeps nothing from one window to the next: the words of a window depend on the
/// window and the options alone, so windows may be recognised in any order, by any engine of the same kind, twice.
pub trait Engine: Send {
    /// What this engine, with the model it has loaded, can do.
    fn capabilities(&self) -> &Capabilities;

    /// The words spoken in `window`, in order of time, with times counted from the start of the recording.
    ///
    /// Takes long: a fraction of the window's duration up to a multiple of it. Asks `control` every now and then.
    ///
    /// # Errors
    /// [`EngineError::LanguageNotSupported`], [`EngineError::WindowTooLong`], [`EngineError::Cancelled`], or
    /// [`EngineError::Failed`]. After each of them the engine can go on with the next window.
    fn recognise(
        &mut self,
        window: &Window,
        options: &Options,
        control: &dyn Control,
    ) -> Result<Recognition, EngineError>;
}

/// What an engine with its model can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The engine's name for people: `transcribe.cpp`.
    pub engine: String,
    /// The model's name: `whisper-base`.
    pub model: String,
    /// SHA-256 of the model's file as it was published, in hexadecimal.
    pub model_sha256: Option<String>,
    /// The languages it can recognise, as BCP 47 tags: `["en"]`.
    pub languages: Vec<String>,
    /// Whether it finds out by itself which of its languages is spoken.
    pub detects_language: bool,
    /// Whether each word has its own time. Otherwise words share the time of a longer stretch.
    pub word_times: bool,
    /// Whether words carry a confidence.
    pub word_confidence: bool,
    /// Whether it can write in English what is said in another of its languages.
    #[serde(default)]
    pub translates: bool,
    /// Whether it takes names and terms to expect.
    #[serde(default)]
    pub vocabulary: bool,
    /// The longest window it takes, in milliseconds of audio; `None` if any length is fine.
    pub longest_window_ms: Option<u32>,
    /// How recordings are best cut for it.
    #[serde(default)]
    pub cutting: Cutting,
    /// Memory one decoder needs at its peak, in bytes, …
    pub memory_bytes: u64,
    /// … besides what all decoders of a model share.
    #[serde(default)]
    pub shared_bytes: u64,
    /// What it computes on: `CPU`, or the name of a graphics processor's interface.
    #[serde(default)]
    pub device: String,
    /// Whether a graphics processor was wanted and could not be used.
    #[serde(default)]
    pub fell_back: bool,
}

impl Capabilities {
    /// The language of `languages` to use when `asked` for one: the same tag, or a more general one (`en` for
    /// `en-GB`), without regard to case; what was asked, where the model does not say what it knows. `None`, when
    /// nothing was asked, leaves the choice to the engine.
    ///
    /// # Errors
    /// [`EngineError::LanguageNotSupported`] if there is none.
    pub fn language<'a>(&'a self, asked: Option<&'a str>) -> Result<Option<&'a str>, EngineError> {
        let Some(asked) = asked else { return Ok(None) };
        if self.languages.is_empty() {
            // The model does not say what it knows.
            return Ok(Some(asked));
        }
        // RFC 4647, 3.4 “Lookup”: subtags are dropped from the end until something matches.
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

/// What the user chose for a recording.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Options {
    /// The spoken language as a BCP 47 tag; `None` leaves it to the engine.
    pub language: Option<String>,
    /// Let the engine find the language of this window as well, and say so if it differs from `language`, which the
    /// words are in all the same. Costs nothing where both agree.
    #[serde(default)]
    pub check_language: bool,
    /// Write in English what is said in another language.
    #[serde(default)]
    pub translate: bool,
    /// Names and terms to expect, the most important first. An engine that takes none leaves them out.
    #[serde(default)]
    pub vocabulary: Vec<String>,
}

impl Options {
    /// The same, with the choice of the language left to the engine.
    pub(crate) fn in_any_language(&self) -> Self {
        Self { language: None, ..self.clone() }
    }
}

/// What an engine heard in a window.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Recognition {
    /// The words in order of time, times counted from the start of the recording.
    pub words: Vec<Word>,
    /// The language of the words, as a BCP 47 tag; `None` if nothing was said or the engine cannot tell.
    pub language: Option<String>,
    /// The language that the engine finds by itself, where that was tried and is another one.
    #[serde(default)]
    pub other_language: Option<String>,
    /// Where the words are more likely the engine's than the speaker's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
}

/// The caller's side of a running recognition. Engines ask it between pieces of work.
pub trait Control {
    /// Whether the words are no longer wanted. The engine then returns [`EngineError::Cancelled`] soon.
    fn cancelled(&self) -> bool;

    /// `samples` of the window have been worked on. Never gets smaller within a window.
    fn progress(&self, samples: u64);
}

/// A control that never cancels and looks at no progress.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unattended;

impl Control for Unattended {
    fn cancelled(&self) -> bool {
        false
    }

    fn progress(&self, _samples: u64) {}
}

/// Which model to load, and how. What crosses to an engine process, and enough to open the same engine again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineSpec {
    /// The model's file, of any family that `transcribe-cpp` knows.
    pub model: PathBuf,
    /// SHA-256 of the file as it was published, in hexadecimal.
    pub sha256: Option<String>,
    /// What to compute on.
    pub device: Device,
    /// Threads of one decoder, at least one. Changes the last bits of the results.
    pub threads: u32,
    /// Seconds of audio that a Whisper model's encoder sees at once: each window is padded to that length, so a window
    /// costs the same whatever its own length. `None` for models that pad nothing.
    pub context_s: Option<u32>,
}

/// What a neural engine computes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// A graphics processor if this program was built for one and it works, else the processor.
    #[default]
    Auto,
    /// The processor, whatever else there is; no driver is touched.
    Cpu,
}

impl Device {
    /// Whether this program was built with support for a graphics processor.
    pub const GPU_SUPPORTED: bool = cfg!(any(feature = "vulkan", feature = "cuda", feature = "metal"));
}

impl EngineSpec {
    /// Whether the model's file exists, without loading it.
    ///
    /// # Errors
    /// [`EngineError::ModelMissing`].
    pub fn check(&self) -> Result<(), EngineError> {
        match self.model.is_file() {
            true => Ok(()),
            false => Err(EngineError::ModelMissing { path: self.model.clone() }),
        }
    }

    /// The same without a graphics processor; `None` if that changes nothing.
    pub(crate) fn on_cpu(&self) -> Option<Self> {
        (self.device == Device::Auto && Device::GPU_SUPPORTED)
            .then(|| Self { device: Device::Cpu, ..self.clone() })
    }

    /// What the engine can do, as far as that is known without loading the model.
    pub fn capabilities(&self) -> Capabilities {
        // A circle on purpose: `neural` implements what is declared here, and here it is chosen.
        crate::neural::before_loading(self)
    }

    /// Loads the model. Takes about a third of a second for the model that ships with the programs, and up to a minute
    /// for a large one that is not in the system's cache.
    ///
    /// # Errors
    /// [`EngineError::ModelMissing`], [`EngineError::ModelUnusable`], [`EngineError::NoSpeechModel`],
    /// [`EngineError::OutOfMemory`], or [`EngineError::NotOnThisSystem`].
    pub fn open(&self) -> Result<Box<dyn Engine>, EngineError> {
        Ok(Box::new(crate::neural::Neural::load(self)?))
    }
}

/// Why an engine could not be opened or did not recognise a window. Crosses the process boundary as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum EngineError {
    /// The engine does not know the language that was asked for. Choose one it knows, or another engine.
    #[error("the speech model does not know the language “{language}”; it knows: {}", supported.join(", "))]
    LanguageNotSupported {
        /// The tag that was asked for.
        language: String,
        /// The tags it knows.
        supported: Vec<String>,
    },
    /// A part of the model is not there. Installing it helps.
    #[error("the speech model is not installed: {} is missing; install it again", path.display())]
    ModelMissing {
        /// The file or folder that was looked for.
        path: PathBuf,
    },
    /// The model is there and cannot be loaded. Installing it afresh helps.
    #[error("the speech model {} cannot be loaded, it may be damaged; install it again or choose another", path.display())]
    ModelUnusable {
        /// The folder or file of the model.
        path: PathBuf,
    },
    /// The model loads and gives no words: it tells speakers apart, or finds speech.
    #[error("{} is no model that writes down speech; choose another", path.display())]
    NoSpeechModel {
        /// The file of the model.
        path: PathBuf,
    },
    /// The model loads and does not tell speakers apart.
    #[error("{} is no model that tells speakers apart; choose another", path.display())]
    NoSpeakerModel {
        /// The file of the model.
        path: PathBuf,
    },
    /// The model needs more memory than there is. A smaller one helps.
    #[error(
        "there is not enough memory for the speech model {model}; choose a smaller one or close other programs"
    )]
    OutOfMemory {
        /// Name of the model.
        model: String,
    },
    /// The engine does not exist on this operating system or processor. Only another engine helps.
    #[error("{engine} is not available on this system")]
    NotOnThisSystem {
        /// Name of the engine.
        engine: String,
    },
    /// The window is longer than `longest_window_ms` of the capabilities.
    #[error("this stretch of the recording is too long for {engine}, which takes at most {} s", longest_ms / 1000)]
    WindowTooLong {
        /// Name of the engine.
        engine: String,
        /// The longest window it takes, in milliseconds.
        longest_ms: u32,
    },
    /// The control said that the words are no longer wanted.
    #[error("the recognition was cancelled")]
    Cancelled,
    /// The engine gave up on the window.
    #[error("{engine} could not process this stretch of the recording")]
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
    fn a_language_is_found_by_its_tag_or_a_more_general_one() {
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
    fn a_language_it_lacks_is_refused_with_those_it_has() {
        let c = capabilities(&["en", "fr"]);
        let refusal = c.language(Some("de-AT")).expect_err("no German").to_string();
        assert_eq!(refusal, "the speech model does not know the language “de-AT”; it knows: en, fr");
        for asked in ["", "-", "english", "e"] {
            assert!(c.language(Some(asked)).is_err(), "{asked}");
        }
    }

    #[test]
    fn a_spec_survives_the_way_to_another_process() {
        let spec = spec();
        let json = serde_json::to_string(&spec).expect("a spec can be written");
        assert_eq!(serde_json::from_str::<EngineSpec>(&json).expect("and read"), spec);
    }
}
