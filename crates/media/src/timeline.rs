//! Where decoded sound belongs on the time line of the recording.
//!
//! Decoded sound is continuous, unless the timestamps say otherwise and go on saying so. A single timestamp moves
//! nothing: where one is out of line, the sound waits until those behind it agree or disagree.

use std::collections::VecDeque;

/// Timestamps closer than this to where they should be are rounding, in seconds: Matroska counts in milliseconds.
const TOLERANCE: f64 = 0.06;
/// Timestamps have to agree for so long before they move anything, in seconds.
const AGREED: f64 = 1.0;
/// And so many of them.
const AGREEING: usize = 4;
/// At the end of a stream so many are enough, however short they are.
const AGREEING_LAST: usize = 3;
/// Sound that waits for its place at most, in runs.
const MOST_WAITING: usize = 256;
/// Runs that follow one another so closely are one, in seconds, up to this length: some files list each sample.
const SEAMLESS: f64 = 0.0005;
const LONGEST_RUN: f64 = 0.1;
/// The longest single gap that is believed; a longer one is a wrong timestamp and closed without silence.
const LONGEST_GAP: f64 = 600.0;
/// Silence believed beyond as much as there is sound.
const SILENCE_ALLOWANCE: f64 = 1800.0;
/// The longest encoder delay that is believed when only timestamps tell it.
const LONGEST_DELAY: f64 = 1.0;
/// A clock that goes back by more than this has begun anew, in seconds; by less, it is slower than the sound.
const LONGEST_DRIFT: f64 = 0.5;
/// No clock is slower than the sound by more than this share of it.
const MOST_DRIFT: f64 = 0.01;

/// Silence is given in runs of so many seconds.
pub(crate) const SILENCE_RUN: f64 = 0.25;

/// Two packets that follow one another without a pause begin no further apart than this.
const LONGEST_PACKET: f64 = 0.13;

/// How a container places its sound.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Placement {
    /// Added to every timestamp, in seconds.
    pub(crate) shift: f64,
    /// Whether the first sound is the start of the recording, whatever its timestamp.
    pub(crate) from_first: bool,
    /// Whether there are no gaps, whatever the timestamps.
    pub(crate) continuous: bool,
    /// Whether timestamps that go back are wrong, because they count samples.
    pub(crate) counts_samples: bool,
}

/// What to do with a run of samples.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Fit {
    /// Silence to insert before it, in seconds.
    pub(crate) silence: f64,
    /// To drop from its start, in seconds.
    pub(crate) drop: f64,
}

/// What a [`Timeline`] goes on from, in seconds; see its fields.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct State {
    pub(crate) shift: f64,
    pub(crate) home: Option<f64>,
    pub(crate) cursor: f64,
    pub(crate) silence: f64,
    pub(crate) steady: f64,
}

/// Follows the timestamps of one track, all in seconds.
///
/// The output is continuous: time that the timestamps leave out becomes silence, so that a word has the time at which
/// a player plays it. Where timestamps go back, the sound goes on behind what was there before. Timestamps can lie; what
/// is inserted is bounded.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    placement: Placement,
    /// The shift before timestamps last jumped, in case they come back.
    home: Option<f64>,
    /// End of what has been placed.
    cursor: f64,
    /// Silence among it.
    silence: f64,
    /// Sound since drift was last taken out.
    steady: f64,
    started: bool,
    /// Silence up to here is believed, however long: another track has been there.
    reached: f64,
    /// Timestamps have jumped or drifted.
    moved: bool,
    /// The last timestamp.
    last: f64,
    waiting: VecDeque<Waiting>,
}

/// What waits for its place.
#[derive(Debug, Clone, Copy)]
enum Waiting {
    /// Sound whose first sample has this timestamp; NaN if it has none.
    Sound { at: f64, duration: f64 },
    /// Sound that was lost: silence stands for it.
    Lost { duration: f64 },
    /// Another stream begins, with timestamps of its own.
    Restart(Placement),
}

impl Timeline {
    pub(crate) fn new(placement: Placement) -> Self {
        Self {
            placement,
            home: None,
            cursor: 0.0,
            silence: 0.0,
            steady: 0.0,
            started: false,
            reached: 0.0,
            moved: false,
            last: f64::NAN,
            waiting: VecDeque::new(),
        }
    }

    /// Other tracks of the same file show that it lasts up to this moment.
    pub(crate) fn has_reached(&mut self, moment: f64) {
        self.reached = moment;
    }

    /// End of what has been placed.
    pub(crate) fn cursor(&self) -> f64 {
        self.cursor
    }

