//! Meetings in which facts, decisions and tasks are planted among small talk.
//!
//! A line of a file of this folder is `Name: text` or `Name [kind owner=Name due=text]: text`. The numbered files are those
//! on which the rules were tuned; `held-out-*` were written after the last change of the rules and are only measured.

use summary::{Meeting, Segment, Speaker};
use transcript::{AudioTime, Span};

/// The files on which the rules were tuned, by language.
pub(crate) const TUNED: [&[&str]; 7] = [
    &["en-1", "en-2", "en-3", "en-4", "en-5", "en-6", "en-7", "en-8"],
    &["de-1", "de-2", "de-3", "de-4"],
    &["fr-1", "fr-2", "fr-3", "fr-4"],
    &["es-1", "es-2", "es-3", "es-4"],
    &["it-1", "it-2", "it-3", "it-4"],
    &["nl-1", "nl-2", "nl-3", "nl-4"],
    &["pt-1", "pt-2", "pt-3", "pt-4"],
];
/// The files on which they were not.
pub(crate) const HELD_OUT: [&[&str]; 7] = [
    &["held-out-en-1", "held-out-en-2"],
    &["held-out-de-1"],
    &["held-out-fr-1"],
    &["held-out-es-1"],
    &["held-out-it-1"],
    &["held-out-nl-1"],
    &["held-out-pt-1"],
];

/// A statement that is planted.
#[derive(Debug, Clone)]
pub(crate) struct Planted {
    pub(crate) kind: String,
    pub(crate) owner: Option<String>,
    pub(crate) due: Option<String>,
    pub(crate) segments: Vec<String>,
    pub(crate) text: String,
}

/// The meeting of a file, and what is planted in it.
pub(crate) fn read(file: &str) -> (Meeting, Vec<Planted>) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/planted/");
    let text = std::fs::read_to_string(format!("{folder}{file}.txt")).expect("the file can be read");
    let language = file.trim_start_matches("held-out-").split('-').next().map(str::to_owned);
    let mut meeting = Meeting { language, ..Meeting::default() };
    let mut planted = Vec::new();
    let mut time = AudioTime::ZERO;
    for (number, line) in text.lines().enumerate() {
        let (head, text) = line.split_once(": ").expect("a name and a text");
        let (name, mark) = head.split_once(" [").unwrap_or((head, ""));
        let speaker = meeting.speakers.iter().position(|speaker| speaker.name == name).unwrap_or_else(|| {
            meeting.speakers.push(Speaker { id: format!("speaker-{name}"), name: name.to_owned() });
            meeting.speakers.len() - 1
        });
        // Every third line is cut into two segments, as the pauses of a speaker would.
        let words: Vec<&str> = text.split(' ').collect();
        let middle = if number % 3 == 0 && words.len() > 8 { words.len() / 2 } else { words.len() };
        let mut ids = Vec::new();
        for words in [&words[..middle], &words[middle..]] {
            if words.is_empty() {
                continue;
            }
            let end = time.plus_ms(400 * words.len() as u32);
            let id = format!("{number}-{}", ids.len());
            meeting.segments.push(Segment {
                id: id.clone(),
                span: Span::new(time, end),
                text: words.join(" "),
                speaker: Some(speaker),
            });
            ids.push(id);
            time = end.plus_ms(300);
        }
        if let Some(mark) = mark.strip_suffix(']') {
            let (kind, rest) = mark.split_once(' ').unwrap_or((mark, ""));
            let (owner, due) = rest.split_once("due=").unwrap_or((rest, ""));
            let owner = owner.trim().strip_prefix("owner=").unwrap_or_default();
            let told = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            planted.push(Planted {
                kind: kind.to_owned(),
                owner: told(owner),
                due: told(due),
                segments: ids,
                text: text.to_owned(),
            });
        }
    }
    (meeting, planted)
}
