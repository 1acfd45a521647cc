//! Detects telephone recordings, which contain nothing above 4 kHz.

use std::f64::consts::{PI, TAU};
use transcript::SAMPLE_RATE;

/// Taps of the high-pass filter. With a Blackman window, its transition is 1.9 kHz wide, and the stop band is 74 dB
/// lower.
const TAPS: usize = 47;
/// The middle of the transition in hertz: the filter stops everything below 3.9 kHz and passes everything above
/// 5.9 kHz.
const EDGE_HZ: f64 = 4_900.0;
/// A recording is narrowband if less than this share of its energy passes the filter: 40 dB. Over the telephone the
/// difference is 48 to 75 dB, in a room with a far microphone 20 to 30 dB.
const MAX_HIGH_SHARE: f64 = 1e-4;

/// Measures the energy of high frequencies.
pub(super) struct NarrowbandDetector {
    taps: Vec<f32>,
    /// The latest samples, one fewer than there are taps.
    last: Vec<f32>,
    /// Energy of all samples.
    total: f64,
    /// Energy after the high-pass filter.
    high: f64,
}

impl NarrowbandDetector {
    pub(super) fn new() -> Self {
        let middle = (TAPS / 2) as f64;
        let tap = |number: usize| {
            let (at, phase) = (number as f64 - middle, TAU * number as f64 / (TAPS - 1) as f64);
            let window = 0.42 - 0.5 * phase.cos() + 0.08 * (2.0 * phase).cos();
            let edge = 2.0 * EDGE_HZ / f64::from(SAMPLE_RATE);
            let low = if at == 0.0 { edge } else { (PI * edge * at).sin() / (PI * at) };
            let here = f64::from(u8::from(at == 0.0));
            (window * (here - low)) as f32
        };
        Self { taps: (0..TAPS).map(tap).collect(), last: vec![0.0; TAPS - 1], total: 0.0, high: 0.0 }
    }

    /// Takes the next samples, 16 kHz mono.
    pub(super) fn push(&mut self, samples: &[f32]) {
        self.last.extend_from_slice(samples);
        for window in self.last.windows(TAPS) {
            let high: f32 = window.iter().zip(&self.taps).map(|(sample, tap)| sample * tap).sum();
            self.high += f64::from(high).powi(2);
        }
        self.total += samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
        self.last.drain(..samples.len());
    }

    /// Whether the samples so far contain next to nothing above 4 kHz. False for silence.
    pub(super) fn is_narrowband(&self) -> bool {
        self.high < MAX_HIGH_SHARE * self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_narrowband(tones: &[(f64, f32)]) -> bool {
        let mut detector = NarrowbandDetector::new();
        let sample = |i: usize| {
            let tone = |(hertz, level): &(f64, f32)| {
                level * (TAU * hertz * i as f64 / f64::from(SAMPLE_RATE)).sin() as f32
            };
            tones.iter().map(tone).sum()
        };
        let samples: Vec<f32> = (0..16_000).map(sample).collect();
        samples.chunks(777).for_each(|piece| detector.push(piece));
        detector.is_narrowband()
    }

    #[test]
    fn a_recording_without_frequencies_above_four_kilohertz_is_narrowband() {
        assert!(is_narrowband(&[(300.0, 0.1), (3_400.0, 0.1)]));
        assert!(!is_narrowband(&[(300.0, 0.1), (3_400.0, 0.1), (6_000.0, 0.005)]));
        assert!(is_narrowband(&[(300.0, 0.1), (6_000.0, 0.0005)]));
        assert!(!is_narrowband(&[]));
    }
}
