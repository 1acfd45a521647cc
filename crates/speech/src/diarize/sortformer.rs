//! Sortformer models, which hear who speaks when by themselves, also at once, in an engine process.
//!
//! A model takes a stretch of samples whole and numbers the speakers in it anew, so a long recording is given in
//! stretches of twenty minutes that have a minute in common. With a [`VoiceEncoder`] the speakers of stretches are
//! linked by their voices; without one, by who speaks at the same time in the common minute.

use super::cluster::nearest_pair;
use super::{
    Control, Diarization, DiarizeError, Diarizer, EngineError, Expected, Voice, VoiceEncoder, add, dot,
    go_on, unit, voice_of,
};
use crate::SpeechError;
use crate::engine::Unattended;
use crate::process::{EngineCommand, SpeakerProcess};
use crate::speaker_model::Spoken;
use std::path::Path;
use transcript::{AudioTime, SAMPLE_RATE, Span, Turn};

/// Samples of a stretch: twenty minutes, 77 MB.
const STRETCH: usize = 20 * 60 * SAMPLE_RATE as usize;
/// What a stretch and the next have in common.
const COMMON: usize = 60 * SAMPLE_RATE as usize;
/// Voices of two stretches from this cosine on are one speaker's. Each is made of many seconds by the same microphone:
/// those of one person are at 0.9 and more then, those of two below 0.82 ([`super::SURE`]).
const LINKED: f32 = 0.60;
/// Speech of which a voice is made, at most: a minute. More changes it no more.
const ENOUGH: usize = 60 * SAMPLE_RATE as usize;
/// Speakers who say the same for half of the time of the one who says less in the common minute are one.
const SHARED: f32 = 0.5;
/// Turns of a speaker with no more between them are one.
const ONE_TURN_MS: u32 = 200;

/// Tells the speakers of a stretch apart, numbered from 0 within it.
trait Listener: Send {
    fn name(&self) -> String;
    fn listen(&mut self, samples: Vec<f32>, control: &dyn Control) -> Result<Vec<Spoken>, DiarizeError>;
}

/// Sortformer through the engine library, in an engine process.
pub struct Sortformer {
    listener: Box<dyn Listener>,
    encoder: Option<Box<dyn VoiceEncoder>>,
    stretch: usize,
    common: usize,
    /// The samples that have not been listened to, or are common with the next stretch.
    samples: Vec<f32>,
    /// Number of the first of them.
    start: u64,
    /// Whether all of them have been listened to.
    heard: bool,
    taken: u64,
    turns: Vec<Turn<Local>>,
    speakers: Vec<Speaker>,
    stretches: usize,
    /// What was heard of the minute that is common with the next stretch, with whom.
    shared: Vec<Turn<Local>>,
}

/// A speaker of a stretch, by the place in the list of all.
type Local = usize;

#[derive(Debug)]
struct Speaker {
    stretch: usize,
    voice: Option<Voice>,
    /// The same speaker in the stretch before.
    before: Option<Local>,
}

/// An engine process that listens.
struct Process(SpeakerProcess);

impl Listener for Process {
    fn name(&self) -> String {
        self.0.name().to_owned()
    }

    fn listen(&mut self, samples: Vec<f32>, control: &dyn Control) -> Result<Vec<Spoken>, DiarizeError> {
        self.0.diarize(samples, control).map_err(|error| refused(error, self.0.name()))
    }
}

fn refused(error: SpeechError, what: &str) -> DiarizeError {
    match error {
        SpeechError::Engine(EngineError::ModelMissing { path }) => DiarizeError::ModelMissing { path },
        SpeechError::Engine(EngineError::ModelUnusable { path } | EngineError::NoSpeakerModel { path }) => {
            DiarizeError::ModelUnusable { path }
        }
        SpeechError::Engine(EngineError::Cancelled) | SpeechError::Cancelled => DiarizeError::Cancelled,
        SpeechError::Engine(error) => DiarizeError::Engine(error),
        error => {
            tracing::warn!(%error, "no speakers from the engine process");
            DiarizeError::Failed { what: what.to_owned() }
        }
    }
}

