//! Neural engines: any model that `transcribe-cpp` (ggml) knows, from one file.
//!
//! What a model can do is asked of the model, never concluded from its name. Models that give times only for longer
//! stretches have their words spread over the speech in these, which is marked; what looks like a loop or was written
//! where nobody speaks is recognised again in other ways, and marked if it stays. Leaves out which models there are
//! and where they come from (crate `models`).

use crate::engine::{Capabilities, Control, Device, Engine, EngineError, Options, Recognition};
use crate::guard::{self, Heard, Voiced};
use crate::windows::{Cutting, Window};
use std::ops::Range;
use std::path::{Path, PathBuf};
use transcribe_cpp::{
    Backend, BackendMask, Error, Feature, Model, ModelOptions, Role, RunExtension, RunOptions, Session,
    SessionOptions, Task, TimestampKind, Transcript, WhisperRunOptions,
};
use transcript::{AudioTime, Doubt, Reason, SAMPLE_RATE, Span, Word};

/// Working memory of a decoder beside the weights, which are mapped and shared: activations and caches. A generous
/// estimate for models of up to a billion parameters.
const WORKING_MEMORY: u64 = 300 << 20;
/// Whisper begins its random numbers here, so that the same window always gives the same words.
const SEED: u32 = 20_251;
/// Less than a window's shortest speech confuses models that pad to a fixed length; nothing is said in it.
const SHORTEST: usize = SAMPLE_RATE as usize / 10;

/// What is known of a model without loading it.
pub(crate) fn before_loading(model: &Path, sha256: Option<String>) -> Capabilities {
    let bytes = std::fs::metadata(model).map(|found| found.len()).unwrap_or(0);
    Capabilities {
        engine: "transcribe.cpp".to_owned(),
        model: model.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        model_sha256: sha256,
        languages: Vec::new(),
        detects_language: false,
        word_times: false,
        word_confidence: false,
        translates: false,
        vocabulary: false,
        longest_window_ms: None,
        cutting: Cutting::PACKED,
        memory_bytes: WORKING_MEMORY,
        shared_bytes: bytes,
        device: String::new(),
        fell_back: false,
    }
}

/// Loads the model of `path`, of whatever role.
pub(crate) fn load_model(path: &Path, device: Device) -> Result<Model, EngineError> {
    let Capabilities { engine, model: name, .. } = before_loading(path, None);
    if !processor_suffices() {
        return Err(EngineError::NotOnThisSystem { engine });
    }
    let (backend, mask) = match device {
        Device::Auto if Device::GPU_SUPPORTED => (Backend::Auto, BackendMask::ALL),
        // No driver is even looked at.
        Device::Auto | Device::Cpu => (Backend::CpuAccel, BackendMask::CPU),
    };
    let options = ModelOptions { backend, ..ModelOptions::default() };
    transcribe_cpp::init_backends_with(None::<&Path>, mask)
        .and_then(|()| Model::load_with(path, &options))
        .map_err(|error| failed(error, path, &name))
}

/// What it means that the model of `path` cannot be loaded.
pub(crate) fn failed(error: Error, path: &Path, model: &str) -> EngineError {
    tracing::warn!(%error, "a model could not be loaded");
    match error {
        Error::ModelFileNotFound(_) => EngineError::ModelMissing { path: path.to_owned() },
        Error::OutOfMemory(_) => EngineError::OutOfMemory { model: model.to_owned() },
        Error::UnsupportedRole(_) => EngineError::NoSpeechModel { path: path.to_owned() },
        _ => EngineError::ModelUnusable { path: path.to_owned() },
    }
}

/// A loaded model.
pub struct Neural {
    session: Session,
    capabilities: Capabilities,
    path: PathBuf,
    /// Whether the model takes Whisper's settings.
    whisper: bool,
    finest: TimestampKind,
    translates_into: Vec<String>,
}

