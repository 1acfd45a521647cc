//! Cuts a recording into windows of speech, at pauses. Each window is recognised on its own.
//!
//! A window collects speech, without the silence between, until it is [`Cutting::longest_ms`] long. It then ends at the
//! longest pause in its last fifth, or else its last third; the speech after that pause begins the next window. Without
//! a pause there, it is cut at the quietest point of its second half, and both windows hold 0.8 s of samples from both
//! sides of the cut, so that no word is cut in two (`transcript::join_windows` removes the words that both windows
//! hold). A window knows which pieces of the recording it holds ([`WindowSource`]), so that times are mapped back to
//! the recording.
//!
//! Full windows take the least time, because models that pad their input take nearly the same time for a short window.
//! They also have the fewest errors, because models use the words before as context. The first window is shorter, so
//! that the first words appear early.
//!
//! The windows depend only on the samples and the [`Cutting`], not on the sizes of the slices that are pushed. So a
//! later run of the program finds the same windows with the same numbers, and can skip those whose words are stored.

mod window;

pub use window::{Cutting, Piece, Window, WindowSource};

use crate::voice_activity::{FRAME, VoiceActivityDetector, energy};
use transcript::SAMPLE_RATE;

/// Must change whenever the same recording would be cut into different windows. Words from windows of different
/// versions must not be mixed.
pub const WINDOWING_VERSION: u32 = 4;

/// The number of frames in `ms` milliseconds.
const fn frames(ms: usize) -> usize {
    ms * (SAMPLE_RATE as usize / 1000) / FRAME
}

/// Silence that is kept before and after speech, because the detector misses quiet onsets and endings. With more, less
/// distant speech is missed (2.3 % at 200 ms, 3.0 % here), but no more words are right.
const PADDING: usize = frames(160);
/// The shortest pause at which a window may end without an overlap.
const MIN_PAUSE: u64 = frames(120) as u64;
/// A sound with at least this much silence on both sides is isolated.
const ISOLATING_SILENCE: u64 = frames(500) as u64;
/// An isolated sound with less speech than this is a click or a cough.
const MIN_SPEECH: usize = frames(100);
/// Samples on each side of a cut within speech that the window on the other side holds too: a long word, or two short
/// ones.
const OVERLAP: usize = frames(800);
/// After this much silence, the window ends: speech after half a minute has little to do with the speech before, whose
/// words should not be delayed further.
const ENDING_SILENCE: u64 = frames(30_000) as u64;
/// The quietest point is the middle of the quietest span of this length, which is longer than the closure of a plosive.
const QUIET_SPAN: usize = frames(100);

/// How many samples have been pushed, and how many of them are speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SampleCounts {
    /// Samples pushed.
    pub samples: u64,
    /// Samples that windows own.
    pub speech: u64,
}

/// Cuts a recording into windows while it is decoded. Holds at most the samples of one window.
pub struct Windower {
    cutting: Cutting,
    detector: VoiceActivityDetector,
    /// The samples of the incomplete last frame.
    partial: Vec<f32>,
    /// The frames of the window that is being filled, or of the silence before it.
    frames: Vec<Frame>,
    /// The samples of `frames`, `FRAME` for each.
    samples: Vec<f32>,
    /// Number of frames pushed.
    pushed: u64,
    /// Number of the first sample that no window owns yet.
    owned_until: u64,
    /// How many of `frames`, from the first, lie before the cut, if the previous window was cut within speech.
    shared: usize,
    /// Number of the next window.
    next: u32,
    counts: SampleCounts,
    finished: bool,
}

#[derive(Clone, Copy)]
struct Frame {
    /// Its number in the recording. Numbers are missing where silence was dropped.
    number: u64,
    is_speech: bool,
    energy: f32,
}

/// A pause within a window.
#[derive(Clone, Copy)]
struct Pause {
    /// The first of its frames in `frames`, and the one after the last.
    from: usize,
    to: usize,
    /// Its length in the recording, in frames.
    length: u64,
}

impl Windower {
    /// A windower at the start of a recording.
    pub fn new(cutting: Cutting) -> Self {
        Self {
            cutting,
            detector: VoiceActivityDetector::new(),
            partial: Vec::with_capacity(FRAME),
            frames: Vec::new(),
            samples: Vec::new(),
            pushed: 0,
            owned_until: 0,
            shared: 0,
            next: 0,
            counts: SampleCounts::default(),
            finished: false,
        }
    }

