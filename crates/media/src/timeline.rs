//! Where decoded sound belongs on the time line of the recording.

/// Timestamps closer than this to where they should be are rounding: Matroska counts in milliseconds.
const TOLERANCE: f64 = 0.06;
/// The longest single gap that is believed; a longer one is a wrong timestamp and closed without silence.
const LONGEST_GAP: f64 = 600.0;
/// Silence believed beyond as much as there is sound.
const SILENCE_ALLOWANCE: f64 = 1800.0;
/// The longest encoder delay that is believed when only timestamps tell it.
const LONGEST_DELAY: f64 = 1.0;

/// Two packets that follow one another without a pause begin no further apart than this.
const LONGEST_PACKET: f64 = 0.13;

/// How a container places its sound.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Placement {
    /// Added to every timestamp, in seconds.
    pub(crate) shift: f64,
    /// Moment at which the presentation ends, after the shift.
    pub(crate) end: Option<f64>,
    /// Whether the first sound is the start of the recording, whatever its timestamp.
    pub(crate) from_first: bool,
    /// Whether there are no gaps, whatever the timestamps.
    pub(crate) continuous: bool,
    /// Whether the shift was stated by the container, so that any length before zero is to be dropped.
    pub(crate) stated: bool,
}

/// What to do with a run of samples.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Fit {
    /// Silence to insert before it, in seconds.
    pub(crate) silence: f64,
    /// To drop from its start, in seconds.
    pub(crate) drop: f64,
    /// To drop from its end, in seconds.
    pub(crate) drop_end: f64,
}

/// What a [`Timeline`] goes on from, in seconds; see its fields.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct State {
    pub(crate) shift: f64,
    pub(crate) end: Option<f64>,
    pub(crate) cursor: f64,
    pub(crate) silence: f64,
}

/// Follows the timestamps of one track, all in seconds.
///
/// The output is continuous: time that the timestamps leave out becomes silence, so that a word has the time at which
/// a player plays it. Timestamps can lie; what is inserted is bounded.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    placement: Placement,
    /// End of what has been placed.
    cursor: f64,
    /// Silence among it.
    silence: f64,
    started: bool,
    /// Silence up to here is believed, however long: another track has been there.
    reached: f64,
}

impl Timeline {
    pub(crate) fn new(placement: Placement) -> Self {
        Self { placement, cursor: 0.0, silence: 0.0, started: false, reached: 0.0 }
    }

    /// Other tracks of the same file show that it lasts up to this moment.
    pub(crate) fn has_reached(&mut self, moment: f64) {
        self.reached = moment;
    }

    /// End of what has been placed.
    pub(crate) fn cursor(&self) -> f64 {
        self.cursor
    }

    /// What is needed to go on from here; only after the first sound.
    pub(crate) fn state(&self) -> State {
        let Placement { shift, end, .. } = self.placement;
        State { shift, end, cursor: self.cursor, silence: self.silence }
    }

    /// Goes on from there.
    pub(crate) fn go_on(&mut self, State { shift, end, cursor, silence }: State) {
        self.placement = Placement { shift, end, ..self.placement };
        (self.cursor, self.silence, self.started) = (cursor, silence, true);
    }

    /// Moves the cursor to what has the timestamp `at`, if that is close: for durations that are stated roughly or not
    /// at all. Returns by how much.
    pub(crate) fn follow(&mut self, at: f64) -> f64 {
        let gap = at + self.placement.shift - self.cursor;
        let close = self.started && gap.abs() <= LONGEST_PACKET;
        let moved = if close { gap } else { 0.0 };
        self.cursor += moved;
        moved
    }

    /// A new stream begins here, with timestamps of its own.
    pub(crate) fn restart(&mut self, placement: Placement) {
        self.placement = Placement { shift: placement.shift + self.cursor, end: None, ..placement };
        self.started = false;
    }

