//! Voice activity: which 16 ms frames of a recording hold speech.
//!
//! A small neural detector (`earshot`) scores each frame, and two thresholds turn the scores into decisions that do
//! not flicker. The detector was made for speech of ordinary loudness: of a reading at −66 dBFS it misses half, and
//! pink noise at full scale passes for speech. So it hears the recording at a level that follows the loudest frame,
//! which is slowly forgotten. What becomes of the decisions, padding and pauses and windows, is [`crate::windows`]'
//! business.

use earshot::Detector;

/// Samples in a frame, which is what the detector takes: 16 ms.
pub(crate) const FRAME: usize = 256;

/// A score from which on silence becomes speech.
const ON: f32 = 0.5;
/// A score below which speech becomes silence.
const OFF: f32 = 0.35;

/// What the loudest frame is brought to, as root mean square; −26 dBFS. Of 0.3, 0.2, 0.1, 0.05 and 0.025 this one
/// misses the least speech of near and far microphones; the last takes less noise and misses more.
const LEVEL: f32 = 0.05;
/// What remains of the loudest frame's level after each frame: it is forgotten by 0.5 dB per second.
const MEMORY: f32 = 0.999_079;
/// The most that is amplified, 30 dB, and the most that is attenuated, 20 dB.
const GAIN: std::ops::RangeInclusive<f32> = 0.1..=31.6;

/// The detector with its memory of the recording so far. One per recording.
pub(crate) struct Activity {
    detector: Box<Detector>,
    loudest: f32,
    voiced: bool,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self { detector: Detector::default_boxed(), loudest: 0.0, voiced: false }
    }

    /// Whether `frame`, samples from −1 to 1, belongs to speech. Frames must come in order and without holes.
    pub(crate) fn voiced(&mut self, frame: &[f32; FRAME]) -> bool {
        let level = (energy(frame) / FRAME as f32).sqrt();
        self.loudest = level.max(self.loudest * MEMORY);
        let gain = (LEVEL / self.loudest.max(f32::MIN_POSITIVE)).clamp(*GAIN.start(), *GAIN.end());
        let score = self.detector.predict_f32(&frame.map(|sample| (sample * gain).clamp(-1.0, 1.0)));
        self.voiced = score >= if self.voiced { OFF } else { ON };
        self.voiced
    }
}

/// The sum of the squares of `samples`.
pub(crate) fn energy(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum()
}
