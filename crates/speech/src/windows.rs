//! A recording becomes windows: stretches of speech, cut at pauses, each to be recognised on its own.
//!
//! A window takes speech, without the silence between, until it is [`Cutting::longest_ms`] long. It then ends at the
//! longest pause in its last fifth, or else its last third, and what comes after that pause begins the next window.
//! Without a pause there, it is cut at the quietest point of its second half, and both sides of the cut hold some of the
//! other's samples, so that no word is cut in two (`transcript::join` removes the words that both windows hold). Full
//! windows cost least, because models that pad their input take nearly the same time for a short window. They also have
//! the fewest errors, because such models use what was said before. The first window is shorter, so that the first words
//! appear early.
//!
//! Windows are a function of the samples and the [`Cutting`], whatever the pieces in which the samples come, so that a
//! later run finds the same windows with the same numbers and can leave out those it has words for.

use crate::activity::{Activity, FRAME, energy};
use serde::{Deserialize, Serialize};
use transcript::{AudioTime, SAMPLE_RATE, Span};

/// Changes whenever the same recording would be cut into other windows. Words of windows of another version must not
/// be mixed with those of this one.
pub const WINDOWING_VERSION: u32 = 4;

/// Frames in `ms` milliseconds.
const fn frames(ms: usize) -> usize {
    ms * (SAMPLE_RATE as usize / 1000) / FRAME
}

/// Kept of the silence before and after speech. Onsets and endings are quieter than what the detector waits for.
/// With more, less far speech is missed (2.3 % at 200 ms, 3.0 % here) and no word more is right.
const PADDING: usize = frames(160);
/// The shortest silence at which a window may end without an overlap.
const PAUSE: u64 = frames(120) as u64;
/// A sound with at least this much silence on both sides stands alone.
const APART: u64 = frames(500) as u64;
/// A sound that stands alone and holds less speech than this is a click or a cough.
const LEAST_SPEECH: usize = frames(100);
/// What both sides of a cut in the middle of speech hold of the other's: a long word, or two short ones.
const OVERLAP: usize = frames(800);
/// Speech after a longer silence begins another window: what is heard after half a minute has little to do with what was
/// said before it, and is waiting to be seen.
const FAR_APART: u64 = frames(30_000) as u64;
/// The quietest point is the middle of the quietest stretch of this length: the closure of a plosive is shorter.
const QUIET: usize = frames(100);

/// How a recording is cut for an engine. Decides the words, so it belongs to the settings of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cutting {
    /// No window holds more, in milliseconds of samples; between 2 000 and 28 000.
    pub longest_ms: u32,
    /// The first window holds no more than this, in milliseconds of samples.
    #[serde(default = "first_ms")]
    pub first_ms: u32,
}

/// A sentence or two: enough to tell the language, and recognised earlier than a full window.
const fn first_ms() -> u32 {
    8_000
}

impl Default for Cutting {
    /// For models that pad nothing, or whose encoder sees 16 s. Windows of 20 s cost words (0.10 of them on the panel
    /// recording with the test model, 0.03 with 15 s).
    fn default() -> Self {
        Self { longest_ms: 15_000, first_ms: first_ms() }
    }
}

impl Cutting {
    const SHORTEST_MS: u32 = 2_000;
    const LONGEST_MS: u32 = 28_000;

    /// For a model whose encoder sees `context_s` seconds and pads each window to that; `None` for one that pads
    /// nothing. Windows leave a second or two of the context free, because speech that fills it to the end loses words.
    pub fn for_context(context_s: Option<u32>) -> Self {
        let usual = Self::default();
        let longest_ms = match context_s {
            Some(seconds @ 0..30) => usual.longest_ms.min(seconds.saturating_sub(1) * 1000),
            Some(_) => Self::LONGEST_MS,
            None => usual.longest_ms,
        };
        Self { longest_ms, ..usual }
    }