impl Neural {
    /// Loads the model of `path`. `capabilities` is what is known without it.
    ///
    /// # Errors
    /// [`EngineError::ModelMissing`], [`EngineError::ModelUnusable`], [`EngineError::NoSpeechModel`],
    /// [`EngineError::OutOfMemory`], or [`EngineError::NotOnThisSystem`] on a processor that is too old.
    pub fn load(
        path: &Path,
        device: Device,
        threads: u32,
        capabilities: Capabilities,
    ) -> Result<Self, EngineError> {
        let failed = |error| failed(error, path, &capabilities.model);
        let model = load_model(path, device)?;
        if !model.roles().contains(Role::Asr) {
            return Err(EngineError::NoSpeechModel { path: path.to_owned() });
        }
        let offered = model.capabilities().map_err(failed)?;
        let threads = i32::try_from(threads).unwrap_or(1).max(1);
        let session = model
            .session_with(&SessionOptions { n_threads: threads, ..SessionOptions::default() })
            .map_err(failed)?;
        // The session may allow less than the model; zero is no limit.
        let limit = [Some(offered.max_audio_ms), session.limits().ok().map(|l| l.effective_max_audio_ms)];
        let longest = limit.into_iter().flatten().filter(|ms| *ms > 0).min();
        let longest_window_ms = longest.map(|ms| u32::try_from(ms).unwrap_or(u32::MAX));
        let device = model.backend();
        Ok(Self {
            whisper: model.arch() == "whisper",
            finest: offered.max_timestamp_kind,
            translates_into: offered.translate_target_languages,
            capabilities: Capabilities {
                languages: offered.languages,
                detects_language: offered.supports_language_detect,
                word_times: matches!(offered.max_timestamp_kind, TimestampKind::Word | TimestampKind::Token),
                word_confidence: matches!(offered.max_timestamp_kind, TimestampKind::Token),
                translates: offered.supports_translate,
                vocabulary: model.supports(Feature::Vocabulary),
                longest_window_ms,
                cutting: Cutting::PACKED.within(longest_window_ms),
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

    /// How to run the model for these options; `hotter` not to choose the likeliest words only.
    fn run_options(&self, options: &Options, hotter: bool) -> Result<RunOptions, EngineError> {
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
        // The library's own second attempts, at higher temperatures, are for single windows what `Neural::again` is
        // for their parts.
        let family = self.whisper.then(|| {
            RunExtension::Whisper(WhisperRunOptions {
                seed: Some(SEED),
                temperature: Some(if hotter { 0.4 } else { 0.0 }),
                temperature_inc: Some(if hotter { 0.0 } else { 0.4 }),
                no_speech_thold: hotter.then_some(0.4),
                condition_on_prev_tokens: Some(false),
                ..WhisperRunOptions::default()
            })
        });
        Ok(RunOptions {
            task: if translate { Task::Translate } else { Task::Transcribe },
            timestamps: self.finest,
            language,
            target_language: target,
            vocabulary: if self.capabilities.vocabulary { options.vocabulary.clone() } else { Vec::new() },
            family,
            ..RunOptions::default()
        })
    }

    /// What the model hears in `samples`.
    fn decode(&mut self, samples: &[f32], run: &RunOptions) -> Result<Decoded, EngineError> {
        if samples.len() < SHORTEST {
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
        let voiced = Voiced::of(samples);
        let words = words(&transcript, &voiced, milliseconds(samples.len()));
        let doubts = guard::doubts(&words, &voiced);
        Ok(Decoded { words, doubts, language: transcript.language })
    }

    /// Recognises a window with doubtful words in other ways, and gives what is least doubtful.
    fn again(
        &mut self,
        first: Decoded,
        samples: &[f32],
        options: &Options,
        control: &dyn Control,
    ) -> Result<Decoded, EngineError> {
        let mut best = first;
        for attempt in [Again::Halves, Again::Hotter] {
            if control.cancelled() {
                return Err(EngineError::Cancelled);
            }
            let other = match attempt {
                Again::Hotter if !self.whisper => continue,
                Again::Hotter => {
                    let run = self.run_options(options, true)?;
                    self.decode(samples, &run)?
                }
                Again::Halves => {
                    let voiced = Voiced::of(samples);
                    let at = voiced.pause_near_the_middle();
                    let run = self.run_options(options, false)?;
                    let (left, right) = samples.split_at(at.min(samples.len()));
                    let (left, right) = (self.decode(left, &run)?, self.decode(right, &run)?);
                    left.followed_by(right, milliseconds(at), &voiced)
                }
            };
            if guard::doubtful(&other.doubts) < guard::doubtful(&best.doubts) {
                best = Decoded { language: best.language, ..other };
            }
            if best.doubts.is_empty() {
                break;
            }
        }
        Ok(best)
    }
}

/// Other ways to recognise the same samples.
#[derive(Clone, Copy)]
enum Again {
    /// In two parts, divided at a pause: a loop seldom outlives its beginning.
    Halves,
    /// Without always taking the likeliest word.
    Hotter,
}

/// What was heard in a window or a part of it, with times from its beginning.
#[derive(Debug, Default)]
struct Decoded {
    words: Vec<Heard>,
    doubts: Vec<(Range<usize>, Reason)>,
    language: Option<String>,
}

impl Decoded {
    /// Both parts of a window; a loop may only be seen in the whole.
    fn followed_by(mut self, after: Self, by_ms: u32, voiced: &Voiced) -> Self {
        let stretches = self.words.last().map_or(0, |word| word.stretch + 1);
        self.words.extend(after.words.into_iter().map(|word| Heard {
            start_ms: word.start_ms + by_ms,
            end_ms: word.end_ms + by_ms,
            stretch: word.stretch + stretches,
            ..word
        }));
        self.doubts = guard::doubts(&self.words, voiced);
        self
    }
}

impl Engine for Neural {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn recognise(
        &mut self,
        window: &Window,
        options: &Options,
        control: &dyn Control,
    ) -> Result<Recognition, EngineError> {
        let run = self.run_options(options, false)?;
        if control.cancelled() {
            return Err(EngineError::Cancelled);
        }
        let first = self.decode(&window.samples, &run)?;
        let decoded = if first.doubts.is_empty() {
            first
        } else {
            self.again(first, &window.samples, options, control)?
        };
        control.progress(window.samples.len() as u64);

        let samples = |ms: u32| u64::from(ms) * u64::from(SAMPLE_RATE) / 1000;
        let words: Vec<Word> = decoded
            .words
            .iter()
            .map(|word| {
                let start = AudioTime::from_samples(window.place.beginning(samples(word.start_ms)));
                let end = AudioTime::from_samples(window.place.ending(samples(word.end_ms)));
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
        let language = decoded.language.or(run.language);
        Ok(Recognition { words, language, doubts })
    }
}

impl std::fmt::Debug for Neural {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Neural").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The words of a transcript in order of time, within `length_ms`.
fn words(transcript: &Transcript, voiced: &Voiced, length_ms: u32) -> Vec<Heard> {
    let ms = |ms: i64| u32::try_from(ms.max(0)).unwrap_or(u32::MAX).min(length_ms);
    if !transcript.words.is_empty() {
        let confidence = |word: &transcribe_cpp::Word| {
            let first = usize::try_from(word.first_token).ok()?;
            let tokens = transcript.tokens.get(first..first + usize::try_from(word.n_tokens).ok()?)?;
            let sum: f32 = tokens.iter().map(|token| token.p).sum();
            let mean = sum / tokens.len() as f32;
            (0.0..=1.0).contains(&mean).then_some(mean)
        };
        let words = transcript.words.iter().filter(|word| !word.text.trim().is_empty());
        return words
            .map(|word| Heard {
                start_ms: ms(word.t0_ms),
                end_ms: ms(word.t1_ms).max(ms(word.t0_ms)),
                text: word.text.trim().to_owned(),
                confidence: confidence(word),
                estimated: false,
                stretch: usize::try_from(word.seg_index).unwrap_or(0),
            })
            .collect();
    }
    let mut words = Vec::new();
    let timed = transcript.timestamp_kind != TimestampKind::None && !transcript.segments.is_empty();
    if timed {
        let stretches: Vec<(u32, u32)> =
            transcript.segments.iter().map(|s| (ms(s.t0_ms), ms(s.t1_ms).max(ms(s.t0_ms)))).collect();
        let stretches = voiced.snap(&stretches);
        for (stretch, (segment, (start, end))) in transcript.segments.iter().zip(stretches).enumerate() {
            spread(&segment.text, start, end, stretch, voiced, &mut words);
        }
    } else {
        spread(&transcript.text, 0, length_ms, 0, voiced, &mut words);
    }
    words
}

/// Gives the words of `text` times within a stretch, by their share of its letters, where there is speech.
fn spread(text: &str, start_ms: u32, end_ms: u32, stretch: usize, voiced: &Voiced, words: &mut Vec<Heard>) {
    let parts = transcript::words_of(text);
    // A letter more for each word stands for what is between words.
    let weight = |word: &str| word.chars().count() + 1;
    let total: usize = parts.iter().map(|word| weight(word)).sum();
    let moments = voiced.moments(start_ms, end_ms);
    let (Some(&first), Some(&last)) = (moments.first(), moments.last()) else { return };
    let frame = crate::activity::FRAME as u32 * 1000 / SAMPLE_RATE;
    let mut done = 0;
    for text in parts {
        let at = |letters: usize| letters * moments.len() / total.max(1);
        let (begin, end) = (at(done), at(done + weight(&text)));
        done += weight(&text);
        let start = moments.get(begin).copied().unwrap_or(last);
        let end = moments.get(end.saturating_sub(1).max(begin)).copied().unwrap_or(last) + frame;
        words.push(Heard {
            start_ms: start.max(first).max(start_ms).min(end_ms),
            end_ms: end.min(end_ms.max(start_ms)).max(start.min(end_ms)),
            text,
            confidence: None,
            estimated: true,
            stretch,
        });
    }
}

fn milliseconds(samples: usize) -> u32 {
    AudioTime::from_samples(samples as u64).as_ms()
}

/// The engine is built for x86-64 processors with AVX2, FMA and F16C (`.cargo/config.toml`); another would be ended by
/// its first instruction.
fn processor_suffices() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("fma")
        && std::arch::is_x86_feature_detected!("f16c")
        && std::arch::is_x86_feature_detected!("bmi2");
    #[cfg(not(target_arch = "x86_64"))]
    true
}
