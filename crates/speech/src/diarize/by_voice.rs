//! The built-in diarizer: one network hears who speaks when within ten seconds, another makes vectors of voices, and
//! vectors that are near each other are one speaker's, in the whole recording.
//!
//! The first network is right about what it hears within its window, also where two people speak at once, and the second
//! one tells who is who from window to window.

use super::band::Band;
use super::cluster::{Apart, Tree};
use super::heard::{Heard, LOCAL, Window, frame_at, samples_of};
use super::kept::{Batch, Kept};
use super::segmentation::WINDOW;
use super::turns::{self, Point};
use super::{
    Control, Diarization, DiarizeError, Diarizer, Expected, Segmentation, Voice, VoiceEncoder, add, dot,
    go_on, unit,
};
use crate::activity::{Activity, FRAME};
use std::ops::Range;
use std::path::Path;
use transcript::{AudioTime, SAMPLE_RATE};

/// Windows that the first network hears together: a quarter of a minute. Always the same ones for a recording, so that
/// work that goes on gives the same bits; few enough that a cancel is heard within a second or two.
const WINDOWS: usize = 16;
/// Windows of which voices are made together: half a minute of speech.
const VOICES: usize = 64;
/// At most so many of them, one after the other, are given to the encoder as one stretch: 5 s.
const STRETCH: usize = 8;
/// Samples from one of these to the next: half a second.
const EVERY: u64 = SAMPLE_RATE as u64 / 2;
/// A window gets a vector if anybody speaks in this share of it, …
const SOME_SPEECH: f32 = 0.3;
/// … and it takes part in the clustering if anybody speaks in this share, …
const MOSTLY_SPEECH: f32 = 0.8;
/// … exactly one in this one, …
const MOSTLY_ONE: f32 = 0.72;
/// … and one person says this share of all that is heard in it. Without this, windows in which one takes over from another
/// become a speaker of their own in every second meeting.
const ONE_VOICE: f32 = 0.95;
/// A window is a local speaker's if anybody speaks in this share of it, …
const OWNED: f32 = 0.5;
/// … and this share of that is theirs.
const OWNER: f32 = 0.7;
/// Added to the distance of two windows that the segmentation network gives to different people.
const TWO_PEOPLE: f32 = 0.3;
/// Groups at a mean distance of less are one speaker. Results are nearly the same from 0.69 to 0.72 in twenty drawn
/// meetings (`cargo xtask bench meetings`) and in the excerpts of real ones; from 0.74 on people with like voices are
/// merged.
const ONE_SPEAKER: f32 = 0.71;
/// The same over the telephone, where all voices are more alike: on the panel and three drawn meetings, narrowed by sox,
/// 2 % of the speech go to the wrong person with this limit, and 14 % with the other one.
const ONE_BY_TELEPHONE: f32 = 0.64;
/// A speaker whom nobody asked for says at least so much in clear words, in seconds. What has less is a cough, laughter, or
/// two voices at once.
const LEAST_S: f32 = 2.0;
/// In longer recordings it is this share of all clear words, because there are more coughs in them, …
const LEAST_SHARE: f32 = 0.005;
/// … but never more than this.
const LEAST_AT_MOST_S: f32 = 5.0;
/// Speech of which a voice is made, in milliseconds.
const LEAST_SPEECH_MS: u32 = 1_000;

/// A window in which the voice activity detector hears less speech than this is not given to the network, in frames: 0.1 s.
/// Recordings that go on in an empty room cost little then.
const LEAST_VOICED: u32 = 6;

/// Tells speakers apart by a [`Segmentation`] and a [`VoiceEncoder`].
pub struct ByVoice {
    segmentation: Segmentation,
    encoder: Box<dyn VoiceEncoder>,
    kept: Option<Kept>,
    activity: Activity,
    band: Band,
    /// How many frames of voice activity hold speech, up to each of them.
    voiced: Vec<u32>,
    heard: Heard,
    /// The last samples, from sample `start` on.
    samples: Vec<f32>,
    start: u64,
    taken: u64,
    /// First sample of the next window that may get a vector.
    next: u64,
    /// First samples of windows that wait for their vector.
    batch: Vec<u64>,
    points: Vec<Point>,
}

