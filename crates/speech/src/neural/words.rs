//! Turns the library's transcript of a window into words with times.

use crate::hallucination::RecognisedWord;
use crate::voice_activity::VoiceActivity;
use crate::word_times::{ModelSegment, align};
use transcribe_cpp::{TimestampKind, Transcript};
use transcript::split_words;

/// The words of a transcript in order of time, with times up to `length_ms`. Where the model times only segments, or
/// nothing, the times of the words are estimated from the sound.
pub(super) fn words_of_transcript(
    transcript: &Transcript,
    activity: &VoiceActivity,
    length_ms: u32,
) -> Vec<RecognisedWord> {
    let ms = |ms: i64| u32::try_from(ms.max(0)).unwrap_or(u32::MAX).min(length_ms);
    if !transcript.words.is_empty() {
        let confidence = |word: &transcribe_cpp::Word| {
            let first = usize::try_from(word.first_token).ok()?;
            let tokens = transcript.tokens.get(first..first + usize::try_from(word.n_tokens).ok()?)?;
            let sum: f32 = tokens.iter().map(|token| token.p).sum();
            let mean = sum / tokens.len() as f32;
            (0.0..=1.0).contains(&mean).then_some(mean)
        };
        let words = transcript.words.iter().filter(|word| !word.text.trim().is_empty());
        return words
            .map(|word| RecognisedWord {
                start_ms: ms(word.t0_ms),
                end_ms: ms(word.t1_ms).max(ms(word.t0_ms)),
                text: word.text.trim().to_owned(),
                confidence: confidence(word),
                estimated: false,
                segment: usize::try_from(word.seg_index).unwrap_or(0),
                segment_ms: (ms(word.t0_ms), ms(word.t1_ms).max(ms(word.t0_ms))),
            })
            .collect();
    }
    let has_times = transcript.timestamp_kind != TimestampKind::None && !transcript.segments.is_empty();
    let segments: Vec<ModelSegment> = if has_times {
        let segments = transcript.segments.iter();
        segments
            .map(|segment| ModelSegment {
                times_ms: Some((ms(segment.t0_ms), ms(segment.t1_ms).max(ms(segment.t0_ms)))),
                words: split_words(&segment.text),
            })
            .collect()
    } else {
        vec![ModelSegment { times_ms: None, words: split_words(&transcript.text) }]
    };
    let times = align(&segments, activity, length_ms);
    let numbered = segments.into_iter().enumerate();
    let texts = numbered.flat_map(|(number, segment)| {
        let segment_ms = segment.times_ms.unwrap_or((0, length_ms));
        segment.words.into_iter().map(move |word| (number, segment_ms, word))
    });
    texts
        .zip(times)
        .map(|((segment, segment_ms, text), (start_ms, end_ms))| RecognisedWord {
            start_ms,
            end_ms,
            text,
            confidence: None,
            estimated: true,
            segment,
            segment_ms,
        })
        .collect()
}
