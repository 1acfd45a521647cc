//! The built-in engine: PocketSphinx with its US English model.
//!
//! A recogniser of the Gaussian mixture generation: small, quick, in every Debian, and wrong in about every third
//! word of a meeting. It makes the program work the minute it is installed; better engines are downloaded.
//!
//! Every window is fed as one full utterance of its own stream. Then the cepstral mean is that of the window, the
//! noise estimate starts afresh and frame numbers count from the window's first sample, so that results do not
//! depend on what was recognised before. (With the library's defaults, silence within an utterance is taken out
//! before frames are counted, and words after a six second pause come back more than five seconds early.)

mod ffi;

use crate::engine::{Capabilities, Control, Engine, EngineError, Options, Recognition};
use crate::windows::{Place, Window};
use std::ffi::{CStr, CString, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use transcript::{AudioTime, SAMPLE_RATE, Word};

/// Samples between two frames of the recogniser (`-frate 100`, its default).
const FRAME: u64 = SAMPLE_RATE as u64 / 100;

/// Settings that differ from the library's defaults.
const SETTINGS: &[(&str, &str)] = &[
    // Frames must stay on the time line of the recording. We cut at pauses ourselves.
    ("-remove_silence", "no"),
    // The mean over the whole utterance, not a running one that remembers the utterance before.
    ("-cmn", "batch"),
    // The search gives up unlikely paths sooner, above all where there are very many. On nine minutes of six voices
    // a quarter to a third less time for the same words: 431 errors in 1362 words, 433 with the defaults (30000, no
    // limit, 7e-29). Narrower still costs words: 14 more in 454 with 3000.
    ("-maxhmmpf", "5000"),
    ("-maxwpf", "20"),
    ("-wbeam", "1e-22"),
    ("-fwdflatwbeam", "1e-22"),
    // It describes every utterance in a page of text.
    ("-logfn", "/dev/null"),
];

/// Windows are brought to this peak before they become 16-bit integers, …
const PEAK: f32 = 20_000.0 / 32_768.0;
/// … but amplified no more than this (30 dB): beyond is only noise.
const MOST_GAIN: f32 = 31.6;

/// The files of a model for PocketSphinx, all there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    folder: PathBuf,
}

impl Model {
    /// Acoustic model, language model and dictionary, named as in Debian's package `pocketsphinx-en-us`.
    const PARTS: [&str; 3] = ["en-us", "en-us.lm.bin", "cmudict-en-us.dict"];
    /// The files of the acoustic model without which the library ends the process instead of reporting an error.
    const ACOUSTIC: [&str; 7] =
        ["feat.params", "mdef", "means", "noisedict", "sendump", "transition_matrices", "variances"];

    /// The model in `folder`.
    ///
    /// # Errors
    /// [`EngineError::ModelMissing`] with the first part that is missing.
    pub fn in_folder(folder: &Path) -> Result<Self, EngineError> {
        let acoustic = folder.join(Self::PARTS[0]);
        let parts = Self::PARTS.iter().map(|name| folder.join(name));
        let missing =
            parts.chain(Self::ACOUSTIC.iter().map(|name| acoustic.join(name))).find(|path| !path.exists());
        match missing {
            Some(path) => Err(EngineError::ModelMissing { path }),
            None => Ok(Self { folder: folder.to_owned() }),
        }
    }
}

/// A decoder with its model loaded. About 130 MB.
pub struct PocketSphinx {
    decoder: NonNull<ffi::Decoder>,
    capabilities: Capabilities,
    folder: PathBuf,
    pcm: Vec<i16>,
}

// SAFETY: the decoder has no ties to the thread that made it, and all use of it goes through `&mut self`.
unsafe impl Send for PocketSphinx {}

