//! What stands before the words: logo, title, facts, contents and the table of speakers.

use super::block::{Block, PageBuilder};
use super::line_break::TypesetLine;
use super::page::{Bar, DIM, INK, Jump, Look, PlacedLine, Position, QUIET, Style};
use crate::ExportError;
use crate::colours::light_rgb;
use crate::document::Speaker;
use crate::labels::Labels;
use crate::logo::Logo;
use crate::marks::percent;
use crate::paragraphs::single_line;
use transcript::AudioTime;

const TITLE: Style = Style { look: Look::bold(INK), size: 20.0, leading: 26.0 };
const FACT: Style = Style { look: Look::plain(INK), size: 9.5, leading: 14.5 };
const LABEL: Style = Style { look: Look::plain(QUIET), ..FACT };
const CELL: Style = Style { look: Look::plain(INK), size: 9.5, leading: 13.0 };
const COLUMN: Style = Style { look: Look::plain(QUIET), size: 8.0, leading: 11.0 };
const ENTRY: Style = Style { look: Look::plain(INK), size: 10.0, leading: 16.0 };
const SECTION: Style = Style { look: Look::plain(DIM), size: 9.5, leading: 14.5 };

/// How closely the lines of a title are balanced, in points.
const TITLE_PRECISION: f32 = 5.0;
/// A title of more lines than this is not balanced.
const MAX_BALANCED_LINES: usize = 4;
const AFTER_TITLE: f32 = 10.0;
const AFTER_LOGO: f32 = 18.0;
/// The logo is at most 4 cm wide and 2 cm high.
const LOGO: (f32, f32) = (113.4, 56.7);
/// Widest label of a fact.
const MAX_LABEL: f32 = 130.0;
/// Between the columns of facts and tables.
const COLUMN_GAP: f32 = 14.0;
/// Above and below the text of a row of a table.
const ROW_PADDING: f32 = 4.0;
const SWATCH: f32 = 8.0;
const AFTER_SWATCH: f32 = 7.0;
/// Lines of a name that a row shows. The transcript has the whole name.
const MAX_NAME_LINES: usize = 8;
/// The bar of a speaker who spoke all the time.
const SHARE_BAR: f32 = 54.0;
/// The column with this bar and the share.
const SHARE: f32 = 84.0;
/// The narrowest and the widest column of figures.
const MIN_FIGURES: f32 = 30.0;
const MAX_FIGURES: f32 = 70.0;
/// Between contents and page number.
const NUMBER_GAP: f32 = 8.0;
/// Of a page number of four digits, with the gap before it.
const NUMBER_WIDTH: f32 = 36.0;

impl PageBuilder<'_, '_> {
    /// Makes room for the logo on the first page, above the title, and returns its area.
    pub(super) fn logo(&mut self, logo: &Logo<'_>) -> Bar {
        let (width, height) = (logo.width as f32, logo.height as f32);
        let scale = (LOGO.0 / width).min(LOGO.1 / height);
        let (width, height) = (width * scale, height * scale);
        let area = Bar { x: self.size.text_left, y: self.y, width, height, colour: INK };
        self.y += height + AFTER_LOGO;
        area
    }

    /// Places the title in lines of about equal length: a bisection finds the smallest width that needs no further line.
    pub(super) fn title(&mut self, text: &str) -> Result<(), ExportError> {
        let mut block = self.block(text, TITLE)?;
        let mut widest = self.size.text_width();
        let mut narrowest = widest / 2.0;
        let balanced = 2..=MAX_BALANCED_LINES;
        while balanced.contains(&block.lines.len()) && widest - narrowest > TITLE_PRECISION {
            let middle = (narrowest + widest) / 2.0;
            let narrower = self.lines(&[(text, TITLE.look)], TITLE, middle)?;
            if narrower.len() > block.lines.len() {
                narrowest = middle;
            } else {
                (block.lines, widest) = (narrower, middle);
            }
        }
        self.place(block, 0.0)?;
        self.y += AFTER_TITLE;
        Ok(())
    }

