//! Diarization of recordings in which each person has a channel of their own: a channel of a stereo file, or a track.
//!
//! The levels of the channels decide, not voices, so that people who speak at once are separated too. Whether each
//! person has a channel is decided by the levels too: in most frames with speech, one channel must be clearly the
//! loudest, and this must be so for more than one channel. A stereo recording of a room fails this test, and so does a
//! mono file with two equal channels. Several people in one channel are taken for one.

use super::{Diarization, DiarizeError};
use crate::voice_activity::{FRAME, VoiceActivityDetector, energy};
use transcript::{AudioTime, Span, Turn};

/// A channel is clearly the loudest if it is this much above the next, in decibels. Two microphones in one room differ
/// by less for most seats.
const CLEAR_DB: f32 = 6.0;
/// The least share of the frames with speech in which one channel must be clearly the loudest.
const MIN_CLEAR_SHARE: f32 = 0.8;
/// A channel has a speaker if it is clearly the loudest in at least this share of the frames with speech, …
const MIN_SPEAKER_SHARE: f32 = 0.03;
/// … and in at least this many frames: 2 s.
const MIN_SPEAKER_FRAMES: usize = 125;
/// While another channel is louder, a speaker counts as speaking if their channel is at most this much below its usual
/// level of speech, in decibels.
const BELOW_USUAL_DB: f32 = 6.0;
/// The longest pause within a turn, in frames: 0.3 s, as between words.
const MAX_PAUSE: usize = 19;
/// Shorter turns are dropped as noise, in frames: 0.2 s.
const MIN_TURN: usize = 13;
/// The lowest level that is distinguished from silence, in decibels relative to full scale.
const FLOOR_DB: f32 = -90.0;

/// Compares the levels of all channels of a recording.
pub struct ChannelDiarizer {
    channels: Vec<Channel>,
}

struct Channel {
    detector: Box<VoiceActivityDetector>,
    /// The samples of the incomplete last frame.
    rest: Vec<f32>,
    /// For each frame: the level in decibels above [`FLOOR_DB`], and whether it is speech.
    frames: Vec<(u8, bool)>,
}

impl ChannelDiarizer {
    /// A diarizer for a recording with so many channels.
    pub fn new(channels: usize) -> Self {
        let channel = |_| Channel {
            detector: Box::new(VoiceActivityDetector::new()),
            rest: Vec::new(),
            frames: Vec::new(),
        };
        Self { channels: (0..channels).map(channel).collect() }
    }

    /// Takes the next samples of one channel, 16 kHz mono, in order. Channels may be ahead of others; one that ends
    /// early is silent from there on.
    ///
    /// # Errors
    /// [`DiarizeError::Failed`] if there is no such channel.
    pub fn push(&mut self, channel: usize, samples: &[f32]) -> Result<(), DiarizeError> {
        let channel = self.channels.get_mut(channel);
        let channel =
            channel.ok_or_else(|| DiarizeError::Failed { what: "the comparison of channels".to_owned() })?;
        channel.rest.extend_from_slice(samples);
        let (frames, rest) = channel.rest.as_chunks::<FRAME>();
        for frame in frames {
            let level = 10.0 * (energy(frame) / FRAME as f32).max(f32::MIN_POSITIVE).log10();
            let above = (level - FLOOR_DB).clamp(0.0, 255.0) as u8;
            channel.frames.push((above, channel.detector.is_speech(frame)));
        }
        channel.rest = rest.to_vec();
        Ok(())
    }