    /// Whether timestamps have jumped, or drifted from the sound, so that they do not tell where it is.
    pub(crate) fn has_moved(&self) -> bool {
        self.moved
    }

    /// What is needed to go on from here; only after the first sound, and while nothing waits.
    pub(crate) fn state(&self) -> State {
        let Self { home, cursor, silence, steady, .. } = *self;
        State { shift: self.placement.shift, home, cursor, silence, steady }
    }

    /// Goes on from there.
    pub(crate) fn go_on(&mut self, state: State) {
        self.placement.shift = state.shift;
        (self.home, self.cursor) = (state.home, state.cursor);
        (self.silence, self.steady) = (state.silence, state.steady);
        self.started = true;
        self.waiting.clear();
    }

    /// Forgets what waits.
    pub(crate) fn forget(&mut self) {
        self.waiting.clear();
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
        self.waiting.push_back(Waiting::Restart(placement));
    }

    /// Sound of `duration` comes, whose first sample has the timestamp `at`. `true` if it is one with the sound before it,
    /// which still waits: both get one place. That is so only if it `may_join`.
    pub(crate) fn hear(&mut self, at: f64, duration: f64, may_join: bool) -> bool {
        if let Some(Waiting::Sound { at: before, duration: so_far }) = self.waiting.back_mut()
            && may_join
            && (*before + *so_far - at).abs() < SEAMLESS
            && *so_far < LONGEST_RUN
        {
            *so_far += duration;
            return true;
        }
        // Frames of one block share its timestamp, which is that of the first.
        let at = if at == self.last { f64::NAN } else { at };
        self.last = if at.is_nan() { self.last } else { at };
        self.waiting.push_back(Waiting::Sound { at, duration });
        false
    }

    /// Sound of `duration` was lost here.
    pub(crate) fn lose(&mut self, duration: f64) {
        self.waiting.push_back(Waiting::Lost { duration });
    }

    /// The place of what has waited longest, as it was told by [`hear`](Self::hear) or [`lose`](Self::lose). `None` if
    /// that is not known yet, or if nothing waits. With `all`, nothing more will come.
    pub(crate) fn settle(&mut self, all: bool) -> Option<Fit> {
        loop {
            let fit = match *self.waiting.front()? {
                Waiting::Restart(placement) => {
                    self.waiting.pop_front();
                    self.begin(placement);
                    continue;
                }
                Waiting::Lost { duration } => self.lost(duration),
                Waiting::Sound { at, duration } => self.place(at, duration, all)?,
            };
            self.waiting.pop_front();
            return Some(fit);
        }
    }

    /// Places sound at once, without hearing what comes behind it; nothing but the start of another stream may wait.
    pub(crate) fn place_at_once(&mut self, at: f64, duration: f64) -> Fit {
        while let Some(waiting) = self.waiting.pop_front() {
            if let Waiting::Restart(placement) = waiting {
                self.begin(placement);
            }
        }
        self.place_in(at, duration, |gap, _| Some(gap)).unwrap_or_default()
    }

    /// A new stream begins at the cursor.
    fn begin(&mut self, placement: Placement) {
        self.placement = Placement { shift: placement.shift + self.cursor, ..placement };
        (self.home, self.started) = (None, false);
    }

    fn lost(&mut self, duration: f64) -> Fit {
        let silence = if duration > 0.0 && self.believes(duration) { duration } else { 0.0 };
        self.silence += silence;
        self.cursor += silence;
        Fit { silence, drop: 0.0 }
    }

    fn place(&mut self, at: f64, duration: f64, all: bool) -> Option<Fit> {
        self.place_in(at, duration, |gap, line| line.agreed(gap, all))
    }

