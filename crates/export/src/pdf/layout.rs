//! Places a transcript on pages: logo, title, facts, contents, speakers, note, words, receipt.
//!
//! Everything shares one left edge; times stand in the gutter to its left. A heading and a name stay on the page of the
//! text that follows them.

use super::block::{PageBuilder, TIME};
use super::characters::{han_variant_of, has_han};
use super::front::{ContentsEntry, ContentsPlace};
use super::line_break::TypesetLine;
use super::outline::OutlineEntry;
use super::page::{Bar, DIM, INK, Layout, Look, PageSize, PlacedLine, Position, Style};
use super::shape::Shaper;
use super::speech::first_words;
use crate::format::Resources;
use crate::labels::Labels;
use crate::logo::Logo;
use crate::paragraphs::{is_blank, single_line};
use crate::sections::{Section, sections};
use crate::{ExportError, FormattedTranscript, fonts::HanVariant};

const SMALL: Style = Style { look: Look::plain(DIM), size: 8.5, leading: 12.5 };
const BEFORE_REMARKS: f32 = 26.0;
/// Length of the line above the remark on missing characters.
const REMARK_RULE: f32 = 48.0;
const BEFORE_VERIFY: f32 = 5.0;
/// Smallest gap between the title and the date of the running head.
const HEAD_GAP: f32 = 24.0;
/// From the baseline of the running head to the line below it.
const HEAD_RULE: f32 = 7.0;
/// Characters of the title that are considered for the running head, which has room for about a hundred.
const MAX_HEAD_CHARS: usize = 300;

/// Largest letters of a watermark, and how much of the diagonal of the page it fills.
const WATERMARK_SIZE: f32 = 120.0;
const WATERMARK_SHARE: f32 = 0.66;
/// Characters of a watermark that are drawn.
const MAX_WATERMARK_CHARS: usize = 80;

/// Lays out `transcript` on pages.
pub(super) fn lay_out(
    transcript: &FormattedTranscript,
    shaper: &mut Shaper<'_>,
    logo: Option<&Logo<'_>>,
    resources: &Resources<'_>,
) -> Result<Layout, ExportError> {
    let size = PageSize::of(transcript.options.paper);
    let (options, labels) = (&transcript.options, transcript.labels());
    let sections = sections(transcript);
    let han_variant = prevailing_han_variant(transcript, &sections);
    let mut builder = PageBuilder::new(shaper, size, han_variant);
    let heading = transcript.heading();
    let has_table = options.statistics && !transcript.speakers.is_empty();

    let logo = logo.map(|logo| builder.logo(logo));
    builder.title(&heading)?;
    let mut facts = transcript.metadata_rows(&heading);
    // The table has their names.
    facts.retain(|(label, _)| !has_table || *label != labels.speakers);
    builder.facts(&facts, false)?;
    let has_contents = options.contents && sections.len() > 1;
    let entries = contents_entries(transcript, &sections, has_table);
    let contents = match has_contents {
        true => builder.contents(&labels.contents, &entries)?,
        false => Vec::<ContentsPlace>::new(),
    };

    let mut outline = Vec::new();
    let mut targets = Vec::new();
    if has_table {
        let position = builder.speakers(&transcript.speakers, labels)?;
        outline.push(OutlineEntry::new(&labels.speakers, position));
        targets.push(position);
    }
    if let Some(note) = &transcript.note {
        let position = builder.note(&labels.note, note)?;
        outline.push(OutlineEntry::new(&labels.note, position));
        targets.push(position);
    }
    builder.numbers_lines = options.line_numbers;
    if let Some(summary) = &transcript.summary {
        let entry = builder.summary(summary, labels)?;
        targets.push(entry.position);
        outline.push(entry);
    }
    if !transcript.without_words {
        let words = builder.transcript(transcript, &sections, resources)?;
        targets.push(words.position);
        targets.extend(words.sections);
        outline.push(words.outline);
    }
    builder.numbers_lines = false;
    builder.missing_characters(labels)?;
    let receipt = builder.receipt(transcript)?;
    outline.push(OutlineEntry::new(&labels.receipt, receipt));
    targets.push(receipt);

    builder.number_contents(&contents, &targets)?;
    builder.margins(transcript, &heading)?;
    let watermark = options.watermark.as_deref().map(single_line).filter(|text| !is_blank(text));
    let watermark = watermark.map(|text| builder.watermark(&text)).transpose()?;
    if builder.pages.len() == 1 {
        outline.clear();
    }
    Ok(Layout { size, pages: builder.pages, outline, addresses: builder.addresses, watermark, logo })
}

