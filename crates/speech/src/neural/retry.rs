//! Further attempts at a window whose first recognition is doubtful or incomplete.
//!
//! - A window with at most three undoubted words may contain no speech. Whisper is asked first ([`Attempt::Probe`]).
//!   With more of them it is not asked, because it sometimes reports no speech for a window that is full of it.
//! - A window with doubtful words is recognised again with sampling (Whisper only) and in two halves, and the least
//!   doubtful result is used. The words whose doubts remain are marked.
//! - A window without doubts, but with few letters for a long segment of speech, is recognised in two halves, because
//!   Whisper skips speech where speakers change without a pause.

use super::{Attempt, Decoded, NeuralEngine, milliseconds};
use crate::engine::{Control, EngineError, Options};
use crate::hallucination::{self, RecognisedWord};
use crate::voice_activity::VoiceActivity;
use transcribe_cpp::RunOptions;

impl NeuralEngine {
    /// Whether the model finds no speech in `samples`. Only Whisper can tell; false for other models.
    pub(super) fn is_without_speech(
        &mut self,
        samples: &[f32],
        options: &Options,
    ) -> Result<bool, EngineError> {
        if !self.whisper {
            return Ok(false);
        }
        let probe = self.run_options(options, Attempt::Probe)?;
        Ok(self.decode(samples, &probe)?.words.is_empty())
    }

    /// Recognises the two halves of a window, divided at a pause.
    fn decode_in_halves(&mut self, samples: &[f32], run: &RunOptions) -> Result<Decoded, EngineError> {
        let activity = VoiceActivity::detect(samples);
        let at = activity.pause_near_the_middle();
        let (left, right) = samples.split_at(at.min(samples.len()));
        let (left, right) = (self.decode(left, run)?, self.decode(right, run)?);
        Ok(left.append(right, milliseconds(at), &activity))
    }

    /// Recognises a window in two halves if the model seems to have skipped some of its speech. Returns the better
    /// result.
    pub(super) fn retry_skipped_speech(
        &mut self,
        first: Decoded,
        samples: &[f32],
        options: &Options,
    ) -> Result<Decoded, EngineError> {
        if !first.skips_speech {
            return Ok(first);
        }
        // Half a window is too little to detect a language, so that of the whole window is used.
        let language = first.language.clone().or_else(|| options.language.clone());
        let run = self.run_options(&Options { language, ..options.clone() }, Attempt::Half)?;
        let other = self.decode_in_halves(samples, &run)?;
        let better = other.doubts.is_empty() && other.words.len() > first.words.len();
        Ok(if better { other } else { first })
    }

    /// Recognises a window with doubtful words in other ways. Returns the least doubtful result.
    pub(super) fn retry_doubtful(
        &mut self,
        first: Decoded,
        samples: &[f32],
        options: &Options,
        control: &dyn Control,
    ) -> Result<Decoded, EngineError> {
        let mut best = first;
        for attempt in [Attempt::Sampled, Attempt::Half] {
            if control.cancelled() {
                return Err(EngineError::Cancelled);
            }
            let run = self.run_options(options, attempt)?;
            let other = match attempt {
                Attempt::Sampled if !self.whisper => continue,
                // A loop seldom continues after a new start.
                Attempt::Half => self.decode_in_halves(samples, &run)?,
                _ => {
                    let sampled = self.decode(samples, &run)?;
                    if sampled.words.is_empty() {
                        // The sampled words were unlikely, so the first attempt may have looped over something that is
                        // not speech. If it is speech, the first words stay, with their doubts.
                        if hallucination::has_few_undoubted_words(&best.words, &best.doubts)
                            && self.is_without_speech(samples, options)?
                        {
                            return Ok(sampled);
                        }
                        continue;
                    }
                    sampled
                }
            };
            if hallucination::count_doubtful(&other.doubts) < hallucination::count_doubtful(&best.doubts) {
                best = Decoded { language: best.language, ..other };
            }
            if best.doubts.is_empty() {
                break;
            }
        }
        Ok(best)
    }
}

impl Decoded {
    /// Appends the result of the second half of a window, which begins `offset_ms` after the first. Looks for doubts
    /// again, because a loop may show only in the whole window, whose `activity` this is.
    fn append(mut self, second: Self, offset_ms: u32, activity: &VoiceActivity) -> Self {
        let segments = self.words.last().map_or(0, |word| word.segment + 1);
        self.words.extend(second.words.into_iter().map(|word| RecognisedWord {
            start_ms: word.start_ms + offset_ms,
            end_ms: word.end_ms + offset_ms,
            segment: word.segment + segments,
            segment_ms: (word.segment_ms.0 + offset_ms, word.segment_ms.1 + offset_ms),
            ..word
        }));
        self.doubts = hallucination::find_doubts(&self.words, activity, self.language.as_deref());
        self
    }
}
