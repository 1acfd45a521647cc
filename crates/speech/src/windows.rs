//! A recording becomes windows: stretches of speech, cut at pauses, each to be recognised on its own.
//!
//! Windows are as long as they can be without holding a pause, because an engine's language model makes use of what
//! was said before, and no longer than twenty seconds. They are a function of the samples alone, whatever the pieces
//! in which these come, so that a later run finds the same windows with the same numbers and can leave out those it
//! has words for.

use crate::activity::{Activity, FRAME, energy};
use transcript::{AudioTime, SAMPLE_RATE, Span};

/// Changes whenever the same recording would be cut into other windows. Words of windows of another version must not
/// be mixed with those of this one.
pub const WINDOWING_VERSION: u32 = 1;

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
/// A window never lasts longer. It is cut at its quietest point, in its second half.
const LONGEST: usize = frames(20_000);
/// The quietest point is the middle of the quietest stretch of this length: the closure of a plosive is shorter.
const QUIET: usize = frames(100);
/// Speech less than this is a click or a cough.
const LEAST_SPEECH: usize = frames(100);

/// A stretch of a recording to be recognised on its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Its number, from 0 in order of time.
    pub index: u32,
    /// Number of its first sample in the recording.
    pub start: u64,
    /// 16 kHz mono, from −1 to 1.
    pub samples: Vec<f32>,
}

impl Window {
    /// Number of the sample after its last.
    pub fn end(&self) -> u64 {
        self.start + self.samples.len() as u64
    }

    /// Its place in the recording, in milliseconds rounded down.
    pub fn span(&self) -> Span {
        Span::new(AudioTime::from_samples(self.start), AudioTime::from_samples(self.end()))
    }

    /// Its length in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(SAMPLE_RATE)
    }
}

/// How much has been heard, and how much of it was speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// Samples pushed.
    pub samples: u64,
    /// Samples in windows.
    pub speech: u64,
}

/// Cuts a recording into windows while it is being decoded. Holds at most one window's samples.
pub struct Windower {
    activity: Activity,
    /// The frame that is not complete yet.
    partial: Vec<f32>,
    /// The frames that may become part of a window; `samples` holds `FRAME` for each of `frames`.
    frames: Vec<Frame>,
    samples: Vec<f32>,
    /// Number of the first of `samples` in the recording.
    start: u64,
    state: State,
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
    pub fn new() -> Self {
        Self {
            activity: Activity::new(),
            partial: Vec::with_capacity(FRAME),
            frames: Vec::new(),
            samples: Vec::new(),
            start: 0,
            state: State::Silence,
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

    /// Ends the recording and returns the windows that it completes, if speech goes on until the end or nearly so.
    pub fn finish(&mut self) -> Vec<Window> {
        let mut windows = Vec::new();
        if !self.partial.is_empty() {
            self.partial.resize(FRAME, 0.0);
            windows.extend(self.end_frame());
        }
        if self.state != State::Silence {
            windows.extend(self.end_speech());
        }
        // The last frame may reach beyond the last sample.
        if let Some(last) = windows.last_mut() {
            let length = self.heard.samples.saturating_sub(last.start);
            let beyond = (last.samples.len() as u64).saturating_sub(length);
            self.heard.speech -= beyond;
            last.samples.truncate(last.samples.len() - beyond as usize);
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
        } else if self.frames.len() == LONGEST {
            Some(self.cut())
        } else {
            None
        }
    }

    /// Speech is over: it becomes a window if there was enough of it.
    fn end_speech(&mut self) -> Option<Window> {
        let last = self.frames.iter().rposition(|frame| frame.voiced).expect("a window begins with speech");
        let length = (last + 1 + PADDING).min(self.frames.len());
        let speech = self.frames.iter().filter(|frame| frame.voiced).count();
        let window = if speech >= LEAST_SPEECH || self.state == State::Continuation {
            Some(self.take(length))
        } else {
            self.drop_front(length);
            None
        };
        self.state = State::Silence;
        self.keep_padding();
        window
    }

    /// Speech goes on for too long.
    fn cut(&mut self) -> Window {
        let middle = self.frames.len() / 2;
        let loudness = |at: &usize| -> f32 { self.frames[*at..*at + QUIET].iter().map(|f| f.energy).sum() };
        let quietest = (middle..=self.frames.len() - QUIET)
            .min_by(|a, b| loudness(a).total_cmp(&loudness(b)))
            .expect("half a window is longer than a pause");
        let window = self.take(quietest + QUIET / 2);
        if self.frames.iter().any(|frame| frame.voiced) {
            self.state = State::Continuation;
        } else {
            self.state = State::Silence;
            self.keep_padding();
        }
        window
    }

    /// The first `length` frames as a window.
    fn take(&mut self, length: usize) -> Window {
        let samples = self.samples[..length * FRAME].to_vec();
        let window = Window { index: self.next, start: self.start, samples };
        self.next += 1;
        self.heard.speech += window.samples.len() as u64;
        self.drop_front(length);
        window
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

impl Default for Windower {
    fn default() -> Self {
        Self::new()
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
    fn no_more_than_one_window_is_held_however_long_speech_goes_on() {
        let mut windower = Windower::new();
        let mut windows = 0;
        for piece in dialling(90).chunks(1600) {
            windows += windower.push(piece).len();
            assert!(windower.samples.len() <= LONGEST * FRAME);
            assert_eq!(windower.samples.len(), windower.frames.len() * FRAME);
        }
        assert!(windows >= 4, "{windows}");
    }

    #[test]
    fn silence_leaves_nothing_but_padding() {
        let mut windower = Windower::new();
        assert_eq!(windower.push(&vec![0.0; 60 * SAMPLE_RATE as usize]), []);
        assert_eq!(windower.frames.len(), PADDING);
        assert_eq!(windower.heard(), Heard { samples: 960_000, speech: 0 });
    }
}