    /// The same for an engine that takes no more than `limit_ms` at once; `None` for one that takes anything.
    pub fn within(self, limit_ms: Option<u32>) -> Self {
        let longest_ms = self.longest_ms.min(limit_ms.unwrap_or(u32::MAX)).max(Self::SHORTEST_MS);
        Self { longest_ms, ..self }
    }

    /// The most frames of window `index`.
    fn longest(self, index: u32) -> usize {
        let longest = self.longest_ms.clamp(Self::SHORTEST_MS, Self::LONGEST_MS);
        let first = self.first_ms.clamp(Self::SHORTEST_MS, longest);
        frames(if index == 0 { first } else { longest } as usize)
    }
}

/// Where the samples of a window come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The stretches of the recording in it, in order. They do not overlap.
    pub pieces: Vec<Piece>,
    /// Number of the first sample this window answers for. It is within the first piece, and after its beginning only
    /// where speech without a pause had to be cut: then the window before holds it too.
    pub from: u64,
    /// Number of the sample after the last this window answers for.
    pub to: u64,
}

/// A stretch of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Number of its first sample in the recording.
    pub start: u64,
    /// Samples.
    pub length: u64,
}

impl Piece {
    fn end(self) -> u64 {
        self.start + self.length
    }
}

impl Place {
    /// The sample of the recording at which something begins that begins at `offset` samples into the window.
    pub fn beginning(&self, offset: u64) -> u64 {
        let mut rest = offset;
        for piece in &self.pieces {
            if rest < piece.length {
                return piece.start + rest;
            }
            rest -= piece.length;
        }
        self.end()
    }

    /// The sample of the recording at which something ends that ends at `offset` samples into the window.
    pub fn ending(&self, offset: u64) -> u64 {
        let mut rest = offset;
        for piece in &self.pieces {
            if rest <= piece.length {
                return piece.start + rest;
            }
            rest -= piece.length;
        }
        self.end()
    }

    fn end(&self) -> u64 {
        self.pieces.last().map_or(self.to, |piece| piece.end())
    }
}

/// A part of a recording to be recognised on its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Its number, from 0 in order of time.
    pub index: u32,
    /// Where its samples come from.
    pub place: Place,
    /// 16 kHz mono, from −1 to 1.
    pub samples: Vec<f32>,
}

impl Window {
    /// A window of one piece, which begins at sample `start`.
    pub fn new(index: u32, start: u64, samples: Vec<f32>) -> Self {
        let length = samples.len() as u64;
        let place = Place { pieces: vec![Piece { start, length }], from: start, to: start + length };
        Self { index, place, samples }
    }

    /// Number of its first sample.
    pub fn start(&self) -> u64 {
        self.place.pieces.first().map_or(self.place.from, |piece| piece.start)
    }

    /// Number of the sample after its last.
    pub fn end(&self) -> u64 {
        self.place.end()
    }

    /// What it answers for, in milliseconds rounded down. The spans of the windows of a recording do not overlap.
    pub fn span(&self) -> Span {
        Span::new(AudioTime::from_samples(self.place.from), AudioTime::from_samples(self.place.to))
    }

    /// The length of its samples in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(SAMPLE_RATE)
    }
}

/// How much has been heard, and how much of it was speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// Samples pushed.
    pub samples: u64,
    /// Samples that windows answer for.
    pub speech: u64,
}

/// Cuts a recording into windows while it is being decoded. Holds at most the samples of one window.
pub struct Windower {
    cutting: Cutting,
    activity: Activity,
    /// The frame that is not complete yet.
    partial: Vec<f32>,
    /// The frames of the window that is being filled, or of the silence before it.
    frames: Vec<Frame>,
    /// Their samples, `FRAME` for each.
    samples: Vec<f32>,
    /// Frames pushed.
    pushed: u64,
    /// Number of the first sample that no window answers for yet.
    answered: u64,
    /// How many of `frames`, from the first, are from before the cut that ended the last window in the middle of speech.
    shared: usize,
    next: u32,
    heard: Heard,
    finished: bool,
}

