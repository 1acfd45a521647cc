//! Sortformer models, which find who speaks when, also at once, in an engine process.
//!
//! A model processes its input as a whole and numbers the speakers in it. So a long recording is divided into chunks of
//! twenty minutes, of which each shares a minute with the next, and the speakers of the chunks are linked: with a
//! [`VoiceEncoder`] by their voice embeddings, without one by who speaks at the same time in the shared minute.

mod chunk_turns;

use super::cluster::nearest_pair;
use super::{
    Control, Diarization, DiarizeError, Diarizer, EngineError, ExpectedSpeakers, VoiceEmbedding,
    VoiceEncoder, add, check_cancelled, dot, embed_voice, unit,
};
use crate::SpeechError;
use crate::diarization_model::SpeakerSpan;
use crate::engine::NeverCancel;
use crate::process::{EngineCommand, SpeakerProcess};
use chunk_turns::{
    ChunkSpeaker, clip, join_turns, length, match_by_time, numbered_by_first_turn, overlap_ms, saturating_sum,
};
use std::path::Path;
use transcript::{AudioTime, SAMPLE_RATE, Span, Turn};

/// Samples in a chunk: twenty minutes, 77 MB.
const CHUNK: usize = 20 * 60 * SAMPLE_RATE as usize;
/// Samples that a chunk shares with the next: a minute.
const SHARED: usize = 60 * SAMPLE_RATE as usize;
/// Speakers of two chunks are the same at this cosine similarity or above. Each embedding is made from many seconds of
/// the same microphone.
const LINK_SIMILARITY: f32 = 0.60;
/// The most samples from which an embedding is made: a minute. More hardly change it.
const MAX_EMBEDDED: usize = 60 * SAMPLE_RATE as usize;
/// Diarizes one chunk at a time.
trait ChunkDiarizer: Send {
    /// The name of the model.
    fn name(&self) -> String;
    /// Finds who speaks when in a chunk. Speaker numbers are valid within the chunk only.
    fn diarize(&mut self, samples: Vec<f32>, control: &dyn Control)
    -> Result<Vec<SpeakerSpan>, DiarizeError>;
}

/// A Sortformer model in an engine process.
pub struct Sortformer {
    model: Box<dyn ChunkDiarizer>,
    encoder: Option<Box<dyn VoiceEncoder>>,
    /// Samples in a chunk.
    chunk: usize,
    /// Samples that a chunk shares with the next.
    shared: usize,
    /// The samples of the current chunk.
    samples: Vec<f32>,
    /// Number of the first of them in the recording.
    start: u64,
    /// Whether all of them have been diarized, as part of the previous chunk.
    diarized: bool,
    /// Number of samples pushed.
    pushed: u64,
    turns: Vec<Turn<ChunkSpeaker>>,
    /// The speakers of all chunks.
    speakers: Vec<Speaker>,
    /// Number of chunks diarized.
    chunks: usize,
    /// The turns of the last chunk in the minute that it shares with the next.
    shared_turns: Vec<Turn<ChunkSpeaker>>,
}

#[derive(Debug)]
struct Speaker {
    /// Number of the chunk.
    chunk: usize,
    embedding: Option<VoiceEmbedding>,
    /// The speaker of the previous chunk who speaks at the same times.
    previous: Option<ChunkSpeaker>,
}

/// A model in an engine process.
struct Process(SpeakerProcess);

impl ChunkDiarizer for Process {
    fn name(&self) -> String {
        self.0.name().to_owned()
    }

    fn diarize(
        &mut self,
        samples: Vec<f32>,
        control: &dyn Control,
    ) -> Result<Vec<SpeakerSpan>, DiarizeError> {
        self.0.diarize(samples, control).map_err(|error| diarize_error(error, self.0.name()))
    }
}