impl PocketSphinx {
    /// Loads `model`. Takes about half a second.
    ///
    /// # Errors
    /// [`EngineError::ModelUnusable`].
    pub fn load(model: &Model, capabilities: Capabilities) -> Result<Self, EngineError> {
        let unusable = || EngineError::ModelUnusable { path: model.folder.clone() };
        let mut arguments = vec![c"pocketsphinx".to_owned()];
        for (name, part) in ["-hmm", "-lm", "-dict"].iter().zip(Model::PARTS) {
            arguments.push(CString::new(*name).map_err(|_| unusable())?);
            arguments
                .push(CString::new(model.folder.join(part).as_os_str().as_bytes()).map_err(|_| unusable())?);
        }
        for text in SETTINGS.iter().flat_map(|(name, value)| [*name, *value]) {
            arguments.push(CString::new(text).map_err(|_| unusable())?);
        }
        let mut argv: Vec<_> = arguments.iter().map(|a| a.as_ptr().cast_mut()).collect();
        let argc = i32::try_from(argv.len()).map_err(|_| unusable())?;

        // SAFETY: a null stream turns the log off; nothing is dereferenced.
        unsafe { ffi::err_set_logfp(std::ptr::null_mut()) };
        // SAFETY: `argv` holds `argc` NUL-terminated strings which live past `ps_init`, and neither function writes
        // to them; values are copied into the configuration (`ckd_salloc` in `cmd_ln_val_init`).
        let config =
            unsafe { ffi::cmd_ln_parse_r(std::ptr::null_mut(), ffi::ps_args(), argc, argv.as_mut_ptr(), 1) };
        if config.is_null() {
            return Err(unusable());
        }
        // SAFETY: `config` is valid; the decoder takes its own reference to it and ours is given back.
        let decoder = unsafe {
            let decoder = ffi::ps_init(config);
            ffi::cmd_ln_free_r(config);
            decoder
        };
        match NonNull::new(decoder) {
            Some(decoder) => {
                Ok(Self { decoder, capabilities, folder: model.folder.clone(), pcm: Vec::new() })
            }
            None => Err(unusable()),
        }
    }

    fn failed(&self) -> EngineError {
        EngineError::Failed { engine: self.capabilities.engine.clone() }
    }

    /// The words of the utterance that has just ended, which lay at `place`.
    fn words(&mut self, place: &Place) -> Vec<Word> {
        let mut words = Vec::new();
        // SAFETY: the decoder is valid and no utterance is running.
        let mut next = unsafe { ffi::ps_seg_iter(self.decoder.as_ptr()) };
        while !next.is_null() {
            let (mut first, mut last): (c_int, c_int) = (0, 0);
            // SAFETY: `next` is a live iterator; the string belongs to it and is copied before it moves on.
            let text = unsafe {
                ffi::ps_seg_frames(next, &raw mut first, &raw mut last);
                let word = ffi::ps_seg_word(next);
                if word.is_null() { None } else { spoken(&CStr::from_ptr(word).to_string_lossy()) }
            };
            if let Some(text) = text {
                // Frame numbers are inclusive.
                let samples = |frame: c_int| u64::try_from(frame).unwrap_or(0) * FRAME;
                let start = AudioTime::from_samples(place.beginning(samples(first)));
                let end = AudioTime::from_samples(place.ending(samples(last + 1)));
                words.push(Word { start, end, text, confidence: None, estimated: false });
            }
            // SAFETY: `next` is a live iterator; it is freed by the library when it ends.
            next = unsafe { ffi::ps_seg_next(next) };
        }
        words
    }
}

