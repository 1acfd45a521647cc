//! A window of a recording, where its samples come from, and how long windows may be.

use super::frames;
use serde::{Deserialize, Serialize};
use transcript::{AudioTime, SAMPLE_RATE, Span};

/// How to cut a recording for an engine. The words depend on it, so it is one of the settings of a transcript version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cutting {
    /// The longest window in milliseconds of samples, between 2 000 and 28 000.
    pub longest_ms: u32,
    /// The longest first window in milliseconds of samples.
    #[serde(default = "first_ms")]
    pub first_ms: u32,
}

/// A sentence or two: enough to detect the language, and recognised earlier than a full window.
const fn first_ms() -> u32 {
    8_000
}

impl Default for Cutting {
    /// For models that do not pad, or whose encoder has a context of 16 s. Longer windows lose words: with 20 s, 10 %
    /// of the words on the panel recording with the test model; with 15 s, 3 %.
    fn default() -> Self {
        Self { longest_ms: 15_000, first_ms: first_ms() }
    }
}

impl Cutting {
    const MIN_MS: u32 = 2_000;
    const MAX_MS: u32 = 28_000;

    /// For a model whose encoder pads each window to a context of `context_s` seconds; `None` for one that does not
    /// pad. Windows leave a second or two of the context free, because words are lost if speech fills it completely.
    pub fn for_context(context_s: Option<u32>) -> Self {
        let usual = Self::default();
        let longest_ms = match context_s {
            Some(seconds @ 0..30) => usual.longest_ms.min(seconds.saturating_sub(1) * 1000),
            Some(_) => Self::MAX_MS,
            None => usual.longest_ms,
        };
        Self { longest_ms, ..usual }
    }

    /// The same for an engine that accepts at most `limit_ms`; `None` for one without a limit.
    pub fn within(self, limit_ms: Option<u32>) -> Self {
        let longest_ms = self.longest_ms.min(limit_ms.unwrap_or(u32::MAX)).max(Self::MIN_MS);
        Self { longest_ms, ..self }
    }

    /// The largest number of frames in window `index`.
    pub(super) fn max_frames(self, index: u32) -> usize {
        let longest = self.longest_ms.clamp(Self::MIN_MS, Self::MAX_MS);
        let first = self.first_ms.clamp(Self::MIN_MS, longest);
        frames(if index == 0 { first } else { longest } as usize)
    }
}

/// The parts of the recording that a window consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowSource {
    /// The pieces of the recording in it, in order and without overlap.
    pub pieces: Vec<Piece>,
    /// Number of the first sample that this window owns; no two windows own the same sample. It lies in the first
    /// piece, after its start only if speech without a pause was cut: the previous window then owns the samples before
    /// it.
    pub from: u64,
    /// Number of the sample after the last one that this window owns.
    pub to: u64,
}

/// A contiguous piece of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Number of its first sample, counted from the start of the recording.
    pub start: u64,
    /// Its length in samples.
    pub length: u64,
}

impl Piece {
    pub(super) fn end(self) -> u64 {
        self.start + self.length
    }
}

impl WindowSource {
    /// The sample of the recording at which a word starts that starts `offset` samples into the window.
    pub fn start_at(&self, offset: u64) -> u64 {
        let mut rest = offset;
        for piece in &self.pieces {
            if rest < piece.length {
                return piece.start + rest;
            }
            rest -= piece.length;
        }
        self.end()
    }

    /// The sample of the recording at which a word ends that ends `offset` samples into the window.
    pub fn end_at(&self, offset: u64) -> u64 {
        let mut rest = offset;
        for piece in &self.pieces {
            if rest <= piece.length {
                return piece.start + rest;
            }
            rest -= piece.length;
        }
        self.end()
    }

    fn end(&self) -> u64 {
        self.pieces.last().map_or(self.to, |piece| piece.end())
    }
}

/// A part of a recording to be recognised on its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Its number, counted from 0 in order of time.
    pub index: u32,
    /// The parts of the recording that it consists of.
    pub source: WindowSource,
    /// 16 kHz mono, from −1 to 1.
    pub samples: Vec<f32>,
}

impl Window {
    /// A window of one piece, which starts at sample `start` of the recording.
    pub fn new(index: u32, start: u64, samples: Vec<f32>) -> Self {
        let length = samples.len() as u64;
        let source = WindowSource { pieces: vec![Piece { start, length }], from: start, to: start + length };
        Self { index, source, samples }
    }

    /// Number of its first sample in the recording.
    pub fn start(&self) -> u64 {
        self.source.pieces.first().map_or(self.source.from, |piece| piece.start)
    }

    /// Number of the sample after its last one in the recording.
    pub fn end(&self) -> u64 {
        self.source.end()
    }

    /// The span that it owns, in milliseconds rounded down. The spans of the windows of a recording do not overlap.
    pub fn span(&self) -> Span {
        Span::new(AudioTime::from_samples(self.source.from), AudioTime::from_samples(self.source.to))
    }

    /// The length of its samples in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(SAMPLE_RATE)
    }
}
