//! Places decoded sound on the time line of the recording.
//!
//! The transcript, playback and the seek index all take their times from here. Times are those that a player shows: a
//! gap between timestamps becomes silence, and all sound after it is later by that much.
//!
//! Sound is taken as continuous until several timestamps in a row say otherwise. Sound whose timestamp does not fit
//! waits for the timestamps after it:
//!
//! - A gap becomes silence if the next [`AGREEING`] packets, with at least [`AGREED`] seconds of sound, confirm it.
//! - If timestamps jump back, the sound follows directly after what came before.
//! - A single wrong timestamp, or several packets with the same one, changes nothing.
//! - If the clock runs slightly faster than the sound, silence is inserted; if slightly slower, up to [`MAX_DRIFT`] (a
//!   share) of the sound is dropped.
//!
//! Timestamps can lie, so the silence that they can cause has a bound ([`MAX_GAP`], [`SILENCE_ALLOWANCE`]).

mod shared_clock;

use std::collections::VecDeque;

pub(crate) use shared_clock::SharedClock;

/// Seconds by which a timestamp may differ from where it should be, as rounding: Matroska counts in milliseconds.
const TOLERANCE: f64 = 0.06;
/// Seconds of sound over which timestamps have to agree before they move anything.
const AGREED: f64 = 1.0;
/// Number of timestamps that have to agree before they move anything.
const AGREEING: usize = 4;
/// Number of timestamps that have to agree at the end of a stream, however short their sound is.
const AGREEING_LAST: usize = 3;
/// Most runs of sound that wait for their place.
const MAX_WAITING: usize = 256;
/// Runs with less than this between them, in seconds, are joined: some files list each sample.
const SEAMLESS: f64 = 0.0005;
/// Length from which a run is not joined with the next, in seconds.
const LONGEST_JOINED: f64 = 0.1;
/// The longest gap that is believed, in seconds. A longer one is a wrong timestamp, and is closed without silence.
const MAX_GAP: f64 = 600.0;
/// Seconds of silence that are believed beyond as much as there is sound.
const SILENCE_ALLOWANCE: f64 = 1800.0;
/// The longest encoder delay that is believed if only timestamps state it, in seconds.
const MAX_DELAY: f64 = 1.0;
/// A clock that goes back by more than this, in seconds, has started anew; by less, it is slower than the sound.
const MAX_DRIFT_STEP: f64 = 0.5;
/// Share of the sound by which a clock may be slower than the sound.
const MAX_DRIFT: f64 = 0.01;

/// Silence is given in runs of this many seconds.
pub(crate) const SILENCE_RUN: f64 = 0.25;

/// Packets that follow one another without a pause begin at most this far apart, in seconds.
const MAX_PACKET_DISTANCE: f64 = 0.13;

/// How a container places its sound.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Placement {
    /// Added to every timestamp, in seconds.
    pub(crate) shift: f64,
    /// The first sound is the start of the recording, whatever its timestamp.
    pub(crate) starts_at_first: bool,
    /// There are no gaps, whatever the timestamps.
    pub(crate) continuous: bool,
    /// Timestamps count samples, so those that go back are wrong.
    pub(crate) counts_samples: bool,
}

/// What to do with a run of samples.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Fit {
    /// Silence to insert before the run, in seconds.
    pub(crate) silence: f64,
    /// Sound to drop from the start of the run, in seconds.
    pub(crate) drop: f64,
}

/// The state from which a [`Timeline`] can resume, in seconds; see the fields of the same names there.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct TimelineState {
    /// [`Placement::shift`].
    pub(crate) shift: f64,
    pub(crate) shift_before_jump: Option<f64>,
    pub(crate) cursor: f64,
    pub(crate) silence: f64,
    pub(crate) steady: f64,
}

/// Follows the timestamps of one track, all in seconds, and gives each run of sound its place.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    placement: Placement,
    /// The shift before timestamps last jumped, in case they come back.
    shift_before_jump: Option<f64>,
    /// End of what has been placed.
    cursor: f64,
    /// Silence inserted so far.
    silence: f64,
    /// Sound placed since drift was last taken out.
    steady: f64,
    started: bool,
    /// Silence up to here is believed, however long: another track has sound there.
    others_end: f64,
    /// Timestamps have jumped or drifted.
    moved: bool,
    /// The last timestamp that differed from the one before it.
    last: f64,
    waiting: VecDeque<Waiting>,
}

