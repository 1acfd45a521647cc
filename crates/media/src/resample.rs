//! Converts sample rates.

use crate::error::MediaError;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Indexing, Resampler as _, WindowFunction};

/// Sample rates that are accepted. Below there is no speech; above there is no recorder, and the filter would grow with
/// a false rate.
pub(crate) const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// Converts one run of mono samples of a fixed rate, without a shift in time and without losing its ends.
///
/// The filter is linear-phase and works on the spectrum. To 16 kHz it is flat (within 0.1 dB) to 7.5 kHz and more than
/// 80 dB down from 8 kHz on (tested below), so nothing aliases onto speech.
pub(crate) struct Resampler {
    rate: u32,
    to: u32,
    /// `None` if both rates are the same.
    fft: Option<Fft<f32>>,
    /// Samples not yet given to the filter.
    waiting: Vec<f32>,
    /// Output buffer of the filter.
    chunk: Vec<f32>,
    /// Samples of the filter's delay that are still to be dropped.
    skip: usize,
    taken: u64,
    given: u64,
}

impl Resampler {
    /// A resampler from `rate` to `to`, in samples per second.
    ///
    /// # Errors
    /// `Damaged` if a rate is outside of [`RATES`].
    pub(crate) fn new(rate: u32, to: u32) -> Result<Self, MediaError> {
        if let Some(wrong) = [rate, to].into_iter().find(|rate| !RATES.contains(rate)) {
            return Err(MediaError::damaged(format!("sample rate {wrong}")));
        }
        let fft = if rate == to {
            None
        } else {
            // 64 ms: long enough for a steep filter, short enough not to smear an attack.
            let chunk = (rate as usize * 64 / 1000).max(1);
            let fft = Fft::new_custom(
                rate as usize,
                to as usize,
                chunk,
                1,
                1,
                WindowFunction::BlackmanHarris2,
                FixedSync::Both,
            )
            .map_err(MediaError::damaged)?;
            Some(fft)
        };
        let skip = fft.as_ref().map_or(0, |fft| fft.output_delay());
        let chunk = vec![0.0; fft.as_ref().map_or(0, |fft| fft.output_frames_max())];
        Ok(Self { rate, to, fft, waiting: Vec::new(), chunk, skip, taken: 0, given: 0 })
    }

    /// The rate it converts from.
    pub(crate) fn rate(&self) -> u32 {
        self.rate
    }