fn diarize_error(error: SpeechError, what: &str) -> DiarizeError {
    match error {
        SpeechError::Engine(EngineError::ModelMissing { path }) => DiarizeError::ModelMissing { path },
        SpeechError::Engine(EngineError::ModelUnusable { path } | EngineError::NoSpeakerModel { path }) => {
            DiarizeError::ModelUnusable { path }
        }
        SpeechError::Engine(EngineError::Cancelled) | SpeechError::Cancelled => DiarizeError::Cancelled,
        SpeechError::Engine(error) => DiarizeError::Engine(error),
        error => {
            tracing::warn!(%error, "the engine process failed to diarize");
            DiarizeError::Failed { what: what.to_owned() }
        }
    }
}

impl Sortformer {
    /// The most speakers that the published models can distinguish.
    pub const MAX_SPEAKERS: u32 = 4;

    /// Starts an engine process with the model in the file `model` and `threads` threads, for one recording.
    ///
    /// # Errors
    /// [`DiarizeError::ModelMissing`]; [`DiarizeError::ModelUnusable`] if it is damaged or not a diarization model;
    /// [`DiarizeError::Engine`], [`DiarizeError::Failed`].
    pub fn start(command: &EngineCommand, model: &Path, threads: u32) -> Result<Self, DiarizeError> {
        let name = model.file_stem().unwrap_or_default().to_string_lossy();
        let process = SpeakerProcess::start(command, model, threads, &NeverCancel)
            .map_err(|error| diarize_error(error, &name))?;
        Ok(Self::new(Box::new(Process(process)), CHUNK, SHARED))
    }

    /// Uses `encoder` to make voice embeddings, which link the speakers of chunks and are returned.
    #[must_use]
    pub fn with_encoder(self, encoder: Box<dyn VoiceEncoder>) -> Self {
        Self { encoder: Some(encoder), ..self }
    }

    fn new(model: Box<dyn ChunkDiarizer>, chunk: usize, shared: usize) -> Self {
        Self {
            model,
            encoder: None,
            chunk,
            shared,
            samples: Vec::new(),
            start: 0,
            diarized: true,
            pushed: 0,
            turns: Vec::new(),
            speakers: Vec::new(),
            chunks: 0,
            shared_turns: Vec::new(),
        }
    }

    /// Diarizes the current chunk, which is the last one if `last`.
    fn diarize_chunk(&mut self, last: bool, control: &dyn Control) -> Result<(), DiarizeError> {
        check_cancelled(control)?;
        let mut spans = self.model.diarize(self.samples.clone(), control)?;
        let time =
            |ms: u32| AudioTime::from_ms(AudioTime::from_samples(self.start).as_ms().saturating_add(ms));
        let end = AudioTime::from_samples(self.pushed);
        spans.retain(|span| span.start_ms < span.end_ms && time(span.start_ms) < end);
        spans.sort_by_key(|span| (span.start_ms, span.speaker));

        let mut numbers: Vec<u32> = spans.iter().map(|span| span.speaker).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let first = self.speakers.len();
        let turns: Vec<Turn<ChunkSpeaker>> = spans
            .iter()
            .map(|span| Turn {
                span: Span::new(time(span.start_ms), time(span.end_ms).min(end)),
                speaker: first + numbers.partition_point(|number| *number < span.speaker),
                confidence: span.confidence,
                overlap: false,
            })
            .collect();
        let shared_end = self.start + if self.chunks == 0 { 0 } else { self.shared as u64 };
        let shared = Span::new(AudioTime::from_samples(self.start), AudioTime::from_samples(shared_end));
        let matches = match_by_time(&self.shared_turns, &turns, shared);
        for number in 0..numbers.len() {
            let speaker = first + number;
            let embedding = self.embed(speaker, &turns, control)?;
            let previous = matches.iter().find(|(_, now)| *now == speaker).map(|(previous, _)| *previous);
            self.speakers.push(Speaker { chunk: self.chunks, embedding, previous });
        }

        // The turns in the first half of the shared minute are taken from the earlier chunk, which knows what came
        // before; those in the second half from the later one.
        let half = (self.shared / 2) as u64;
        let from = if self.chunks == 0 { 0 } else { self.start + half };
        let all = self.start + self.samples.len() as u64;
        let next = all.saturating_sub(self.shared as u64).max(self.start);
        let to = if last { self.pushed } else { next + half };
        let own = Span::new(AudioTime::from_samples(from), AudioTime::from_samples(to));
        self.turns.extend(turns.iter().filter_map(|turn| clip(turn, own)));
        let shared = Span::new(AudioTime::from_samples(next), end);
        self.shared_turns = turns.iter().filter_map(|turn| clip(turn, shared)).collect();
        self.samples.drain(..(next - self.start) as usize);
        self.start = next;
        self.diarized = true;
        self.chunks += 1;
        Ok(())
    }

