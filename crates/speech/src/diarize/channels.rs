//! Telling speakers apart where each has a part of the recording for themselves: a channel of a stereo file, a track.
//!
//! Then nothing has to be guessed from voices, and people who speak at once are told apart too. Whether it is so is
//! found out from the levels: while somebody speaks, their part has to be clearly the loudest, most of the time, and more
//! than one part has to be so. A stereo recording of a room fails that, and so does a mono file with two equal channels.
//! Several people in one part are taken for one.

use super::{Diarization, DiarizeError};
use crate::activity::{Activity, FRAME, energy};
use transcript::{AudioTime, Span, Turn};

/// A part is clearly the loudest if it is this much above the next, in decibels. Two microphones in one room differ by
/// less for most seats.
const CLEARLY_DB: f32 = 6.0;
/// Of the frames with speech, so many have a part that is clearly the loudest.
const MOSTLY: f32 = 0.8;
/// Whose part is clearly the loudest in less of the speech than this says nothing.
const LEAST_SHARE: f32 = 0.03;
/// And in less time than this, in frames: 2 s.
const LEAST_FRAMES: usize = 125;
/// Somebody speaks at the same time as others if their part is at most so much below its own usual level of speech.
const OWN_LEVEL_DB: f32 = 6.0;
/// Pauses up to this stay within a turn, in frames: 0.3 s, as between words.
const BRIDGED: usize = 19;
/// Shorter turns are noises, in frames: 0.2 s.
const SHORTEST: usize = 13;
/// The quietest level that is told from silence, in decibels below full scale.
const FLOOR_DB: f32 = -90.0;

/// Listens to all parts of a recording at once.
pub struct Channels {
    parts: Vec<Part>,
}

struct Part {
    activity: Box<Activity>,
    /// Samples that are no whole frame yet.
    rest: Vec<f32>,
    /// For each frame: the level in decibels above [`FLOOR_DB`], and whether it is speech.
    frames: Vec<(u8, bool)>,
}

impl Channels {
    /// For a recording of so many parts.
    pub fn new(parts: usize) -> Self {
        let part = |_| Part { activity: Box::new(Activity::new()), rest: Vec::new(), frames: Vec::new() };
        Self { parts: (0..parts).map(part).collect() }
    }

    /// Takes the next samples of one part, 16 kHz mono, in order. Parts may be ahead of others; one that ends early is
    /// silent from there on.
    ///
    /// # Errors
    /// [`DiarizeError::Failed`] for a part that there is not.
    pub fn push(&mut self, part: usize, samples: &[f32]) -> Result<(), DiarizeError> {
        let part = self.parts.get_mut(part);
        let part =
            part.ok_or_else(|| DiarizeError::Failed { what: "the comparison of channels".to_owned() })?;
        part.rest.extend_from_slice(samples);
        let (frames, rest) = part.rest.as_chunks::<FRAME>();
        for frame in frames {
            let level = 10.0 * (energy(frame) / FRAME as f32).max(f32::MIN_POSITIVE).log10();
            let above = (level - FLOOR_DB).clamp(0.0, 255.0) as u8;
            part.frames.push((above, part.activity.voiced(frame)));
        }
        part.rest = rest.to_vec();
        Ok(())
    }

    /// Who speaks when, if each part is one person's, and whose part is which, by speaker; `None` if voices have to tell.
    /// Confidence is how far the part stands out, 1 from 20 dB on. No voices are given.
    pub fn finish(self) -> Option<(Diarization, Vec<usize>)> {
        let count = self.parts.iter().map(|part| part.frames.len()).max()?;
        let at = |part: &Part, i: usize| part.frames.get(i).copied().unwrap_or((0, false));
        let mut clearly = vec![0_usize; self.parts.len()];
        let mut speech = 0_usize;
        let mut own_levels: Vec<Vec<u8>> = vec![Vec::new(); self.parts.len()];
        for i in 0..count {
            if !self.parts.iter().any(|part| at(part, i).1) {
                continue;
            }
            speech += 1;
            let (loudest, ahead) = self.loudest(i);
            if ahead >= CLEARLY_DB {
                clearly[loudest] += 1;
                own_levels[loudest].push(at(&self.parts[loudest], i).0);
            }
        }
        let least = LEAST_FRAMES.max((speech as f32 * LEAST_SHARE) as usize);
        let theirs: Vec<bool> = clearly.iter().map(|frames| *frames >= least).collect();
        let decided: usize = clearly.iter().sum();
        if theirs.iter().filter(|theirs| **theirs).count() < 2 || (decided as f32) < MOSTLY * speech as f32 {
            return None;
        }

        let mut turns = Vec::new();
        for (number, part) in self.parts.iter().enumerate().filter(|(number, _)| theirs[*number]) {
            let levels = &mut own_levels[number];
            let middle = levels.len() / 2;
            let usual = f32::from(*levels.select_nth_unstable(middle).1);
            let speaks = |i: &usize| {
                // Who is heard in the part of another is much quieter there than whose part it is.
                let (level, voiced) = at(part, *i);
                voiced && (self.loudest(*i).0 == number || f32::from(level) >= usual - OWN_LEVEL_DB)
            };
            let spoken: Vec<usize> = (0..count).filter(speaks).collect();
            for run in spoken.chunk_by(|a, b| b - a <= BRIDGED) {
                let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
                if run.len() < SHORTEST {
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

    /// The loudest part of a frame, and by how much.
    fn loudest(&self, i: usize) -> (usize, f32) {
        let level = |part: &Part| part.frames.get(i).map_or(0, |frame| frame.0);
        let number = (0..self.parts.len()).max_by_key(|number| level(&self.parts[*number])).unwrap_or(0);
        (number, self.above_others(number, i))
    }

    /// How much louder a part is than the loudest of the others; negative if it is not.
    fn above_others(&self, number: usize, i: usize) -> f32 {
        let level = |part: &Part| part.frames.get(i).map_or(0.0, |frame| f32::from(frame.0));
        let others = self.parts.iter().enumerate().filter(|(other, _)| *other != number);
        level(&self.parts[number]) - others.map(|(_, part)| level(part)).fold(0.0, f32::max)
    }
}

/// Numbers speakers in order of appearance and marks turns that others speak in for most of the time.
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
        turn.speaker = order.iter().position(|part| *part == turn.speaker).unwrap_or(0) as u32;
    }
    let parts = order.iter().map(|part| *part as usize).collect();
    (Diarization { voices: vec![None; order.len()], turns }, parts)
}

fn time(frame: usize) -> AudioTime {
    AudioTime::from_samples((frame * FRAME) as u64)
}
