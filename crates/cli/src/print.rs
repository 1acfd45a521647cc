//! Writes to standard output and standard error. The only module that does, apart from progress lines.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the program's output")]

use app::view::{JobStatus, JobView, TranscriptView, WorkStep};
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;
use transcript::AudioTime;

/// Prints a line of the result.
pub(crate) fn line(text: &str) {
    write(&without_control_chars(text));
}

fn write(text: &str) {
    // A closed pipe (`| head`) is no error.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// `text` with its control characters replaced, except line breaks, so that a title or word from another program cannot
/// control the terminal.
pub(crate) fn without_control_chars(text: &str) -> String {
    text.split('\n').map(transcript::replace_control_chars).collect::<Vec<_>>().join("\n")
}

/// Equivalent JSON with escapes for the control characters that JSON itself permits; they occur only in strings.
fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && transcript::is_control(c) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Prints the whole result as JSON.
pub(crate) fn json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => write(&escaped(&text)),
        Err(failure) => error(&format!("the result could not be written as JSON: {failure}")),
    }
}

/// Prints a line to standard error that is not part of the result.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", without_control_chars(text));
}

/// Prints an error.
pub(crate) fn error(message: &str) {
    note(&format!("Error: {}", sentence(message)));
}

/// `text` with a full stop at its end.
pub(crate) fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?', ')']) { text.to_owned() } else { format!("{text}.") }
}

/// The first eight digits of an id, which identify it in an archive of ordinary size.
pub(crate) fn short(id: impl std::fmt::Display) -> String {
    id.to_string().chars().take(8).collect()
}

/// The state of a job in words, with its error message.
pub(crate) fn state(job: &JobView) -> String {
    let word = match (job.status, job.workflow_state) {
        (_, Some(WorkStep::Cancelled)) => "cancelled",
        (JobStatus::Pending, _) => "waiting",
        (JobStatus::Processing, Some(WorkStep::Diarizing)) => "having its speakers detected",
        (JobStatus::Processing, _) => "being transcribed",
        (JobStatus::Completed, _) => "transcribed",
        (JobStatus::Failed, _) => "failed",
    };
    match &job.error_message {
        Some(why) => format!("{word}: {why}"),
        None => word.to_owned(),
    }
}

/// “The title” is transcribed; “The title” has failed: with the error message. Without a full stop.
pub(crate) fn status_sentence(job: &JobView) -> String {
    let state = state(job);
    let has_failed = job.status == JobStatus::Failed && job.workflow_state != Some(WorkStep::Cancelled);
    let verb = if has_failed { "has" } else { "is" };
    format!("“{}” {verb} {}", job.title, state.trim_end_matches('.'))
}

/// A number of bytes, such as `1.4 GB`.
pub(crate) fn bytes(bytes: f64) -> String {
    match bytes {
        small if small < 1e6 => format!("{:.0} kB", (small / 1e3).ceil()),
        medium if medium < 1e9 => format!("{:.1} MB", medium / 1e6),
        large => format!("{:.1} GB", large / 1e9),
    }
}

pub(crate) fn duration(ms: Option<u32>) -> String {
    ms.map_or_else(|| "–".to_owned(), |ms| AudioTime::from_ms(ms).to_string())
}

/// Prints the segments of a transcript, with the speaker's name above each change of speaker.
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

/// Prints a job after a change.
pub(crate) fn changed_job(job: JobView, as_json: bool) -> anyhow::Result<ExitCode> {
    if as_json {
        self::json(&job);
    } else {
        line(&format!("{}.", status_sentence(&job)));
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn printed_text_cannot_control_the_terminal() {
        assert_eq!(
            without_control_chars("“a\u{1b}]0;x\u{7}\u{9b}2J\u{202e}b” is\r\nhere"),
            "“a�]0;x��2J�b” is�\nhere"
        );
    }

    #[test]
    fn escaped_json_is_equivalent_and_has_no_control_characters() {
        let value =
            serde_json::json!({ "title": "a\u{1b}\u{7f}\u{9b}\u{2028}\u{202e}\nb", "list": [1, "ä"] });
        let text = escaped(&serde_json::to_string_pretty(&value).unwrap());
        assert!(!text.contains(|c: char| c != '\n' && transcript::is_control(c)), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