    /// The turns, and the channel of each speaker; `None` if it is not so that each person has a channel. The
    /// confidence of a turn is how far its channel is above the others, 1 from 20 dB on. Makes no voice embeddings.
    pub fn finish(self) -> Option<(Diarization, Vec<usize>)> {
        let count = self.channels.iter().map(|channel| channel.frames.len()).max()?;
        let at = |channel: &Channel, i: usize| channel.frames.get(i).copied().unwrap_or((0, false));
        let mut clear_frames = vec![0_usize; self.channels.len()];
        let mut speech = 0_usize;
        let mut clear_levels: Vec<Vec<u8>> = vec![Vec::new(); self.channels.len()];
        for i in 0..count {
            if !self.channels.iter().any(|channel| at(channel, i).1) {
                continue;
            }
            speech += 1;
            let (loudest, ahead) = self.loudest(i);
            if ahead >= CLEAR_DB {
                clear_frames[loudest] += 1;
                clear_levels[loudest].push(at(&self.channels[loudest], i).0);
            }
        }
        let min = MIN_SPEAKER_FRAMES.max((speech as f32 * MIN_SPEAKER_SHARE) as usize);
        let has_speaker: Vec<bool> = clear_frames.iter().map(|frames| *frames >= min).collect();
        let clear: usize = clear_frames.iter().sum();
        let speakers = has_speaker.iter().filter(|has_speaker| **has_speaker).count();
        if speakers < 2 || (clear as f32) < MIN_CLEAR_SHARE * speech as f32 {
            return None;
        }

        let mut turns = Vec::new();
        for (number, channel) in self.channels.iter().enumerate().filter(|(number, _)| has_speaker[*number]) {
            let levels = &mut clear_levels[number];
            let middle = levels.len() / 2;
            let usual = f32::from(*levels.select_nth_unstable(middle).1);
            let speaks = |i: &usize| {
                // A speaker whose voice leaks into the channel of another is much quieter there than its own speaker.
                let (level, is_speech) = at(channel, *i);
                is_speech && (self.loudest(*i).0 == number || f32::from(level) >= usual - BELOW_USUAL_DB)
            };
            let spoken: Vec<usize> = (0..count).filter(speaks).collect();
            for run in spoken.chunk_by(|a, b| b - a <= MAX_PAUSE) {
                let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
                if run.len() < MIN_TURN {
                    continue;
                }
                let ahead: f32 =
                    run.iter().map(|i| self.above_others(number, *i)).sum::<f32>() / run.len() as f32;
                turns.push(Turn {
                    span: Span::new(time(*first), time(last + 1)),
                    speaker: number as u32,
                    confidence: Some((ahead / 20.0).clamp(0.0, 1.0)),
                    overlap: false,
                });
            }
        }
        turns.sort_by_key(|turn| (turn.span.start, turn.span.end));
        Some(numbered(turns))
    }

    /// The loudest channel in a frame, and how much it is above the others in decibels.
    fn loudest(&self, i: usize) -> (usize, f32) {
        let level = |channel: &Channel| channel.frames.get(i).map_or(0, |frame| frame.0);
        let number =
            (0..self.channels.len()).max_by_key(|number| level(&self.channels[*number])).unwrap_or(0);
        (number, self.above_others(number, i))
    }

    /// How much louder a channel is than the loudest of the others, in decibels; negative if it is not.
    fn above_others(&self, number: usize, i: usize) -> f32 {
        let level = |channel: &Channel| channel.frames.get(i).map_or(0.0, |frame| f32::from(frame.0));
        let others = self.channels.iter().enumerate().filter(|(other, _)| *other != number);
        level(&self.channels[number]) - others.map(|(_, channel)| level(channel)).fold(0.0, f32::max)
    }
}

/// Numbers the speakers in order of their first turn, and marks turns in which others speak for more than half of the
/// time. Returns the channel of each speaker too.
fn numbered(mut turns: Vec<Turn>) -> (Diarization, Vec<usize>) {
    let mut order: Vec<u32> = Vec::new();
    for turn in &turns {
        if !order.contains(&turn.speaker) {
            order.push(turn.speaker);
        }
    }
    let all = turns.clone();
    for turn in &mut turns {
        let shared: u32 = all
            .iter()
            .filter(|other| other.speaker != turn.speaker)
            .map(|other| other.span.end.min(turn.span.end).since(other.span.start.max(turn.span.start)))
            .sum();
        turn.overlap = shared * 2 > turn.span.duration_ms();
        turn.speaker = order.iter().position(|channel| *channel == turn.speaker).unwrap_or(0) as u32;
    }
    let channels = order.iter().map(|channel| *channel as usize).collect();
    (Diarization { embeddings: vec![None; order.len()], turns }, channels)
}

fn time(frame: usize) -> AudioTime {
    AudioTime::from_samples((frame * FRAME) as u64)
}
