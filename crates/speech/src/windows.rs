//! A recording becomes windows: stretches of speech, cut at pauses, each to be recognised on its own.
//!
//! A run of speech lasts until the next pause, and no longer than [`Cutting::longest_ms`]. Speech without a pause is cut
//! at its quietest point, and both sides of the cut hold some of the other's samples, so that no word is cut in two
//! (`transcript::join` removes the words that both windows hold). A window holds as many runs as fit, without the silence
//! between them: models that pad their input take the same time for a short window as for a full one, and they use what
//! was said before. The first window is shorter, so that the first words appear early.
//!
//! Windows are a function of the samples and the [`Cutting`], whatever the pieces in which the samples come, so that a
//! later run finds the same windows with the same numbers and can leave out those it has words for.

use crate::activity::{Activity, FRAME, energy};
use serde::{Deserialize, Serialize};
use transcript::{AudioTime, SAMPLE_RATE, Span};

/// Changes whenever the same recording would be cut into other windows. Words of windows of another version must not
/// be mixed with those of this one.
pub const WINDOWING_VERSION: u32 = 3;

/// Frames in `ms` milliseconds.
const fn frames(ms: usize) -> usize {
    ms * (SAMPLE_RATE as usize / 1000) / FRAME
}

/// Kept of the silence before and after speech. Onsets and endings are quieter than what the detector waits for.
/// With more, less far speech is missed (2.3 % at 200 ms, 3.0 % here) and no word more is right.
const PADDING: usize = frames(160);
/// A pause this long ends a window … Waiting for longer ones (700 ms; 600 ms until the tenth second) brings speakers
/// together in a window and costs words: 447 and 465 errors in 1362 instead of 431.
const PAUSE: usize = frames(500);
/// … and this one suffices when the window has become `LONG`.
const SHORT_PAUSE: usize = frames(300);
const LONG: usize = frames(6_000);
/// What both sides of a cut in the middle of speech hold of the other's: a long word, or two short ones.
const OVERLAP: usize = frames(800);
/// Runs of speech further apart than this do not share a window: what is heard after half a minute of silence has
/// little to do with what was said before it, and is waiting to be seen.
const FAR_APART: u64 = 30 * SAMPLE_RATE as u64;
/// The quietest point is the middle of the quietest stretch of this length: the closure of a plosive is shorter.
const QUIET: usize = frames(100);
/// Speech less than this is a click or a cough.
const LEAST_SPEECH: usize = frames(100);

/// How a recording is cut for an engine. Decides the words, so it belongs to the settings of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cutting {
    /// No window holds more, in milliseconds of samples; between 2 000 and 28 000.
    pub longest_ms: u32,
    /// The first window takes no further run once it would hold more than this, in milliseconds of samples.
    #[serde(default = "first_ms")]
    pub first_ms: u32,
}