    /// Places sound; `agreed` says how much of a gap the timestamps behind agree upon, and `None` if that is not known.
    fn place_in(
        &mut self,
        at: f64,
        duration: f64,
        agreed: impl FnOnce(f64, &Self) -> Option<f64>,
    ) -> Option<Fit> {
        let gap = self.gap(at);
        if !self.started && gap < 0.0 && gap > -LONGEST_DELAY {
            let drop = (-gap).min(duration);
            // All of it lies before the start: what follows is still the first.
            self.started = drop < duration;
            return Some(self.advance(Fit { silence: 0.0, drop }, duration));
        }
        if self.placement.continuous || gap.abs() <= TOLERANCE {
            if self.placement.continuous && !self.started {
                self.placement.shift -= gap;
            }
            self.started = true;
            return Some(self.advance(Fit::default(), duration));
        }
        if let Some(home) = self.home
            && (gap + home - self.placement.shift).abs() <= TOLERANCE
        {
            // The timestamps have come back to where they were before they jumped.
            (self.placement.shift, self.home) = (home, None);
            return Some(self.advance(Fit::default(), duration));
        }
        if self.placement.counts_samples && self.started && gap < 0.0 {
            return Some(self.advance(Fit::default(), duration));
        }
        let least = agreed(gap, self)?;
        if least == 0.0 {
            return Some(self.advance(Fit::default(), duration));
        }
        if !self.started && (self.placement.from_first || gap < 0.0) {
            self.started = true;
            self.placement.shift -= gap;
            return Some(self.advance(Fit::default(), duration));
        }
        let gap = least;
        self.started = true;
        let fit = if gap > TOLERANCE && self.believes(gap) {
            Fit { silence: gap, drop: 0.0 }
        } else if (-LONGEST_DRIFT..-TOLERANCE).contains(&gap) {
            self.moved = true;
            let drift = (-gap).min(MOST_DRIFT * self.steady);
            self.placement.shift -= gap + drift;
            // What does not fit into this run is left to the next.
            let drop = drift.min(duration);
            self.steady -= drop / MOST_DRIFT;
            Fit { silence: 0.0, drop }
        } else {
            if gap.abs() > TOLERANCE {
                self.moved = true;
                self.home = Some(self.placement.shift);
                self.placement.shift -= gap;
            }
            Fit::default()
        };
        Some(self.advance(fit, duration))
    }

    /// How far behind the cursor the timestamp `at` lies.
    fn gap(&self, at: f64) -> f64 {
        let gap = at + self.placement.shift - self.cursor;
        if gap.is_finite() { gap } else { 0.0 }
    }

    /// What the timestamps of all that waits agree upon, where the first of them lies `gap` behind the cursor: 0 if they
    /// do not, `None` if too few wait to know.
    fn agreed(&self, gap: f64, all: bool) -> Option<f64> {
        // The least that all of them say, on the side of the first.
        let mut least = gap.abs();
        let (mut sound, mut stamped, mut number, mut whole) = (0.0_f64, 0.0_f64, 0, all);
        for waiting in &self.waiting {
            match *waiting {
                Waiting::Restart(_) => {
                    whole = true;
                    break;
                }
                Waiting::Lost { duration } => sound += duration,
                Waiting::Sound { at, duration } if at.is_nan() => sound += duration,
                Waiting::Sound { at, duration } => {
                    let own = self.gap(at) - sound;
                    let same = own * gap.signum();
                    if same <= TOLERANCE {
                        return Some(0.0);
                    }
                    least = least.min(same);
                    sound += duration;
                    stamped = stamped.max(own - gap + sound);
                    number += 1;
                }
            }
            if number >= AGREEING && (sound >= AGREED || stamped >= AGREED) {
                return Some(least * gap.signum());
            }
        }
        match () {
            () if whole && number >= AGREEING_LAST && least > LONGEST_DRIFT => Some(least * gap.signum()),
            () if whole || self.waiting.len() >= MOST_WAITING => Some(0.0),
            () => None,
        }
    }