    /// Places labels and values in two columns. `small` has the look of small print.
    pub(super) fn facts(&mut self, rows: &[(&str, String)], small: bool) -> Result<(), ExportError> {
        let smaller = |style: Style| if small { Style { size: 7.75, leading: 12.0, ..style } } else { style };
        let (fact, label_style) = (smaller(FACT), smaller(LABEL));
        let mut labels = Vec::with_capacity(rows.len());
        for (label, _) in rows {
            labels.push(self.single_line(label, label_style, MAX_LABEL)?);
        }
        let widest = labels.iter().map(|line| label_style.points(line.width)).fold(0.0, f32::max);
        for ((_, value), label) in rows.iter().zip(labels) {
            let mut block = self.rich_block(&[(value, fact.look)], fact, widest + COLUMN_GAP)?;
            block.label = Some((label, label_style, self.size.text_left));
            self.place(block, 0.0)?;
        }
        Ok(())
    }

    /// Places a table of the speakers below its heading, and returns where it begins.
    pub(super) fn speakers(
        &mut self,
        speakers: &[Speaker],
        labels: &Labels,
    ) -> Result<Position, ExportError> {
        let titles = [&labels.speaker, &labels.share, &labels.speaking_time, &labels.turns, &labels.words];
        let [speaker, share, figures @ ..] = titles;
        let mut columns = Vec::new();
        // From right to left; what is left of the width belongs to the names.
        let mut right = self.size.text_right;
        for title in figures.into_iter().rev() {
            let column = self.column(title, right - MAX_FIGURES, right)?;
            let widest =
                column.lines.iter().map(|line| COLUMN.points(line.width)).fold(MIN_FIGURES, f32::max);
            right -= widest + COLUMN_GAP;
            columns.push(column);
        }
        columns.push(self.column(share, right - SHARE, right)?);
        columns.push(self.column(speaker, self.size.text_left, right - SHARE - COLUMN_GAP)?);
        columns.reverse();
        let head_height = columns.iter().map(Block::full_height).fold(0.0, f32::max);
        let first_rows = 2.0 * (CELL.leading + 2.0 * ROW_PADDING);
        let position = self.heading(&labels.speakers, head_height + first_rows)?;
        self.table_head(&columns, head_height)?;
        for speaker in speakers {
            let left = self.size.text_left + SWATCH + AFTER_SWATCH;
            let name = single_line(&speaker.name);
            let mut name = self.lines(&[(&name, CELL.look)], CELL, columns[0].right - left)?;
            name.truncate(MAX_NAME_LINES);
            let height = name.len().max(1) as f32 * CELL.leading + 2.0 * ROW_PADDING;
            if self.y + height > self.size.text_bottom {
                self.new_page();
                self.table_head(&columns, head_height)?;
            }
            let top = self.y;
            for line in name {
                self.y += if self.y == top { ROW_PADDING } else { CELL.leading };
                self.place_cell(line, CELL, left)?;
            }
            self.y = top + ROW_PADDING;
            self.figures(speaker, &columns[1..])?;
            self.y = top + height;
            let rule = Bar::rule(self.size.text_left, self.size.text_right, self.y);
            self.last_page().bars.push(rule);
        }
        Ok(position)
    }

    /// Places colour, share and figures of a speaker in these columns.
    fn figures(&mut self, speaker: &Speaker, columns: &[Block]) -> Result<(), ExportError> {
        let share = speaker.share.clamp(0.0, 1.0);
        let swatch = Bar {
            x: self.size.text_left,
            y: self.y + (CELL.leading - SWATCH) / 2.0,
            width: SWATCH,
            height: SWATCH,
            colour: light_rgb(speaker.number),
        };
        // The smallest share is still seen.
        let bar = Bar { x: columns[0].left, width: (SHARE_BAR * share as f32).max(0.75), ..swatch };
        self.last_page().bars.extend([swatch, bar]);
        let values = [
            percent(share),
            AudioTime::from_ms(speaker.speech_ms).to_string(),
            speaker.turns.to_string(),
            speaker.words.to_string(),
        ];
        for (value, column) in values.iter().zip(columns) {
            let line = self.single_line(value, CELL, self.size.text_width())?;
            let x = column.right - CELL.points(line.width);
            self.place_cell(line, CELL, x)?;
        }
        Ok(())
    }

    /// The title of a column.
    fn column(&mut self, title: &str, left: f32, right: f32) -> Result<Block, ExportError> {
        let lines = self.lines(&[(title, COLUMN.look)], COLUMN, right - left)?;
        Ok(Block { lines, style: COLUMN, left, right, label: None, quoted: false })
    }

