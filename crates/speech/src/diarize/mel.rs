//! Mel power spectrograms as the GE2E encoder was trained on: 40 bands, 25 ms every 10 ms, no logarithm.
//!
//! The formulas are those of librosa's `melspectrogram` with its defaults: mel scale and area normalisation after
//! Slaney's Auditory Toolbox, a periodic Hann window, frames centred on their time, and silence beyond the ends.

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};
use std::f64::consts::TAU;
use std::sync::Arc;
use transcript::SAMPLE_RATE;

/// Bands.
pub(super) const BANDS: usize = 40;
/// Samples from one frame to the next: 10 ms.
pub(super) const HOP: usize = 160;
/// Samples in a frame: 25 ms.
const FRAME: usize = 400;
/// Frequencies of a frame, 40 Hz apart.
const BINS: usize = FRAME / 2 + 1;

/// The tables; cheap to share, and the same for every recording.
pub(super) struct Mel {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    /// Of each band, its first bin and the weights from there on.
    bands: Vec<(usize, Vec<f32>)>,
}

impl Mel {
    pub(super) fn new() -> Self {
        let hann = |i: usize| 0.5 - 0.5 * (TAU * i as f64 / FRAME as f64).cos();
        Self {
            fft: RealFftPlanner::new().plan_fft_forward(FRAME),
            window: (0..FRAME).map(|i| hann(i) as f32).collect(),
            bands: bands(),
        }
    }

    /// The first `frames` frames of `samples`, one after another, [`BANDS`] numbers each.
    pub(super) fn spectrogram(&self, samples: &[f32], frames: usize) -> Vec<f32> {
        let mut mel = Vec::with_capacity(frames * BANDS);
        let mut frame = self.fft.make_input_vec();
        let mut spectrum = self.fft.make_output_vec();
        let mut scratch = self.fft.make_scratch_vec();
        let mut power = [0.0_f32; BINS];
        for number in 0..frames {
            // Centred: half a frame of silence stands before the first sample.
            let begin = number * HOP;
            for (i, (into, weight)) in frame.iter_mut().zip(&self.window).enumerate() {
                let sample = (begin + i).checked_sub(FRAME / 2).and_then(|at| samples.get(at));
                *into = sample.map_or(0.0, |sample| sample * weight);
            }
            self.fft
                .process_with_scratch(&mut frame, &mut spectrum, &mut scratch)
                .expect("buffers of the transform's own lengths");
            for (power, value) in power.iter_mut().zip(&spectrum) {
                *power = Complex32::norm_sqr(value);
            }
            mel.extend(self.bands.iter().map(|(first, weights)| -> f32 {
                weights.iter().zip(&power[*first..]).map(|(weight, power)| weight * power).sum()
            }));
        }
        mel
    }
}

/// Slaney's scale: linear up to 1 kHz, logarithmic above.
fn hertz(mel: f64) -> f64 {
    if mel < 15.0 { mel * 200.0 / 3.0 } else { 1000.0 * ((mel - 15.0) * 6.4_f64.ln() / 27.0).exp() }
}

/// Triangles of equal area between frequencies that are evenly spaced in mel, from 0 to half the sample rate.
fn bands() -> Vec<(usize, Vec<f32>)> {
    let highest = 15.0 + 27.0 * (f64::from(SAMPLE_RATE) / 2000.0).ln() / 6.4_f64.ln();
    let edge = |i: usize| hertz(highest * i as f64 / (BANDS + 1) as f64);
    let frequency = |bin: usize| bin as f64 * f64::from(SAMPLE_RATE) / FRAME as f64;
    (0..BANDS)
        .map(|band| {
            let (low, middle, high) = (edge(band), edge(band + 1), edge(band + 2));
            let weight = |bin: usize| {
                let rising = (frequency(bin) - low) / (middle - low);
                let falling = (high - frequency(bin)) / (high - middle);
                rising.min(falling).max(0.0) * 2.0 / (high - low)
            };
            let first = (0..BINS).find(|bin| weight(*bin) > 0.0).unwrap_or(0);
            (first, (first..BINS).map(weight).take_while(|w| *w > 0.0).map(|w| w as f32).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chirp from 100 Hz by 2 kHz per second and a tone of 1 kHz.
    fn signal() -> Vec<f32> {
        (0..4000)
            .map(|i| {
                let t = f64::from(i) / 16_000.0;
                (0.5 * (TAU * (100.0 * t + 1000.0 * t * t)).sin() + 0.1 * (TAU * 1000.0 * t).sin()) as f32
            })
            .collect()
    }

    /// Computed once with NumPy: discrete Fourier transform and the formulas of Slaney's filters, in 64 bits.
    #[test]
    fn the_bands_hold_what_another_program_computed() {
        let mel = Mel::new().spectrogram(&signal(), 25);
        for (frame, band, expected) in EXPECTED {
            let found = mel[frame * BANDS + band];
            assert!(
                (found / expected - 1.0).abs() < 1e-3,
                "frame {frame}, band {band}: {found} for {expected}"
            );
        }
    }

    #[test]
    fn silence_and_what_is_missing_are_nothing() {
        let mel = Mel::new();
        assert!(mel.spectrogram(&[0.0; 800], 5).iter().all(|value| *value == 0.0));
        assert!(mel.spectrogram(&[], 3).iter().all(|value| *value == 0.0));
        assert_eq!(mel.spectrogram(&[0.1; 10], 160).len(), 160 * BANDS);
    }

    const EXPECTED: [(usize, usize, f32); 16] = [
        (0, 0, 12.901),
        (0, 1, 8.1674),
        (0, 2, 0.88961),
        (0, 10, 0.0083304),
        (1, 1, 28.9),
        (1, 0, 20.376),
        (1, 2, 1.6326),
        (1, 10, 7.1561e-05),
        (12, 4, 30.73),
        (12, 3, 19.339),
        (12, 13, 1.0454),
        (12, 10, 3.1299e-06),
        (24, 7, 35.51),
        (24, 6, 10.646),
        (24, 8, 4.7249),
        (24, 10, 0.0027697),
    ];
}