/// What waits for its place.
#[derive(Debug, Clone, Copy)]
enum Waiting {
    /// Sound whose first sample has this timestamp; NaN if it has none.
    Sound { at: f64, duration: f64 },
    /// Sound that was lost; silence takes its place.
    Lost { duration: f64 },
    /// Another stream begins, whose timestamps start anew.
    Restart(Placement),
}

impl Timeline {
    pub(crate) fn new(placement: Placement) -> Self {
        Self {
            placement,
            shift_before_jump: None,
            cursor: 0.0,
            silence: 0.0,
            steady: 0.0,
            started: false,
            others_end: 0.0,
            moved: false,
            last: f64::NAN,
            waiting: VecDeque::new(),
        }
    }

    /// Tells how far the other tracks of the file have come: silence up to `end` is believed.
    pub(crate) fn set_others_end(&mut self, end: f64) {
        self.others_end = end;
    }

    /// End of what has been placed.
    pub(crate) fn cursor(&self) -> f64 {
        self.cursor
    }

    /// Whether timestamps have jumped, or drifted from the sound, so that they do not tell where it is.
    pub(crate) fn has_moved(&self) -> bool {
        self.moved
    }

    /// The state from which to resume here. Valid only after the first sound, and while nothing waits.
    pub(crate) fn state(&self) -> TimelineState {
        let Self { shift_before_jump, cursor, silence, steady, .. } = *self;
        TimelineState { shift: self.placement.shift, shift_before_jump, cursor, silence, steady }
    }

    /// Resumes from `state`, and drops what waits.
    pub(crate) fn resume(&mut self, state: TimelineState) {
        self.placement.shift = state.shift;
        (self.shift_before_jump, self.cursor) = (state.shift_before_jump, state.cursor);
        (self.silence, self.steady) = (state.silence, state.steady);
        self.started = true;
        self.waiting.clear();
    }

    /// Drops what waits.
    pub(crate) fn clear_waiting(&mut self) {
        self.waiting.clear();
    }

    /// Moves the cursor to the timestamp `at`, if that is close: for packets that state their duration roughly or not
    /// at all. Returns by how much the cursor moved.
    pub(crate) fn snap_to(&mut self, at: f64) -> f64 {
        let gap = at + self.placement.shift - self.cursor;
        let close = self.started && gap.abs() <= MAX_PACKET_DISTANCE;
        let moved = if close { gap } else { 0.0 };
        self.cursor += moved;
        moved
    }

    /// Queues the start of another stream, whose timestamps start anew.
    pub(crate) fn push_restart(&mut self, placement: Placement) {
        self.waiting.push_back(Waiting::Restart(placement));
    }

    /// Queues sound of this duration, whose first sample has the timestamp `at`. `true` if it was joined with the sound
    /// before it, so that both get one place; only with `may_join`.
    pub(crate) fn push_sound(&mut self, at: f64, duration: f64, may_join: bool) -> bool {
        if let Some(Waiting::Sound { at: before, duration: so_far }) = self.waiting.back_mut()
            && may_join
            && (*before + *so_far - at).abs() < SEAMLESS
            && *so_far < LONGEST_JOINED
        {
            *so_far += duration;
            return true;
        }
        // Frames of one block share a timestamp, which is that of the first frame.
        let at = if at == self.last { f64::NAN } else { at };
        self.last = if at.is_nan() { self.last } else { at };
        self.waiting.push_back(Waiting::Sound { at, duration });
        false
    }

    /// Queues the loss of sound of this duration.
    pub(crate) fn push_loss(&mut self, duration: f64) {
        self.waiting.push_back(Waiting::Lost { duration });
    }

    /// The place of the first sound or loss in the queue, which is removed. `None` if its place is not known yet, or if
    /// nothing waits. With `all`, nothing more will come, so every place is known.
    pub(crate) fn next_fit(&mut self, all: bool) -> Option<Fit> {
        loop {
            let fit = match *self.waiting.front()? {
                Waiting::Restart(placement) => {
                    self.waiting.pop_front();
                    self.start_stream(placement);
                    continue;
                }
                Waiting::Lost { duration } => self.place_loss(duration),
                Waiting::Sound { at, duration } => self.place(at, duration, all)?,
            };
            self.waiting.pop_front();
            return Some(fit);
        }
    }