    /// The voice embedding of a speaker of this chunk, from the turns during which nobody else speaks.
    fn embed(
        &mut self,
        speaker: ChunkSpeaker,
        turns: &[Turn<ChunkSpeaker>],
        control: &dyn Control,
    ) -> Result<Option<VoiceEmbedding>, DiarizeError> {
        let Some(encoder) = &mut self.encoder else { return Ok(None) };
        let sample = |time: AudioTime| {
            let sample = u64::from(time.as_ms()) * u64::from(SAMPLE_RATE) / 1000;
            usize::try_from(sample.saturating_sub(self.start)).unwrap_or(usize::MAX).min(self.samples.len())
        };
        let mut solo = Vec::new();
        let mut speech_ms = 0_u32;
        for turn in turns.iter().filter(|turn| turn.speaker == speaker) {
            speech_ms = speech_ms.saturating_add(length(turn.span));
            let alone =
                !turns.iter().any(|other| other.speaker != speaker && overlap_ms(turn.span, other.span) > 0);
            if alone && solo.len() < MAX_EMBEDDED {
                solo.extend_from_slice(&self.samples[sample(turn.span.start)..sample(turn.span.end)]);
            }
        }
        solo.truncate(MAX_EMBEDDED);
        let embedding = embed_voice(encoder.as_mut(), &solo, control)?;
        Ok(embedding.map(|embedding| VoiceEmbedding { speech_ms, ..embedding }))
    }

    /// Links the speakers of all chunks: the number in the whole recording of each.
    fn link_speakers(&self, expected: ExpectedSpeakers) -> Vec<usize> {
        let (_, max) = expected.range();
        let mut groups: Vec<Vec<ChunkSpeaker>> = Vec::new();
        for (index, speaker) in self.speakers.iter().enumerate() {
            let previous = speaker.previous.filter(|_| self.encoder.is_none() || speaker.embedding.is_none());
            match previous.and_then(|previous| groups.iter_mut().find(|group| group.contains(&previous))) {
                Some(group) => group.push(index),
                None => groups.push(vec![index]),
            }
        }
        // Merge the most similar first. Speakers of the same chunk are different people, unless there are too many.
        loop {
            let means: Vec<Option<Vec<f32>>> = groups.iter().map(|group| self.mean(group)).collect();
            let too_many = groups.len() > max;
            let similarity = |a: usize, b: usize| {
                let (Some(mean_a), Some(mean_b)) = (&means[a], &means[b]) else { return None };
                let in_same_chunk = groups[a]
                    .iter()
                    .any(|a| groups[b].iter().any(|b| self.speakers[*a].chunk == self.speakers[*b].chunk));
                let similarity = dot(mean_a, mean_b);
                // Groups without a chunk in common are always merged before others.
                let rank = if in_same_chunk { similarity - 2.0 } else { similarity };
                (too_many || (!in_same_chunk && similarity >= LINK_SIMILARITY)).then_some(rank)
            };
            let Some((a, b)) = nearest_pair(groups.len(), similarity) else { break };
            let merged = groups.remove(b);
            groups[a].extend(merged);
        }
        let mut numbers = vec![0; self.speakers.len()];
        for (number, group) in groups.iter().enumerate() {
            group.iter().for_each(|speaker| numbers[*speaker] = number);
        }
        numbers
    }

