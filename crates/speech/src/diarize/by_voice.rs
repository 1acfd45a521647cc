//! The built-in diarizer: windows of speech become vectors, vectors become speakers, and these take turns.

use super::cluster::Tree;
use super::kept::Kept;
use super::regions::{Piece, Regions};
use super::turns::{self, Point};
use super::{
    Control, Diarization, DiarizeError, Diarizer, Expected, Voice, VoiceEncoder, add, dot, go_on, unit,
};
use std::path::Path;
use transcript::{AudioTime, SAMPLE_RATE, Turn};

/// Windows that are encoded together: about half a minute of speech. Always the same ones for a recording, so that
/// work that goes on gives the same bits; few enough that a cancel is heard within a second or two.
const BATCH: usize = 64;
/// Groups at a mean cosine distance of less are one speaker. A panel of five is right from 0.29 to 0.40 and more, also
/// shuffled, reversed and quiet; with noise at 10 dB and over a telephone below 0.35, with reverberation above 0.30.
const ONE_SPEAKER: f32 = 0.32;
/// A speaker whom nobody asked for has at least so many windows, …
const LEAST_WINDOWS: usize = 4;
/// … and this share of all. What has less is a cough, laughter or two voices at once.
const LEAST_SHARE: f32 = 0.005;
/// Speech of which a voice is made, in milliseconds.
const LEAST_SPEECH_MS: u32 = 1_000;

/// Tells speakers apart by a [`VoiceEncoder`].
pub struct ByVoice {
    encoder: Box<dyn VoiceEncoder>,
    regions: Regions,
    kept: Option<Kept>,
    batch: Vec<Piece>,
    points: Vec<Point>,
    taken: u64,
}

impl ByVoice {
    /// For one recording.
    pub fn new(encoder: Box<dyn VoiceEncoder>) -> Self {
        Self {
            regions: Regions::new(encoder.window()),
            encoder,
            kept: None,
            batch: Vec::new(),
            points: Vec::new(),
            taken: 0,
        }
    }

    /// Keeps vectors in the file `path` as they are computed, and takes those that are there already. What is torn, or
    /// not of these samples, encoder and version, is replaced. Does without if the file cannot be opened.
    #[must_use]
    pub fn keep_in(self, path: &Path) -> Self {
        let kept = Kept::open(path, self.encoder.name())
            .inspect_err(|error| tracing::warn!(%error, "vectors of voices cannot be kept"))
            .ok();
        Self { kept, ..self }
    }

    /// Encodes the windows that have come together, or takes what is kept of them.
    fn encode(&mut self) -> Result<(), DiarizeError> {
        let batch = std::mem::take(&mut self.batch);
        let kept = self.kept.as_mut().and_then(|kept| kept.next(&batch));
        let vectors = match kept {
            Some(vectors) => vectors,
            None => {
                let vectors = embed(self.encoder.as_mut(), &batch)?;
                if let Some(kept) = &mut self.kept
                    && let Err(error) = kept.add(&batch, &vectors)
                {
                    tracing::warn!(%error, "vectors of voices cannot be kept");
                    self.kept = None;
                }
                vectors
            }
        };
        let points = batch.into_iter().zip(vectors);
        self.points.extend(points.map(|(Piece { start, region, .. }, vector)| Point {
            start,
            region,
            vector,
        }));
        Ok(())
    }

    fn take(&mut self, pieces: Vec<Piece>, control: &dyn Control) -> Result<(), DiarizeError> {
        for piece in pieces {
            self.batch.push(piece);
            if self.batch.len() == BATCH {
                go_on(control)?;
                self.encode()?;
            }
        }
        Ok(())
    }
}

fn embed(encoder: &mut dyn VoiceEncoder, pieces: &[Piece]) -> Result<Vec<Vec<f32>>, DiarizeError> {
    let windows: Vec<&[f32]> = pieces.iter().map(|piece| piece.samples.as_slice()).collect();
    let vectors = encoder.embed(&windows)?;
    let width = vectors.first().map_or(0, Vec::len);
    if vectors.len() != windows.len()
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
            let pieces = self.regions.push(second);
            self.take(pieces, control)?;
            self.taken += second.len() as u64;
            control.progress(self.taken);
        }
        go_on(control)
    }

    fn finish(&mut self, expected: Expected, control: &dyn Control) -> Result<Diarization, DiarizeError> {
        let pieces = self.regions.finish();
        self.take(pieces, control)?;
        go_on(control)?;
        if !self.batch.is_empty() {
            self.encode()?;
        }
        go_on(control)?;
        let voiced = self.regions.voiced();
        let points = std::mem::take(&mut self.points);
        let heard = |point: &Point| voiced.binary_search_by_key(&point.region, |run| run.start).is_ok();
        let points: Vec<Point> = points.into_iter().filter(heard).collect();
        let speakers = speakers(&points, expected);
        let length = self.encoder.window();
        let turns = turns::of(&voiced, &points, length, &speakers, self.taken);
        let (turns, speakers) = numbered(turns, &points, length);
        let voices = speakers.iter().map(|Said { vectors, speech_ms }| {
            let enough = *speech_ms >= LEAST_SPEECH_MS;
            enough.then(|| voice(self.encoder.name(), vectors, *speech_ms)).flatten()
        });
        Ok(Diarization { voices: voices.collect(), turns })
    }
}

impl std::fmt::Debug for ByVoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ByVoice").field("taken", &self.taken).finish_non_exhaustive()
    }
}

