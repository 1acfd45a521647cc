//! Decodes one track from a position on, and resamples it to the rate at which it is played.

use super::length::Length;
use crate::decoder::Decoder;
use crate::error::MediaError;
use crate::resample::Resampler;

/// Seconds of sound given to the resampling filter before the wanted sample: several times the filter's length.
const FILTER_WARM_UP: f64 = 0.5;

/// Where decoding has to begin, so that the resampled sound meets the wanted sample exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StartPoint {
    /// Frame of the file at which decoding begins, at the file's own rate.
    pub(super) position: u64,
    /// Resampled samples to drop before the wanted one.
    pub(super) excess: u64,
}

impl StartPoint {
    /// For the sample `from` at `rate`, of a file whose own rate is `first_rate`.
    pub(super) fn new(from: u64, rate: u32, first_rate: u32) -> Self {
        if rate == first_rate {
            return Self { position: from, excess: 0 };
        }
        // Both rates have a sample every `step_in` frames of the file, which are `step_out` samples of the output.
        let common = gcd(rate, first_rate);
        let (step_in, step_out) = (u64::from(first_rate / common), u64::from(rate / common));
        let warm_up = (f64::from(first_rate) * FILTER_WARM_UP) as u64;
        let exact = u128::from(from) * u128::from(first_rate) / u128::from(rate);
        let steps = u64::try_from(exact).unwrap_or(u64::MAX).saturating_sub(warm_up) / step_in;
        Self { position: steps * step_in, excess: from.saturating_sub(steps * step_out) }
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A track that is decoded from somewhere in the middle of a file.
pub(super) struct TrackDecoder {
    decoder: Decoder,
    /// Rate of the first sound of the file.
    first_rate: u32,
    /// From the current rate to `first_rate`, for streams of other rates that were appended.
    to_first_rate: Option<Resampler>,
    /// Samples of silence before what is decoded, at the output rate.
    missing: u64,
    /// Decoded frames to drop, at `first_rate`.
    unwanted: u64,
    /// From `first_rate` to the output rate.
    to_output_rate: Option<Resampler>,
    /// Resampled samples to drop.
    excess: u64,
    scratch: Vec<f32>,
}

impl TrackDecoder {
    /// `decoder` stands at the frame `reached`, counted at `first_rate`, and sound is wanted from `start_point` on, at
    /// `rate`.
    pub(super) fn new(
        decoder: Decoder,
        first_rate: u32,
        rate: u32,
        reached: u64,
        start_point: StartPoint,
    ) -> Result<Self, MediaError> {
        let StartPoint { position, excess } = start_point;
        Ok(Self {
            decoder,
            first_rate,
            to_first_rate: None,
            missing: Length { frames: reached.saturating_sub(position), rate: first_rate }.at(rate),
            unwanted: position.saturating_sub(reached),
            to_output_rate: if first_rate == rate { None } else { Some(Resampler::new(first_rate, rate)?) },
            excess,
            scratch: Vec::new(),
        })
    }

    /// Appends decoded samples to `out`; `false` at the end, with the last samples.
    fn decode(&mut self, out: &mut Vec<f32>) -> Result<bool, MediaError> {
        self.scratch.clear();
        let more = self.decoder.next()?;
        let rate = self.decoder.rate();
        if let Some(old) = self.to_first_rate.take_if(|old| !more || old.rate() != rate) {
            old.finish(&mut self.scratch);
        }
        if more {
            let samples = self.decoder.samples();
            if rate == self.first_rate {
                self.scratch.extend_from_slice(samples);
            } else {
                let resampler = match &mut self.to_first_rate {
                    Some(resampler) => resampler,
                    none => none.insert(Resampler::new(rate, self.first_rate)?),
                };
                resampler.push(samples, &mut self.scratch);
            }
        }
        let unwanted = take_up_to(&mut self.unwanted, self.scratch.len());
        let wanted = &self.scratch[unwanted..];
        let before = out.len();
        match &mut self.to_output_rate {
            Some(resampler) => {
                resampler.push(wanted, out);
                if !more && let Some(last) = self.to_output_rate.take() {
                    last.finish(out);
                }
            }
            None => out.extend_from_slice(wanted),
        }
        let excess = take_up_to(&mut self.excess, out.len() - before);
        out.drain(before..before + excess);
        Ok(more)
    }
}

/// Takes up to `len` from `left`, and returns how much it took.
fn take_up_to(left: &mut u64, len: usize) -> usize {
    let now = usize::try_from(*left).unwrap_or(usize::MAX).min(len);
    *left -= now as u64;
    now
}

/// The samples of one track, at the output rate.
pub(super) struct TrackStream {
    /// `None` once the track has ended.
    decoder: Option<TrackDecoder>,
    /// Samples of silence before the decoded ones.
    missing: u64,
    /// Samples that wait for those of the other tracks.
    pub(super) waiting: Vec<f32>,
}

impl TrackStream {
    pub(super) fn new(decoder: TrackDecoder) -> Self {
        Self { missing: decoder.missing, decoder: Some(decoder), waiting: Vec::new() }
    }

    /// Appends samples to `out`, at most `max_silence` of them silence; `false` once the track has ended.
    pub(super) fn fill(&mut self, max_silence: usize, out: &mut Vec<f32>) -> Result<bool, MediaError> {
        let Some(decoder) = &mut self.decoder else { return Ok(false) };
        if self.missing > 0 {
            let silence = take_up_to(&mut self.missing, max_silence);
            out.resize(out.len() + silence, 0.0);
        } else if !decoder.decode(out)? {
            self.decoder = None;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_starts_where_both_rates_have_a_sample() {
        for (rate, first) in [(48_000, 96_000), (16_000, 44_100), (48_000, 44_101), (48_000, 768_000)] {
            for from in [0, 1, 47_999, 3_000_000, u64::from(u32::MAX)] {
                let StartPoint { position, excess } = StartPoint::new(from, rate, first);
                let begun = (from - excess) as f64 / f64::from(rate);
                assert!((begun - position as f64 / f64::from(first)).abs() < 1e-7);
                assert!(position == 0 || excess >= u64::from(rate) / 2 - 1, "{rate} {first} {from}");
                assert!(excess < u64::from(rate) * 2);
            }
        }
        assert_eq!(StartPoint::new(77, 16_000, 16_000), StartPoint { position: 77, excess: 0 });
    }
}
