//! What a summary is made of.

use transcript::Span;

/// A transcript with its speakers.
#[derive(Debug, Clone, Default)]
pub struct Meeting {
    /// In order of time.
    pub segments: Vec<Segment>,
    /// Everyone whom [`Segment::speaker`] names.
    pub speakers: Vec<Speaker>,
    /// BCP 47 tag of the spoken language, such as `de` or `pt-BR`; `None` if unknown. Rules for another language than the
    /// spoken one find nothing, so an unknown language is guessed from frequent words.
    pub language: Option<String>,
}

/// A sentence-like part of a transcript by one speaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// UUID as text, as in the other JSON views.
    pub id: String,
    /// When it is spoken.
    pub span: Span,
    /// What is said.
    pub text: String,
    /// Index in [`Meeting::speakers`]; `None` if unknown.
    pub speaker: Option<usize>,
}

/// Someone who speaks in a meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speaker {
    /// UUID as text.
    pub id: String,
    /// The name as people see it, such as “Maria Koch” or “Speaker 2”.
    pub name: String,
}

impl Meeting {
    /// The name of the speaker of a segment or sentence, if there is one that is not blank.
    pub(crate) fn speaker_name(&self, speaker: Option<usize>) -> Option<&str> {
        let name = self.speakers.get(speaker?)?.name.trim();
        (!name.is_empty()).then_some(name)
    }
}