    /// Takes any number of samples, 16 kHz mono. NaN counts as silence; values beyond −1 and 1 are clipped. Returns the
    /// windows that are now complete: usually none, sometimes one, or all if a whole recording is pushed at once.
    ///
    /// # Panics
    /// If called after [`Windower::finish`], because a windower is for one recording.
    pub fn push(&mut self, samples: &[f32]) -> Vec<Window> {
        assert!(!self.finished, "a windower is for one recording");
        let mut windows = Vec::new();
        let mut rest = samples;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(FRAME - self.partial.len()));
            self.partial.extend(piece.iter().map(|s| if s.is_nan() { 0.0 } else { s.clamp(-1.0, 1.0) }));
            rest = after;
            if self.partial.len() == FRAME {
                windows.extend(self.end_frame());
            }
        }
        self.counts.samples += samples.len() as u64;
        windows
    }

    /// Ends the recording and returns the remaining windows.
    pub fn finish(&mut self) -> Vec<Window> {
        let mut windows = Vec::new();
        if !self.partial.is_empty() {
            self.partial.resize(FRAME, 0.0);
            windows.extend(self.end_frame());
        }
        self.drop_click();
        if let Some(last) = self.last_speech() {
            let length = (last + 1 + PADDING).min(self.frames.len());
            windows.push(self.emit(length, length));
        }
        // The last frame may extend beyond the last sample.
        for window in &mut windows {
            let beyond = window.end().saturating_sub(self.counts.samples);
            if let Some(piece) = window.source.pieces.last_mut() {
                piece.length -= beyond;
                window.samples.truncate(window.samples.len() - beyond as usize);
            }
            self.counts.speech -= window.source.to.saturating_sub(self.counts.samples);
            window.source.to = window.source.to.min(self.counts.samples);
        }
        self.finished = true;
        windows
    }

    /// The samples so far. Speech counts once its window is complete.
    pub fn counts(&self) -> SampleCounts {
        self.counts
    }

    /// Called when a frame is complete.
    fn end_frame(&mut self) -> Option<Window> {
        let frame: [f32; FRAME] = self.partial.as_slice().try_into().expect("a complete frame");
        self.partial.clear();
        let is_speech = self.detector.is_speech(&frame);
        self.add_frame(&frame, is_speech)
    }

    fn add_frame(&mut self, frame: &[f32; FRAME], is_speech: bool) -> Option<Window> {
        self.frames.push(Frame { number: self.pushed, is_speech, energy: energy(frame) });
        self.samples.extend_from_slice(frame);
        self.pushed += 1;
        if is_speech { self.cut_if_full() } else { self.drop_silence() }
    }

    /// Called after a frame of silence. Drops silence except for the padding of the speech before and after it.
    fn drop_silence(&mut self) -> Option<Window> {
        let Some(last) = self.last_speech() else {
            self.drop(0..self.frames.len().saturating_sub(PADDING));
            return None;
        };
        let after = last + 1 + PADDING;
        if self.frames.len() > after + PADDING {
            self.drop(after..self.frames.len() - PADDING);
        }
        match self.pushed - 1 - self.frames[last].number {
            ISOLATING_SILENCE => {
                self.drop_click();
                None
            }
            ENDING_SILENCE.. => Some(self.emit(after, after)),
            _ => self.cut_if_full(),
        }
    }

    fn last_speech(&self) -> Option<usize> {
        self.frames.iter().rposition(|frame| frame.is_speech)
    }

    /// Drops the sound since the last long pause if it is too short for speech.
    fn drop_click(&mut self) {
        let pauses = self.pauses(self.shared);
        let since = pauses
            .iter()
            .rev()
            .find(|pause| pause.length >= ISOLATING_SILENCE && pause.to < self.frames.len());
        let from = since.map_or(self.shared, |pause| pause.to);
        let speech = self.frames[from..].iter().filter(|frame| frame.is_speech).count();
        if speech < MIN_SPEECH && (since.is_some() || self.shared == 0) {
            let before = since.map_or(0, |pause| (pause.from + PADDING).min(pause.to));
            let after = self.last_speech().map_or(0, |last| last + 1);
            self.drop(before..self.frames.len().saturating_sub(PADDING).max(after).max(before));
        }
    }

    /// The pauses from frame `from` on.
    fn pauses(&self, from: usize) -> Vec<Pause> {
        let mut pauses = Vec::new();
        let mut at = from;
        for run in self.frames[from..].chunk_by(|a, b| a.is_speech == b.is_speech) {
            if !run[0].is_speech {
                let length = run[run.len() - 1].number + 1 - run[0].number;
                pauses.push(Pause { from: at, to: at + run.len(), length });
            }
            at += run.len();
        }
        pauses
    }

    fn cut_if_full(&mut self) -> Option<Window> {
        (self.frames.len() >= self.cutting.max_frames(self.next)).then(|| self.cut())
    }

    /// Cuts a full window.
    fn cut(&mut self) -> Window {
        let length = self.frames.len();
        let pauses = self.pauses(0);
        let longest = |from: usize| {
            let late = pauses.iter().filter(|pause| pause.length >= MIN_PAUSE && middle(pause) >= from);
            late.max_by_key(|pause| pause.length)
        };
        if let Some(pause) = longest(length * 4 / 5).or_else(|| longest(length * 2 / 3)) {
            return self.emit(middle(pause), middle(pause));
        }
        let loudness =
            |at: &usize| -> f32 { self.frames[*at..*at + QUIET_SPAN].iter().map(|f| f.energy).sum() };
        let quietest = (length / 2..=length - QUIET_SPAN)
            .min_by(|a, b| loudness(a).total_cmp(&loudness(b)))
            .expect("half a window is longer than a pause");
        let cut = quietest + QUIET_SPAN / 2;
        self.emit((cut + OVERLAP).min(length), cut)
    }

    /// Returns the first `length` frames as a window, which owns those before frame `until`. Keeps the frames that
    /// begin the next window.
    fn emit(&mut self, length: usize, until: usize) -> Window {
        let start = |frame: &Frame| frame.number * FRAME as u64;
        let mut pieces: Vec<Piece> = Vec::new();
        for run in self.frames[..length].chunk_by(|a, b| a.number + 1 == b.number) {
            pieces.push(Piece { start: start(&run[0]), length: (run.len() * FRAME) as u64 });
        }
        let from = self.owned_until.max(start(&self.frames[0]));
        let to = start(&self.frames[until - 1]) + FRAME as u64;
        let samples = self.samples[..length * FRAME].to_vec();
        let window = Window { index: self.next, source: WindowSource { pieces, from, to }, samples };
        self.next += 1;
        self.owned_until = to;
        self.counts.speech += to - from;
        let speech_continues = length > until && self.frames[until..].iter().any(|frame| frame.is_speech);
        if speech_continues {
            // The next window repeats the frames before the cut. The cut is in the second half, so it still advances.
            let repeated = OVERLAP.min(until / 2);
            self.drop(0..until - repeated);
            self.shared = repeated;
        } else {
            self.drop(0..until);
            self.shared = 0;
            // Keep only the padding of the silence before the next speech.
            let first = self.frames.iter().position(|frame| frame.is_speech).unwrap_or(self.frames.len());
            self.drop(0..first.saturating_sub(PADDING));
        }
        window
    }

    fn drop(&mut self, frames: std::ops::Range<usize>) {
        self.samples.drain(frames.start * FRAME..frames.end * FRAME);
        self.frames.drain(frames);
    }
}

