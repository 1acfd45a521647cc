//! The files of the corpus: how each is made, and what decoding it should give.
//!
//! Placeholders in the arguments of programs: `{speech}` is the speech as a WAV file of 48 kHz, `{in}` the output of the
//! step before, `{first}` the output of the first step, `{out}` the file, and `{out:EXT}` an intermediate file. `{cover}`
//! is a picture, `{chapters}` a list of two chapters in ffmpeg's format, `{ogm}` the same in mkvmerge's.

mod codecs;
mod containers;
mod damage;
mod tracks;

use super::byte_edits::Edit;

/// One file of the corpus.
pub(super) struct File {
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
    /// Expected stretches of speech, in the manifest's notation: see `crates/media/examples/compare.rs`.
    pub(super) stretches: &'static str,
    pub(super) note: Note,
    /// Decoded only by `ffmpeg`.
    pub(super) needs_ffmpeg: bool,
    /// Largest differences in length and time, in seconds, and lowest correlation with the speech.
    pub(super) length_s: f64,
    pub(super) lag_s: f64,
    pub(super) least: f64,
    /// Why larger differences are allowed.
    pub(super) reason: &'static str,
}

/// A step of making a file.
pub(super) enum Step {
    /// Runs a program with these arguments.
    Run(&'static str, String),
    /// Changes the bytes of the last output.
    Bytes(fn(Vec<u8>) -> Vec<u8>),
    /// Replaces the edit list of an MP4 file.
    Edits(&'static [Edit]),
    /// Concatenates all outputs so far.
    Join,
}

/// Whether the reader must note that something is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Note {
    None,
    Must,
    Any,
}

impl Note {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Must => "must",
            Self::Any => "any",
        }
    }
}

/// The whole speech.
const ALL: &str = "r0-99";
const TWICE: &str = "r0-99 r0-99";

/// The least correlation of a lossless codec with the speech.
const SAME: f64 = 0.99;
/// The least correlation of a lossy codec with the speech. It also has to sound as `ffmpeg` decodes it.
const LOSSY: f64 = 0.9;
/// The same for a telephone codec.
const TELEPHONE: f64 = 0.7;
/// The same for a codec that models speech and does not preserve the waveform.
const SPEECH: f64 = 0.3;

const DELAY: &str =
    "the container does not state the encoder's delay: up to two frames, which are long at low rates";
const FILLED: &str = "the last frame is padded, and the container does not state how much";
const FIRST_ONLY: &str = "plain ffmpeg decodes only the first track";
const NOT_FFMPEG: &str = "ffmpeg itself does not read all of it in time";
const COMFORT_NOISE: &str = "ffmpeg does not decode the comfort noise of AMR and reports it as damage";
const SEAM: &str = "decoders differ by the block where the second file begins";
const BETWEEN_PACKETS: &str = "ffmpeg cuts edits between packets";

impl File {
    fn new(name: impl Into<String>, steps: Vec<Step>) -> Self {
        Self {
            name: name.into(),
            steps,
            stretches: ALL,
            note: Note::None,
            needs_ffmpeg: false,
            length_s: 0.1,
            lag_s: 0.1,
            least: LOSSY,
            reason: "",
        }
    }

    /// Encoded by `ffmpeg` with these arguments.
    fn encoded(name: impl Into<String>, arguments: &str) -> Self {
        Self::new(name, vec![encode(arguments, "{out}")])
    }

    fn run(mut self, program: &'static str, arguments: &str) -> Self {
        self.steps.push(Step::Run(program, arguments.to_owned()));
        self
    }

    fn then(mut self, change: fn(Vec<u8>) -> Vec<u8>) -> Self {
        self.steps.push(Step::Bytes(change));
        self
    }

    fn sounds(mut self, stretches: &'static str) -> Self {
        self.stretches = stretches;
        self
    }

    fn note(mut self, note: Note) -> Self {
        self.note = note;
        self
    }

    fn by_ffmpeg(mut self) -> Self {
        self.needs_ffmpeg = true;
        self
    }

    fn least(mut self, least: f64) -> Self {
        self.least = least;
        self
    }

    /// Allows differences to what `ffmpeg` decodes, for this reason.
    fn because(mut self, reason: &'static str) -> Self {
        self.reason = reason;
        self
    }

    /// Allows these differences in length and time, for this reason.
    fn within(mut self, length_s: f64, lag_s: f64, reason: &'static str) -> Self {
        (self.length_s, self.lag_s, self.reason) = (length_s, lag_s, reason);
        self
    }
}

fn encode(arguments: &str, out: &str) -> Step {
    Step::Run("ffmpeg", format!("-i {{speech}} {arguments} {out}"))
}

/// All files; their names are unique.
pub(super) fn all() -> Vec<File> {
    let mut files = Vec::new();
    codecs::codecs_in_containers(&mut files);
    codecs::rates(&mut files);
    codecs::layouts(&mut files);
    codecs::settings(&mut files);
    containers::wave(&mut files);
    containers::mp4(&mut files);
    containers::edit_lists(&mut files);
    containers::matroska(&mut files);
    containers::ogg(&mut files);
    containers::mpeg(&mut files);
    tracks::foreign(&mut files);
    tracks::pictures_and_tracks(&mut files);
    damage::times(&mut files);
    damage::joined(&mut files);
    damage::damaged(&mut files);
    files
}