impl Sortformer {
    /// The most speakers that the published models tell apart.
    pub const MOST: u32 = 4;

    /// Starts an engine process with the model of the file `model`, which may use `threads` threads. For one recording.
    ///
    /// # Errors
    /// [`DiarizeError::ModelMissing`]; [`DiarizeError::ModelUnusable`] if it is damaged or of another kind;
    /// [`DiarizeError::Engine`], [`DiarizeError::Failed`].
    pub fn start(command: &EngineCommand, model: &Path, threads: u32) -> Result<Self, DiarizeError> {
        let name = model.file_stem().unwrap_or_default().to_string_lossy();
        let process = SpeakerProcess::start(command, model, threads, &Unattended)
            .map_err(|error| refused(error, &name))?;
        Ok(Self::new(Box::new(Process(process)), STRETCH, COMMON))
    }

    /// Has voices made with `encoder`: speakers are linked by them, and get them.
    #[must_use]
    pub fn with_encoder(self, encoder: Box<dyn VoiceEncoder>) -> Self {
        Self { encoder: Some(encoder), ..self }
    }

    fn new(listener: Box<dyn Listener>, stretch: usize, common: usize) -> Self {
        Self {
            listener,
            encoder: None,
            stretch,
            common,
            samples: Vec::new(),
            start: 0,
            heard: true,
            taken: 0,
            turns: Vec::new(),
            speakers: Vec::new(),
            stretches: 0,
            shared: Vec::new(),
        }
    }

    /// Listens to the samples that are there; `last` if no others come.
    fn listen(&mut self, last: bool, control: &dyn Control) -> Result<(), DiarizeError> {
        go_on(control)?;
        let mut spoken = self.listener.listen(self.samples.clone(), control)?;
        let time =
            |ms: u32| AudioTime::from_ms(AudioTime::from_samples(self.start).as_ms().saturating_add(ms));
        let end = AudioTime::from_samples(self.taken);
        spoken.retain(|spoken| spoken.start_ms < spoken.end_ms && time(spoken.start_ms) < end);
        spoken.sort_by_key(|spoken| (spoken.start_ms, spoken.speaker));

        let mut numbers: Vec<u32> = spoken.iter().map(|spoken| spoken.speaker).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let first = self.speakers.len();
        let turns: Vec<Turn<Local>> = spoken
            .iter()
            .map(|spoken| Turn {
                span: Span::new(time(spoken.start_ms), time(spoken.end_ms).min(end)),
                speaker: first + numbers.partition_point(|number| *number < spoken.speaker),
                confidence: spoken.confidence,
                overlap: false,
            })
            .collect();
        let ends_in_common = self.start + self.common as u64;
        let common = Span::new(
            AudioTime::from_samples(self.start),
            AudioTime::from_samples(if self.stretches == 0 { self.start } else { ends_in_common }),
        );
        let befores = same_at_the_same_time(&self.shared, &turns, common);
        for number in 0..numbers.len() {
            let local = first + number;
            let voice = self.voice(local, &turns, control)?;
            let before = befores.iter().find(|(_, now)| *now == local).map(|(before, _)| *before);
            self.speakers.push(Speaker { stretch: self.stretches, voice, before });
        }

        // Of the common minute, the first half is the earlier stretch's, which knows what came before.
        let half = (self.common / 2) as u64;
        let from = if self.stretches == 0 { 0 } else { self.start + half };
        let all = self.start + self.samples.len() as u64;
        let next = all.saturating_sub(self.common as u64).max(self.start);
        let to = if last { self.taken } else { next + half };
        let answered = Span::new(AudioTime::from_samples(from), AudioTime::from_samples(to));
        self.turns.extend(turns.iter().filter_map(|turn| within(turn, answered)));
        let shared = Span::new(AudioTime::from_samples(next), end);
        self.shared = turns.iter().filter_map(|turn| within(turn, shared)).collect();
        self.samples.drain(..(next - self.start) as usize);
        self.start = next;
        self.heard = true;
        self.stretches += 1;
        Ok(())
    }

