//! The words: sections, names, paragraphs.

use super::block::{Block, PageBuilder};
use super::outline::OutlineEntry;
use super::page::{Bar, DIM, INK, Look, Mark, Position, QUIET, Style};
use crate::characters::separator;
use crate::colours::light_rgb;
use crate::format::Resources;
use crate::marks::percent;
use crate::options::Times;
use crate::paragraphs::{FormattedTranscript, ParagraphSegment, RunDoubt, VisibleParagraph, single_line};
use crate::sections::{Section, has_doubts};
use crate::{ExportError, options::ExportOptions};
use std::borrow::Cow;
use transcript::AudioTime;

pub(super) const NAME: Style = Style { look: Look::bold(INK), size: 10.5, leading: 15.25 };
pub(super) const BODY: Style = Style { look: Look::plain(INK), size: 10.5, leading: 15.25 };
const SECTION: Style = Style { look: Look::bold(DIM), size: 9.5, leading: 14.0 };
pub(super) const LEGEND: Style = Style { look: Look::plain(DIM), size: 8.5, leading: 12.5 };
/// Size of what is not said but written beside the words, relative to these.
pub(super) const ASIDE: f32 = 0.78;

/// A space at which lines are not broken: U+00A0.
const FIXED_SPACE: &str = "\u{A0}";

pub(super) const BETWEEN_PARAGRAPHS: f32 = 11.0;
pub(super) const BETWEEN_SEGMENTS: f32 = 3.5;
pub(super) const AFTER_LEGEND: f32 = 10.0;
const BEFORE_SECTION: f32 = 19.0;
const AFTER_SECTION: f32 = 7.0;
/// Between the time of a section and the line beside it.
const SECTION_GAP: f32 = 9.0;

/// Paragraphs between two reports of progress.
const PARAGRAPHS_PER_REPORT: usize = 64;

const WORDS_IN_OUTLINE: usize = 6;
const MAX_OUTLINE_CHARS: usize = 60;

/// The first words of `section`.
pub(super) fn first_words(section: &Section<'_>) -> String {
    let words = section.paragraphs[0].segments[0].text.split_whitespace().take(WORDS_IN_OUTLINE);
    words.collect::<Vec<_>>().join(" ").chars().take(MAX_OUTLINE_CHARS).collect()
}

/// What the transcript adds to contents and outline.
pub(super) struct PlacedTranscript {
    /// Of its heading.
    pub(super) position: Position,
    /// Where each section begins.
    pub(super) sections: Vec<Position>,
    pub(super) outline: OutlineEntry,
}

