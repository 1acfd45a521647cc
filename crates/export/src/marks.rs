//! Marks of times, doubts and confidence within plain text, for formats without colours.
//!
//! Doubtful words stand between `‹` and `(?)›`. These characters are markup nowhere, and most fonts have them.

use crate::document::Speaker;
use crate::labels::Labels;
use crate::paragraphs::{FormattedTranscript, ParagraphSegment, RunDoubt};
use crate::{ExportOptions, Times};
use transcript::AudioTime;

/// A part of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// When the text after it begins.
    Time(AudioTime),
    /// Text with its marks. Only between times it is not more than one part.
    Text(String),
}

/// The text of `segment` with its marks: doubts, who speaks at the same time, confidence.
pub(crate) fn parts(segment: &ParagraphSegment, options: &ExportOptions) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut text = String::new();
    for run in segment.runs().iter() {
        if let Some(time) = run.time {
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            parts.push(Part::Time(time));
        }
        let words = run.text.trim();
        match run.doubt.filter(|_| !words.is_empty()) {
            Some(doubt) => {
                // White space around the words stays outside the mark.
                let (before, after) = run.text.split_once(words).unwrap_or_default();
                let reason = match doubt {
                    RunDoubt::Segment(_) => format!(" {}", doubt.label(options)),
                    RunDoubt::Confidence => String::new(),
                };
                text.push_str(&format!("{before}‹{words} (?{reason})›{after}"));
            }
            None => text.push_str(&run.text),
        }
    }
    if let Some(also) = &segment.also {
        text.push_str(&format!(" {also}"));
    }
    if let Some(confidence) = segment.confidence {
        let label = &options.language.labels().confidence;
        text.push_str(&format!(" ({label}: {:.0} %)", confidence * 100.0));
    }
    parts.push(Part::Text(text));
    parts
}

/// The text of `segment` with its marks but without times.
pub(crate) fn marked_text(segment: &ParagraphSegment, options: &ExportOptions) -> String {
    let parts = parts(segment, options).into_iter().filter_map(|part| match part {
        Part::Text(text) => Some(text),
        Part::Time(_) => None,
    });
    parts.collect()
}

/// A sentence that explains the marks of doubt; `None` if there are none.
pub(crate) fn legend(transcript: &FormattedTranscript) -> Option<String> {
    let mut segments = transcript.paragraphs.iter().flat_map(|paragraph| &paragraph.segments);
    let labels = transcript.labels();
    segments
        .any(|segment| segment.runs.iter().any(|run| run.doubt.is_some()))
        .then(|| format!("‹…› {} (?): {}.", labels.doubt_legend, labels.doubt_confidence))
}

/// `42 %`, with a space that does not break (U+00A0).
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0}\u{A0}%", share * 100.0)
}

/// The figures of a speaker in a line: `Share: 50 % · Speaking time: 0:01:00 · Turns: 12 · Words: 100`.
pub(crate) fn figures(speaker: &Speaker, labels: &Labels) -> String {
    let Labels { share, speaking_time, turns, words, .. } = labels;
    format!(
        "{share}: {:.0} % · {speaking_time}: {} · {turns}: {} · {words}: {}",
        speaker.share * 100.0,
        AudioTime::from_ms(speaker.speech_ms),
        speaker.turns,
        speaker.words
    )
}

/// A time with milliseconds: `0:01:05.250`.
pub(crate) fn exact(time: AudioTime) -> String {
    format!("{time}.{:03}", time.as_ms() % 1_000)
}

/// Whether each segment has a line or paragraph of its own, to show when it or its words begin.
pub(crate) fn separates_segments(options: &ExportOptions) -> bool {
    matches!(options.times, Times::Segment | Times::Word)
}