    /// The voice of a speaker of this stretch, from where nobody else speaks.
    fn voice(
        &mut self,
        local: Local,
        turns: &[Turn<Local>],
        control: &dyn Control,
    ) -> Result<Option<Voice>, DiarizeError> {
        let Some(encoder) = &mut self.encoder else { return Ok(None) };
        let sample = |time: AudioTime| {
            let sample = u64::from(time.as_ms()) * u64::from(SAMPLE_RATE) / 1000;
            usize::try_from(sample.saturating_sub(self.start)).unwrap_or(usize::MAX).min(self.samples.len())
        };
        let mut spoken = Vec::new();
        let mut speech_ms = 0_u32;
        for turn in turns.iter().filter(|turn| turn.speaker == local) {
            speech_ms = speech_ms.saturating_add(length(turn.span));
            let alone =
                !turns.iter().any(|other| other.speaker != local && common(turn.span, other.span) > 0);
            if alone && spoken.len() < ENOUGH {
                spoken.extend_from_slice(&self.samples[sample(turn.span.start)..sample(turn.span.end)]);
            }
        }
        spoken.truncate(ENOUGH);
        Ok(voice_of(encoder.as_mut(), &spoken, control)?.map(|voice| Voice { speech_ms, ..voice }))
    }

    /// The number of each speaker of a stretch in the whole recording.
    fn linked(&self, expected: Expected) -> Vec<usize> {
        let (_, most) = expected.range();
        let mut groups: Vec<Vec<Local>> = Vec::new();
        for (local, speaker) in self.speakers.iter().enumerate() {
            let known = speaker.before.filter(|_| self.encoder.is_none() || speaker.voice.is_none());
            match known.and_then(|before| groups.iter_mut().find(|group| group.contains(&before))) {
                Some(group) => group.push(local),
                None => groups.push(vec![local]),
            }
        }
        // Nearest first; those of one stretch are different people, unless there must be fewer.
        loop {
            let voices: Vec<Option<Vec<f32>>> = groups.iter().map(|group| self.mean(group)).collect();
            let too_many = groups.len() > most;
            let near = |a: usize, b: usize| {
                let (Some(of_a), Some(of_b)) = (&voices[a], &voices[b]) else { return None };
                let together = groups[a].iter().any(|a| {
                    groups[b].iter().any(|b| self.speakers[*a].stretch == self.speakers[*b].stretch)
                });
                let near = dot(of_a, of_b);
                // Two who never spoke in one stretch are merged first, however many there may be.
                let rank = if together { near - 2.0 } else { near };
                (too_many || (!together && near >= LINKED)).then_some(rank)
            };
            let Some((a, b)) = nearest_pair(groups.len(), near) else { break };
            let merged = groups.remove(b);
            groups[a].extend(merged);
        }
        let mut numbers = vec![0; self.speakers.len()];
        for (number, group) in groups.iter().enumerate() {
            group.iter().for_each(|local| numbers[*local] = number);
        }
        numbers
    }

    /// The voice of several speakers of stretches who are one.
    fn mean(&self, group: &[Local]) -> Option<Vec<f32>> {
        let mut sum = Vec::new();
        for voice in group.iter().filter_map(|local| self.speakers[*local].voice.as_ref()) {
            sum.resize(voice.vector.len(), 0.0);
            let weighted: Vec<f32> = voice.vector.iter().map(|v| v * voice.speech_ms.max(1) as f32).collect();
            add(&mut sum, &weighted);
        }
        (!sum.is_empty()).then(|| unit(sum))
    }
}