/// The mean vector of each speaker.
fn speakers(points: &[Point], expected: Expected) -> Vec<Vec<f32>> {
    let vectors = of_one_voice(points);
    let (min, max) = expected.range();
    let least = LEAST_WINDOWS.max((vectors.len() as f32 * LEAST_SHARE) as usize);
    let tree = Tree::of(&vectors);
    let labels = tree.cut(ONE_SPEAKER, 1, max, |members| members >= least);
    let mut groups = largest_first(&labels);
    let substantial = groups.iter().filter(|group| group.len() >= least).count();
    let mut count = substantial.max(1);
    if count < min {
        // Somebody who hardly speaks is more likely than one speaker being two …
        count = groups.iter().filter(|group| group.len() >= 2).count().clamp(count, min);
    }
    if count < min {
        // … but if nobody is left, one has to be.
        groups = largest_first(&tree.cut(ONE_SPEAKER, min, max, |members| members >= 2));
        count = min;
    }
    groups.truncate(count);
    let mut means: Vec<Vec<f32>> =
        groups.iter().map(|group| mean(group.iter().map(|at| vectors[*at]))).collect();
    // What was left over goes with the nearest one.
    for _ in 0..REFINEMENTS {
        let mut members = vec![Vec::new(); means.len()];
        for vector in &vectors {
            if let Some(nearest) = nearest(vector, &means) {
                members[nearest].push(*vector);
            }
        }
        for (mean, members) in means.iter_mut().zip(members) {
            if !members.is_empty() {
                *mean = self::mean(members);
            }
        }
    }
    means
}

/// The vectors of windows in which one person speaks, as far as can be seen: those before and after, of which each
/// shares half with this one, are alike. Windows across a change of speakers would become a speaker between the two.
fn of_one_voice(points: &[Point]) -> Vec<&[f32]> {
    let alike = |number: &usize| {
        let near = |other: Option<usize>| {
            other.and_then(|other| points.get(other)).filter(|other| other.region == points[*number].region)
        };
        let before = near(number.checked_sub(APART)).unwrap_or(&points[*number]);
        let after = near(Some(number + APART)).unwrap_or(&points[*number]);
        dot(&before.vector, &after.vector) >= ALIKE
    };
    let chosen: Vec<&[f32]> =
        (0..points.len()).filter(alike).map(|number| points[number].vector.as_slice()).collect();
    let enough = chosen.len() >= LEAST_WINDOWS.min(points.len());
    if enough { chosen } else { points.iter().map(|point| point.vector.as_slice()).collect() }
}

/// Windows from one to the one that shares half of it; 0.8 s.
const APART: usize = 2;
/// The cosine from which on two windows that share no more than their edges may be of one voice. On a panel and its
/// shuffles, 95 of 100 pairs of one voice are above 0.64 to 0.68, nine tenths of those across a change below 0.64; the
/// number of speakers is the same from 0.6 to 0.7.
const ALIKE: f32 = 0.65;
/// How often speakers are made of the windows that are nearest to them.
const REFINEMENTS: usize = 2;

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

fn nearest(vector: &[f32], means: &[Vec<f32>]) -> Option<usize> {
    let near = |mean: &Vec<f32>| dot(vector, mean);
    (0..means.len()).max_by(|a, b| near(&means[*a]).total_cmp(&near(&means[*b])))
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

/// What a speaker's voice is made of: the vectors of the windows in the middle of which they speak, and for how long
/// they speak.
#[derive(Clone, Default)]
struct Said<'a> {
    vectors: Vec<&'a [f32]>,
    speech_ms: u32,
}

/// Numbers speakers in order of their first turn.
fn numbered(mut turns: Vec<Turn>, points: &[Point], length: usize) -> (Vec<Turn>, Vec<Said<'_>>) {
    let mut order: Vec<u32> = Vec::new();
    for turn in &mut turns {
        let known = order.iter().position(|speaker| *speaker == turn.speaker);
        let number = known.unwrap_or_else(|| {
            order.push(turn.speaker);
            order.len() - 1
        });
        turn.speaker = number as u32;
    }
    let mut speakers = vec![Said::default(); order.len()];
    for turn in &turns {
        let said = &mut speakers[turn.speaker as usize];
        said.speech_ms += turn.span.end.as_ms() - turn.span.start.as_ms();
        let middle = |point: &Point| AudioTime::from_samples(point.start + length as u64 / 2);
        let first = points.partition_point(|point| middle(point) < turn.span.start);
        let inside = points[first..].iter().take_while(|point| middle(point) < turn.span.end);
        said.vectors.extend(inside.map(|point| point.vector.as_slice()));
    }
    (turns, speakers)
}

fn voice(encoder: &str, vectors: &[&[f32]], speech_ms: u32) -> Option<Voice> {
    let vector = mean(vectors.iter().copied());
    (!vector.is_empty()).then(|| Voice { encoder: encoder.to_owned(), vector, speech_ms })
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
    let mut regions = Regions::new(encoder.window());
    let mut pieces = regions.push(samples);
    pieces.extend(regions.finish());
    let mut vectors = Vec::with_capacity(pieces.len());
    for batch in pieces.chunks(BATCH) {
        go_on(control)?;
        vectors.extend(embed(encoder, batch)?);
    }
    let frames: u64 = regions.voiced().iter().map(|run| run.len() as u64).sum();
    let speech_ms = AudioTime::from_samples(frames * crate::activity::FRAME as u64).as_ms();
    let vectors: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
    Ok(if speech_ms < LEAST_SPEECH_MS { None } else { voice(encoder.name(), &vectors, speech_ms) })
}
