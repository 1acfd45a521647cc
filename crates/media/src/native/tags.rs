//! Title and time of recording, from the tags of a file and from its container.

use crate::containers::{matroska, mp4};
use crate::date;
use chrono::{DateTime, FixedOffset};
use symphonia::core::formats::FormatReader;
use symphonia::core::meta::{RawValue, StandardTag, Tag};

/// Characters of a title that are kept.
const MAX_TITLE_CHARS: usize = 300;
/// Longest text of a tag that is tried as a date, in bytes.
const MAX_DATE_BYTES: usize = 64;

/// Title and date of a recording.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tags {
    pub(crate) title: Option<String>,
    pub(crate) recorded_at: Option<DateTime<FixedOffset>>,
}

/// Tag keys that hold a date, in upper case; those nearest to the moment of recording come first.
const DATE_KEYS: [&str; 12] = [
    "CREATION_TIME",
    "DATE_RECORDED",
    "RECORDING_TIME",
    "TDRC",
    "IDIT",
    "DATE_DIGITIZED",
    "TDEN",
    "ICRD",
    "DATE",
    "\u{a9}DAY",
    "TDRL",
    "DATE_RELEASED",
];

impl Tags {
    /// Takes title and date from the tags that the demuxer found.
    pub(crate) fn read(&mut self, format: &mut dyn FormatReader) {
        let mut best = DATE_KEYS.len();
        let mut metadata = format.metadata();
        loop {
            if let Some(revision) = metadata.current() {
                let tracks = revision.per_track.iter().flat_map(|track| &track.metadata.tags);
                for tag in revision.media.tags.iter().chain(tracks) {
                    self.read_tag(tag, &mut best);
                }
            }
            if metadata.pop().is_none() {
                break;
            }
        }
    }

    fn read_tag(&mut self, tag: &Tag, best: &mut usize) {
        if let Some(StandardTag::TrackTitle(title) | StandardTag::MovieTitle(title)) = &tag.std {
            self.add_title(title);
        }
        let key = tag.raw.key.to_uppercase();
        if let Some(rank) = DATE_KEYS.iter().position(|date| *date == key)
            && rank < *best
            && let RawValue::String(text) = &tag.raw.value
            && text.len() <= MAX_DATE_BYTES
            && let Some(moment) = date::parse(text)
        {
            *best = rank;
            self.recorded_at = Some(moment);
        }
    }

    /// Takes the date of a movie: the one with a UTC offset, else its creation time, else that of a tag.
    pub(crate) fn add_movie(&mut self, movie: &mp4::Movie) {
        let with_offset = movie.creation_date.as_deref().and_then(date::parse);
        self.recorded_at = with_offset.or_else(|| date::since_1904(movie.created)).or(self.recorded_at);
    }

    /// Takes date and title of a Matroska file.
    pub(crate) fn add_matroska(&mut self, info: &matroska::Info) {
        self.recorded_at = info.date.and_then(date::since_2001).or(self.recorded_at);
        if let Some(title) = &info.title {
            self.add_title(title);
        }
    }

    /// Sets the date, if none is set.
    pub(crate) fn add_date(&mut self, moment: Option<DateTime<FixedOffset>>) {
        self.recorded_at = self.recorded_at.or(moment);
    }

    /// Sets the title, if none is set: in one line, and not longer than [`MAX_TITLE_CHARS`].
    pub(crate) fn add_title(&mut self, title: &str) {
        let title: String = transcript::single_line(title).chars().take(MAX_TITLE_CHARS).collect();
        if self.title.is_none() && !title.is_empty() {
            self.title = Some(title);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line() {
        let mut tags = Tags::default();
        tags.add_title(" \0\n ");
        assert_eq!(tags.title, None);
        tags.add_title(" Board\r\nmeeting\0 ");
        assert_eq!(tags.title.as_deref(), Some("Board meeting"));
        tags.add_title("another");
        assert_eq!(tags.title.as_deref(), Some("Board meeting"));
    }
}
