//! Neural engines: any model that `transcribe-cpp` (ggml) knows, from one file.
//!
//! The capabilities of a model are read from the loaded model, never concluded from its name. For models
//! that time only longer segments, `word_times` estimates the times of words and marks them as estimated. The
//! hallucination guard (`hallucination`) checks each result; a window with doubtful words is recognised again in other ways
//! (`retry`). Which models exist and where they come from is the business of the crate `models`.
//!
//! With `check_language`, a window is first recognised in the language that the model detects. If that is the language
//! asked for, the words are used; otherwise the window is recognised once more in that language, and the detected one
//! is reported. Without `check_language`, a window whose doubts remain is recognised once more in the detected
//! language, only to report that language.

mod model_file;
mod retry;
mod words;

pub use model_file::processor_suffices;
pub(crate) use model_file::{capabilities_before_loading, load_error, load_model};

use crate::engine::{Capabilities, Control, Engine, EngineError, EngineSpec, Options, Recognition};
use crate::hallucination::{self, RecognisedWord};
use crate::voice_activity::VoiceActivity;
use crate::windows::Window;
use std::ops::Range;
use std::path::PathBuf;
use transcribe_cpp::{
    Error, Feature, Role, RunExtension, RunOptions, Session, SessionOptions, Task, TimestampKind,
    WhisperRunOptions,
};
use transcript::{AudioTime, Doubt, DoubtReason, SAMPLE_RATE, Span, Word};
use words::words_of_transcript;

/// Seed of Whisper's random numbers, fixed so that the same window always gives the same words.
const SEED: u32 = 20_251;
/// A window with doubtful or hardly any words contains no speech if the model's probability of “no speech” is at least
/// this.
const NO_SPEECH: f32 = 0.3;
/// Windows with fewer samples than this have no words: they are shorter than the shortest speech in a window, and
/// confuse models that pad to a fixed length.
const MIN_SAMPLES: usize = SAMPLE_RATE as usize / 10;

/// A loaded model.
pub struct NeuralEngine {
    session: Session,
    capabilities: Capabilities,
    path: PathBuf,
    /// Whether the model is a Whisper model, which takes Whisper's options.
    whisper: bool,
    /// The finest times that the model gives.
    timestamps: TimestampKind,
    /// The target languages of translations that the model lists.
    translates_into: Vec<String>,
}

impl NeuralEngine {
    /// Loads the model.
    ///
    /// # Errors
    /// [`EngineError::ModelMissing`], [`EngineError::ModelUnusable`], [`EngineError::NoSpeechModel`],
    /// [`EngineError::OutOfMemory`], or [`EngineError::NotOnThisSystem`] on a processor that is too old.
    pub fn load(spec: &EngineSpec) -> Result<Self, EngineError> {
        let capabilities = capabilities_before_loading(spec);
        let path = spec.model.as_path();
        let failed = |error| load_error(error, path, &capabilities.model);
        let model = load_model(path, spec.device)?;
        if !model.roles().contains(Role::Asr) {
            return Err(EngineError::NoSpeechModel { path: path.to_owned() });
        }
        let offered = model.capabilities().map_err(failed)?;
        let threads = i32::try_from(spec.threads).unwrap_or(1).max(1);
        let session = model
            .session_with(&SessionOptions { n_threads: threads, ..SessionOptions::default() })
            .map_err(failed)?;
        // The session may have a lower limit than the model; zero means no limit.
        let limits = [Some(offered.max_audio_ms), session.limits().ok().map(|l| l.effective_max_audio_ms)];
        let longest = limits.into_iter().flatten().filter(|ms| *ms > 0).min();
        let longest_window_ms = longest.map(|ms| u32::try_from(ms).unwrap_or(u32::MAX));
        let device = model.backend();
        Ok(Self {
            whisper: model.arch() == "whisper",
            timestamps: offered.max_timestamp_kind,
            translates_into: offered.translate_target_languages,
            capabilities: Capabilities {
                languages: offered.languages,
                detects_language: offered.supports_language_detect,
                word_times: matches!(offered.max_timestamp_kind, TimestampKind::Word | TimestampKind::Token),
                word_confidence: matches!(offered.max_timestamp_kind, TimestampKind::Token),
                translates: offered.supports_translate,
                vocabulary: model.supports(Feature::Vocabulary),
                longest_window_ms,
                cutting: capabilities.cutting.within(longest_window_ms),
                device,
                ..capabilities
            },
            session,
            path: path.to_owned(),
        })
    }