    /// The direction of the mean embedding of the speakers in a group, weighted by their speech.
    fn mean(&self, group: &[ChunkSpeaker]) -> Option<Vec<f32>> {
        let mut sum = Vec::new();
        for embedding in group.iter().filter_map(|speaker| self.speakers[*speaker].embedding.as_ref()) {
            sum.resize(embedding.vector.len(), 0.0);
            let weight = embedding.speech_ms.max(1) as f32;
            let weighted: Vec<f32> = embedding.vector.iter().map(|v| v * weight).collect();
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
        self.model.name()
    }

    fn push(&mut self, samples: &[f32], control: &dyn Control) -> Result<(), DiarizeError> {
        let mut rest = samples;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(self.chunk - self.samples.len()));
            self.samples.extend(piece.iter().map(|s| if s.is_nan() { 0.0 } else { s.clamp(-1.0, 1.0) }));
            self.pushed += piece.len() as u64;
            self.diarized = false;
            rest = after;
            if self.samples.len() == self.chunk {
                self.diarize_chunk(false, control)?;
            }
            control.progress(self.pushed);
        }
        check_cancelled(control)
    }

    fn finish(
        &mut self,
        expected: ExpectedSpeakers,
        control: &dyn Control,
    ) -> Result<Diarization, DiarizeError> {
        if self.diarized {
            // The recording ends with the last chunk. The turns in the second half of its shared minute are still
            // missing.
            let settled = self.settled();
            let rest = self.shared_turns.iter().filter(|turn| self.chunks > 0 && turn.span.end > settled);
            let after = Span::new(settled, AudioTime::from_samples(self.pushed));
            let rest: Vec<Turn<ChunkSpeaker>> = rest.filter_map(|turn| clip(turn, after)).collect();
            self.turns.extend(rest);
        } else {
            self.diarize_chunk(true, control)?;
        }
        let numbers = self.link_speakers(expected);
        let turns = self.turns.iter().map(|turn| turn.with_speaker(numbers[turn.speaker])).collect();
        let (turns, order) = numbered_by_first_turn(join_turns(turns));
        let encoder = self.encoder.as_ref().map(|encoder| encoder.name());
        let embeddings = order.iter().map(|number| {
            let group: Vec<ChunkSpeaker> =
                (0..numbers.len()).filter(|speaker| numbers[*speaker] == *number).collect();
            let members = group.iter().filter_map(|speaker| self.speakers[*speaker].embedding.as_ref());
            let speech_ms = saturating_sum(members.map(|embedding| embedding.speech_ms));
            Some(VoiceEmbedding { encoder: encoder?.to_owned(), vector: self.mean(&group)?, speech_ms })
        });
        Ok(Diarization { embeddings: embeddings.collect(), turns })
    }
}

impl Sortformer {
    /// The end of the turns that are final: the middle of the shared minute.
    fn settled(&self) -> AudioTime {
        AudioTime::from_samples(self.start + (self.shared / 2) as u64)
    }
}

