//! Writing to the terminal. The only place that does.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the program's output")]

use app::view::{JobView, TranscriptView};
use serde::Serialize;
use std::io::Write;
use transcript::AudioTime;

/// A line of the answer.
pub(crate) fn line(text: &str) {
    // A reader that has gone (`| head`) wants no more; that is no failure.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// The whole answer as JSON.
pub(crate) fn json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => line(&text),
        Err(failure) => error(&format!("the answer could not be written as JSON: {failure}")),
    }
}

/// Something on the way, not part of the answer.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// What went wrong.
pub(crate) fn error(message: &str) {
    note(&format!("Error: {}", sentence(message)));
}

/// Ends with a full stop.
pub(crate) fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?', ')']) { text.to_owned() } else { format!("{text}.") }
}

/// The first digits of an id, enough to name it by in an archive of ordinary size.
pub(crate) fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

/// The state in words, with its reason.
pub(crate) fn state(job: &JobView) -> String {
    let word = match (job.status, job.workflow_state) {
        (_, Some("cancelled")) => "cancelled",
        ("pending", _) => "waiting",
        ("processing", Some("diarizing")) => "having its speakers told apart",
        ("processing", _) => "being transcribed",
        ("completed", _) => "transcribed",
        _ => "failed",
    };
    match &job.error_message {
        Some(why) => format!("{word}: {why}"),
        None => word.to_owned(),
    }
}

/// “The title” is transcribed; “The title” has failed, with the reason.
pub(crate) fn becomes(job: &JobView) -> String {
    let state = state(job);
    let verb = if job.status == "failed" && job.workflow_state != Some("cancelled") { "has" } else { "is" };
    format!("“{}” {verb} {}", job.title, state.trim_end_matches('.'))
}

pub(crate) fn duration(ms: Option<u32>) -> String {
    ms.map_or_else(|| "–".to_owned(), |ms| AudioTime::from_ms(ms).to_string())
}

pub(crate) fn transcript(transcript: &TranscriptView) {
    let mut before = None;
    for (number, segment) in transcript.segments.iter().enumerate() {
        if !transcript.speakers.is_empty() && (number == 0 || before != segment.speaker_id.as_ref()) {
            let name = segment.speaker.as_deref().unwrap_or("Unknown speaker");
            line(&format!("{}{name}", if number == 0 { "" } else { "\n" }));
        }
        before = segment.speaker_id.as_ref();
        line(&format!("{}  {}", AudioTime::from_ms(segment.start_ms), segment.text));
    }
}
