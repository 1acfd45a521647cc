//! Voice activity detection: which 16 ms frames of a recording contain speech.
//!
//! A small neural detector (`earshot`) scores each frame, and two thresholds (hysteresis) turn the scores into
//! decisions that do not flicker. The detector was trained on speech of ordinary loudness: it misses half of a reading
//! at −66 dBFS, and takes pink noise at full scale for speech. So the samples are first scaled to a level that follows
//! the loudest frame, with slow decay. Padding, pauses and windows are the business of [`crate::windows`].
//!
//! [`VoiceActivity`] holds the decisions and levels of all frames of one window, for the alignment of words and the
//! hallucination guard.

use earshot::Detector;
use transcript::SAMPLE_RATE;

/// Samples in a frame, as the detector requires: 16 ms.
pub(crate) const FRAME: usize = 256;
/// Length of a frame in milliseconds.
pub(crate) const FRAME_MS: u32 = FRAME as u32 * 1000 / SAMPLE_RATE;

/// Silence becomes speech at this score or above.
const ON: f32 = 0.5;
/// Speech becomes silence below this score.
const OFF: f32 = 0.35;

/// Root mean square that the loudest frame is scaled to; −26 dBFS. Of 0.3, 0.2, 0.1, 0.05 and 0.025 this one misses the
/// least speech of near and far microphones; 0.025 accepts less noise and misses more speech.
const LEVEL: f32 = 0.05;
/// Factor by which the level of the loudest frame decays per frame: 0.5 dB per second.
const DECAY: f32 = 0.999_079;
/// Limits of the gain: at most 20 dB of attenuation and 30 dB of amplification.
const GAIN: std::ops::RangeInclusive<f32> = 0.1..=31.6;

/// The detector with its state. Use one per recording.
pub(crate) struct VoiceActivityDetector {
    detector: Box<Detector>,
    loudest: f32,
    in_speech: bool,
}

impl VoiceActivityDetector {
    pub(crate) fn new() -> Self {
        Self { detector: Detector::default_boxed(), loudest: 0.0, in_speech: false }
    }

    /// Whether `frame`, samples from −1 to 1, is speech. Frames must come in order and without gaps.
    pub(crate) fn is_speech(&mut self, frame: &[f32; FRAME]) -> bool {
        let level = (energy(frame) / FRAME as f32).sqrt();
        self.loudest = level.max(self.loudest * DECAY);
        let gain = (LEVEL / self.loudest.max(f32::MIN_POSITIVE)).clamp(*GAIN.start(), *GAIN.end());
        let score = self.detector.predict_f32(&frame.map(|sample| (sample * gain).clamp(-1.0, 1.0)));
        self.in_speech = score >= if self.in_speech { OFF } else { ON };
        self.in_speech
    }
}

/// The sum of the squares of `samples`.
pub(crate) fn energy(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum()
}

/// The frames of a window: which are speech, and how loud they are.
pub(crate) struct VoiceActivity {
    is_speech: Vec<bool>,
    /// Decibels relative to full scale, one per frame.
    levels: Vec<f32>,
}

/// Frames that are this much quieter than loud speech have presence 0, in decibels.
const RANGE_DB: f32 = 41.0;

impl VoiceActivity {
    /// Runs the detector over the samples of a window.
    pub(crate) fn detect(samples: &[f32]) -> Self {
        let mut detector = VoiceActivityDetector::new();
        let (mut is_speech, mut levels) = (Vec::new(), Vec::new());
        for chunk in samples.chunks(FRAME) {
            let mut frame = [0.0; FRAME];
            frame[..chunk.len()].copy_from_slice(chunk);
            is_speech.push(detector.is_speech(&frame));
            levels.push(10.0 * (energy(&frame) / FRAME as f32).max(1e-10).log10());
        }
        Self { is_speech, levels }
    }

    /// `frames` frames of equal loudness, of which those with `is_speech` are speech and the others silence.
    #[cfg(test)]
    pub(crate) fn from_frames(frames: usize, is_speech: impl Fn(usize) -> bool) -> Self {
        let is_speech: Vec<bool> = (0..frames).map(is_speech).collect();
        let levels = is_speech.iter().map(|is_speech| if *is_speech { -20.0 } else { -60.0 }).collect();
        Self { is_speech, levels }
    }

    /// The presence of speech in each frame, from 0 for silence to 1 for loud speech.
    pub(crate) fn presence(&self) -> Vec<f32> {
        let mut speech: Vec<f32> =
            self.is_speech.iter().zip(&self.levels).filter(|f| *f.0).map(|f| *f.1).collect();
        let mut all = self.levels.clone();
        let percentile = |levels: &mut Vec<f32>, percent: usize| {
            levels.sort_by(f32::total_cmp);
            levels.get(levels.len() * percent / 100).copied()
        };
        let loud = percentile(&mut speech, 90).or_else(|| percentile(&mut all, 90)).unwrap_or(0.0);
        let quiet = percentile(&mut all, 5).unwrap_or(0.0).clamp(loud - RANGE_DB, loud - 6.0);
        let frames = self.is_speech.iter().zip(&self.levels);
        frames
            .map(|(is_speech, level)| {
                let loudness = ((level - quiet) / (loud - quiet)).clamp(0.0, 1.0).powf(1.3);
                if *is_speech { 0.17 + 0.83 * loudness } else { 0.9 * loudness }
            })
            .collect()
    }

    /// Milliseconds of speech between `start_ms` and `end_ms`.
    pub(crate) fn speech_ms(&self, start_ms: u32, end_ms: u32) -> u32 {
        let frames = (start_ms / FRAME_MS..end_ms.div_ceil(FRAME_MS)).filter(|frame| self.at(*frame)).count();
        frames as u32 * FRAME_MS
    }

    /// The middle of the longest pause in the middle half of the window, in samples; the middle of the window if there
    /// is no pause.
    pub(crate) fn pause_near_the_middle(&self) -> usize {
        let (first, last) = (self.is_speech.len() / 4, self.is_speech.len() * 3 / 4);
        let mut longest = (0, self.is_speech.len() / 2);
        let mut begin = None;
        for frame in first..=last {
            match (frame < last && !self.is_speech[frame], begin) {
                (true, None) => begin = Some(frame),
                (false, Some(from)) => {
                    if frame - from > longest.0 {
                        longest = (frame - from, (from + frame) / 2);
                    }
                    begin = None;
                }
                _ => {}
            }
        }
        longest.1 * FRAME
    }

    fn at(&self, frame: u32) -> bool {
        self.is_speech.get(frame as usize).copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_divided_at_its_longest_pause() {
        let window = VoiceActivity::from_frames(100, |f| !(40..44).contains(&f) && !(60..70).contains(&f));
        assert_eq!(window.pause_near_the_middle(), 65 * FRAME);
        assert_eq!(VoiceActivity::from_frames(100, |_| true).pause_near_the_middle(), 50 * FRAME);
        assert_eq!(VoiceActivity::from_frames(0, |_| true).pause_near_the_middle(), 0);
    }
}