    /// Places sound of `duration` whose first sample has the timestamp `at`.
    pub(crate) fn place(&mut self, at: f64, duration: f64) -> Fit {
        let mut fit = Fit::default();
        let mut presented = at + self.placement.shift;
        if !presented.is_finite() {
            presented = self.cursor;
        }
        let gap = presented - self.cursor;
        if !self.started {
            let stated = self.placement.stated || gap > -LONGEST_DELAY;
            if gap < 0.0 && stated {
                fit.drop = (-gap).min(duration);
                // All of it lies before the start: what follows is still the first.
                self.started = fit.drop < duration;
                return self.advance(fit, duration);
            }
            self.started = true;
            if gap <= 0.0 || self.placement.from_first || self.placement.continuous {
                self.placement.shift -= gap;
                self.placement.end = self.placement.end.map(|end| end - gap);
                return self.advance(fit, duration);
            }
        }
        if self.placement.continuous {
            return self.advance(fit, duration);
        }
        if gap > TOLERANCE && self.believes(gap) {
            fit.silence = gap;
        } else if gap.abs() > TOLERANCE {
            self.placement.shift -= gap;
            self.placement.end = self.placement.end.map(|end| end - gap);
        }
        self.advance(fit, duration)
    }

    /// Moves the cursor past what `fit` leaves of `duration`, cutting at the stated end.
    fn advance(&mut self, mut fit: Fit, duration: f64) -> Fit {
        let start = self.cursor + fit.silence;
        let mut kept = (duration - fit.drop).max(0.0);
        if let Some(end) = self.placement.end {
            if start >= end {
                return Fit { silence: 0.0, drop: duration, drop_end: 0.0 };
            }
            fit.drop_end = (start + kept - end).max(0.0);
            kept -= fit.drop_end;
        }
        self.silence += fit.silence;
        self.cursor = start + kept;
        fit
    }

    /// Whether so much silence can be true.
    fn believes(&self, silence: f64) -> bool {
        if self.cursor + silence <= self.reached {
            return true;
        }
        let sound = self.cursor - self.silence;
        silence <= LONGEST_GAP && self.silence + silence <= SILENCE_ALLOWANCE + sound
    }

    /// Sound of `duration` was lost here; returns how much silence stands for it.
    pub(crate) fn lose(&mut self, duration: f64) -> f64 {
        let silence = if duration > 0.0 && self.believes(duration) { duration } else { 0.0 };
        self.silence += silence;
        self.cursor += silence;
        silence
    }
}

/// The time that the tracks of a file have in common, in seconds.
///
/// A track may be silent for hours while others are not, and begins late if somebody comes late. So a gap in one of them
/// is believed as far as the packets of any have come without a gap that would not be; and where all of them jump, as in
/// a file that was cut from a longer one, the jump is closed once, for all, so that they stay together.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Clock {
    /// How far packets have come.
    pub(crate) now: f64,
    /// Taken out so far, where all of them jumped.
    pub(crate) closed: f64,
    /// Of what they have come through, time with and without packets.
    pub(crate) sound: f64,
    pub(crate) silence: f64,
}