impl ByVoice {
    /// For one recording.
    pub fn new(segmentation: Segmentation, encoder: Box<dyn VoiceEncoder>) -> Self {
        Self {
            segmentation,
            encoder,
            kept: None,
            activity: Activity::new(),
            band: Band::new(),
            voiced: vec![0],
            heard: Heard::default(),
            samples: Vec::new(),
            start: 0,
            taken: 0,
            next: 0,
            batch: Vec::new(),
            points: Vec::new(),
        }
    }

    /// Keeps what the networks find in the file `path`, and takes what is there already. What is torn, or not of these
    /// samples, encoder and version, is replaced. Does without if the file cannot be opened.
    #[must_use]
    pub fn keep_in(self, path: &Path) -> Self {
        let kept = Kept::open(path, self.encoder.name())
            .inspect_err(|error| tracing::warn!(%error, "what networks find cannot be kept"))
            .ok();
        Self { kept, ..self }
    }

    /// What is kept of `batch`, else what `work` finds, which is then kept.
    fn kept_or(
        kept: &mut Option<Kept>,
        batch: &Batch,
        work: impl FnOnce() -> Result<Vec<u8>, DiarizeError>,
    ) -> Result<Vec<u8>, DiarizeError> {
        if let Some(found) = kept.as_mut().and_then(|kept| kept.next(batch)) {
            return Ok(found);
        }
        let found = work()?;
        if let Some(file) = kept
            && let Err(error) = file.add(batch, &found)
        {
            tracing::warn!(%error, "what networks find cannot be kept");
            *kept = None;
        }
        Ok(found)
    }

    /// Has the next windows heard.
    fn hear(&mut self, count: usize) -> Result<(), DiarizeError> {
        let first = self.heard.windows();
        let starts: Vec<usize> =
            (first..first + count).map(|number| self.place(samples_of(number).start)).collect();
        let samples = &self.samples[starts[0]..starts[count - 1] + WINDOW];
        let batch = Batch::new([(samples_of(first).start, samples)]);
        let is_heard: Vec<bool> =
            (first..first + count).map(|number| self.voiced(samples_of(number)) >= LEAST_VOICED).collect();
        let (network, all) = (&self.segmentation, &self.samples);
        let found = Self::kept_or(&mut self.kept, &batch, || {
            let starts = starts.iter().zip(&is_heard).filter(|(_, is_heard)| **is_heard);
            let starts: Vec<usize> = starts.map(|(start, _)| *start).collect();
            let mut heard = network.hear(all, &starts).into_iter().map(|window| Window::new(&window));
            let mut window =
                |is_heard: &bool| is_heard.then(|| heard.next()).flatten().unwrap_or_else(Window::silent);
            let windows: Vec<Window> = is_heard.iter().map(&mut window).collect();
            Ok(windows.iter().flat_map(|window| window.to_bytes().collect::<Vec<_>>()).collect())
        })?;
        for window in found.chunks(Window::BYTES) {
            let window = Window::from_bytes(window);
            self.heard.add(window.map_err(|_| self.failed())?);
        }
        if self.heard.windows() == first + count { Ok(()) } else { Err(self.failed()) }
    }

    /// How many frames of voice activity that lie in `samples` hold speech.
    fn voiced(&self, samples: Range<u64>) -> u32 {
        let frame = |sample: u64| ((sample / FRAME as u64) as usize).min(self.voiced.len() - 1);
        self.voiced[frame(samples.end)] - self.voiced[frame(samples.start)]
    }

    /// Finds speech in the samples that were not looked at yet.
    fn find_voiced(&mut self) {
        let from = self.place((self.voiced.len() - 1) as u64 * FRAME as u64);
        for frame in self.samples[from..].as_chunks::<FRAME>().0 {
            let before = self.voiced.last().copied().unwrap_or(0);
            self.voiced.push(before + u32::from(self.activity.voiced(frame)));
        }
    }

    fn failed(&self) -> DiarizeError {
        DiarizeError::Failed { what: self.encoder.name().to_owned() }
    }

    /// Where in `samples` a sample of the recording is.
    fn place(&self, sample: u64) -> usize {
        (sample - self.start) as usize
    }

