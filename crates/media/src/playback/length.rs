//! The length of a recording, and the sample rate at which it is played.

/// Rates that every player supports.
const COMMON_RATES: [u32; 9] = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];
/// The rate at which files of other rates are played.
pub(super) const FALLBACK_RATE: u32 = 48_000;
/// Rates for recordings that are too long at their own rate. Both keep speech; at 8 kHz, 74 hours fit.
const LOWER_RATES: [u32; 2] = [16_000, 8_000];
/// Bytes of 16-bit sound that fit into a WAV file of less than 4 GiB, with room for its header.
const MAX_BYTES: u64 = u32::MAX as u64 - 1023;

/// A number of frames, and the rate at which they are counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Length {
    pub(super) frames: u64,
    pub(super) rate: u32,
}

impl Length {
    pub(super) fn of(seconds: f64, rate: u32) -> Self {
        Self { frames: (seconds * f64::from(rate)).round() as u64, rate }
    }

    /// Frames at another rate.
    pub(super) fn at(self, rate: u32) -> u64 {
        let exact = u128::from(self.frames) * u128::from(rate) / u128::from(self.rate.max(1));
        u64::try_from(exact).unwrap_or(u64::MAX)
    }

    /// Sample rate and number of samples of what is played. If it is too long even at the lowest rate, its end is cut
    /// off.
    pub(super) fn for_playback(self) -> (u32, u64) {
        let own = if COMMON_RATES.contains(&self.rate) { self.rate } else { FALLBACK_RATE };
        let frames = |rate| self.at(rate);
        let most = MAX_BYTES / 2;
        let mut lower = LOWER_RATES.into_iter().filter(|lower| *lower < own);
        let fits = std::iter::once(own).chain(lower.clone()).find(|rate| frames(*rate) <= most);
        let rate = fits.or(lower.next_back()).unwrap_or(own);
        (rate, frames(rate).min(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_file_unless_it_is_odd_or_the_file_too_long() {
        let hours =
            |hours: u64, rate: u32| Length { frames: hours * 3600 * u64::from(rate), rate }.for_playback();
        assert_eq!(hours(1, 44_100), (44_100, 3600 * 44_100));
        assert_eq!(hours(1, 96_000), (48_000, 3600 * 48_000));
        assert_eq!(hours(1, 7_999), (48_000, 3600 * 48_000));
        assert_eq!(hours(13, 48_000), (16_000, 13 * 3600 * 16_000));
        assert_eq!(hours(60, 48_000), (8_000, 60 * 3600 * 8_000));
        assert_eq!(hours(1000, 48_000), (8_000, MAX_BYTES / 2));
        assert_eq!(hours(100, 8_000), (8_000, MAX_BYTES / 2));
        assert_eq!(Length { frames: u64::MAX, rate: 1000 }.for_playback().0, 8_000);
        assert_eq!(Length::of(f64::NAN, 16_000).for_playback(), (16_000, 0));
    }
}