impl Engine for PocketSphinx {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn recognise(
        &mut self,
        window: &Window,
        options: &Options,
        control: &dyn Control,
    ) -> Result<Recognition, EngineError> {
        let language = self.capabilities.language(options.language.as_deref())?.map(str::to_owned);
        if let Some(longest_ms) = self.capabilities.longest_window_ms
            && window.seconds() * 1000.0 > f64::from(longest_ms)
        {
            return Err(EngineError::WindowTooLong { engine: self.capabilities.engine.clone(), longest_ms });
        }
        if control.cancelled() {
            return Err(EngineError::Cancelled);
        }
        to_pcm(&window.samples, &mut self.pcm);

        let decoder = self.decoder.as_ptr();
        // SAFETY: the decoder is valid and idle, and `pcm` outlives the call that reads it.
        let went_well = unsafe {
            ffi::ps_start_stream(decoder) >= 0 && ffi::ps_start_utt(decoder) >= 0 && {
                let fed = ffi::ps_process_raw(decoder, self.pcm.as_ptr(), self.pcm.len(), 0, 1);
                // Also after a failure: the utterance must end before the next can begin.
                ffi::ps_end_utt(decoder) >= 0 && fed >= 0
            }
        };
        if !went_well {
            return Err(self.failed());
        }
        control.progress(window.samples.len() as u64);
        let words = self.words(&window.place);
        let language = language.or_else(|| self.capabilities.languages.first().cloned());
        Ok(Recognition { words, language, doubts: Vec::new() })
    }
}

impl Drop for PocketSphinx {
    fn drop(&mut self) {
        // SAFETY: the decoder is valid and nobody uses it after this.
        unsafe { ffi::ps_free(self.decoder.as_ptr()) };
    }
}

impl std::fmt::Debug for PocketSphinx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PocketSphinx").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// The word as people write it: without the mark of a second pronunciation, `read(2)`. `None` for what is not
/// spoken: `<s>`, `</s>`, `<sil>`, `[NOISE]`, `[SPEECH]`, `++UM++`.
fn spoken(entry: &str) -> Option<String> {
    if entry.starts_with(['<', '[', '+']) {
        return None;
    }
    let word = match entry.strip_suffix(')').and_then(|e| e.rsplit_once('(')) {
        Some((word, number)) if !word.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => word,
        _ => entry,
    };
    // The dictionary is in lower case, and English has one word that never is: I, I'm, I'll.
    match word.strip_prefix('i') {
        Some(rest) if rest.is_empty() || rest.starts_with('\'') => Some(format!("I{rest}")),
        _ => (!word.is_empty()).then(|| word.to_owned()),
    }
}

/// `samples` as 16-bit integers, quiet ones amplified: the front end computes in steps of 1/32768, and its floor for
/// silent frames is absolute.
fn to_pcm(samples: &[f32], pcm: &mut Vec<i16>) {
    let peak = samples.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
    let gain = if peak > 0.0 { (PEAK / peak).clamp(1.0, MOST_GAIN) } else { 1.0 };
    pcm.clear();
    // `as` saturates and takes NaN to zero.
    pcm.extend(samples.iter().map(|s| (s * gain * 32_768.0).round() as i16));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_spoken_becomes_a_word_as_people_write_it() {
        for (entry, word) in [
            ("hello", Some("hello")),
            ("read(2)", Some("read")),
            ("don't(13)", Some("don't")),
            ("<s>", None),
            ("<sil>", None),
            ("[NOISE]", None),
            ("++UM++", None),
            ("", None),
            ("(2)", Some("(2)")),
            ("f(x)", Some("f(x)")),
            ("i", Some("I")),
            ("i'm(2)", Some("I'm")),
            ("it", Some("it")),
        ] {
            assert_eq!(spoken(entry).as_deref(), word, "{entry}");
        }
    }

    #[test]
    fn quiet_samples_are_amplified_and_loud_ones_never_wrap() {
        let mut pcm = Vec::new();
        to_pcm(&[0.1, -0.05, 0.0], &mut pcm);
        assert_eq!(pcm, [20_000, -10_000, 0]);
        to_pcm(&[1.0, -1.0, 7.0, f32::NAN], &mut pcm);
        assert_eq!(pcm, [32_767, -32_768, 32_767, 0]);
        to_pcm(&[0.0, 1e-6], &mut pcm);
        assert_eq!(pcm, [0, 1]);
        to_pcm(&[], &mut pcm);
        assert!(pcm.is_empty());
    }
}