impl std::fmt::Debug for Sortformer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sortformer").field("pushed", &self.pushed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: usize = SAMPLE_RATE as usize;

    /// Finds the turns of a script, clipped to the chunk, with speaker numbers that change from chunk to chunk.
    struct Scripted {
        /// Start and end in milliseconds, and the speaker.
        script: Vec<(u32, u32, u32)>,
        /// Starts of the chunks in milliseconds.
        starts: Vec<u32>,
        calls: usize,
    }

    impl ChunkDiarizer for Scripted {
        fn name(&self) -> String {
            "scripted".to_owned()
        }

        fn diarize(&mut self, samples: Vec<f32>, _: &dyn Control) -> Result<Vec<SpeakerSpan>, DiarizeError> {
            let start = self.starts[self.calls];
            let end = start + (samples.len() * 1000 / SECOND) as u32;
            self.calls += 1;
            let rotated = |who: u32| (who + self.calls as u32) % 4 + 1;
            let turns = self.script.iter().filter(|(a, b, _)| *a < end && *b > start);
            // Grouped by speaker, as the library returns them.
            let mut spans: Vec<SpeakerSpan> = turns
                .map(|(a, b, who)| SpeakerSpan {
                    start_ms: a.max(&start) - start,
                    end_ms: b.min(&end) - start,
                    speaker: rotated(*who),
                    confidence: Some(0.5),
                })
                .collect();
            spans.sort_by_key(|span| span.speaker);
            Ok(spans)
        }
    }

    /// Gives the same vector for any samples.
    struct Constant;

    impl VoiceEncoder for Constant {
        fn name(&self) -> &'static str {
            "constant"
        }

        fn window(&self) -> usize {
            25_600
        }

        fn embed(&mut self, excerpts: &[&[f32]], _: usize) -> Result<Vec<Vec<Vec<f32>>>, DiarizeError> {
            Ok(excerpts.iter().map(|_| vec![vec![1.0, 0.0]]).collect())
        }
    }

    fn scripted(script: &[(u32, u32, u32)], starts: &[u32]) -> Sortformer {
        let model = Scripted { script: script.to_vec(), starts: starts.to_vec(), calls: 0 };
        Sortformer::new(Box::new(model), 20 * SECOND, 4 * SECOND)
    }

    fn run(mut diarizer: Sortformer, seconds: usize) -> Vec<(u32, u32, u32, bool)> {
        vec![0.0; seconds * SECOND]
            .chunks(7777)
            .for_each(|piece| diarizer.push(piece, &NeverCancel).expect("samples are taken"));
        let found = diarizer.finish(ExpectedSpeakers::default(), &NeverCancel).expect("turns");
        assert_eq!(
            found.embeddings.len(),
            found.turns.iter().map(|t| t.speaker as usize + 1).max().unwrap_or(0)
        );
        let turn = |t: &Turn| (t.span.start.as_ms(), t.span.end.as_ms(), t.speaker, t.overlap);
        found.turns.iter().map(turn).collect()
    }

    #[test]
    fn turns_of_one_chunk_are_in_order_and_overlaps_are_marked() {
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
    fn speakers_are_linked_across_chunks_if_they_speak_in_the_shared_time() {
        // Chunks from 0 to 20, 16 to 36 and 32 to 50 s.
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
    fn a_recording_that_ends_with_a_chunk_loses_nothing() {
        let turns = run(scripted(&[(1000, 19_500, 1)], &[0]), 20);
        assert_eq!(turns, [(1000, 19_500, 0, false)]);
    }

    #[test]
    fn embeddings_link_speakers_and_too_many_speakers_are_merged() {
        let at = |diarizer: &mut Sortformer, chunk, vector: [f32; 2]| {
            let embedding = VoiceEmbedding {
                encoder: "constant".to_owned(),
                vector: unit(vector.to_vec()),
                speech_ms: 1000,
            };
            diarizer.speakers.push(Speaker { chunk, embedding: Some(embedding), previous: None });
        };
        let mut diarizer = scripted(&[], &[]).with_encoder(Box::new(Constant));
        at(&mut diarizer, 0, [1.0, 0.0]);
        at(&mut diarizer, 0, [0.8, 0.6]);
        at(&mut diarizer, 1, [0.99, 0.1]);
        at(&mut diarizer, 1, [0.75, 0.66]);
        at(&mut diarizer, 2, [-0.3, 1.0]);
        let linked = |min, max| diarizer.link_speakers(ExpectedSpeakers { min, max });
        assert_eq!(linked(None, None), [0, 1, 0, 1, 2]);
        assert_eq!(linked(None, Some(2)), [0, 1, 0, 1, 1]);
        assert_eq!(linked(None, Some(1)), [0; 5]);
    }

    #[test]
    fn a_cancel_takes_effect() {
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
