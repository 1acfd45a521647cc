//! Neural engines: any model that `transcribe-cpp` (ggml) knows, from one file.
//!
//! What a model can do is asked of the model, never concluded from its name. Models that give times only for longer
//! stretches have their words laid over the sound ([`crate::word_times`]), which is marked; what looks like a loop or was
//! written where nobody speaks is recognised again in other ways, and marked if it stays. Leaves out which models there are
//! and where they come from (crate `models`).

use crate::engine::{Capabilities, Control, Device, Engine, EngineError, EngineSpec, Options, Recognition};
use crate::hallucination::{self, Heard, Voiced};
use crate::windows::{Cutting, Window};
use crate::word_times::{Stretch, align};
use std::ops::Range;
use std::path::{Path, PathBuf};
use transcribe_cpp::{
    Backend, BackendMask, Error, Feature, Model, ModelOptions, Role, RunExtension, RunOptions, Session,
    SessionOptions, Task, TimestampKind, Transcript, WhisperRunOptions,
};
use transcript::{AudioTime, Doubt, Reason, SAMPLE_RATE, Span, Word, words_of};

/// The name of the engine library.
const ENGINE: &str = "transcribe.cpp";
/// Working memory of a decoder beside the weights, which are mapped and shared: activations and caches. A generous
/// estimate for models of up to a billion parameters.
const WORKING_MEMORY: u64 = 300 << 20;
/// Whisper begins its random numbers here, so that the same window always gives the same words.
const SEED: u32 = 20_251;
/// A window with doubtful or hardly any words holds no speech if the model finds that at least this probable.
const NO_SPEECH: f32 = 0.3;
/// Less than a window's shortest speech confuses models that pad to a fixed length; nothing is said in it.
const SHORTEST: usize = SAMPLE_RATE as usize / 10;

/// What is known of a model without loading it.
pub(crate) fn before_loading(spec: &EngineSpec) -> Capabilities {
    let bytes = std::fs::metadata(&spec.model).map(|found| found.len()).unwrap_or(0);
    Capabilities {
        engine: ENGINE.to_owned(),
        model: name_of(&spec.model),
        model_sha256: spec.sha256.clone(),
        languages: Vec::new(),
        detects_language: false,
        word_times: false,
        word_confidence: false,
        translates: false,
        vocabulary: false,
        longest_window_ms: None,
        cutting: Cutting::for_context(spec.context_s),
        memory_bytes: WORKING_MEMORY,
        shared_bytes: bytes,
        device: String::new(),
        fell_back: false,
    }
}