    /// Finds windows that get a vector among those whose frames no later window changes, or all up to sample `end`.
    fn find(&mut self, end: Option<u64>, control: &dyn Control) -> Result<(), DiarizeError> {
        let length = self.encoder.window() as u64;
        loop {
            let mut start = self.next;
            match end {
                None if frame_at(start + length) > self.heard.settled() => break,
                // The last one ends where the recording does.
                Some(end) if start + length > end => {
                    start = end.saturating_sub(length);
                    let before = self.next.checked_sub(EVERY);
                    if start >= end || before.is_some_and(|before| start < before + EVERY / 2) {
                        break;
                    }
                }
                _ => {}
            }
            let last = end.is_some_and(|end| start + length >= end);
            let here = end.map_or(length, |end| length.min(end - start));
            if self.heard.shares(frames(start, here)).0 >= SOME_SPEECH {
                self.batch.push(start);
            }
            self.next = start + EVERY;
            if self.batch.len() == VOICES {
                go_on(control)?;
                self.encode()?;
            }
            if last {
                break;
            }
        }
        Ok(())
    }

    /// Makes vectors of the windows that have come together.
    fn encode(&mut self) -> Result<(), DiarizeError> {
        let starts = std::mem::take(&mut self.batch);
        let (samples, first, length) = (&self.samples, self.start, self.encoder.window());
        let until = |start: u64| ((start - first) as usize + length).min(samples.len());
        let lengths: Vec<u64> = starts.iter().map(|start| until(*start) as u64 + first - start).collect();
        let runs = starts.chunk_by(|start, next| next - start == EVERY).flat_map(|run| run.chunks(STRETCH));
        let stretches: Vec<(u64, &[f32])> = runs
            .map(|run| (run[0], &samples[(run[0] - first) as usize..until(run[run.len() - 1])]))
            .collect();
        let batch = Batch::new(stretches.iter().copied());
        let encoder = &mut self.encoder;
        let found = Self::kept_or(&mut self.kept, &batch, || {
            let stretches: Vec<&[f32]> = stretches.iter().map(|(_, samples)| *samples).collect();
            let vectors = embed(encoder.as_mut(), &stretches)?;
            Ok(vectors.iter().flatten().flat_map(|number| number.to_le_bytes()).collect())
        })?;
        let numbers: Vec<f32> = found.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let width = numbers.len() / starts.len();
        if width == 0 || numbers.len() != width * starts.len() {
            return Err(self.failed());
        }
        let points = starts.iter().zip(lengths).zip(numbers.chunks_exact(width));
        self.points.extend(points.map(|((start, length), vector)| Point {
            frames: frames(*start, length),
            vector: vector.to_vec(),
        }));
        Ok(())
    }

    /// Drops samples that no window needs any more.
    fn forget(&mut self) {
        let needed = samples_of(self.heard.windows()).start.min(self.next);
        let needed = self.batch.first().map_or(needed, |first| needed.min(*first)).min(self.taken);
        let drop = self.place(needed);
        // Now and then, because what stays is moved.
        if drop > 4 * WINDOW {
            self.samples.drain(..drop);
            self.start = needed;
        }
    }
}

/// Windows of `window` samples in a stretch.
fn windows_in(samples: usize, window: usize) -> usize {
    samples.saturating_sub(window) / EVERY as usize + 1
}

/// The frames of a window of `length` samples.
fn frames(start: u64, length: u64) -> Range<usize> {
    frame_at(start)..frame_at(start + length)
}

/// The vectors of the windows of `stretches`, which begin [`EVERY`] samples.
fn embed(encoder: &mut dyn VoiceEncoder, stretches: &[&[f32]]) -> Result<Vec<Vec<f32>>, DiarizeError> {
    let vectors = encoder.embed(stretches, EVERY as usize)?;
    let vectors: Vec<Vec<f32>> = vectors.into_iter().flatten().collect();
    let width = vectors.first().map_or(0, Vec::len);
    let windows: usize = stretches.iter().map(|stretch| windows_in(stretch.len(), encoder.window())).sum();
    if vectors.len() != windows
        || vectors.iter().any(|v| v.len() != width || !v.iter().all(|x| x.is_finite()))
    {
        return Err(DiarizeError::Failed { what: encoder.name().to_owned() });
    }
    Ok(vectors)
}