impl Diarizer for Sortformer {
    fn method(&self) -> &'static str {
        "sortformer"
    }

    fn model(&self) -> String {
        self.listener.name()
    }

    fn push(&mut self, samples: &[f32], control: &dyn Control) -> Result<(), DiarizeError> {
        let mut rest = samples;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(self.stretch - self.samples.len()));
            self.samples.extend(piece.iter().map(|s| if s.is_nan() { 0.0 } else { s.clamp(-1.0, 1.0) }));
            self.taken += piece.len() as u64;
            self.heard = false;
            rest = after;
            if self.samples.len() == self.stretch {
                self.listen(false, control)?;
            }
            control.progress(self.taken);
        }
        go_on(control)
    }

    fn finish(&mut self, expected: Expected, control: &dyn Control) -> Result<Diarization, DiarizeError> {
        if self.heard {
            // The common minute has been listened to, and its second half has not been answered for.
            let rest =
                self.shared.iter().filter(|turn| self.stretches > 0 && turn.span.end > self.answered());
            let after = Span::new(self.answered(), AudioTime::from_samples(self.taken));
            let rest: Vec<Turn<Local>> = rest.filter_map(|turn| within(turn, after)).collect();
            self.turns.extend(rest);
        } else {
            self.listen(true, control)?;
        }
        let numbers = self.linked(expected);
        let turns = self.turns.iter().map(|turn| turn.of(numbers[turn.speaker])).collect();
        let (turns, order) = in_order(joined(turns));
        let encoder = self.encoder.as_ref().map(|encoder| encoder.name());
        let voices = order.iter().map(|number| {
            let group: Vec<Local> = (0..numbers.len()).filter(|local| numbers[*local] == *number).collect();
            let speech_ms =
                total(group.iter().filter_map(|l| self.speakers[*l].voice.as_ref()).map(|v| v.speech_ms));
            Some(Voice { encoder: encoder?.to_owned(), vector: self.mean(&group)?, speech_ms })
        });
        Ok(Diarization { voices: voices.collect(), turns })
    }
}

impl Sortformer {
    /// Until when turns are settled.
    fn answered(&self) -> AudioTime {
        AudioTime::from_samples(self.start + (self.common / 2) as u64)
    }
}

impl std::fmt::Debug for Sortformer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sortformer").field("taken", &self.taken).finish_non_exhaustive()
    }
}

/// Milliseconds in both.
fn common(a: Span, b: Span) -> u32 {
    a.end.min(b.end).as_ms().saturating_sub(a.start.max(b.start).as_ms())
}

fn length(span: Span) -> u32 {
    span.end.as_ms().saturating_sub(span.start.as_ms())
}

/// The part of a turn that lies in `span`, if there is any.
fn within(turn: &Turn<Local>, span: Span) -> Option<Turn<Local>> {
    let (start, end) = (turn.span.start.max(span.start), turn.span.end.min(span.end));
    (start < end).then(|| Turn { span: Span::new(start, end), ..*turn })
}

/// Who of `before` is who of `after`, by when they speak in `span`; each at most once, those who share most first.
fn same_at_the_same_time(before: &[Turn<Local>], after: &[Turn<Local>], span: Span) -> Vec<(Local, Local)> {
    let clipped = |turns: &[Turn<Local>]| -> Vec<Turn<Local>> {
        turns.iter().filter_map(|turn| within(turn, span)).collect()
    };
    let (before, after) = (clipped(before), clipped(after));
    let speakers = |turns: &[Turn<Local>]| {
        let mut speakers: Vec<Local> = turns.iter().map(|turn| turn.speaker).collect();
        speakers.sort_unstable();
        speakers.dedup();
        speakers
    };
    let time = |turns: &[Turn<Local>], who: Local| -> u32 {
        total(turns.iter().filter(|turn| turn.speaker == who).map(|turn| length(turn.span)))
    };
    let mut pairs = Vec::new();
    for a in speakers(&before) {
        for b in speakers(&after) {
            let of_a = before.iter().filter(|turn| turn.speaker == a);
            let shared = total(
                of_a.flat_map(|x| after.iter().filter(|y| y.speaker == b).map(|y| common(x.span, y.span))),
            );
            if shared > 0 && shared as f32 >= SHARED * time(&before, a).min(time(&after, b)) as f32 {
                pairs.push((shared, a, b));
            }
        }
    }
    pairs.sort_by_key(|(shared, a, b)| (std::cmp::Reverse(*shared), *a, *b));
    let mut same: Vec<(Local, Local)> = Vec::new();
    for (_, a, b) in pairs {
        if !same.iter().any(|(x, y)| *x == a || *y == b) {
            same.push((a, b));
        }
    }
    same
}