    fn failed(&self) -> EngineError {
        EngineError::Failed { engine: self.capabilities.engine.clone() }
    }

    /// The library's options for a run.
    fn run_options(&self, options: &Options, attempt: Attempt) -> Result<RunOptions, EngineError> {
        let asked = self.capabilities.language(options.language.as_deref())?.map(str::to_owned);
        let english = || {
            let known = &self.capabilities.languages;
            known.iter().find(|tag| tag.as_str() == "en").or(known.first()).cloned()
        };
        let language = match asked {
            None if !self.capabilities.detects_language => english(),
            asked => asked,
        };
        let translate = options.translate && self.capabilities.translates;
        let target = translate.then(|| "en".to_owned()).filter(|en| self.translates_into.contains(en));
        let family = self.whisper.then(|| {
            let usual = WhisperRunOptions {
                seed: Some(SEED),
                temperature: Some(0.0),
                temperature_inc: Some(0.0),
                condition_on_prev_tokens: Some(false),
                ..WhisperRunOptions::default()
            };
            RunExtension::Whisper(match attempt {
                // The library's own retries sample words at rising temperatures, which writes fluent nonsense over
                // music. The hallucination guard decides about retries instead.
                Attempt::First | Attempt::Half => usual,
                // Sampled words are used only where the model finds speech, or finds the words likely.
                Attempt::Sampled => WhisperRunOptions {
                    temperature: Some(0.4),
                    no_speech_thold: Some(0.1),
                    logprob_thold: Some(-0.8),
                    ..usual
                },
                // Only the probability of “no speech” decides, not the likelihood of the words.
                Attempt::Probe => WhisperRunOptions {
                    no_speech_thold: Some(NO_SPEECH),
                    logprob_thold: Some(f32::MAX),
                    ..usual
                },
            })
        });
        Ok(RunOptions {
            task: if translate { Task::Translate } else { Task::Transcribe },
            timestamps: self.timestamps,
            language,
            target_language: target,
            vocabulary: if self.capabilities.vocabulary { options.vocabulary.clone() } else { Vec::new() },
            family,
            ..RunOptions::default()
        })
    }

    /// Recognises `samples` with the options `run`, and finds the doubtful words.
    fn decode(&mut self, samples: &[f32], run: &RunOptions) -> Result<Decoded, EngineError> {
        if samples.len() < MIN_SAMPLES {
            return Ok(Decoded::default());
        }
        let transcript = match self.session.run(samples, run) {
            Ok(transcript) => transcript,
            Err(Error::Aborted { .. }) => return Err(EngineError::Cancelled),
            Err(Error::OutputTruncated { partial, .. } | Error::OutputRepetition { partial, .. }) => {
                partial.map(|partial| *partial).unwrap_or_default()
            }
            Err(Error::InputTooShort(_)) => return Ok(Decoded::default()),
            Err(Error::InputTooLong(_)) => {
                return Err(EngineError::WindowTooLong {
                    engine: self.capabilities.engine.clone(),
                    longest_ms: self.capabilities.longest_window_ms.unwrap_or(u32::MAX),
                });
            }
            Err(Error::OutOfMemory(_)) => {
                return Err(EngineError::OutOfMemory { model: self.capabilities.model.clone() });
            }
            Err(error) => {
                tracing::warn!(%error, "a window could not be recognised");
                return Err(self.failed());
            }
        };
        let activity = VoiceActivity::detect(samples);
        let words = words_of_transcript(&transcript, &activity, milliseconds(samples.len()));
        // The library reports no language if one was given.
        let language = transcript.language.or_else(|| run.language.clone());
        let doubts = hallucination::find_doubts(&words, &activity, language.as_deref());
        let skips_speech = hallucination::skips_speech(&words, &activity);
        Ok(Decoded { words, doubts, language, skips_speech })
    }