/// The model's name: that of its file without the ending.
fn name_of(model: &Path) -> String {
    model.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Loads the model of `path`, of whatever role.
pub(crate) fn load_model(path: &Path, device: Device) -> Result<Model, EngineError> {
    if !processor_suffices() {
        return Err(EngineError::NotOnThisSystem { engine: ENGINE.to_owned() });
    }
    let (backend, mask) = match device {
        Device::Auto if Device::GPU_SUPPORTED => (Backend::Auto, BackendMask::ALL),
        // No driver is even looked at.
        Device::Auto | Device::Cpu => (Backend::CpuAccel, BackendMask::CPU),
    };
    let options = ModelOptions { backend, ..ModelOptions::default() };
    transcribe_cpp::init_backends_with(None::<&Path>, mask)
        .and_then(|()| Model::load_with(path, &options))
        .map_err(|error| failed(error, path, &name_of(path)))
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
    /// Loads the model.
    ///
    /// # Errors
    /// [`EngineError::ModelMissing`], [`EngineError::ModelUnusable`], [`EngineError::NoSpeechModel`],
    /// [`EngineError::OutOfMemory`], or [`EngineError::NotOnThisSystem`] on a processor that is too old.
    pub fn load(spec: &EngineSpec) -> Result<Self, EngineError> {
        let capabilities = before_loading(spec);
        let path = spec.model.as_path();
        let failed = |error| failed(error, path, &capabilities.model);
        let model = load_model(path, spec.device)?;
        if !model.roles().contains(Role::Asr) {
            return Err(EngineError::NoSpeechModel { path: path.to_owned() });
        }
        let offered = model.capabilities().map_err(failed)?;
        let threads = i32::try_from(spec.threads).unwrap_or(1).max(1);
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

    /// How to run the model for these options.
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
                // The library's own further attempts sample words at rising temperatures, which writes fluent nonsense
                // over music. The guard decides instead.
                Attempt::First | Attempt::Part => usual,
                // Sampled words are believed only where the model finds speech, or finds them likely.
                Attempt::Sampled => WhisperRunOptions {
                    temperature: Some(0.4),
                    no_speech_thold: Some(0.1),
                    logprob_thold: Some(-0.8),
                    ..usual
                },
                // Whatever the likelihood of the words, the probability of “no speech” decides.
                Attempt::Probe => WhisperRunOptions {
                    no_speech_thold: Some(NO_SPEECH),
                    logprob_thold: Some(f32::MAX),
                    ..usual
                },
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
        // A language that was given is not found once more.
        let language = transcript.language.or_else(|| run.language.clone());
        let doubts = hallucination::doubts(&words, &voiced, language.as_deref());
        let passes_over_speech = hallucination::passes_over_speech(&words, &voiced);
        Ok(Decoded { words, doubts, language, passes_over_speech })
    }

    /// What the model hears in `samples` in the language that it finds itself.
    fn decode_in_any_language(&mut self, samples: &[f32], options: &Options) -> Result<Decoded, EngineError> {
        let run = self.run_options(&options.in_any_language(), Attempt::First)?;
        self.decode(samples, &run)
    }

    /// Whether the model finds no speech in `samples`, asked directly. Other models than Whisper cannot tell.
    fn is_without_speech(&mut self, samples: &[f32], options: &Options) -> Result<bool, EngineError> {
        if !self.whisper {
            return Ok(false);
        }
        let probe = self.run_options(options, Attempt::Probe)?;
        Ok(self.decode(samples, &probe)?.words.is_empty())
    }

    /// What the model hears in the two parts of a window, divided at a pause.
    fn in_parts(&mut self, samples: &[f32], run: &RunOptions) -> Result<Decoded, EngineError> {
        let voiced = Voiced::of(samples);
        let at = voiced.pause_near_the_middle();
        let (left, right) = samples.split_at(at.min(samples.len()));
        let (left, right) = (self.decode(left, run)?, self.decode(right, run)?);
        Ok(left.followed_by(right, milliseconds(at), &voiced))
    }

    /// Recognises a window again if the model seems to have passed over some of its speech.
    fn without_gaps(
        &mut self,
        first: Decoded,
        samples: &[f32],
        options: &Options,
    ) -> Result<Decoded, EngineError> {
        if !first.passes_over_speech {
            return Ok(first);
        }
        // Half a window is too little to find another language in it.
        let language = first.language.clone().or_else(|| options.language.clone());
        let run = self.run_options(&Options { language, ..options.clone() }, Attempt::Part)?;
        let other = self.in_parts(samples, &run)?;
        let better = other.doubts.is_empty() && other.words.len() > first.words.len();
        Ok(if better { other } else { first })
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
        for attempt in [Attempt::Sampled, Attempt::Part] {
            if control.cancelled() {
                return Err(EngineError::Cancelled);
            }
            let run = self.run_options(options, attempt)?;
            let other = match attempt {
                Attempt::Sampled if !self.whisper => continue,
                // A loop seldom outlives its beginning.
                Attempt::Part => self.in_parts(samples, &run)?,
                _ => {
                    let sampled = self.decode(samples, &run)?;
                    if sampled.words.is_empty() {
                        // Not even likely words: the first attempt may have looped over something that is no speech. If
                        // it is speech, its words stay, with their doubts.
                        if hallucination::certain_are_few(&best.words, &best.doubts)
                            && self.is_without_speech(samples, options)?
                        {
                            return Ok(sampled);
                        }
                        continue;
                    }
                    sampled
                }
            };
            if hallucination::doubtful(&other.doubts) < hallucination::doubtful(&best.doubts) {
                best = Decoded { language: best.language, ..other };
            }
            if best.doubts.is_empty() {
                break;
            }
        }
        Ok(best)
    }
}

/// Ways to recognise the same samples.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// As usual.
    First,
    /// A part of a window whose words are in doubt.
    Part,
    /// Without always taking the likeliest word.
    Sampled,
    /// To ask whether there is any speech.
    Probe,
}

/// What was heard in a window or a part of it, with times from its beginning.
#[derive(Debug, Default)]
struct Decoded {
    words: Vec<Heard>,
    doubts: Vec<(Range<usize>, Reason)>,
    language: Option<String>,
    /// Whether words seem to be missing; see [`hallucination::passes_over_speech`].
    passes_over_speech: bool,
}