/// The frame in the middle of a pause.
fn middle(pause: &Pause) -> usize {
    pause.from.midpoint(pause.to)
}

impl std::fmt::Debug for Windower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Windower")
            .field("counts", &self.counts)
            .field("windows", &self.next)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two tones that are switched on and off, like dialling tones: the detector takes them for speech.
    fn dialling(seconds: usize) -> Vec<f32> {
        let tone =
            |i: usize, hertz: f32| (std::f32::consts::TAU * hertz * i as f32 / SAMPLE_RATE as f32).sin();
        (0..seconds * SAMPLE_RATE as usize)
            .map(|i| if i % 4800 < 3200 { 0.15 * (tone(i, 697.0) + tone(i, 1209.0)) } else { 0.0 })
            .collect()
    }

    #[test]
    fn at_most_one_window_is_held_however_long_speech_continues() {
        let mut windower = Windower::new(Cutting::default());
        let longest = Cutting::default().max_frames(1) * FRAME;
        let mut windows = 0;
        for piece in dialling(90).chunks(1600) {
            windows += windower.push(piece).len();
            assert!(windower.samples.len() <= longest);
            assert_eq!(windower.samples.len(), windower.frames.len() * FRAME);
        }
        assert!(windows >= 4, "{windows}");
    }

    /// Cuts spans of silence and speech in turn, each of so many milliseconds. Returns the pieces of each window as
    /// frame numbers, the second one exclusive.
    fn cut(cutting: Cutting, spans: &[usize]) -> Vec<Vec<(usize, usize)>> {
        let mut windower = Windower::new(cutting);
        let mut windows = Vec::new();
        for (index, ms) in spans.iter().enumerate() {
            for _ in 0..frames(*ms) {
                windower.counts.samples += FRAME as u64;
                windows.extend(windower.add_frame(&[0.0; FRAME], index % 2 == 1));
            }
        }
        windows.extend(windower.finish());
        let frame = |sample: u64| sample as usize / FRAME;
        windows
            .iter()
            .map(|w| w.source.pieces.iter().map(|p| (frame(p.start), frame(p.end()))).collect())
            .collect()
    }

    #[test]
    fn a_click_between_silences_is_dropped() {
        let usual = Cutting::default();
        assert!(cut(usual, &[2_000, 80, 2_000]).is_empty());
        let windows = cut(usual, &[2_000, 3_000, 2_000, 80, 2_000, 3_000, 2_000, 80]);
        let speech = |from_ms: usize| (frames(from_ms) - PADDING, frames(from_ms) + frames(3_000) + PADDING);
        let [pieces] = windows.as_slice() else { panic!("{windows:?}") };
        let [first, second] = pieces.as_slice() else { panic!("{pieces:?}") };
        assert_eq!(*first, speech(2_000));
        assert!(
            second.0.abs_diff(speech(9_080).0) <= 2 && second.1 - second.0 == first.1 - first.0,
            "{second:?}"
        );
        // A short sound near speech is kept: it may be the end of a word.
        assert_eq!(
            cut(usual, &[0, 3_000, 300, 80, 2_000])[0][0].1,
            frames(3_000) + frames(300) + frames(80) + PADDING
        );
    }

    #[test]
    fn a_window_ends_at_the_longest_pause_near_its_end() {
        let whole = Cutting { first_ms: 15_000, ..Cutting::default() };
        let ends = |spans: &[usize]| cut(whole, spans)[0].last().expect("a window has a piece").1;
        let up_to = |spans: &[usize], pause: usize| -> usize {
            spans[..pause].iter().map(|ms| frames(*ms)).sum::<usize>() + frames(spans[pause]) / 2
        };
        // The longest in the last fifth of 15 s, not a longer one before that.
        let spans = [0, 5_000, 300, 7_200, 200, 1_000, 250, 9_000];
        assert_eq!(ends(&spans), up_to(&spans, 6));
        // No pause there: the longest in the last third.
        let spans = [0, 5_000, 300, 5_200, 200, 9_000];
        assert_eq!(ends(&spans), up_to(&spans, 4));
        // No pause at all: within speech, and both windows hold the samples around the cut.
        let windows = cut(whole, &[0, 5_000, 300, 20_000]);
        assert!(windows[0][0].1 >= windows[1][0].0 + 2 * OVERLAP - 1, "{windows:?}");
    }

    #[test]
    fn speech_after_half_a_minute_of_silence_begins_a_new_window() {
        assert_eq!(cut(Cutting::default(), &[0, 2_000, 29_000, 2_000]).len(), 1);
        assert_eq!(cut(Cutting::default(), &[0, 2_000, 31_000, 2_000]).len(), 2);
    }

    #[test]
    fn only_padding_is_kept_of_silence() {
        let mut windower = Windower::new(Cutting::default());
        assert_eq!(windower.push(&vec![0.0; 60 * SAMPLE_RATE as usize]), []);
        assert_eq!(windower.frames.len(), PADDING);
        assert_eq!(windower.counts(), SampleCounts { samples: 960_000, speech: 0 });
    }

    #[test]
    fn windows_fit_into_the_context_of_the_encoder() {
        for (context_s, longest_ms) in
            [(None, 15_000), (Some(16), 15_000), (Some(10), 9_000), (Some(30), 28_000)]
        {
            assert_eq!(Cutting::for_context(context_s).longest_ms, longest_ms, "{context_s:?}");
        }
        assert_eq!(Cutting::for_context(Some(30)).within(Some(20_000)).longest_ms, 20_000);
        assert_eq!(Cutting::for_context(Some(0)).within(None).longest_ms, 2_000);
    }
}