    /// Recognises `samples` in the language that the model detects.
    fn decode_in_detected_language(
        &mut self,
        samples: &[f32],
        options: &Options,
    ) -> Result<Decoded, EngineError> {
        let run = self.run_options(&options.without_language(), Attempt::First)?;
        self.decode(samples, &run)
    }
}

/// The ways to recognise the same samples.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// The first attempt, without sampling.
    First,
    /// One half of a window, without sampling.
    Half,
    /// With sampling, at a temperature of 0.4.
    Sampled,
    /// To find out whether there is any speech.
    Probe,
}

/// The recognition of a window or a half of it, with times from its start.
#[derive(Debug, Default)]
struct Decoded {
    words: Vec<RecognisedWord>,
    /// The doubtful ranges of `words`.
    doubts: Vec<(Range<usize>, DoubtReason)>,
    language: Option<String>,
    /// Whether words seem to be missing; see [`hallucination::skips_speech`].
    skips_speech: bool,
}

impl Engine for NeuralEngine {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn recognise(
        &mut self,
        window: &Window,
        options: &Options,
        control: &dyn Control,
    ) -> Result<Recognition, EngineError> {
        if control.cancelled() {
            return Err(EngineError::Cancelled);
        }
        let language = self.capabilities.language(options.language.as_deref())?.map(str::to_owned);
        let detects = self.capabilities.detects_language;
        let check = options.check_language && detects && language.is_some();
        let mut other_language = None;
        let mut first = None;
        if check {
            let detected = self.decode_in_detected_language(&window.samples, options)?;
            other_language = detected.language.clone().filter(|_| !detected.words.is_empty());
            // In the language asked for, the words are the same whether the language was detected or given.
            first = (detected.language == language).then_some(detected);
        }
        let first = match first {
            Some(detected) => detected,
            None => {
                let run = self.run_options(options, Attempt::First)?;
                self.decode(&window.samples, &run)?
            }
        };
        if hallucination::may_be_no_speech(&first.words, &first.doubts)
            && self.is_without_speech(&window.samples, options)?
        {
            control.progress(window.samples.len() as u64);
            return Ok(Recognition::default());
        }
        let decoded = if first.doubts.is_empty() {
            self.retry_skipped_speech(first, &window.samples, options)?
        } else {
            self.retry_doubtful(first, &window.samples, options, control)?
        };
        if !decoded.doubts.is_empty() && !check && detects && language.is_some() {
            let detected = self.decode_in_detected_language(&window.samples, options)?;
            other_language = detected.language.filter(|_| !detected.words.is_empty());
        }
        let other_language = other_language.filter(|other| Some(other) != language.as_ref());
        control.progress(window.samples.len() as u64);

        let samples = |ms: u32| u64::from(ms) * u64::from(SAMPLE_RATE) / 1000;
        let words: Vec<Word> = decoded
            .words
            .iter()
            .map(|word| {
                let start = AudioTime::from_samples(window.source.start_at(samples(word.start_ms)));
                let end = AudioTime::from_samples(window.source.end_at(samples(word.end_ms)));
                Word {
                    start,
                    end: end.max(start),
                    text: word.text.clone(),
                    confidence: word.confidence,
                    estimated: word.estimated,
                }
            })
            .collect();
        let doubts = decoded
            .doubts
            .into_iter()
            .map(|(range, reason)| Doubt {
                span: Span::new(words[range.start].start, words[range.end - 1].end),
                reason,
            })
            .collect();
        // A window without words has no language.
        let language = decoded.language.filter(|_| !words.is_empty());
        Ok(Recognition { words, language, other_language, doubts })
    }
}

impl std::fmt::Debug for NeuralEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NeuralEngine").field("path", &self.path).finish_non_exhaustive()
    }
}

fn milliseconds(samples: usize) -> u32 {
    AudioTime::from_samples(samples as u64).as_ms()
}