    /// Places `line` at `x`, whatever its direction: the rows of a table share their edges.
    fn place_cell(&mut self, line: TypesetLine, style: Style, x: f32) -> Result<(), ExportError> {
        let right = x + style.points(line.width);
        self.place_line(line, style, x, right)
    }

    /// Places the titles of columns side by side; all but the first two are aligned to the right.
    fn table_head(&mut self, columns: &[Block], height: f32) -> Result<(), ExportError> {
        let top = self.y;
        for (index, column) in columns.iter().enumerate() {
            self.y = top + height - column.full_height();
            for line in &column.lines {
                let end = column.right - COLUMN.points(line.width);
                let x = if index < 2 { column.left } else { end };
                self.place_cell(line.clone(), COLUMN, x)?;
                self.y += COLUMN.leading;
            }
        }
        self.y = top + height + ROW_PADDING;
        let rule = Bar::rule(self.size.text_left, self.size.text_right, self.y);
        self.last_page().bars.push(rule);
        Ok(())
    }

    /// Places the contents without page numbers. Returns where each entry stands, for [`Self::number_contents`].
    pub(super) fn contents(
        &mut self,
        title: &str,
        entries: &[ContentsEntry],
    ) -> Result<Vec<ContentsPlace>, ExportError> {
        let first = entries.iter().take(3).map(|entry| entry.style().leading).sum();
        self.heading(title, first)?;
        let mut places = Vec::with_capacity(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            let style = entry.style();
            let indent = if entry.time.is_some() { COLUMN_GAP } else { 0.0 };
            let left = self.size.text_left + indent;
            let time = entry.time.map_or_else(String::new, |time| format!("{time}  "));
            let pieces = [(time.as_str(), Look::plain(INK)), (entry.text.as_str(), style.look)];
            let line = self.rich_line(&pieces, style, self.size.text_right - left - NUMBER_WIDTH)?;
            // A part is not separated from the first of its sections.
            let next = entries.get(index + 1).filter(|next| next.time.is_some() && entry.time.is_none());
            self.keep_together(style.leading + next.map_or(0.0, |next| next.style().leading));
            let right = self.size.text_right;
            let end = if line.right_to_left { right } else { left + style.points(line.width) };
            let page = self.pages.len() - 1;
            let area = Bar { x: left, y: self.y, width: right - left, height: style.leading, colour: INK };
            self.place_line(line, style, left, right - NUMBER_WIDTH)?;
            let after = self.pages[page].lines.len();
            places.push(ContentsPlace { page, after, area, end, style });
            self.y += style.leading;
        }
        Ok(places)
    }

    /// Adds to each entry of the contents the number of the page of `targets`, in the same order, and a link.
    pub(super) fn number_contents(
        &mut self,
        places: &[ContentsPlace],
        targets: &[Position],
    ) -> Result<(), ExportError> {
        // From the last to the first, because a number is inserted after its entry.
        for (place, target) in places.iter().zip(targets).rev() {
            let style = place.style;
            let number = (target.page + 1).to_string();
            let line = self.single_line(&number, style, self.size.text_width())?;
            let x = self.size.text_right - style.points(line.width);
            let baseline = place.area.y + style.baseline();
            let page = &mut self.pages[place.page];
            page.lines.insert(place.after, PlacedLine { line, style, x, baseline });
            page.jumps.push(Jump { area: place.area, to: *target });
            let (from, to) = (place.end + NUMBER_GAP, x - NUMBER_GAP);
            if from < to {
                page.bars.push(Bar::rule(from, to, baseline));
            }
        }
        Ok(())
    }
}

/// An entry of the contents.
pub(super) struct ContentsEntry {
    /// When the section begins; `None` for a part of the document.
    pub(super) time: Option<AudioTime>,
    pub(super) text: String,
}

impl ContentsEntry {
    fn style(&self) -> Style {
        if self.time.is_some() { SECTION } else { ENTRY }
    }
}

/// Where an entry of the contents stands.
pub(super) struct ContentsPlace {
    /// Index of the page.
    page: usize,
    /// The number of lines on the page before the number of the entry.
    after: usize,
    area: Bar,
    /// Where its text ends.
    end: f32,
    style: Style,
}