/// The sum of `lengths`. The model may say anything, also that everybody speaks all the time.
fn total(lengths: impl Iterator<Item = u32>) -> u32 {
    lengths.fold(0, u32::saturating_add)
}

/// Turns of one speaker that touch, or nearly, become one; those during most of which somebody else speaks are marked.
fn joined(mut turns: Vec<Turn<usize>>) -> Vec<Turn<usize>> {
    turns.sort_by_key(|turn| (turn.span.start, turn.speaker));
    let mut joined: Vec<Turn<usize>> = Vec::new();
    for turn in turns {
        let last = joined.iter_mut().rev().find(|last| last.speaker == turn.speaker);
        match last {
            Some(last) if turn.span.start.as_ms() <= last.span.end.as_ms().saturating_add(ONE_TURN_MS) => {
                let (a, b) = (length(last.span) as f32, length(turn.span) as f32);
                let weighted = |x: f32, y: f32| (x * a + y * b) / (a + b).max(1.0);
                last.confidence = last.confidence.zip(turn.confidence).map(|(x, y)| weighted(x, y));
                last.span.end = last.span.end.max(turn.span.end);
            }
            _ => joined.push(turn),
        }
    }
    let overlaps: Vec<bool> = joined
        .iter()
        .map(|turn| {
            let others = joined.iter().filter(|other| other.speaker != turn.speaker);
            // Of several others who speak at once, each counts, which errs on the side of marking.
            total(others.map(|other| common(turn.span, other.span))) > length(turn.span) / 2
        })
        .collect();
    for (turn, overlap) in joined.iter_mut().zip(overlaps) {
        turn.overlap = overlap;
    }
    joined
}

