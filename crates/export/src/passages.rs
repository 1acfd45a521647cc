//! The passages of an export as hashes: what a receipt vouches for, and how a later change is found.

use crate::document::Document;
use crate::options::ExportOptions;
use crate::receipt::sha256;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use transcript::{AudioTime, Span};

/// A segment as an export contains it: its times, and a hash of its times, speaker and text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Passage {
    /// Start and end of the segment.
    pub span: Span,
    /// The first 8 bytes of the SHA-256 of times, speaker and text.
    pub hash: [u8; 8],
}

/// Bytes of a passage in [`Passages::to_bytes`].
const STORED_BYTES: usize = 16;

/// The passages of an export, in order of time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Passages(pub Vec<Passage>);

impl Passages {
    /// The passages of `document`. Speakers count if `options` show them.
    pub fn of(document: &Document, options: &ExportOptions) -> Self {
        let shows_speakers = document.shows_speakers(options);
        let passage = |segment: &crate::Segment| {
            let span = segment.segment.span;
            let speaker =
                segment.speaker.filter(|_| shows_speakers).and_then(|index| document.speakers.get(index));
            let mut hash = Sha256::new();
            hash.update(span.start.as_ms().to_be_bytes());
            hash.update(span.end.as_ms().to_be_bytes());
            // Lengths keep “a”, “bc” and “ab”, “c” apart.
            for text in [speaker.map_or("", |speaker| &speaker.name), &segment.segment.text] {
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text);
            }
            let mut first = [0; 8];
            first.copy_from_slice(&hash.finalize()[..8]);
            Passage { span, hash: first }
        };
        Self(document.segments.iter().map(passage).collect())
    }

    /// SHA-256 of all passages, in hexadecimal.
    pub fn sha256(&self) -> String {
        sha256(&self.to_bytes())
    }

    /// 16 bytes per passage: start and end in milliseconds, then the hash; numbers are big-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * STORED_BYTES);
        for passage in &self.0 {
            bytes.extend(passage.span.start.as_ms().to_be_bytes());
            bytes.extend(passage.span.end.as_ms().to_be_bytes());
            bytes.extend(passage.hash);
        }
        bytes
    }

    /// The passages that [`to_bytes`](Self::to_bytes) wrote; `None` if `bytes` is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (passages, rest) = bytes.as_chunks::<STORED_BYTES>();
        let time = |four: &[u8]| Some(AudioTime::from_ms(u32::from_be_bytes(four.try_into().ok()?)));
        let passage = |bytes: &[u8; STORED_BYTES]| {
            let span = Span::new(time(&bytes[..4])?, time(&bytes[4..8])?);
            Some(Passage { span, hash: bytes[8..].try_into().ok()? })
        };
        rest.is_empty().then(|| passages.iter().map(passage).collect::<Option<_>>()).flatten().map(Self)
    }

    /// Spans of these passages that `now` does not have, and of those of `now` that these do not have; in order of time,
    /// overlapping and touching spans joined.
    pub fn changes(&self, now: &Self) -> Vec<Span> {
        let (before, after): (HashSet<_>, HashSet<_>) = (self.0.iter().collect(), now.0.iter().collect());
        let changed = before.symmetric_difference(&after);
        let mut spans: Vec<Span> = changed.map(|passage| passage.span).collect();
        spans.sort_by_key(|span| (span.start, span.end));
        let mut joined: Vec<Span> = Vec::new();
        for span in spans {
            match joined.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                _ => joined.push(span),
            }
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::{Segment, Speaker};

    fn document(texts: &[(&str, Option<usize>)]) -> Document {
        let segment = |(index, (text, speaker)): (usize, &(&str, Option<usize>))| {
            let start = AudioTime::from_ms(u32::try_from(index).unwrap() * 2_000);
            let span = Span::new(start, start.plus_ms(1_000));
            let segment =
                transcript::Segment { span, text: (*text).to_owned(), words: Vec::new(), doubt: None };
            Segment { segment, speaker: *speaker, also: Vec::new() }
        };
        let speaker = |name: &str| Speaker { name: name.to_owned(), ..Speaker::default() };
        Document {
            speakers: vec![speaker("Anna"), speaker("Ben")],
            segments: texts.iter().enumerate().map(segment).collect(),
            ..Document::default()
        }
    }

    #[test]
    fn a_change_of_words_or_speaker_is_found_at_its_place() {
        let options = ExportOptions::default();
        let before =
            Passages::of(&document(&[("one", Some(0)), ("two", Some(0)), ("three", None)]), &options);
        let after = Passages::of(&document(&[("one", Some(0)), ("two", Some(1)), ("tree", None)]), &options);
        let ms = |span: &Span| (span.start.as_ms(), span.end.as_ms());
        assert_eq!(
            before.changes(&after).iter().map(ms).collect::<Vec<_>>(),
            [(2_000, 3_000), (4_000, 5_000)]
        );
        assert_eq!(before.changes(&before), []);
        assert_ne!(before.sha256(), after.sha256());

        let hidden = ExportOptions { speakers: false, ..options };
        let same = |speaker| Passages::of(&document(&[("one", speaker)]), &hidden);
        assert_eq!(same(Some(0)), same(Some(1)), "an export without speakers does not depend on them");
    }

    #[test]
    fn stored_passages_are_read_back() {
        let passages = Passages::of(&document(&[("one", Some(0)), ("two", None)]), &ExportOptions::default());
        let bytes = passages.to_bytes();
        assert_eq!(Passages::from_bytes(&bytes), Some(passages));
        assert_eq!(Passages::from_bytes(&bytes[1..]), None);
        assert_eq!(Passages::from_bytes(&[]), Some(Passages::default()));
    }
}