impl Diarizer for ByVoice {
    fn method(&self) -> &'static str {
        "voices"
    }

    fn model(&self) -> String {
        self.encoder.name().to_owned()
    }

    fn push(&mut self, samples: &[f32], control: &dyn Control) -> Result<(), DiarizeError> {
        for second in samples.chunks(SAMPLE_RATE as usize) {
            self.samples.extend(second.iter().map(|s| if s.is_nan() { 0.0 } else { s.clamp(-1.0, 1.0) }));
            let new = self.samples.len() - second.len();
            self.band.push(&self.samples[new..]);
            self.taken += second.len() as u64;
            self.find_voiced();
            while samples_of(self.heard.windows() + WINDOWS - 1).end <= self.taken {
                go_on(control)?;
                self.hear(WINDOWS)?;
                self.find(None, control)?;
                self.forget();
            }
            control.progress(self.taken);
        }
        go_on(control)
    }

    fn finish(&mut self, expected: Expected, control: &dyn Control) -> Result<Diarization, DiarizeError> {
        let end = self.taken;
        // As many more windows as begin before the end of what was heard, with silence behind the recording.
        let heard = |windows: usize| windows.checked_sub(1).map_or(0, |last| samples_of(last).end);
        let mut windows = self.heard.windows();
        while heard(windows) < end {
            windows += 1;
        }
        self.samples.resize(self.place(heard(windows).max(end)), 0.0);
        while self.heard.windows() < windows {
            go_on(control)?;
            self.hear(WINDOWS.min(windows - self.heard.windows()))?;
        }
        self.samples.truncate(self.place(end));
        self.find(Some(end), control)?;
        go_on(control)?;
        if !self.batch.is_empty() {
            self.encode()?;
        }
        go_on(control)?;
        let points = std::mem::take(&mut self.points);
        let owners = owners(&self.heard, &points);
        let limit = if self.band.is_narrow() { ONE_BY_TELEPHONE } else { ONE_SPEAKER };
        let speakers = speakers(&self.heard, &points, &owners, expected, limit);
        let (turns, said) = turns::of(&self.heard, &points, &owners, &speakers, end);
        let voices = said.into_iter().map(|turns::Said { sum, speech_ms }| {
            (speech_ms >= LEAST_SPEECH_MS).then(|| voice(self.encoder.name(), sum, speech_ms)).flatten()
        });
        Ok(Diarization { voices: voices.collect(), turns })
    }
}

impl std::fmt::Debug for ByVoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ByVoice").field("taken", &self.taken).finish_non_exhaustive()
    }
}

/// Whose each point is in each window that heard all of it: its place among the points, and the local speaker.
fn owners(heard: &Heard, points: &[Point]) -> Vec<Vec<(usize, usize)>> {
    let mut owners = vec![Vec::new(); heard.windows()];
    for (number, point) in points.iter().enumerate() {
        for window in heard.windows_of(&point.frames) {
            let active = heard.active(window, point.frames.clone());
            let all: usize = active.iter().sum();
            let (owner, most) = (0..LOCAL)
                .map(|speaker| (speaker, active[speaker]))
                .max_by_key(|(_, most)| *most)
                .unwrap_or_default();
            if all as f32 >= OWNED * point.frames.len() as f32 && most as f32 >= OWNER * all as f32 {
                owners[window].push((number, owner));
            }
        }
    }
    owners
}

/// The pairs of `chosen` points that windows give to different speakers, by the share of the windows that say so of those
/// that heard both.
fn apart(owners: &[Vec<(usize, usize)>], chosen: &[usize]) -> Vec<Apart> {
    let mut pairs = std::collections::BTreeMap::<(usize, usize), (u16, u16)>::new();
    for owned in owners {
        let owned: Vec<(usize, usize)> = owned
            .iter()
            .filter_map(|(point, owner)| Some((chosen.binary_search(point).ok()?, *owner)))
            .collect();
        for (i, (a, of_a)) in owned.iter().enumerate() {
            for (b, of_b) in &owned[i + 1..] {
                let (different, all) = pairs.entry((*a, *b)).or_default();
                *different += u16::from(of_a != of_b);
                *all += 1;
            }
        }
    }
    let pairs = pairs.into_iter().filter(|(_, (different, _))| *different > 0);
    pairs
        .map(|((a, b), (different, all))| Apart {
            a,
            b,
            by: TWO_PEOPLE * f32::from(different) / f32::from(all),
        })
        .collect()
}

