//! Positions and spans in a recording.

use crate::SAMPLE_RATE;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A position in a recording, in milliseconds from its start. Reaches 49 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AudioTime(u32);

impl AudioTime {
    /// The start of every recording.
    pub const ZERO: Self = Self(0);

    /// A position in milliseconds.
    pub const fn from_ms(ms: u32) -> Self {
        Self(ms)
    }

    /// The position of sample number `index` at 16 kHz, rounded down; saturates at 49 days.
    pub fn from_samples(index: u64) -> Self {
        Self(u32::try_from(index * 1000 / u64::from(SAMPLE_RATE)).unwrap_or(u32::MAX))
    }

    /// Milliseconds from the start of the recording.
    pub const fn as_ms(self) -> u32 {
        self.0
    }

    /// Seconds from the start of the recording.
    pub fn as_secs_f64(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// This position moved later by `ms`, saturating.
    pub const fn plus_ms(self, ms: u32) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to here; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> u32 {
        self.0.saturating_sub(earlier.0)
    }
}

/// `H:MM:SS`, hours always shown, fractions of a second dropped: `0:01:05`.
impl fmt::Display for AudioTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.0 / 1000;
        write!(f, "{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    }
}

/// A time range of a recording. The end is not before the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Span {
    /// Start, inclusive.
    pub start: AudioTime,
    /// End, exclusive.
    pub end: AudioTime,
}

impl Span {
    /// A span from `start` to `end`, or an empty one at `start` if `end` is earlier.
    pub fn new(start: AudioTime, end: AudioTime) -> Self {
        Self { start, end: end.max(start) }
    }

    /// Length in milliseconds.
    pub const fn duration_ms(self) -> u32 {
        self.end.since(self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_hours_minutes_seconds() {
        for (ms, text) in
            [(0, "0:00:00"), (65_999, "0:01:05"), (3_600_000, "1:00:00"), (u32::MAX, "1193:02:47")]
        {
            assert_eq!(AudioTime::from_ms(ms).to_string(), text);
        }
    }

    #[test]
    fn samples_become_milliseconds_without_overflow() {
        assert_eq!(AudioTime::from_samples(16_000).as_ms(), 1000);
        assert_eq!(AudioTime::from_samples(15).as_ms(), 0);
        assert_eq!(AudioTime::from_samples(u64::from(u32::MAX) * 16 + 16_000).as_ms(), u32::MAX);
    }

    #[test]
    fn a_span_never_ends_before_it_starts() {
        let s = Span::new(AudioTime::from_ms(10), AudioTime::from_ms(4));
        assert_eq!(s.duration_ms(), 0);
        assert_eq!(s.end, s.start);
    }
}