impl Clock {
    /// A packet of any of the tracks begins at `at`. Up to `stated` the file says itself that there is sound.
    pub(crate) fn hear(&mut self, at: f64, stated: f64) {
        let ahead = at - self.closed - self.now;
        if ahead.is_nan() || ahead <= 0.0 {
            // A track that is behind.
        } else if ahead <= LONGEST_PACKET {
            self.sound += ahead;
            self.now += ahead;
        } else if self.now + ahead <= stated
            || (ahead <= LONGEST_GAP && self.silence + ahead <= SILENCE_ALLOWANCE + self.sound)
        {
            self.silence += ahead;
            self.now += ahead;
        } else if ahead.is_finite() {
            self.closed += ahead;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Timeline {
        Timeline::new(Placement::default())
    }

    #[test]
    fn rounding_is_ignored_and_gaps_become_silence() {
        let mut line = line();
        assert_eq!(line.place(0.0, 1.0), Fit::default());
        assert_eq!(line.place(1.003, 1.0), Fit::default());
        assert_eq!(line.place(2.5, 1.0), Fit { silence: 0.5, ..Fit::default() });
        assert_eq!(line.cursor(), 3.5);
    }

    #[test]
    fn small_losses_add_up_until_they_are_filled() {
        let mut line = line();
        let silence: f64 = (0..10).map(|i| line.place(f64::from(i) * 0.04, 0.02).silence).sum();
        assert!((0.12..0.19).contains(&silence), "{silence}");
    }

    #[test]
    fn encoder_delay_before_zero_is_dropped() {
        let mut line = line();
        assert_eq!(line.place(-0.05, 0.02).drop, 0.02);
        assert!((line.place(-0.03, 0.02).drop - 0.02).abs() < 1e-9);
        assert!((line.place(-0.01, 0.02).drop - 0.01).abs() < 1e-9);
        assert!((line.cursor() - 0.01).abs() < 1e-9);
        assert_eq!(line.place(0.01, 0.02), Fit::default());
    }

    #[test]
    fn a_lying_timestamp_neither_drops_nor_adds_hours() {
        for at in [-1e9, -5.0, 1e9, 602.0, f64::NAN, f64::INFINITY] {
            let mut line = line();
            line.place(0.0, 1.0);
            assert_eq!(line.place(at, 1.0), Fit::default(), "{at}");
            assert_eq!(line.place(at + 1.0, 1.0), Fit::default(), "{at}");
            assert_eq!(line.cursor(), 3.0);
        }
        let mut first = line();
        assert_eq!(first.place(-1e9, 1.0), Fit::default());
        let mut endless = line();
        for i in 0..10_000 {
            endless.place(f64::from(i) * 500.0, 0.02);
        }
        assert!(endless.cursor() < SILENCE_ALLOWANCE + 1000.0, "{}", endless.cursor());
    }

    #[test]
    fn the_end_of_an_edit_cuts() {
        let placement = Placement { shift: -0.5, end: Some(1.0), stated: true, ..Placement::default() };
        let mut line = Timeline::new(placement);
        assert_eq!(line.place(0.0, 1.0), Fit { drop: 0.5, ..Fit::default() });
        assert_eq!(line.place(1.0, 1.0), Fit { drop_end: 0.5, ..Fit::default() });
        assert_eq!(line.place(2.0, 1.0).drop, 1.0);
        assert_eq!(line.cursor(), 1.0);
    }

    #[test]
    fn a_chained_stream_continues_where_the_last_ended() {
        let mut line = line();
        line.place(0.0, 2.0);
        line.restart(Placement { shift: -0.1, ..Placement::default() });
        assert!((line.place(0.0, 1.0).drop - 0.1).abs() < 1e-9);
        assert!((line.cursor() - 2.9).abs() < 1e-9);
    }

    #[test]
    fn positions_in_a_file_are_no_timestamps() {
        let mut line = Timeline::new(Placement { continuous: true, ..Placement::default() });
        assert_eq!(line.place(-0.1, 1.0), Fit { drop: 0.1, ..Fit::default() });
        assert_eq!(line.place(300.0, 1.0), Fit::default());
        assert_eq!(line.lose(0.5), 0.5);
        assert_eq!(line.place(301.0, 1.0), Fit::default());
    }

    #[test]
    fn a_long_gap_is_believed_where_another_track_goes_on() {
        let (mut line, mut clock) = (line(), Clock::default());
        line.place(0.0, 0.02);
        for i in 0..100_000 {
            clock.hear(f64::from(i) * 0.02, 0.0);
        }
        line.has_reached(clock.now);
        let fit = line.place(1500.0, 0.02);
        assert!((fit.silence - 1499.98).abs() < 1e-6, "{fit:?}");
        // Further than that nobody has been.
        assert_eq!(line.place(2700.0, 0.02), Fit::default());
    }

    #[test]
    fn where_all_tracks_jump_they_stay_together() {
        let mut clock = Clock::default();
        clock.hear(3600.0, 0.0);
        clock.hear(3605.0, 0.0);
        assert_eq!((clock.now, clock.closed), (5.0, 3600.0));
        clock.hear(9000.0, 0.0);
        clock.hear(9002.0, 0.0);
        assert_eq!((clock.now, clock.closed), (7.0, 8995.0));
        clock.hear(8999.0, 0.0);
        assert_eq!(clock.now, 7.0);
    }

    #[test]
    fn a_clock_cannot_be_wound_up() {
        let mut clock = Clock::default();
        for i in 0..10_000 {
            clock.hear(f64::from(i) * 500.0, 0.0);
        }
        for at in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e18, -1e18] {
            clock.hear(at, 0.0);
        }
        assert!(clock.now <= SILENCE_ALLOWANCE && clock.closed.is_finite(), "{clock:?}");
        let mut stated = Clock::default();
        stated.hear(7000.0, 7200.0);
        assert_eq!((stated.now, stated.closed), (7000.0, 0.0));
    }

    #[test]
    fn a_recording_cut_from_a_longer_stream_starts_at_zero() {
        let mut line = Timeline::new(Placement { from_first: true, ..Placement::default() });
        assert_eq!(line.place(3600.0, 1.0), Fit::default());
        assert_eq!(line.place(3601.0, 1.0), Fit::default());
        assert_eq!(line.cursor(), 2.0);
    }
}