    /// Places sound at once, without waiting for later timestamps. Only the start of another stream may be in the
    /// queue.
    pub(crate) fn place_at_once(&mut self, at: f64, duration: f64) -> Fit {
        while let Some(waiting) = self.waiting.pop_front() {
            if let Waiting::Restart(placement) = waiting {
                self.start_stream(placement);
            }
        }
        self.place_with(at, duration, |gap, _| Some(gap)).unwrap_or_default()
    }

    /// Starts another stream at the cursor.
    fn start_stream(&mut self, placement: Placement) {
        self.placement = Placement { shift: placement.shift + self.cursor, ..placement };
        (self.shift_before_jump, self.started) = (None, false);
    }

    fn place_loss(&mut self, duration: f64) -> Fit {
        let silence = if duration > 0.0 && self.allows_silence(duration) { duration } else { 0.0 };
        self.silence += silence;
        self.cursor += silence;
        Fit { silence, drop: 0.0 }
    }

    fn place(&mut self, at: f64, duration: f64, all: bool) -> Option<Fit> {
        self.place_with(at, duration, |gap, line| line.agreed_gap(gap, all))
    }

    /// Places sound. `agreed` returns how much of the gap the later timestamps agree on, or `None` if that is not
    /// known.
    fn place_with(
        &mut self,
        at: f64,
        duration: f64,
        agreed: impl FnOnce(f64, &Self) -> Option<f64>,
    ) -> Option<Fit> {
        let gap = self.gap(at);
        if !self.started && gap < 0.0 && gap > -MAX_DELAY {
            let drop = (-gap).min(duration);
            // If all of it lies before the start, the next sound is still the first.
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
        if let Some(shift_before_jump) = self.shift_before_jump
            && (gap + shift_before_jump - self.placement.shift).abs() <= TOLERANCE
        {
            // The timestamps are back to where they were before they jumped.
            (self.placement.shift, self.shift_before_jump) = (shift_before_jump, None);
            return Some(self.advance(Fit::default(), duration));
        }
        if self.placement.counts_samples && self.started && gap < 0.0 {
            return Some(self.advance(Fit::default(), duration));
        }
        let least = agreed(gap, self)?;
        if least == 0.0 {
            return Some(self.advance(Fit::default(), duration));
        }
        if !self.started && (self.placement.starts_at_first || gap < 0.0) {
            self.started = true;
            self.placement.shift -= gap;
            return Some(self.advance(Fit::default(), duration));
        }
        let gap = least;
        self.started = true;
        let fit = if gap > TOLERANCE && self.allows_silence(gap) {
            Fit { silence: gap, drop: 0.0 }
        } else if (-MAX_DRIFT_STEP..-TOLERANCE).contains(&gap) {
            self.moved = true;
            let drift = (-gap).min(MAX_DRIFT * self.steady);
            self.placement.shift -= gap + drift;
            // What is longer than this run is dropped from the next.
            let drop = drift.min(duration);
            self.steady -= drop / MAX_DRIFT;
            Fit { silence: 0.0, drop }
        } else {
            if gap.abs() > TOLERANCE {
                self.moved = true;
                self.shift_before_jump = Some(self.placement.shift);
                self.placement.shift -= gap;
            }
            Fit::default()
        };
        Some(self.advance(fit, duration))
    }

    /// Seconds from the cursor to the timestamp `at`; negative if it lies before the cursor.
    fn gap(&self, at: f64) -> f64 {
        let gap = at + self.placement.shift - self.cursor;
        if gap.is_finite() { gap } else { 0.0 }
    }

    /// The gap on which all waiting timestamps agree, where the first of them is `gap` seconds from the cursor: 0 if
    /// they do not agree, `None` if too few wait.
    fn agreed_gap(&self, gap: f64, all: bool) -> Option<f64> {
        // The smallest gap of all of them, in the direction of the first.
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
            () if whole && number >= AGREEING_LAST && least > MAX_DRIFT_STEP => Some(least * gap.signum()),
            () if whole || self.waiting.len() >= MAX_WAITING => Some(0.0),
            () => None,
        }
    }

    /// Moves the cursor past the silence and what `fit` keeps of the sound.
    fn advance(&mut self, fit: Fit, duration: f64) -> Fit {
        let kept = (duration - fit.drop).max(0.0);
        self.silence += fit.silence;
        self.steady += kept;
        self.cursor += fit.silence + kept;
        fit
    }

