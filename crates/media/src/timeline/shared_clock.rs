//! The time that all tracks of a file have in common.

use super::{MAX_GAP, MAX_PACKET_DISTANCE, SILENCE_ALLOWANCE};

/// Follows the packets of all tracks of a file, in seconds.
///
/// A track may be silent for hours while others are not, and begins late if a person joins late. So a gap in one track
/// is believed up to where the packets of any track have come. Where all tracks jump, as in a file that was cut from a
/// longer one, the jump is taken out of the timestamps once, for all tracks, so that they stay in step.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct SharedClock {
    /// How far packets have come.
    pub(crate) now: f64,
    /// Time taken out so far, where all tracks jumped.
    pub(crate) removed: f64,
    /// Time up to `now` that has packets.
    pub(crate) sound: f64,
    /// Time up to `now` that has none.
    pub(crate) silence: f64,
}

impl SharedClock {
    /// Takes note of a packet of any track that begins at `at`. Up to `stated` the header of the file states that there
    /// is sound.
    pub(crate) fn observe(&mut self, at: f64, stated: f64) {
        let ahead = at - self.removed - self.now;
        if ahead.is_nan() || ahead <= 0.0 {
            // This track is behind the others.
        } else if ahead <= MAX_PACKET_DISTANCE {
            self.sound += ahead;
            self.now += ahead;
        } else if self.now + ahead <= stated
            || (ahead <= MAX_GAP && self.silence + ahead <= SILENCE_ALLOWANCE + self.sound)
        {
            self.silence += ahead;
            self.now += ahead;
        } else if ahead.is_finite() {
            self.removed += ahead;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_all_tracks_jump_they_stay_together() {
        let mut clock = SharedClock::default();
        clock.observe(3600.0, 0.0);
        clock.observe(3605.0, 0.0);
        assert_eq!((clock.now, clock.removed), (5.0, 3600.0));
        clock.observe(9000.0, 0.0);
        clock.observe(9002.0, 0.0);
        assert_eq!((clock.now, clock.removed), (7.0, 8995.0));
        clock.observe(8999.0, 0.0);
        assert_eq!(clock.now, 7.0);
    }

    #[test]
    fn false_timestamps_do_not_advance_the_clock_far() {
        let mut clock = SharedClock::default();
        for i in 0..10_000 {
            clock.observe(f64::from(i) * 500.0, 0.0);
        }
        for at in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e18, -1e18] {
            clock.observe(at, 0.0);
        }
        assert!(clock.now <= SILENCE_ALLOWANCE && clock.removed.is_finite(), "{clock:?}");
        let mut stated = SharedClock::default();
        stated.observe(7000.0, 7200.0);
        assert_eq!((stated.now, stated.removed), (7000.0, 0.0));
    }
}