/// Two or three sentences: enough to tell the language, and recognised about a second earlier than a full window.
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

    /// Frames of the longest window.
    fn longest(self) -> usize {
        frames(self.longest_ms.clamp(Self::SHORTEST_MS, Self::LONGEST_MS) as usize)
    }

    /// Frames up to which window `index` takes further runs.
    fn full(self, index: u32) -> usize {
        match index {
            0 => self.longest().min(frames(self.first_ms as usize)),
            _ => self.longest(),
        }
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

/// A stretch of speech.
struct Run {
    start: u64,
    samples: Vec<f32>,
    from: u64,
    to: u64,
    /// Whether it begins with samples that the run before holds too.
    continues: bool,
}

/// Cuts a recording into windows while it is being decoded. Holds at most the samples of two windows.
pub struct Windower {
    cutting: Cutting,
    activity: Activity,
    /// The frame that is not complete yet.
    partial: Vec<f32>,
    /// The frames that may become part of a window; `samples` holds `FRAME` for each of `frames`.
    frames: Vec<Frame>,
    samples: Vec<f32>,
    /// Number of the first of `samples` in the recording.
    start: u64,
    /// Number of the first sample that the run before does not answer for.
    answered: u64,
    state: State,
    /// The window that may still take a run.
    open: Option<Window>,
    next: u32,
    heard: Heard,
    finished: bool,
}

#[derive(Clone, Copy)]
struct Frame {
    voiced: bool,
    energy: f32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No speech. The frames are the padding of a window to come.
    Silence,
    /// The frames are the beginning of a window.
    Speech,
    /// The same, right after a window that had to be cut: whatever is said belongs to it, however short.
    Continuation,
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
            start: 0,
            answered: 0,
            state: State::Silence,
            open: None,
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
            if self.partial.len() == FRAME
                && let Some(run) = self.end_frame()
            {
                windows.extend(self.pack(run));
            }
        }
        self.heard.samples += samples.len() as u64;
        windows
    }

    /// Ends the recording and returns the windows that it completes, if speech goes on until the end or nearly so, or
    /// one could still have taken more.
    pub fn finish(&mut self) -> Vec<Window> {
        let mut runs = Vec::new();
        if !self.partial.is_empty() {
            self.partial.resize(FRAME, 0.0);
            runs.extend(self.end_frame());
        }
        if self.state != State::Silence {
            runs.extend(self.end_speech());
        }
        // The last frame may reach beyond the last sample.
        for run in &mut runs {
            let within = usize::try_from(self.heard.samples.saturating_sub(run.start)).unwrap_or(usize::MAX);
            run.samples.truncate(within);
            self.heard.speech -= run.to.saturating_sub(self.heard.samples);
            run.to = run.to.min(self.heard.samples);
        }
        let mut windows: Vec<Window> = runs.into_iter().filter_map(|run| self.pack(run)).collect();
        windows.extend(self.open.take());
        self.finished = true;
        windows
    }

    /// Adds a run to the window that is open, or opens another; gives the window that takes no more.
    fn pack(&mut self, run: Run) -> Option<Window> {
        let Run { start, samples, from, to, continues } = run;
        let piece = Piece { start, length: samples.len() as u64 };
        if let Some(open) = &mut self.open
            && !continues
            && open.samples.len() + samples.len() <= self.cutting.full(open.index) * FRAME
            && start.saturating_sub(open.end()) <= FAR_APART
        {
            open.samples.extend(samples);
            open.place.pieces.push(piece);
            open.place.to = to;
            return None;
        }
        let window = Window { index: self.next, place: Place { pieces: vec![piece], from, to }, samples };
        self.next += 1;
        self.open.replace(window)
    }

    /// How much has been heard. Speech counts when its window is complete.
    pub fn heard(&self) -> Heard {
        self.heard
    }

    /// A frame is complete.
    fn end_frame(&mut self) -> Option<Run> {
        let frame: &[f32; FRAME] = self.partial.as_slice().try_into().expect("a complete frame");
        let voiced = self.activity.voiced(frame);
        self.frames.push(Frame { voiced, energy: energy(frame) });
        self.samples.extend_from_slice(frame);
        self.partial.clear();

        if self.state == State::Silence {
            if voiced {
                self.state = State::Speech;
            } else {
                self.keep_padding();
            }
            return None;
        }
        let silence = self.frames.iter().rev().take_while(|frame| !frame.voiced).count();
        let pause = if self.frames.len() - silence >= LONG { SHORT_PAUSE } else { PAUSE };
        if silence >= pause {
            self.end_speech()
        } else if self.frames.len() == self.cutting.longest() {
            Some(self.cut())
        } else {
            None
        }
    }

    /// Speech is over: it becomes a run if there was enough of it.
    fn end_speech(&mut self) -> Option<Run> {
        let last = self.frames.iter().rposition(|frame| frame.voiced).expect("a run begins with speech");
        let length = (last + 1 + PADDING).min(self.frames.len());
        let speech = self.frames.iter().filter(|frame| frame.voiced).count();
        let run = if speech >= LEAST_SPEECH || self.state == State::Continuation {
            Some(self.run(length, length))
        } else {
            None
        };
        self.drop_front(length);
        self.state = State::Silence;
        self.keep_padding();
        run
    }

    /// Speech goes on for too long.
    fn cut(&mut self) -> Run {
        let middle = self.frames.len() / 2;
        let loudness = |at: &usize| -> f32 { self.frames[*at..*at + QUIET].iter().map(|f| f.energy).sum() };
        let quietest = (middle..=self.frames.len() - QUIET)
            .min_by(|a, b| loudness(a).total_cmp(&loudness(b)))
            .expect("half a window is longer than a pause");
        let cut = quietest + QUIET / 2;
        let goes_on = self.frames[cut..].iter().any(|frame| frame.voiced);
        let length = if goes_on { (cut + OVERLAP).min(self.frames.len()) } else { cut };
        let run = self.run(length, cut);
        if goes_on {
            // What was said just before the cut comes along; the cut is in the second half, so this gets on.
            self.drop_front(cut - OVERLAP.min(cut / 2));
            self.state = State::Continuation;
        } else {
            self.drop_front(cut);
            self.state = State::Silence;
            self.keep_padding();
        }
        run
    }

    /// The first `length` frames as a run that answers for those before frame `until`.
    fn run(&mut self, length: usize, until: usize) -> Run {
        let from = self.answered.max(self.start);
        let to = self.start + (until * FRAME) as u64;
        self.heard.speech += to.saturating_sub(from);
        self.answered = to;
        Run {
            start: self.start,
            samples: self.samples[..length * FRAME].to_vec(),
            from,
            to,
            continues: from > self.start,
        }
    }

    fn keep_padding(&mut self) {
        self.drop_front(self.frames.len().saturating_sub(PADDING));
    }

    fn drop_front(&mut self, length: usize) {
        self.frames.drain(..length);
        self.samples.drain(..length * FRAME);
        self.start += (length * FRAME) as u64;
    }
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
    fn no_more_than_two_windows_are_held_however_long_speech_goes_on() {
        let mut windower = Windower::new(Cutting::default());
        let longest = Cutting::default().longest() * FRAME;
        let mut windows = 0;
        for piece in dialling(90).chunks(1600) {
            windows += windower.push(piece).len();
            assert!(windower.samples.len() <= longest);
            assert!(windower.open.as_ref().is_none_or(|open| open.samples.len() <= longest));
            assert_eq!(windower.samples.len(), windower.frames.len() * FRAME);
        }
        assert!(windows >= 4, "{windows}");
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
