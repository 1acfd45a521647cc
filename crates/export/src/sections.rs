//! A long transcript in sections of ten minutes, for headings and contents.

use crate::document::Speaker;
use crate::options::Times;
use crate::paragraphs::{FormattedTranscript, VisibleParagraph, is_blank, single_line};
use transcript::AudioTime;

/// Length of a section.
const SECTION_MS: u32 = 10 * 60 * 1000;

/// The paragraphs that begin within the same ten minutes.
pub(crate) struct Section<'a> {
    /// When its first paragraph begins.
    pub(crate) start: AudioTime,
    /// At least one. The first one names its speaker, also where the speaker continues.
    pub(crate) paragraphs: Vec<VisibleParagraph<'a>>,
}

impl Section<'_> {
    /// The names of those of `speakers` who speak in the section, in order of appearance; each a single line.
    pub(crate) fn speakers(&self, speakers: &[Speaker]) -> Vec<String> {
        let mut found: Vec<usize> = Vec::new();
        for index in self.paragraphs.iter().filter_map(|paragraph| paragraph.speaker_index) {
            if !found.contains(&index) {
                found.push(index);
            }
        }
        let names = found.into_iter().filter_map(|index| speakers.get(index)).map(|speaker| &speaker.name);
        names.map(|name| single_line(name)).filter(|name| !is_blank(name)).collect()
    }
}

/// Whether `sections` have passages that are marked as doubtful.
pub(crate) fn has_doubts(sections: &[Section<'_>]) -> bool {
    let mut segments =
        sections.iter().flat_map(|section| &section.paragraphs).flat_map(|part| &part.segments);
    segments.any(|segment| segment.runs.iter().any(|run| run.doubt.is_some()))
}

/// The visible paragraphs of `transcript` in sections: a single one if no times are shown, because times are the titles
/// of sections; none without words.
pub(crate) fn sections(transcript: &FormattedTranscript) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    for mut paragraph in transcript.visible_paragraphs() {
        let section = |time: AudioTime| time.as_ms() / SECTION_MS;
        match sections.last_mut() {
            Some(last)
                if transcript.options.times == Times::None
                    || section(last.start) == section(paragraph.start) =>
            {
                last.paragraphs.push(paragraph);
            }
            _ => {
                if !transcript.speakers.is_empty() && paragraph.speaker.is_none() {
                    let name = match paragraph.speaker_index.and_then(|index| transcript.speakers.get(index))
                    {
                        Some(speaker) => &speaker.name,
                        None => &transcript.labels().unknown_speaker,
                    };
                    paragraph.speaker = Some(single_line(name)).filter(|name| !is_blank(name));
                }
                sections.push(Section { start: paragraph.start, paragraphs: vec![paragraph] });
            }
        }
    }
    sections
}
