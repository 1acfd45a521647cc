//! The input features of CAM++: a mel filter bank as Kaldi computes it (`fbank`). 80 logarithmic bands from 20 Hz to
//! 8 kHz, frames of 25 ms every 10 ms under a Povey window, no dither, and the mean of each band subtracted.

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};
use std::f64::consts::TAU;
use std::sync::Arc;
use transcript::SAMPLE_RATE;

/// Number of bands.
pub(super) const BANDS: usize = 80;
/// Samples from the start of one frame to the next: 10 ms.
pub(super) const HOP: usize = 160;
/// Samples in a frame: 25 ms.
const FRAME: usize = 400;
/// Length of the Fourier transform: the next power of two.
const FFT_LENGTH: usize = 512;
/// The share of the previous sample that is subtracted from each sample.
const PRE_EMPHASIS: f32 = 0.97;
/// The lowest frequency in hertz.
const MIN_HZ: f64 = 20.0;
/// Energies below this count as this, so that their logarithms are finite.
const MIN_ENERGY: f32 = f32::EPSILON;

/// The number of frames for so many samples; at least one.
pub(super) fn frames(samples: usize) -> usize {
    samples.saturating_sub(FRAME) / HOP + 1
}

/// The precomputed tables, the same for every recording.
pub(super) struct FilterBank {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    /// For each band, the index of its first frequency, and the weights from there on.
    bands: Vec<(usize, Vec<f32>)>,
}

impl FilterBank {
    pub(super) fn new() -> Self {
        let povey = |i: usize| (0.5 - 0.5 * (TAU * i as f64 / (FRAME - 1) as f64).cos()).powf(0.85) as f32;
        Self {
            fft: RealFftPlanner::new().plan_fft_forward(FFT_LENGTH),
            window: (0..FRAME).map(povey).collect(),
            bands: bands(),
        }
    }

    /// The bands of `samples` (bands × frames), and the number of frames, which is at least one.
    pub(super) fn bands(&self, samples: &[f32]) -> (Vec<f32>, usize) {
        let frames = frames(samples.len());
        let mut bands = vec![0.0; BANDS * frames];
        let mut input = self.fft.make_input_vec();
        let mut spectrum = self.fft.make_output_vec();
        let mut scratch = self.fft.make_scratch_vec();
        let mut power = [0.0_f32; FFT_LENGTH / 2 + 1];
        for number in 0..frames {
            let frame = &samples[(number * HOP).min(samples.len())..];
            let frame = &frame[..frame.len().min(FRAME)];
            let mean = frame.iter().sum::<f32>() / FRAME as f32;
            input.fill(0.0);
            let mut before = frame.first().map_or(0.0, |first| first - mean);
            for (into, (sample, weight)) in input.iter_mut().zip(frame.iter().zip(&self.window)) {
                let sample = sample - mean;
                *into = (sample - PRE_EMPHASIS * before) * weight;
                before = sample;
            }
            self.fft
                .process_with_scratch(&mut input, &mut spectrum, &mut scratch)
                .expect("the buffers were made by the transform");
            for (power, value) in power.iter_mut().zip(&spectrum) {
                *power = Complex32::norm_sqr(value);
            }
            for (band, (first, weights)) in self.bands.iter().enumerate() {
                let energy: f32 =
                    weights.iter().zip(&power[*first..]).map(|(weight, power)| weight * power).sum();
                bands[band * frames + number] = energy.max(MIN_ENERGY).ln();
            }
        }
        for band in bands.chunks_exact_mut(frames) {
            let mean = band.iter().sum::<f32>() / frames as f32;
            band.iter_mut().for_each(|value| *value -= mean);
        }
        (bands, frames)
    }
}

/// Triangular filters that are evenly spaced on the mel scale.
fn bands() -> Vec<(usize, Vec<f32>)> {
    let mel = |hertz: f64| 1127.0 * (1.0 + hertz / 700.0).ln();
    let (lowest, highest) = (mel(MIN_HZ), mel(f64::from(SAMPLE_RATE) / 2.0));
    let step = (highest - lowest) / (BANDS + 1) as f64;
    let frequency = |bin: usize| mel(bin as f64 * f64::from(SAMPLE_RATE) / FFT_LENGTH as f64);
    (0..BANDS)
        .map(|band| {
            let left = lowest + band as f64 * step;
            let weight = |bin: usize| {
                ((frequency(bin) - left) / step).min((left + 2.0 * step - frequency(bin)) / step)
            };
            let bins = 0..FFT_LENGTH / 2;
            let first = bins.clone().find(|bin| weight(*bin) > 0.0).unwrap_or(0);
            (first, (first..bins.end).map(weight).take_while(|w| *w > 0.0).map(|w| w as f32).collect())
        })
        .collect()
}