#[derive(Clone, Copy)]
struct Frame {
    /// Its number in the recording. Numbers are missing where silence was left out.
    number: u64,
    voiced: bool,
    energy: f32,
}

/// Silence within a window.
#[derive(Clone, Copy)]
struct Pause {
    /// The first frame of it that is held, and the one after the last.
    from: usize,
    to: usize,
    /// How long it was in the recording, in frames.
    length: u64,
}

impl Windower {
    /// A windower at the start of a recording.
    pub fn new(cutting: Cutting) -> Self {
        Self {
            cutting,
            activity: Activity::new(),
            partial: Vec::with_capacity(FRAME),
            frames: Vec::new(),
            samples: Vec::new(),
            pushed: 0,
            answered: 0,
            shared: 0,
            next: 0,
            heard: Heard::default(),
            finished: false,
        }
    }

    /// Takes the next samples, 16 kHz mono, any number; what is not a number counts as silence, what is beyond −1
    /// and 1 is clipped. Returns the windows that have become complete: usually none, sometimes one; as many as there
    /// are if a whole recording is pushed at once.
    ///
    /// # Panics
    /// After [`Windower::finish`]: a windower is for one recording.
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
        self.heard.samples += samples.len() as u64;
        windows
    }

    /// Ends the recording and returns the windows that it completes.
    pub fn finish(&mut self) -> Vec<Window> {
        let mut windows = Vec::new();
        if !self.partial.is_empty() {
            self.partial.resize(FRAME, 0.0);
            windows.extend(self.end_frame());
        }
        self.drop_click();
        if let Some(last) = self.last_voiced() {
            let length = (last + 1 + PADDING).min(self.frames.len());
            windows.push(self.emit(length, length));
        }
        // The last frame may reach beyond the last sample.
        for window in &mut windows {
            let beyond = window.end().saturating_sub(self.heard.samples);
            if let Some(piece) = window.place.pieces.last_mut() {
                piece.length -= beyond;
                window.samples.truncate(window.samples.len() - beyond as usize);
            }
            self.heard.speech -= window.place.to.saturating_sub(self.heard.samples);
            window.place.to = window.place.to.min(self.heard.samples);
        }
        self.finished = true;
        windows
    }

    /// How much has been heard. Speech counts when its window is complete.
    pub fn heard(&self) -> Heard {
        self.heard
    }

    /// A frame is complete.
    fn end_frame(&mut self) -> Option<Window> {
        let frame: [f32; FRAME] = self.partial.as_slice().try_into().expect("a complete frame");
        self.partial.clear();
        let voiced = self.activity.voiced(&frame);
        self.take(&frame, voiced)
    }

    fn take(&mut self, frame: &[f32; FRAME], voiced: bool) -> Option<Window> {
        self.frames.push(Frame { number: self.pushed, voiced, energy: energy(frame) });
        self.samples.extend_from_slice(frame);
        self.pushed += 1;
        if voiced { self.cut_if_full() } else { self.leave_out_silence() }
    }

    /// The last frame is silence. Of silence, only the padding of the speech before and after it is kept.
    fn leave_out_silence(&mut self) -> Option<Window> {
        let Some(last) = self.last_voiced() else {
            self.drop(0..self.frames.len().saturating_sub(PADDING));
            return None;
        };
        let after = last + 1 + PADDING;
        if self.frames.len() > after + PADDING {
            self.drop(after..self.frames.len() - PADDING);
        }
        match self.pushed - 1 - self.frames[last].number {
            APART => {
                self.drop_click();
                None
            }
            FAR_APART.. => Some(self.emit(after, after)),
            _ => self.cut_if_full(),
        }
    }

    fn last_voiced(&self) -> Option<usize> {
        self.frames.iter().rposition(|frame| frame.voiced)
    }

    /// Removes what was heard since the last long pause if it is too short for speech.
    fn drop_click(&mut self) {
        let pauses = self.pauses(self.shared);
        let since = pauses.iter().rev().find(|pause| pause.length >= APART && pause.to < self.frames.len());
        let from = since.map_or(self.shared, |pause| pause.to);
        let voiced = self.frames[from..].iter().filter(|frame| frame.voiced).count();
        if voiced < LEAST_SPEECH && (since.is_some() || self.shared == 0) {
            let before = since.map_or(0, |pause| (pause.from + PADDING).min(pause.to));
            let after = self.last_voiced().map_or(0, |last| last + 1);
            self.drop(before..self.frames.len().saturating_sub(PADDING).max(after).max(before));
        }
    }

    /// The silences from frame `from` on.
    fn pauses(&self, from: usize) -> Vec<Pause> {
        let mut pauses = Vec::new();
        let mut at = from;
        for stretch in self.frames[from..].chunk_by(|a, b| a.voiced == b.voiced) {
            if !stretch[0].voiced {
                let length = stretch[stretch.len() - 1].number + 1 - stretch[0].number;
                pauses.push(Pause { from: at, to: at + stretch.len(), length });
            }
            at += stretch.len();
        }
        pauses
    }

    fn cut_if_full(&mut self) -> Option<Window> {
        (self.frames.len() >= self.cutting.longest(self.next)).then(|| self.cut())
    }

    /// The window is full.
    fn cut(&mut self) -> Window {
        let length = self.frames.len();
        let pauses = self.pauses(0);
        let longest = |from: usize| {
            let late = pauses.iter().filter(|pause| pause.length >= PAUSE && middle(pause) >= from);
            late.max_by_key(|pause| pause.length)
        };
        if let Some(pause) = longest(length * 4 / 5).or_else(|| longest(length * 2 / 3)) {
            return self.emit(middle(pause), middle(pause));
        }
        let loudness = |at: &usize| -> f32 { self.frames[*at..*at + QUIET].iter().map(|f| f.energy).sum() };
        let quietest = (length / 2..=length - QUIET)
            .min_by(|a, b| loudness(a).total_cmp(&loudness(b)))
            .expect("half a window is longer than a pause");
        let cut = quietest + QUIET / 2;
        self.emit((cut + OVERLAP).min(length), cut)
    }

    /// The first `length` frames as a window that answers for those before frame `until`. Keeps what begins the next.
    fn emit(&mut self, length: usize, until: usize) -> Window {
        let start = |frame: &Frame| frame.number * FRAME as u64;
        let mut pieces: Vec<Piece> = Vec::new();
        for stretch in self.frames[..length].chunk_by(|a, b| a.number + 1 == b.number) {
            pieces.push(Piece { start: start(&stretch[0]), length: (stretch.len() * FRAME) as u64 });
        }
        let from = self.answered.max(start(&self.frames[0]));
        let to = start(&self.frames[until - 1]) + FRAME as u64;
        let samples = self.samples[..length * FRAME].to_vec();
        let window = Window { index: self.next, place: Place { pieces, from, to }, samples };
        self.next += 1;
        self.answered = to;
        self.heard.speech += to - from;
        let goes_on = length > until && self.frames[until..].iter().any(|frame| frame.voiced);
        if goes_on {
            // What was said just before the cut comes along; the cut is in the second half, so this gets on.
            let again = OVERLAP.min(until / 2);
            self.drop(0..until - again);
            self.shared = again;
        } else {
            self.drop(0..until);
            self.shared = 0;
            // Of the silence before the next speech, only its padding.
            let first = self.frames.iter().position(|frame| frame.voiced).unwrap_or(self.frames.len());
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
            .field("heard", &self.heard)
            .field("windows", &self.next)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two tones, as a telephone dials, switched on and off: the detector takes them for speech.
    fn dialling(seconds: usize) -> Vec<f32> {
        let tone =
            |i: usize, hertz: f32| (std::f32::consts::TAU * hertz * i as f32 / SAMPLE_RATE as f32).sin();
        (0..seconds * SAMPLE_RATE as usize)
            .map(|i| if i % 4800 < 3200 { 0.15 * (tone(i, 697.0) + tone(i, 1209.0)) } else { 0.0 })
            .collect()
    }

    #[test]
    fn no_more_than_one_window_is_held_however_long_speech_goes_on() {
        let mut windower = Windower::new(Cutting::default());
        let longest = Cutting::default().longest(1) * FRAME;
        let mut windows = 0;
        for piece in dialling(90).chunks(1600) {
            windows += windower.push(piece).len();
            assert!(windower.samples.len() <= longest);
            assert_eq!(windower.samples.len(), windower.frames.len() * FRAME);
        }
        assert!(windows >= 4, "{windows}");
    }

    /// Cuts stretches of so many milliseconds, by turns silence and speech; gives the windows as the frames of their
    /// pieces, from one to before the other.
    fn cut(cutting: Cutting, stretches: &[usize]) -> Vec<Vec<(usize, usize)>> {
        let mut windower = Windower::new(cutting);
        let mut windows = Vec::new();
        for (index, ms) in stretches.iter().enumerate() {
            for _ in 0..frames(*ms) {
                windower.heard.samples += FRAME as u64;
                windows.extend(windower.take(&[0.0; FRAME], index % 2 == 1));
            }
        }
        windows.extend(windower.finish());
        let frame = |sample: u64| sample as usize / FRAME;
        windows
            .iter()
            .map(|w| w.place.pieces.iter().map(|p| (frame(p.start), frame(p.end()))).collect())
            .collect()
    }

    #[test]
    fn a_click_between_silences_is_no_speech() {
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
        let ends = |stretches: &[usize]| cut(whole, stretches)[0].last().expect("a window has a piece").1;
        let up_to = |stretches: &[usize], pause: usize| -> usize {
            stretches[..pause].iter().map(|ms| frames(*ms)).sum::<usize>() + frames(stretches[pause]) / 2
        };
        // Of those in the last fifth of 15 s, not a longer one before.
        let stretches = [0, 5_000, 300, 7_200, 200, 1_000, 250, 9_000];
        assert_eq!(ends(&stretches), up_to(&stretches, 6));
        // None there: the longest in the last third.
        let stretches = [0, 5_000, 300, 5_200, 200, 9_000];
        assert_eq!(ends(&stretches), up_to(&stretches, 4));
        // None at all: in speech, and both windows hold what is said at the cut.
        let windows = cut(whole, &[0, 5_000, 300, 20_000]);
        assert!(windows[0][0].1 >= windows[1][0].0 + 2 * OVERLAP - 1, "{windows:?}");
    }

    #[test]
    fn speech_after_half_a_minute_of_silence_begins_another_window() {
        assert_eq!(cut(Cutting::default(), &[0, 2_000, 29_000, 2_000]).len(), 1);
        assert_eq!(cut(Cutting::default(), &[0, 2_000, 31_000, 2_000]).len(), 2);
    }

    #[test]
    fn silence_leaves_nothing_but_padding() {
        let mut windower = Windower::new(Cutting::default());
        assert_eq!(windower.push(&vec![0.0; 60 * SAMPLE_RATE as usize]), []);
        assert_eq!(windower.frames.len(), PADDING);
        assert_eq!(windower.heard(), Heard { samples: 960_000, speech: 0 });
    }

    #[test]
    fn windows_fit_into_what_the_encoder_sees() {
        for (context_s, longest_ms) in
            [(None, 15_000), (Some(16), 15_000), (Some(10), 9_000), (Some(30), 28_000)]
        {
            assert_eq!(Cutting::for_context(context_s).longest_ms, longest_ms, "{context_s:?}");
        }
        assert_eq!(Cutting::for_context(Some(30)).within(Some(20_000)).longest_ms, 20_000);
        assert_eq!(Cutting::for_context(Some(0)).within(None).longest_ms, 2_000);
    }
}