/// The Han variant for text that does not reveal its own: that of most segments of `transcript`.
fn prevailing_han_variant(transcript: &FormattedTranscript, sections: &[Section<'_>]) -> HanVariant {
    let paragraphs = sections.iter().flat_map(|section| &section.paragraphs);
    let texts = paragraphs.flat_map(|paragraph| &paragraph.segments).map(|segment| segment.text.as_str());
    let mut counts = [(HanVariant::Chinese, 0), (HanVariant::Japanese, 0), (HanVariant::Korean, 0)];
    for text in texts.chain([transcript.title.as_str()]).filter(|text| !text.is_ascii()) {
        let variant = han_variant_of(text).or_else(|| has_han(text).then_some(HanVariant::Chinese));
        if let Some(count) = counts.iter_mut().find(|(counted, _)| Some(*counted) == variant) {
            count.1 += 1;
        }
    }
    let [first, others @ ..] = counts;
    others.into_iter().fold(first, |best, other| if other.1 > best.1 { other } else { best }).0
}

/// The entries of the contents: the parts of the document, and the sections of the words with who speaks in them or,
/// without speakers, their first words.
fn contents_entries(
    transcript: &FormattedTranscript,
    sections: &[Section<'_>],
    has_table: bool,
) -> Vec<ContentsEntry> {
    let labels = transcript.labels();
    let part = |label: &str| ContentsEntry { time: None, text: label.to_owned() };
    let mut entries = Vec::new();
    entries.extend(has_table.then(|| part(&labels.speakers)));
    entries.extend(transcript.note.as_ref().map(|_| part(&labels.note)));
    entries.extend(transcript.summary.as_ref().map(|_| part(&labels.summary)));
    entries.push(part(&labels.transcript));
    entries.extend(sections.iter().map(|section| {
        let text = match section.paragraphs[0].speaker {
            None => first_words(section),
            Some(_) => section.speakers(&transcript.speakers).join(", "),
        };
        ContentsEntry { time: Some(section.start), text }
    }));
    entries.push(part(&labels.receipt));
    entries
}

impl PageBuilder<'_, '_> {
    /// Places a remark that lists the characters that no font has, if there are any.
    fn missing_characters(&mut self, labels: &Labels) -> Result<(), ExportError> {
        let codes: Vec<String> =
            self.shaper.missing().iter().map(|c| format!("U+{:04X}", u32::from(*c))).collect();
        if codes.is_empty() {
            return Ok(());
        }
        let remark = labels.missing_characters.replace("{characters}", &codes.join(", "));
        let block = self.block(&remark, SMALL)?;
        self.keep_together(BEFORE_REMARKS + block.min_height());
        let (from, y) = (self.size.text_left, self.y + 0.6 * BEFORE_REMARKS);
        if !self.is_page_empty() {
            self.last_page().bars.push(Bar::rule(from, from + REMARK_RULE, y));
        }
        self.place(block, BEFORE_REMARKS)?;
        Ok(())
    }

    /// Places what the receipt says below its heading, and returns where it begins.
    fn receipt(&mut self, transcript: &FormattedTranscript) -> Result<Position, ExportError> {
        let labels = transcript.labels();
        let rows = transcript.receipt_rows();
        let verify = self.block(&labels.verify, SMALL)?;
        // Values are short, so each takes a line.
        let height = rows.len() as f32 * SMALL.leading + BEFORE_VERIFY + verify.full_height();
        let position = self.heading(&labels.receipt, height)?;
        self.facts(&rows, true)?;
        self.place(verify, BEFORE_VERIFY)?;
        Ok(position)
    }

    /// Puts the page number at the foot of every page, and title and day at the head of every page but the first.
    fn margins(&mut self, transcript: &FormattedTranscript, heading: &str) -> Result<(), ExportError> {
        let size = self.size;
        let labels = transcript.labels();
        let total = self.pages.len();
        let day = transcript.metadata.recorded_at.map(|at| labels.date_and_time(at)).unwrap_or_default();
        let day = self.single_line(&day, TIME, size.text_width())?;
        let day_x = size.text_right - TIME.points(day.width);
        let title: String = heading.chars().take(MAX_HEAD_CHARS).collect();
        let gap = if day.words.is_empty() { 0.0 } else { HEAD_GAP };
        let title = self.single_line(&title, TIME, day_x - gap - size.text_left)?;
        let pages = labels.page.replace("{pages}", &total.to_string());
        for index in 0..total {
            let number = pages.replace("{page}", &(index + 1).to_string());
            let number = self.single_line(&number, TIME, size.text_width())?;
            let x = size.text_right - TIME.points(number.width);
            let line = |line, x, baseline| PlacedLine { line, style: TIME, x, baseline };
            let page = &mut self.pages[index];
            if index > 0 {
                page.margins.push(line(title.clone(), size.text_left, size.head_baseline));
                page.margins.push(line(day.clone(), day_x, size.head_baseline));
                let y = size.head_baseline + HEAD_RULE;
                page.bars.push(Bar::rule(size.text_left, size.text_right, y));
            }
            page.margins.push(line(number, x, size.foot_baseline));
        }
        Ok(())
    }

    /// `text` as the line that is drawn across every page.
    fn watermark(&mut self, text: &str) -> Result<(TypesetLine, Style), ExportError> {
        let style = Style { look: Look::bold(INK), size: WATERMARK_SIZE, leading: WATERMARK_SIZE };
        let text: String = text.chars().take(MAX_WATERMARK_CHARS).collect();
        let line = self.single_line(&text, style, f32::INFINITY)?;
        let room = self.size.width.hypot(self.size.height) * WATERMARK_SHARE;
        let size = WATERMARK_SIZE.min(room * 1000.0 / line.width.max(1.0));
        Ok((line, Style { size, ..style }))
    }
}

#[cfg(test)]
mod tests;