    /// Whether this much silence, in seconds, is believed.
    fn allows_silence(&self, silence: f64) -> bool {
        if self.cursor + silence <= self.others_end {
            return true;
        }
        let sound = self.cursor - self.silence;
        silence <= MAX_GAP && self.silence + silence <= SILENCE_ALLOWANCE + sound
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
            line.push_sound(at, duration, true);
            fits.extend(std::iter::from_fn(|| line.next_fit(false)));
        }
        fits.extend(std::iter::from_fn(|| line.next_fit(true)));
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
    fn sound_goes_on_where_timestamps_start_anew() {
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
    fn timestamps_that_jump_and_come_back_add_nothing() {
        let mut line = line();
        // A stretch without a timestamp of its own, as in Ogg pages without a granule position.
        let stamps = steady(0.0, 0.02, 500).chain(steady(-0.02, 0.02, 100)).chain(steady(12.0, 0.02, 500));
        fits(&mut line, stamps, 0.02);
        assert!(close(line.cursor(), 22.0), "{}", line.cursor());
    }

    #[test]
    fn sample_counts_never_go_back() {
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
    fn timestamps_in_wrong_units_add_nothing() {
        let mut line = line();
        fits(&mut line, steady(0.0, 0.02 / 3.0, 3000), 0.02);
        // No more than what drift may take.
        assert!((59.0..=60.0).contains(&line.cursor()), "{}", line.cursor());
    }

    #[test]
    fn a_chained_stream_continues_where_the_last_ended() {
        let mut line = line();
        for at in [0.0, 1.0] {
            line.push_sound(at, 1.0, true);
        }
        line.push_restart(Placement { shift: -0.1, ..Placement::default() });
        line.push_sound(0.0, 1.0, true);
        let fits: Vec<Fit> = std::iter::from_fn(|| line.next_fit(true)).collect();
        assert_eq!(fits.len(), 3);
        assert!(close(fits[2].drop, 0.1) && close(line.cursor(), 2.9));
    }

    #[test]
    fn continuous_sound_ignores_timestamps() {
        let mut line = Timeline::new(Placement { continuous: true, ..Placement::default() });
        line.push_sound(-0.1, 1.0, true);
        assert!(close(line.next_fit(false).unwrap_or_default().drop, 0.1));
        line.push_sound(300.0, 1.0, true);
        assert_eq!(line.next_fit(false), Some(Fit::default()));
        line.push_loss(0.5);
        assert_eq!(line.next_fit(false).map(|fit| fit.silence), Some(0.5));
        line.push_sound(301.0, 1.0, true);
        assert_eq!(line.next_fit(false), Some(Fit::default()));
    }

    #[test]
    fn a_recording_cut_from_a_longer_stream_starts_at_zero() {
        let mut line = Timeline::new(Placement { starts_at_first: true, ..Placement::default() });
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
                    kind if kind < 0.051 => line.push_restart(Placement::default()),
                    _ => {}
                }
                let jitter = (random(&mut state) - 0.5) * 0.2;
                if line.push_sound(clock + jitter, duration, true) {
                    *pending.back_mut().unwrap_or(&mut 0.0) += duration;
                } else {
                    pending.push_back(duration);
                }
                clock += duration;
                sound += duration;
                let mut place_all = |line: &mut Timeline, pending: &mut VecDeque<f64>| {
                    while let Some(fit) = line.next_fit(false) {
                        let duration = pending.pop_front().unwrap_or_default();
                        assert!(fit.silence >= 0.0 && (0.0..=duration).contains(&fit.drop), "{fit:?}");
                        given += fit.silence;
                        assert!(line.cursor() >= last, "time goes on");
                        last = line.cursor();
                    }
                };
                place_all(&mut line, &mut pending);
                assert!(pending.len() <= MAX_WAITING);
            }
            while line.next_fit(true).is_some() {}
            assert!(line.cursor() <= sound + SILENCE_ALLOWANCE + sound + MAX_GAP, "{seed}");
            assert!(line.cursor() >= sound * (1.0 - MAX_DRIFT) - MAX_DELAY * 4.0, "{seed}");
            assert!(given <= SILENCE_ALLOWANCE + sound + MAX_GAP);
        }
    }

    #[test]
    fn a_long_gap_is_believed_where_another_track_goes_on() {
        let (mut line, mut clock) = (line(), SharedClock::default());
        for i in 0..100_000 {
            clock.observe(f64::from(i) * 0.02, 0.0);
        }
        line.set_others_end(clock.now);
        let fits = fits(&mut line, [0.0].into_iter().chain(steady(1500.0, 0.02, 60)), 0.02);
        assert!((silence(&fits) - 1499.98).abs() < 1e-6);
    }
}