impl PageBuilder<'_, '_> {
    /// Places the words below their heading. Reports the first half of the progress.
    pub(super) fn transcript(
        &mut self,
        transcript: &FormattedTranscript,
        sections: &[Section<'_>],
        resources: &Resources<'_>,
    ) -> Result<PlacedTranscript, ExportError> {
        let labels = transcript.labels();
        let position = self.heading(&labels.transcript, 3.0 * BODY.leading)?;
        let mut outline = OutlineEntry { open: true, ..OutlineEntry::new(&labels.transcript, position) };
        if sections.is_empty() {
            let block = self.block(&labels.no_words, BODY)?;
            self.place(block, 0.0)?;
        }
        if has_doubts(sections) {
            let look = Look { mark: Mark::Doubt, ..LEGEND.look };
            let block = self.rich_block(&[(&labels.doubt_legend, look)], LEGEND, 0.0)?;
            self.place(block, 0.0)?;
            self.y += AFTER_LEGEND;
        }
        let total: usize = sections.iter().map(|section| section.paragraphs.len()).sum();
        let mut done = 0;
        let mut starts = Vec::with_capacity(sections.len());
        for section in sections {
            let heading = (sections.len() > 1).then_some(section.start);
            let mut entry = None;
            for (index, paragraph) in section.paragraphs.iter().enumerate() {
                if done % PARAGRAPHS_PER_REPORT == 0 {
                    resources.report(done, 2 * total)?;
                }
                let heading = heading.filter(|_| index == 0);
                let space = if done == 0 { 0.0 } else { BETWEEN_PARAGRAPHS };
                done += 1;
                let place = self.paragraph(transcript, paragraph, heading, space)?;
                if index == 0 {
                    starts.push(place);
                    let title = match paragraph.speaker {
                        None => format!("{}  {}", section.start, first_words(section)),
                        Some(_) => section.start.to_string(),
                    };
                    entry = heading.map(|_| OutlineEntry::new(&title, place));
                }
                if let Some(name) = &paragraph.speaker
                    && transcript.options.times != Times::None
                {
                    let turn = OutlineEntry::new(&format!("{}  {name}", paragraph.start), place);
                    entry.as_mut().unwrap_or(&mut outline).children.push(turn);
                }
            }
            outline.children.extend(entry);
        }
        Ok(PlacedTranscript { position, sections: starts, outline })
    }

    /// Places a paragraph, `space` below the text above it, with the heading of the section that it begins and the name
    /// of its speaker. Returns where it begins.
    fn paragraph(
        &mut self,
        transcript: &FormattedTranscript,
        paragraph: &VisibleParagraph<'_>,
        section: Option<AudioTime>,
        space: f32,
    ) -> Result<Position, ExportError> {
        let options = &transcript.options;
        let name = match &paragraph.speaker {
            Some(name) => {
                let speaker = paragraph.speaker_index.and_then(|index| transcript.speakers.get(index));
                let colour = speaker.map_or(INK, |speaker| light_rgb(speaker.number));
                let look = Look { colour, ..NAME.look };
                Some(self.rich_block(&[(name, look)], NAME, 0.0)?)
            }
            None => None,
        };
        let segments = paragraph.segments.as_slice();
        let mut blocks = Vec::with_capacity(segments.len());
        match options.times {
            Times::None => blocks.push(self.speech(None, segments, options)?),
            Times::Paragraph => blocks.push(self.speech(Some(paragraph.start), segments, options)?),
            Times::Segment | Times::Word => {
                for segment in segments {
                    blocks.push(self.speech(Some(segment.start), &[*segment], options)?);
                }
            }
        }
        let name_height = name.as_ref().map_or(0.0, Block::full_height);
        let needed = name_height + blocks.first().map_or(0.0, Block::min_height);
        let (mut space, mut start) = (space, None);
        if let Some(time) = section {
            // The first paragraph, without space above it, begins the first section.
            let before = if space == 0.0 { 0.0 } else { BEFORE_SECTION };
            start = Some(self.section(time, before, needed)?);
            space = 0.0;
        } else {
            self.keep_together(space + needed);
        }
        for block in name.into_iter().chain(blocks) {
            let is_name = block.style == NAME;
            let place = self.place(block, space)?;
            start.get_or_insert(place);
            space = if is_name { 0.0 } else { BETWEEN_SEGMENTS };
        }
        Ok(start.unwrap_or_else(|| self.position()))
    }

    /// Places the heading of a section, `before` below the text above it. It stays on the page of the `next` points below.
    fn section(&mut self, time: AudioTime, before: f32, next: f32) -> Result<Position, ExportError> {
        let block = self.block(&time.to_string(), SECTION)?;
        self.keep_together(before + SECTION.leading + AFTER_SECTION + next);
        let width = block.lines.first().map_or(0.0, |line| SECTION.points(line.width));
        let position = self.place(block, before)?;
        let y = self.y - SECTION.leading / 2.0;
        let rule = Bar::rule(self.size.text_left + width + SECTION_GAP, self.size.text_right, y);
        self.last_page().bars.push(rule);
        self.y += AFTER_SECTION;
        Ok(position)
    }

    /// Segments as one block, with a time beside it.
    fn speech(
        &mut self,
        time: Option<AudioTime>,
        segments: &[&ParagraphSegment],
        options: &ExportOptions,
    ) -> Result<Block, ExportError> {
        let mut pieces: Vec<(Cow<'_, str>, Look)> = Vec::new();
        let mut before: Option<&str> = None;
        for segment in segments {
            if let Some(before) = before {
                pieces.push((separator(before, &segment.text).into(), BODY.look));
            }
            push_segment(&mut pieces, segment, options);
            before = Some(&segment.text);
        }
        let pieces: Vec<(&str, Look)> = pieces.iter().map(|(text, look)| (text.as_ref(), *look)).collect();
        let mut block = self.rich_block(&pieces, BODY, 0.0)?;
        if let Some(time) = time {
            block.label = Some(self.time(&time.to_string())?);
        }
        Ok(block)
    }
}

/// Pushes the text of `segment` with its marks.
fn push_segment<'a>(
    pieces: &mut Vec<(Cow<'a, str>, Look)>,
    segment: &'a ParagraphSegment,
    options: &ExportOptions,
) {
    let aside = Look { scale: ASIDE, ..Look::plain(QUIET) };
    if segment.runs.is_empty() {
        pieces.push(((&segment.text).into(), BODY.look));
    }
    for run in &segment.runs {
        if let Some(time) = run.time {
            pieces.push((format!("{time}{FIXED_SPACE}").into(), aside));
        }
        let words = run.text.trim_end();
        let mark = if run.doubt.is_some() { Mark::Doubt } else { Mark::None };
        pieces.push((words.into(), Look { mark, ..BODY.look }));
        pieces.push(((&run.text[words.len()..]).into(), BODY.look));
    }
    if let Some(doubt @ RunDoubt::Segment(_)) = segment.runs.last().and_then(|run| run.doubt) {
        pieces.push((format!(" [{}]", doubt.label(options)).replace(' ', FIXED_SPACE).into(), aside));
    }
    if let Some(also) = &segment.also {
        pieces.push((format!(" {}", single_line(also)).into(), Look { colour: QUIET, ..BODY.look }));
    }
    if let Some(confidence) = segment.confidence {
        pieces.push((format!("{FIXED_SPACE}[{}]", percent(f64::from(confidence))).into(), aside));
    }
}