/// Numbers speakers in order of their first turn; gives the old number of each.
fn in_order(turns: Vec<Turn<usize>>) -> (Vec<Turn>, Vec<usize>) {
    let mut order: Vec<usize> = Vec::new();
    let turns = turns
        .into_iter()
        .map(|turn| {
            let known = order.iter().position(|speaker| *speaker == turn.speaker);
            let number = known.unwrap_or_else(|| {
                order.push(turn.speaker);
                order.len() - 1
            });
            turn.of(number as u32)
        })
        .collect();
    (turns, order)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: usize = SAMPLE_RATE as usize;

    /// Hears what the script says of the recording, clipped to the stretch, with numbers that change from stretch to
    /// stretch.
    struct Scripted {
        /// Start and end in milliseconds, and who.
        script: Vec<(u32, u32, u32)>,
        starts: Vec<u32>,
        calls: usize,
    }

    impl Listener for Scripted {
        fn name(&self) -> String {
            "scripted".to_owned()
        }

        fn listen(&mut self, samples: Vec<f32>, _: &dyn Control) -> Result<Vec<Spoken>, DiarizeError> {
            let start = self.starts[self.calls];
            let end = start + (samples.len() * 1000 / SECOND) as u32;
            self.calls += 1;
            let rotated = |who: u32| (who + self.calls as u32) % 4 + 1;
            let heard = self.script.iter().filter(|(a, b, _)| *a < end && *b > start);
            // Grouped by speaker, as the library gives them.
            let mut spoken: Vec<Spoken> = heard
                .map(|(a, b, who)| Spoken {
                    start_ms: a.max(&start) - start,
                    end_ms: b.min(&end) - start,
                    speaker: rotated(*who),
                    confidence: Some(0.5),
                })
                .collect();
            spoken.sort_by_key(|spoken| spoken.speaker);
            Ok(spoken)
        }
    }

    /// A voice is a direction, given by the level of the samples.
    struct Levels;

    impl VoiceEncoder for Levels {
        fn name(&self) -> &'static str {
            "levels"
        }

        fn window(&self) -> usize {
            25_600
        }

        fn embed(&mut self, stretches: &[&[f32]], _: usize) -> Result<Vec<Vec<Vec<f32>>>, DiarizeError> {
            Ok(stretches.iter().map(|_| vec![vec![1.0, 0.0]]).collect())
        }
    }

    fn scripted(script: &[(u32, u32, u32)], starts: &[u32]) -> Sortformer {
        let listener = Scripted { script: script.to_vec(), starts: starts.to_vec(), calls: 0 };
        Sortformer::new(Box::new(listener), 20 * SECOND, 4 * SECOND)
    }

    fn run(mut diarizer: Sortformer, seconds: usize) -> Vec<(u32, u32, u32, bool)> {
        vec![0.0; seconds * SECOND]
            .chunks(7777)
            .for_each(|piece| diarizer.push(piece, &Unattended).expect("samples are taken"));
        let found = diarizer.finish(Expected::default(), &Unattended).expect("turns");
        assert_eq!(found.voices.len(), found.turns.iter().map(|t| t.speaker as usize + 1).max().unwrap_or(0));
        let turn = |t: &Turn| (t.span.start.as_ms(), t.span.end.as_ms(), t.speaker, t.overlap);
        found.turns.iter().map(turn).collect()
    }

    #[test]
    fn turns_of_one_stretch_are_in_order_and_say_where_others_speak_too() {
        let script = [(500, 4000, 2), (3000, 3600, 1), (3900, 5000, 3), (5100, 6000, 3), (8000, 9000, 2)];
        let turns = run(scripted(&script, &[0]), 10);
        assert_eq!(
            turns,
            [(500, 4000, 0, false), (3000, 3600, 1, true), (3900, 6000, 2, false), (8000, 9000, 0, false)]
        );
        assert_eq!(run(scripted(&[], &[0]), 10), []);
        assert_eq!(run(scripted(&[], &[]), 0), []);
    }

    #[test]
    fn speakers_are_the_same_in_all_stretches_if_they_speak_in_what_is_common() {
        // Stretches from 0 to 20, 16 to 36, 32 to 50 s.
        let script = [
            (1000, 17_000, 1),
            (17_000, 19_000, 2),
            (21_000, 33_500, 1),
            (33_500, 35_000, 2),
            (40_000, 49_000, 2),
        ];
        let turns = run(scripted(&script, &[0, 16_000, 32_000]), 50);
        assert_eq!(
            turns,
            [
                (1000, 17_000, 0, false),
                (17_000, 19_000, 1, false),
                (21_000, 33_500, 0, false),
                (33_500, 35_000, 1, false),
                (40_000, 49_000, 1, false)
            ]
        );
    }

    #[test]
    fn a_recording_that_ends_with_a_stretch_loses_nothing() {
        let turns = run(scripted(&[(1000, 19_500, 1)], &[0]), 20);
        assert_eq!(turns, [(1000, 19_500, 0, false)]);
    }

    #[test]
    fn voices_link_speakers_and_too_many_are_merged() {
        let at = |diarizer: &mut Sortformer, stretch, vector: [f32; 2]| {
            let voice =
                Voice { encoder: "levels".to_owned(), vector: unit(vector.to_vec()), speech_ms: 1000 };
            diarizer.speakers.push(Speaker { stretch, voice: Some(voice), before: None });
        };
        let mut diarizer = scripted(&[], &[]).with_encoder(Box::new(Levels));
        at(&mut diarizer, 0, [1.0, 0.0]);
        at(&mut diarizer, 0, [0.8, 0.6]);
        at(&mut diarizer, 1, [0.99, 0.1]);
        at(&mut diarizer, 1, [0.75, 0.66]);
        at(&mut diarizer, 2, [-0.3, 1.0]);
        let linked = |min, max| diarizer.linked(Expected { min, max });
        assert_eq!(linked(None, None), [0, 1, 0, 1, 2]);
        assert_eq!(linked(None, Some(2)), [0, 1, 0, 1, 1]);
        assert_eq!(linked(None, Some(1)), [0; 5]);
    }

    #[test]
    fn a_cancel_is_heard() {
        struct Cancelled;
        impl Control for Cancelled {
            fn cancelled(&self) -> bool {
                true
            }
            fn progress(&self, _: u64) {}
        }
        let mut diarizer = scripted(&[], &[0]);
        assert_eq!(diarizer.push(&[0.0; 16], &Cancelled), Err(DiarizeError::Cancelled));
    }
}
