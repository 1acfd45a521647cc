//! What the rest of the program knows of a speech engine: windows of samples in, words with times out.
//!
//! An [`EngineSpec`] names an engine and its model and opens it. Engines do not run in the process that owns the
//! database and the files: [`crate::process`] carries windows to engine processes and words back. Leaves out how
//! windows come about ([`crate::windows`]) and how words become readable segments (crate `transcript`).

use crate::windows::Window;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use transcript::Word;

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
    /// The engine's name for people: `PocketSphinx`.
    pub engine: String,
    /// The model's name for people: `en-us`.
    pub model: String,
    /// SHA-256 of the model's file in hexadecimal; `None` for a model that is a folder of files.
    pub model_sha256: Option<String>,
    /// The languages it can recognise, as BCP 47 tags: `["en"]`.
    pub languages: Vec<String>,
    /// Whether it finds out by itself which of its languages is spoken.
    pub detects_language: bool,
    /// Whether each word has its own time. Otherwise words share the time of a longer stretch.
    pub word_times: bool,
    /// Whether words carry a confidence.
    pub word_confidence: bool,
    /// The longest window it takes, in milliseconds of audio; `None` if any length is fine.
    pub longest_window_ms: Option<u32>,
    /// Memory one decoder needs at its peak, in bytes.
    pub memory_bytes: u64,
}

impl Capabilities {
    /// The language of `languages` to use when `asked` for one: the same tag, or a more general one (`en` for
    /// `en-GB`), without regard to case. `None`, when nothing was asked, leaves the choice to the engine.
    ///
    /// # Errors
    /// [`EngineError::LanguageNotSupported`] if there is none.
    pub fn language(&self, asked: Option<&str>) -> Result<Option<&str>, EngineError> {
        let Some(asked) = asked else { return Ok(None) };
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
                        engine: self.engine.clone(),
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
}

/// What an engine heard in a window.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Recognition {
    /// The words in order of time, times counted from the start of the recording.
    pub words: Vec<Word>,
    /// The language that was recognised, as a BCP 47 tag; `None` if the engine cannot tell.
    pub language: Option<String>,
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

/// Which engine with which model. What crosses to an engine process, and enough to open the same engine again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "engine", rename_all = "snake_case")]
pub enum EngineSpec {
    /// The built-in engine. Linux only.
    PocketSphinx {
        /// A folder with an acoustic model, a language model and a dictionary; see [`EngineSpec::built_in`].
        model: PathBuf,
    },
}

impl EngineSpec {
    /// The engine that needs no download, with its model below the program's resources: the folder
    /// `pocketsphinx/en-us`, a copy of the same folder of Debian's package `pocketsphinx-en-us`.
    ///
    /// # Errors
    /// [`EngineError::ModelMissing`], or [`EngineError::NotOnThisSystem`] where there is no built-in engine.
    pub fn built_in(resources: &Path) -> Result<Self, EngineError> {
        let spec = Self::PocketSphinx { model: resources.join("pocketsphinx").join("en-us") };
        spec.check()?;
        Ok(spec)
    }

    /// Whether the engine exists on this system and its model is complete, without loading it.
    ///
    /// # Errors
    /// As [`EngineSpec::built_in`].
    pub fn check(&self) -> Result<(), EngineError> {
        match self {
            #[cfg(target_os = "linux")]
            Self::PocketSphinx { model } => crate::pocketsphinx::Model::in_folder(model).map(drop),
            #[cfg(not(target_os = "linux"))]
            Self::PocketSphinx { .. } => Err(self.not_here()),
        }
    }

    /// What the engine can do, as far as that is known without loading the model.
    pub fn capabilities(&self) -> Capabilities {
        match self {
            Self::PocketSphinx { model } => Capabilities {
                engine: "PocketSphinx".to_owned(),
                model: model.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
                model_sha256: None,
                languages: vec!["en".to_owned()],
                detects_language: false,
                word_times: true,
                // Its posteriors say nothing about correctness: a right “and” scored 0.017.
                word_confidence: false,
                longest_window_ms: Some(300_000),
                memory_bytes: 140 * 1024 * 1024,
            },
        }
    }

    /// Loads the model. Takes about half a second for the built-in engine.
    ///
    /// # Errors
    /// As [`EngineSpec::built_in`], and [`EngineError::ModelUnusable`].
    pub fn open(&self) -> Result<Box<dyn Engine>, EngineError> {
        match self {
            #[cfg(target_os = "linux")]
            Self::PocketSphinx { model } => {
                let model = crate::pocketsphinx::Model::in_folder(model)?;
                Ok(Box::new(crate::pocketsphinx::PocketSphinx::load(&model, self.capabilities())?))
            }
            #[cfg(not(target_os = "linux"))]
            Self::PocketSphinx { .. } => Err(self.not_here()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn not_here(&self) -> EngineError {
        EngineError::NotOnThisSystem { engine: self.capabilities().engine }
    }
}

/// Why an engine could not be opened or did not recognise a window. Crosses the process boundary as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum EngineError {
    /// The engine does not know the language that was asked for. Choose one it knows, or another engine.
    #[error("{engine} does not know the language “{language}”; it knows: {}", supported.join(", "))]
    LanguageNotSupported {
        /// Name of the engine.
        engine: String,
        /// The tag that was asked for.
        language: String,
        /// The tags it knows.
        supported: Vec<String>,
    },
    /// A part of the model is not there. Installing it helps.
    #[error("the speech model is not installed: {} is missing; run set-up again", path.display())]
    ModelMissing {
        /// The file or folder that was looked for.
        path: PathBuf,
    },
    /// The model is there and cannot be loaded. Installing it afresh helps.
    #[error("the speech model in {} cannot be loaded, it may be damaged; run set-up again", path.display())]
    ModelUnusable {
        /// The folder or file of the model.
        path: PathBuf,
    },
    /// The engine does not exist on this operating system. Only another engine helps.
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

    fn capabilities(languages: &[&str]) -> Capabilities {
        let mut c = EngineSpec::PocketSphinx { model: PathBuf::from("/models/en-us") }.capabilities();
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
        assert_eq!(refusal, "PocketSphinx does not know the language “de-AT”; it knows: en, fr");
        for asked in ["", "-", "english", "e"] {
            assert!(c.language(Some(asked)).is_err(), "{asked}");
        }
    }

    #[test]
    fn a_spec_survives_the_way_to_another_process() {
        let spec = EngineSpec::PocketSphinx { model: PathBuf::from("/mo dels/ä") };
        let json = serde_json::to_string(&spec).expect("a spec can be written");
        assert_eq!(json, r#"{"engine":"pocket_sphinx","model":"/mo dels/ä"}"#);
        assert_eq!(serde_json::from_str::<EngineSpec>(&json).expect("and read"), spec);
    }
}