impl Decoded {
    /// Both parts of a window; a loop may only be seen in the whole.
    fn followed_by(mut self, after: Self, by_ms: u32, voiced: &Voiced) -> Self {
        let stretches = self.words.last().map_or(0, |word| word.stretch + 1);
        self.words.extend(after.words.into_iter().map(|word| Heard {
            start_ms: word.start_ms + by_ms,
            end_ms: word.end_ms + by_ms,
            stretch: word.stretch + stretches,
            stretch_ms: (word.stretch_ms.0 + by_ms, word.stretch_ms.1 + by_ms),
            ..word
        }));
        self.doubts = hallucination::doubts(&self.words, voiced, self.language.as_deref());
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
        if control.cancelled() {
            return Err(EngineError::Cancelled);
        }
        let language = self.capabilities.language(options.language.as_deref())?.map(str::to_owned);
        let detects = self.capabilities.detects_language;
        let check = options.check_language && detects && language.is_some();
        let mut other_language = None;
        let mut first = None;
        if check {
            let found = self.decode_in_any_language(&window.samples, options)?;
            other_language = found.language.clone().filter(|_| !found.words.is_empty());
            // Words in the language that was asked for are the same, whether it was found or given.
            first = (found.language == language).then_some(found);
        }
        let first = match first {
            Some(found) => found,
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
            self.without_gaps(first, &window.samples, options)?
        } else {
            self.again(first, &window.samples, options, control)?
        };
        if !decoded.doubts.is_empty() && !check && detects && language.is_some() {
            let found = self.decode_in_any_language(&window.samples, options)?;
            other_language = found.language.filter(|_| !found.words.is_empty());
        }
        let other_language = other_language.filter(|other| Some(other) != language.as_ref());
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
        // Words make a language: noise has none.
        let language = decoded.language.filter(|_| !words.is_empty());
        Ok(Recognition { words, language, other_language, doubts })
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
                stretch_ms: (ms(word.t0_ms), ms(word.t1_ms).max(ms(word.t0_ms))),
            })
            .collect();
    }
    let timed = transcript.timestamp_kind != TimestampKind::None && !transcript.segments.is_empty();
    let stretches: Vec<Stretch> = if timed {
        let segments = transcript.segments.iter();
        segments
            .map(|segment| Stretch {
                times_ms: Some((ms(segment.t0_ms), ms(segment.t1_ms).max(ms(segment.t0_ms)))),
                words: words_of(&segment.text),
            })
            .collect()
    } else {
        vec![Stretch { times_ms: None, words: words_of(&transcript.text) }]
    };
    let times = align(&stretches, voiced, length_ms);
    let numbered = stretches.into_iter().enumerate();
    let texts = numbered.flat_map(|(number, stretch)| {
        let stretch_ms = stretch.times_ms.unwrap_or((0, length_ms));
        stretch.words.into_iter().map(move |word| (number, stretch_ms, word))
    });
    texts
        .zip(times)
        .map(|((stretch, stretch_ms, text), (start_ms, end_ms))| Heard {
            start_ms,
            end_ms,
            text,
            confidence: None,
            estimated: true,
            stretch,
            stretch_ms,
        })
        .collect()
}

fn milliseconds(samples: usize) -> u32 {
    AudioTime::from_samples(samples as u64).as_ms()
}

/// Whether the engine library in this program is built for processors with AVX2, FMA, F16C and BMI2, as
/// `.cargo/config.toml` says, or for those without (`cargo xtask bundle` builds both).
const NEEDS_AVX2: bool = {
    let arguments = match option_env!("TRANSCRIBE_CMAKE_ARGS") {
        Some(arguments) => arguments.as_bytes(),
        None => b"",
    };
    let wanted = b"-DGGML_AVX2=ON";
    let mut at = 0;
    let mut found = false;
    while at + wanted.len() <= arguments.len() {
        let mut same = 0;
        while same < wanted.len() && arguments[at + same] == wanted[same] {
            same += 1;
        }
        found |= same == wanted.len();
        at += 1;
    }
    found
};

/// Whether this processor can run the engine library that is built into this program; another would be ended by its
/// first instruction.
pub fn processor_suffices() -> bool {
    #[cfg(target_arch = "x86_64")]
    return !NEEDS_AVX2
        || (std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("fma")
            && std::arch::is_x86_feature_detected!("f16c")
            && std::arch::is_x86_feature_detected!("bmi2"));
    #[cfg(not(target_arch = "x86_64"))]
    true
}