/// The mean vector of each speaker. Groups at a mean distance below `limit` are one.
fn speakers(
    heard: &Heard,
    points: &[Point],
    owners: &[Vec<(usize, usize)>],
    expected: Expected,
    limit: f32,
) -> Vec<Vec<f32>> {
    let clear = |number: &usize| {
        let (any, one) = heard.shares(points[*number].frames.clone());
        any >= MOSTLY_SPEECH
            && one >= MOSTLY_ONE
            && heard.one_speaker(points[*number].frames.clone()) >= ONE_VOICE
    };
    let mut chosen: Vec<usize> = (0..points.len()).filter(clear).collect();
    if chosen.is_empty() {
        chosen = (0..points.len()).collect();
    }
    let vectors: Vec<&[f32]> = chosen.iter().map(|number| points[*number].vector.as_slice()).collect();
    let (min, max) = expected.range();
    let least = (LEAST_SHARE * seconds(chosen.len())).clamp(LEAST_S, LEAST_AT_MOST_S);
    let counts = |members: usize| seconds(members) >= least;
    let tree = Tree::of(&vectors, &apart(owners, &chosen));
    let mut groups = largest_first(&tree.cut(limit, 1, max, counts));
    let mut count = groups.iter().filter(|group| counts(group.len())).count().max(1);
    if count < min {
        // Somebody who hardly speaks is more likely than one speaker being two …
        count = groups.len().clamp(count, min);
    }
    if count < min {
        // … but if nobody is left, one has to be.
        groups = largest_first(&tree.cut(limit, min, max, |_| true));
        count = min;
    }
    groups.truncate(count);
    groups.iter().map(|group| mean(group.iter().map(|at| vectors[*at]))).collect()
}

/// What so many windows, one after the other, hold: 1.5 s, and half a second more with each.
fn seconds(windows: usize) -> f32 {
    (windows as u64 * EVERY) as f32 / SAMPLE_RATE as f32 + 1.0
}

fn largest_first(labels: &[usize]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (item, label) in labels.iter().enumerate() {
        if groups.len() <= *label {
            groups.resize(*label + 1, Vec::new());
        }
        groups[*label].push(item);
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    groups
}

/// The direction of the mean of `vectors`.
fn mean<'a>(vectors: impl IntoIterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut sum = Vec::new();
    for vector in vectors {
        sum.resize(vector.len(), 0.0);
        add(&mut sum, vector);
    }
    unit(sum)
}

fn voice(encoder: &str, sum: Vec<f32>, speech_ms: u32) -> Option<Voice> {
    let vector = unit(sum);
    (dot(&vector, &vector) > 0.0).then(|| Voice { encoder: encoder.to_owned(), vector, speech_ms })
}

/// The voice of what is spoken in `samples`, 16 kHz mono, by one person; `None` if there is less than a second of
/// speech.
///
/// # Errors
/// [`DiarizeError::Cancelled`] or [`DiarizeError::Failed`].
pub fn voice_of(
    encoder: &mut dyn VoiceEncoder,
    samples: &[f32],
    control: &dyn Control,
) -> Result<Option<Voice>, DiarizeError> {
    let mut activity = Activity::new();
    let voiced: Vec<bool> =
        samples.as_chunks::<FRAME>().0.iter().map(|frame| activity.voiced(frame)).collect();
    let speech = voiced.iter().filter(|voiced| **voiced).count() as u64;
    let speech_ms = AudioTime::from_samples(speech * FRAME as u64).as_ms();
    if speech_ms < LEAST_SPEECH_MS {
        return Ok(None);
    }
    let length = encoder.window().min(samples.len());
    let last = samples.len() - length;
    let starts = (0..=last).step_by(EVERY as usize);
    let is_speech = |start: &usize| {
        let here = &voiced[start / FRAME..((start + length) / FRAME).min(voiced.len())];
        here.iter().filter(|voiced| **voiced).count() as f32 >= SOME_SPEECH * here.len() as f32
    };
    let starts: Vec<usize> = starts.filter(is_speech).collect();
    let runs = starts.chunk_by(|start, next| next - start == EVERY as usize);
    let stretches: Vec<&[f32]> = runs
        .flat_map(|run| run.chunks(STRETCH))
        .map(|run| &samples[run[0]..run[run.len() - 1] + length])
        .collect();
    let mut sum = Vec::new();
    for batch in stretches.chunks(VOICES / STRETCH) {
        go_on(control)?;
        for vector in embed(encoder, batch)? {
            sum.resize(vector.len(), 0.0);
            add(&mut sum, &vector);
        }
    }
    Ok(voice(encoder.name(), sum, speech_ms))
}