    /// Takes samples and appends what is ready to `out`.
    pub(crate) fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        self.taken += samples.len() as u64;
        let Some(fft) = &self.fft else {
            self.given += samples.len() as u64;
            out.extend_from_slice(samples);
            return;
        };
        let size = fft.input_frames_next();
        self.waiting.extend_from_slice(samples);
        let mut done = 0;
        while self.waiting.len() - done >= size {
            self.run_filter(done, None, u64::MAX, out);
            done += size;
        }
        self.waiting.drain(..done);
    }

    /// Appends the rest to `out`. Input and output are then equally long, to the nearest sample.
    pub(crate) fn finish(mut self, out: &mut Vec<f32>) {
        let due = (u128::from(self.taken) * u128::from(self.to) + u128::from(self.rate / 2))
            / u128::from(self.rate);
        let due = u64::try_from(due).unwrap_or(u64::MAX);
        let mut left = self.waiting.len();
        while self.fft.is_some() && self.given < due {
            self.run_filter(0, Some(left), due, out);
            left = 0;
        }
    }

    /// Runs the filter once over the waiting samples from `from` on and appends the result to `out`, until `due`
    /// samples have been given in all. With `partial`, only so many of the input samples are real.
    fn run_filter(&mut self, from: usize, partial: Option<usize>, due: u64, out: &mut Vec<f32>) {
        let Some(fft) = &mut self.fft else { return };
        let size = self.chunk.len();
        let input =
            InterleavedSlice::new(&self.waiting, 1, self.waiting.len()).expect("one channel always fits");
        let mut output =
            InterleavedSlice::new_mut(&mut self.chunk, 1, size).expect("one channel always fits");
        let indexing = Indexing {
            input_offset: from,
            output_offset: 0,
            partial_len: partial,
            active_channels_mask: None,
        };
        let (_, made) = fft
            .process_into_buffer(&input, &mut output, Some(&indexing))
            .expect("the buffers have the sizes the filter asked for");
        let skip = self.skip.min(made);
        self.skip -= skip;
        let keep = (made - skip).min(usize::try_from(due - self.given).unwrap_or(usize::MAX));
        out.extend_from_slice(&self.chunk[skip..skip + keep]);
        self.given += keep as u64;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;
    use std::f64::consts::TAU;
    use transcript::SAMPLE_RATE;

    fn tone(rate: u32, hz: f64, seconds: f64) -> Vec<f32> {
        let n = (f64::from(rate) * seconds) as usize;
        (0..n).map(|i| (TAU * hz * i as f64 / f64::from(rate)).sin() as f32).collect()
    }

    fn resampled(rate: u32, input: &[f32], step: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(rate, SAMPLE_RATE).unwrap();
        let mut out = Vec::new();
        for part in input.chunks(step) {
            resampler.push(part, &mut out);
        }
        resampler.finish(&mut out);
        out
    }

    fn level_db(samples: &[f32]) -> f64 {
        let inner = &samples[1600..samples.len() - 1600];
        let power = inner.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / inner.len() as f64;
        10.0 * (2.0 * power).max(1e-20).log10()
    }

    const COMMON: [u32; 12] =
        [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000];

    #[test]
    fn duration_is_kept_to_the_sample() {
        for rate in COMMON.into_iter().chain([7_999, 15_999, 44_101, 1_000, 768_000]) {
            for n in [1_usize, 7, 441, 10_007] {
                let due = (n as f64 * 16_000.0 / f64::from(rate)).round() as i64;
                let got = resampled(rate, &vec![0.5; n], 113).len() as i64;
                assert!((got - due).abs() <= 1, "{rate} Hz, {n} samples: {got} instead of {due}");
            }
        }
    }

    #[test]
    fn nothing_moves_in_time() {
        for rate in COMMON {
            // A smooth bump centred on 0.5 s.
            let input: Vec<f32> = (0..rate)
                .map(|i| {
                    let t = f64::from(i) / f64::from(rate) - 0.5;
                    (-(t / 0.002).powi(2)).exp() as f32
                })
                .collect();
            let out = resampled(rate, &input, 4096);
            let sum: f64 = out.iter().map(|s| f64::from(*s)).sum();
            let centre: f64 =
                out.iter().enumerate().map(|(i, s)| i as f64 * f64::from(*s)).sum::<f64>() / sum;
            assert!((centre - 8000.0).abs() < 1.0, "{rate} Hz: centre at {centre}");
        }
    }

    #[test]
    fn speech_passes_unchanged_and_nothing_aliases() {
        for rate in [22_050, 24_000, 32_000, 44_100, 48_000, 96_000] {
            for hz in [100.0, 1_000.0, 4_000.0, 7_200.0, 7_500.0] {
                let db = level_db(&resampled(rate, &tone(rate, hz, 1.0), 1024));
                assert!(db.abs() < 0.1, "{rate} Hz: {hz} Hz passes at {db:.2} dB");
            }
            for hz in [8_050.0, 9_000.0, 10_900.0, 15_900.0, 21_000.0] {
                if hz < f64::from(rate) / 2.0 {
                    let db = level_db(&resampled(rate, &tone(rate, hz, 1.0), 1024));
                    assert!(db < -80.0, "{rate} Hz: {hz} Hz folds back at {db:.1} dB");
                }
            }
        }
        let db = level_db(&resampled(8_000, &tone(8_000, 3_400.0, 1.0), 1024));
        assert!(db.abs() < 0.1, "telephone band passes at {db:.2} dB");
    }

    #[test]
    fn the_length_of_runs_does_not_matter() {
        let input = tone(44_100, 440.0, 0.7);
        assert_eq!(resampled(44_100, &input, 1), resampled(44_100, &input, 100_000));
    }

    #[test]
    fn impossible_rates_are_refused() {
        for rate in [0, 1, 999, 768_001, u32::MAX] {
            assert!(Resampler::new(rate, SAMPLE_RATE).is_err());
        }
    }
}