    /// Moves the cursor past what `fit` leaves of `duration`.
    fn advance(&mut self, fit: Fit, duration: f64) -> Fit {
        let kept = (duration - fit.drop).max(0.0);
        self.silence += fit.silence;
        self.steady += kept;
        self.cursor += fit.silence + kept;
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

    /// The fits of sound with these timestamps and of this duration each, which is all there is.
    fn fits(line: &mut Timeline, stamps: impl IntoIterator<Item = f64>, duration: f64) -> Vec<Fit> {
        let mut fits = Vec::new();
        for at in stamps {
            line.hear(at, duration, true);
            fits.extend(std::iter::from_fn(|| line.settle(false)));
        }
        fits.extend(std::iter::from_fn(|| line.settle(true)));
        fits
    }

    fn silence(fits: &[Fit]) -> f64 {
        fits.iter().map(|fit| fit.silence).sum()
    }

    /// `number` timestamps from `first` on, `step` apart.
    fn steady(first: f64, step: f64, number: u32) -> impl Iterator<Item = f64> {
        (0..number).map(move |i| first + f64::from(i) * step)
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-6
    }

    #[test]
    fn rounding_is_ignored_and_agreed_gaps_become_silence() {
        let mut line = line();
        let fits = fits(&mut line, steady(0.003, 0.5, 4).chain(steady(2.5, 0.5, 4)), 0.5);
        assert_eq!(fits.iter().position(|fit| fit.silence > 0.0), Some(4));
        assert!(close(fits[4].silence, 0.5) && close(silence(&fits), 0.5), "{fits:?}");
        assert!(close(line.cursor(), 4.5));
    }

    #[test]
    fn one_timestamp_out_of_line_moves_nothing() {
        for wrong in [-3.0, 0.2, 3.0, 500.0, 1e9, -1e9, f64::NAN, f64::INFINITY] {
            for place in [0, 1, 50, 97, 98, 99] {
                let mut line = line();
                let mut stamps: Vec<f64> = steady(0.0, 0.02, 100).collect();
                stamps[place] += wrong;
                let fits = fits(&mut line, stamps, 0.02);
                assert_eq!(silence(&fits), 0.0);
                let lost = 2.0 - line.cursor();
                // The first may be taken for what an encoder put in front, unless it is impossible.
                assert!(close(lost, 0.0) || (place == 0 && lost < 0.021), "{wrong} {place} {lost}");
            }
        }
    }

    #[test]
    fn equal_timestamps_and_bursts_are_continuous() {
        // Eight frames to a block, which has one timestamp: that of its first, or that of what follows it.
        for (late, longest) in [(0, 8.0), (7, 8.14)] {
            let mut line = line();
            let stamps = (0..400_u32).map(|i| f64::from((i + late) / 8 * 8) * 0.02);
            fits(&mut line, stamps, 0.02);
            assert!((8.0 - 1e-6..longest + 1e-6).contains(&line.cursor()), "{}", line.cursor());
        }
        // Bursts of five, stamped when they were written.
        let mut line = line();
        let stamps = (0..400_u32).map(|i| f64::from(i / 5 * 5) * 0.02 + f64::from(i % 5) * 0.001);
        fits(&mut line, stamps, 0.02);
        assert!(close(line.cursor(), 8.0), "{}", line.cursor());
    }

    #[test]
    fn pauses_without_packets_become_silence() {
        let mut line = line();
        // As speech codecs do: a packet each 0.4 s while nobody speaks.
        let stamps = steady(0.0, 0.02, 100).chain(steady(2.0, 0.4, 50)).chain(steady(22.0, 0.02, 100));
        fits(&mut line, stamps, 0.02);
        assert!((line.cursor() - 24.0).abs() < 0.07, "{}", line.cursor());
    }

    #[test]
    fn small_losses_add_up_until_they_are_filled() {
        let mut line = line();
        fits(&mut line, steady(0.0, 0.021, 1000), 0.02);
        // The last second may come too early to be agreed upon.
        assert!((line.cursor() - 21.0).abs() <= TOLERANCE + 0.06, "{}", line.cursor());
    }

    #[test]
    fn a_slow_clock_is_followed_too() {
        let mut line = line();
        fits(&mut line, steady(0.0, 0.01995, 20_000), 0.02);
        assert!((line.cursor() - 399.0).abs() <= TOLERANCE + 0.03, "{}", line.cursor());
    }

    #[test]
    fn encoder_delay_before_zero_is_dropped() {
        let mut line = line();
        let fits = fits(&mut line, steady(-0.05, 0.02, 5), 0.02);
        let drops: Vec<f64> = fits.iter().map(|fit| (fit.drop * 1000.0).round()).collect();
        assert_eq!(drops, [20.0, 20.0, 10.0, 0.0, 0.0]);
        assert!(close(line.cursor(), 0.05));
    }

    #[test]
    fn a_clock_that_begins_anew_goes_on_behind_what_was_there() {
        for restart in [0.0, 3.0, 1e6] {
            let mut line = line();
            fits(
                &mut line,
                steady(10.0, 0.02, 500).map(|at| at - 10.0).chain(steady(restart, 0.02, 500)),
                0.02,
            );
            assert!(close(line.cursor(), 20.0), "{restart} {}", line.cursor());
        }
    }

    #[test]
    fn a_clock_that_comes_back_adds_nothing() {
        let mut line = line();
        // A stretch without a timestamp of its own, as in Ogg pages without a granule position.
        let stamps = steady(0.0, 0.02, 500).chain(steady(-0.02, 0.02, 100)).chain(steady(12.0, 0.02, 500));
        fits(&mut line, stamps, 0.02);
        assert!(close(line.cursor(), 22.0), "{}", line.cursor());
    }

    #[test]
    fn counts_of_samples_never_go_back() {
        // Pages without a position, and positions in another unit.
        let without = steady(0.0, 0.02, 100).chain(steady(-0.02, 0.02, 100)).chain(steady(4.0, 0.02, 100));
        let others = steady(0.0, 0.02 / 3.0, 300);
        for stamps in [without.collect::<Vec<_>>(), others.collect()] {
            let mut line = Timeline::new(Placement { counts_samples: true, ..Placement::default() });
            fits(&mut line, stamps, 0.02);
            assert!(close(line.cursor(), 6.0), "{}", line.cursor());
        }
    }

    #[test]
    fn wrong_units_add_nothing() {
        let mut line = line();
        fits(&mut line, steady(0.0, 0.02 / 3.0, 3000), 0.02);
        // No more than what drift may take.
        assert!((59.0..=60.0).contains(&line.cursor()), "{}", line.cursor());
    }

    #[test]
    fn a_chained_stream_continues_where_the_last_ended() {
        let mut line = line();
        for at in [0.0, 1.0] {
            line.hear(at, 1.0, true);
        }
        line.restart(Placement { shift: -0.1, ..Placement::default() });
        line.hear(0.0, 1.0, true);
        let fits: Vec<Fit> = std::iter::from_fn(|| line.settle(true)).collect();
        assert_eq!(fits.len(), 3);
        assert!(close(fits[2].drop, 0.1) && close(line.cursor(), 2.9));
    }

    #[test]
    fn positions_in_a_file_are_no_timestamps() {
        let mut line = Timeline::new(Placement { continuous: true, ..Placement::default() });
        line.hear(-0.1, 1.0, true);
        assert!(close(line.settle(false).unwrap_or_default().drop, 0.1));
        line.hear(300.0, 1.0, true);
        assert_eq!(line.settle(false), Some(Fit::default()));
        line.lose(0.5);
        assert_eq!(line.settle(false).map(|fit| fit.silence), Some(0.5));
        line.hear(301.0, 1.0, true);
        assert_eq!(line.settle(false), Some(Fit::default()));
    }

    #[test]
    fn a_recording_cut_from_a_longer_stream_starts_at_zero() {
        let mut line = Timeline::new(Placement { from_first: true, ..Placement::default() });
        fits(&mut line, steady(3600.0, 1.0, 5), 1.0);
        assert!(close(line.cursor(), 5.0));
    }

    /// xorshift64*, for sequences that are the same each time.
    fn random(state: &mut u64) -> f64 {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
    }

    #[test]
    fn whatever_the_timestamps_the_length_has_a_bound() {
        for seed in 1..300_u64 {
            let mut state = seed;
            let mut line = line();
            let (mut sound, mut given, mut clock, mut pending) = (0.0, 0.0, 0.0, VecDeque::new());
            let mut last = 0.0;
            for _ in 0..2000 {
                let duration = 0.005 + 0.1 * random(&mut state);
                match random(&mut state) {
                    kind if kind < 0.01 => clock += 1300.0 * (random(&mut state) - 0.3),
                    kind if kind < 0.05 => clock += random(&mut state) - 0.5,
                    kind if kind < 0.051 => line.restart(Placement::default()),
                    _ => {}
                }
                let jitter = (random(&mut state) - 0.5) * 0.2;
                if line.hear(clock + jitter, duration, true) {
                    *pending.back_mut().unwrap_or(&mut 0.0) += duration;
                } else {
                    pending.push_back(duration);
                }
                clock += duration;
                sound += duration;
                let mut settle = |line: &mut Timeline, pending: &mut VecDeque<f64>| {
                    while let Some(fit) = line.settle(false) {
                        let duration = pending.pop_front().unwrap_or_default();
                        assert!(fit.silence >= 0.0 && (0.0..=duration).contains(&fit.drop), "{fit:?}");
                        given += fit.silence;
                        assert!(line.cursor() >= last, "time goes on");
                        last = line.cursor();
                    }
                };
                settle(&mut line, &mut pending);
                assert!(pending.len() <= MOST_WAITING);
            }
            while line.settle(true).is_some() {}
            assert!(line.cursor() <= sound + SILENCE_ALLOWANCE + sound + LONGEST_GAP, "{seed}");
            assert!(line.cursor() >= sound * (1.0 - MOST_DRIFT) - LONGEST_DELAY * 4.0, "{seed}");
            assert!(given <= SILENCE_ALLOWANCE + sound + LONGEST_GAP);
        }
    }

    #[test]
    fn a_long_gap_is_believed_where_another_track_goes_on() {
        let (mut line, mut clock) = (line(), Clock::default());
        for i in 0..100_000 {
            clock.hear(f64::from(i) * 0.02, 0.0);
        }
        line.has_reached(clock.now);
        let fits = fits(&mut line, [0.0].into_iter().chain(steady(1500.0, 0.02, 60)), 0.02);
        assert!((silence(&fits) - 1499.98).abs() < 1e-6);
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
}
