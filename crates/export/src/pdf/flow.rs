//! Lines flow onto pages.
//!
//! One axis carries the whole document: title, names and text begin on it, and what belongs beside them (the times, the
//! labels of the facts) hangs to its left in a quiet gutter. A name stays with the words that follow it, and a paragraph
//! leaves at least two lines on either side of a page break. All lengths are in points, measured from the top left.

use super::{
    Paper,
    lines::{TextLine, lines},
    shape::{Shaper, has_han, letters_of},
};
use crate::{
    ExportError, Script,
    fonts::Letters,
    script::{NO_WORDS, Spoken},
};
use transcript::AudioTime;

/// The look of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    pub(super) bold: bool,
    pub(super) size: f32,
    /// From one baseline to the next.
    pub(super) leading: f32,
    /// From black, 0, to white, 1.
    pub(super) grey: f32,
}

const TITLE: Style = Style { bold: true, size: 20.0, leading: 26.0, grey: 0.08 };
const FACT: Style = Style { bold: false, size: 9.0, leading: 14.0, grey: 0.25 };
const NAME: Style = Style { bold: true, size: 10.5, leading: 15.25, grey: 0.08 };
const BODY: Style = Style { bold: false, size: 10.5, leading: 15.25, grey: 0.08 };
/// Times, labels, page numbers: dark enough to be read (4.5 : 1 on white), light enough to be passed over.
const QUIET: Style = Style { bold: false, size: 8.0, leading: 15.25, grey: 0.45 };
const NOTE: Style = Style { bold: false, size: 8.5, leading: 12.5, grey: 0.35 };

/// How closely the lines of a title are balanced, in thousandths of its size.
const TITLE_PRECISION: f32 = 250.0;
/// A title of more lines than this looks like text anyway.
const LONGEST_BALANCED: usize = 4;
const AFTER_TITLE: f32 = 9.0;
/// On either side of the rule below the facts.
const AROUND_RULE: f32 = 14.0;
const BETWEEN_RUNS: f32 = 11.0;
const BETWEEN_LINES: f32 = 3.5;
const BEFORE_NOTE: f32 = 26.0;
/// Length of the rule above the note.
const NOTE_RULE: f32 = 48.0;
/// At least between title and page number.
const FOOTER_GAP: f32 = 24.0;
/// Characters of a title that are considered for the footer, which has room for about a hundred.
const LONGEST_IN_FOOTER: usize = 300;

/// Fewest lines of a paragraph on either side of a page break.
const TOGETHER: usize = 2;

/// One entry of the outline per this much time, where there are no speakers or where they change too often to be listed.
const SECTION_MS: u32 = 10 * 60 * 1000;
/// More changes of speaker than this are grouped.
const LONGEST_FLAT_OUTLINE: usize = 60;
const WORDS_IN_OUTLINE: usize = 6;
const LONGEST_IN_OUTLINE: usize = 60;

/// Dimensions of a sheet, in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sheet {
    pub(super) width: f32,
    pub(super) height: f32,
    /// Where the gutter begins.
    left: f32,
    /// The axis: where text begins and the gutter has ended.
    axis: f32,
    /// Where text ends.
    right: f32,
    top: f32,
    /// Where text ends above the foot of the page.
    bottom: f32,
    /// Baseline of the footer.
    footer: f32,
}

/// Between the gutter and the text.
const GUTTER_GAP: f32 = 13.0;

impl Sheet {
    fn of(paper: Paper) -> Self {
        let (width, height) = match paper {
            Paper::A4 => (595.276, 841.89),
            Paper::Letter => (612.0, 792.0),
        };
        Self {
            width,
            height,
            left: 57.0,
            axis: 112.0,
            right: width - 71.0,
            top: 66.0,
            bottom: height - 76.0,
            footer: height - 44.0,
        }
    }

    fn measure(&self) -> f32 {
        self.right - self.axis
    }
}

/// A line of text on its place.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) line: TextLine,
    pub(super) style: Style,
    pub(super) x: f32,
    pub(super) baseline: f32,
}

/// A thin horizontal line.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) from: f32,
    pub(super) to: f32,
    pub(super) y: f32,
}

#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) texts: Vec<Placed>,
    pub(super) rules: Vec<Rule>,
    pub(super) footer: Vec<Placed>,
}

/// An entry of the outline.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) title: String,
    /// From 0.
    pub(super) page: usize,
    /// What is shown at the top of the window.
    pub(super) y: f32,
    pub(super) children: Vec<Mark>,
}

/// All pages.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) sheet: Sheet,
    pub(super) pages: Vec<Page>,
    pub(super) outline: Vec<Mark>,
}

/// `script` on pages.
pub(super) fn book(script: &Script, shaper: &mut Shaper<'_>, paper: Paper) -> Result<Book, ExportError> {
    let sheet = Sheet::of(paper);
    let spoken: Vec<Spoken<'_>> = script.spoken().collect();
    let letters = prevailing_letters(script, &spoken);
    let mut setter = Setter { shaper, sheet, letters, pages: vec![Page::default()], y: sheet.top };
    let heading = script.heading();
    setter.title_block(script, &heading)?;
    let mut stops = Vec::new();
    for (index, run) in spoken.iter().enumerate() {
        let before = if index == 0 { 0.0 } else { BETWEEN_RUNS };
        setter.run(run, before, &mut stops)?;
    }
    if spoken.is_empty() {
        let block = setter.block(NO_WORDS, BODY, None)?;
        setter.place(block, 0.0);
    }
    setter.note_of_missing()?;
    setter.footers(&heading)?;
    let outline = if setter.pages.len() > 1 { outline(stops) } else { Vec::new() };
    Ok(Book { sheet, pages: setter.pages, outline })
}

/// Whose Han characters a line gets that does not show itself whose they are: those of most lines in `script`.
fn prevailing_letters(script: &Script, spoken: &[Spoken<'_>]) -> Letters {
    let lines = spoken.iter().flat_map(|run| &run.lines).map(|line| line.text.as_str());
    let mut counts = [(Letters::Chinese, 0), (Letters::Japanese, 0), (Letters::Korean, 0)];
    for text in lines.chain([script.title.as_str()]).filter(|text| !text.is_ascii()) {
        let letters = letters_of(text).or_else(|| has_han(text).then_some(Letters::Chinese));
        if let Some(count) = counts.iter_mut().find(|(l, _)| Some(*l) == letters) {
            count.1 += 1;
        }
    }
    let [first, others @ ..] = counts;
    others.into_iter().fold(first, |best, other| if other.1 > best.1 { other } else { best }).0
}

/// A paragraph set in lines, with what stands beside its first.
struct Block {
    lines: Vec<TextLine>,
    style: Style,
    beside: Option<TextLine>,
}

impl Block {
    fn height(&self, lines: usize) -> f32 {
        lines as f32 * self.style.leading
    }

    /// The fewest lines with which it can begin on a page.
    fn fewest(&self) -> usize {
        if self.lines.len() < 2 * TOGETHER { self.lines.len() } else { TOGETHER }
    }
}

/// Where a block begins.
#[derive(Clone, Copy)]
struct Place {
    page: usize,
    y: f32,
}

/// A place that the outline may lead to.
struct Stop {
    time: AudioTime,
    speaker: Option<String>,
    /// The first words, where there is no speaker.
    words: String,
    place: Place,
}

impl Stop {
    fn section(&self) -> u32 {
        self.time.as_ms() / SECTION_MS
    }

    fn mark(&self) -> Mark {
        let title = format!("{}  {}", self.time, self.speaker.as_ref().unwrap_or(&self.words));
        Mark { title, page: self.place.page, y: self.place.y, children: Vec::new() }
    }
}

struct Setter<'a, 'f> {
    shaper: &'a mut Shaper<'f>,
    sheet: Sheet,
    letters: Letters,
    pages: Vec<Page>,
    /// How far the last page is filled.
    y: f32,
}

impl Setter<'_, '_> {
    fn title_block(&mut self, script: &Script, heading: &str) -> Result<(), ExportError> {
        let title = self.title(heading)?;
        self.place(title, 0.0);
        for (index, (label, value)) in script.rows(heading).into_iter().enumerate() {
            let fact = self.block(&value, FACT, Some(label))?;
            self.place(fact, if index == 0 { AFTER_TITLE } else { 0.0 });
        }
        self.y += AROUND_RULE;
        let y = self.y;
        let rule = Rule { from: self.sheet.left, to: self.sheet.right, y };
        self.page().rules.push(rule);
        self.y += AROUND_RULE;
        Ok(())
    }

    fn run(&mut self, run: &Spoken<'_>, before: f32, stops: &mut Vec<Stop>) -> Result<(), ExportError> {
        let name = run.speaker.as_deref().map(|name| self.block(name, NAME, None)).transpose()?;
        let mut blocks = Vec::with_capacity(run.lines.len());
        for line in &run.lines {
            blocks.push(self.block(&line.text, BODY, Some(&line.start.to_string()))?);
        }
        let mut space = before;
        if let (Some(name), Some(speaker), Some(first)) = (name, &run.speaker, blocks.first()) {
            self.keep(before + name.height(name.lines.len()) + first.height(first.fewest()));
            let place = self.place(name, before);
            stops.push(Stop { time: run.start, speaker: Some(speaker.clone()), words: String::new(), place });
            space = 0.0;
        }
        for (block, line) in blocks.into_iter().zip(&run.lines) {
            let place = self.place(block, space);
            if run.speaker.is_none() {
                let words = line.text.split_whitespace().take(WORDS_IN_OUTLINE).collect::<Vec<_>>().join(" ");
                let words = words.chars().take(LONGEST_IN_OUTLINE).collect();
                stops.push(Stop { time: line.start, speaker: None, words, place });
            }
            space = BETWEEN_LINES;
        }
        Ok(())
    }

    /// Says which characters could not be shown, so that nobody takes the document for complete.
    fn note_of_missing(&mut self) -> Result<(), ExportError> {
        let codes: Vec<String> =
            self.shaper.missing().iter().map(|c| format!("U+{:04X}", u32::from(*c))).collect();
        if codes.is_empty() {
            return Ok(());
        }
        let characters =
            if codes.len() == 1 { "1 character".to_owned() } else { format!("{} characters", codes.len()) };
        let note = format!("{characters} could not be shown with the available fonts: {}.", codes.join(", "));
        let block = self.block(&note, NOTE, None)?;
        self.keep(BEFORE_NOTE + block.height(block.fewest()));
        let (from, y) = (self.sheet.axis, self.y + 0.6 * BEFORE_NOTE);
        if !self.is_page_empty() {
            self.page().rules.push(Rule { from, to: from + NOTE_RULE, y });
        }
        self.place(block, BEFORE_NOTE);
        Ok(())
    }

    fn footers(&mut self, heading: &str) -> Result<(), ExportError> {
        let total = self.pages.len();
        let heading: String = heading.chars().take(LONGEST_IN_FOOTER).collect();
        for index in 0..total {
            let number = self.one_line(&format!("Page {} of {total}", index + 1), self.sheet.measure())?;
            let (right, baseline) = (self.sheet.right, self.sheet.footer);
            let x = right - points(number.width, QUIET);
            let title = self.one_line(&heading, x - FOOTER_GAP - self.sheet.axis)?;
            let page = &mut self.pages[index];
            page.footer.push(Placed { line: title, style: QUIET, x: self.sheet.axis, baseline });
            page.footer.push(Placed { line: number, style: QUIET, x, baseline });
        }
        Ok(())
    }

    /// `text` on one quiet line, cut off with an ellipsis where it is longer than `measure`.
    fn one_line(&mut self, text: &str, measure: f32) -> Result<TextLine, ExportError> {
        let measure = measure * 1000.0 / QUIET.size;
        let mut whole = self.lines(text, QUIET, measure)?;
        if whole.len() < 2 {
            return Ok(whole.pop().unwrap_or_default());
        }
        let ellipsis = self.lines("…", QUIET, measure)?.pop().unwrap_or_default();
        let mut cut = self.lines(text, QUIET, measure - ellipsis.width)?.swap_remove(0);
        cut.width += ellipsis.width;
        let end = if cut.right_to_left { 0 } else { cut.words.len() };
        cut.words.splice(end..end, ellipsis.words);
        Ok(cut)
    }

    /// The title, its lines of about the same length.
    fn title(&mut self, text: &str) -> Result<Block, ExportError> {
        let mut widest = self.sheet.measure() * 1000.0 / TITLE.size;
        let mut lines = self.lines(text, TITLE, widest)?;
        let mut narrowest = widest / 2.0;
        let balanced = 2..=LONGEST_BALANCED;
        while balanced.contains(&lines.len()) && widest - narrowest > TITLE_PRECISION {
            let middle = (narrowest + widest) / 2.0;
            let narrower = self.lines(text, TITLE, middle)?;
            if narrower.len() > lines.len() {
                narrowest = middle;
            } else {
                (lines, widest) = (narrower, middle);
            }
        }
        Ok(Block { lines, style: TITLE, beside: None })
    }

    fn lines(&mut self, text: &str, style: Style, measure: f32) -> Result<Vec<TextLine>, ExportError> {
        lines(self.shaper, text, style.bold, letters_of(text).unwrap_or(self.letters), measure)
    }

    fn block(&mut self, text: &str, style: Style, beside: Option<&str>) -> Result<Block, ExportError> {
        let lines = self.lines(text, style, self.sheet.measure() * 1000.0 / style.size)?;
        let gutter = self.sheet.axis - GUTTER_GAP - self.sheet.left;
        let beside = beside.map(|text| self.one_line(text, gutter)).transpose()?;
        Ok(Block { lines, style, beside })
    }

    /// Sets `block`, `space` below what is above it, on as many pages as it takes.
    fn place(&mut self, block: Block, space: f32) -> Place {
        if !self.is_page_empty() {
            self.y += space;
        }
        let Block { lines, style, mut beside } = block;
        let mut left = lines.len();
        let mut lines = lines.into_iter();
        let mut start = None;
        while left > 0 {
            let room = ((self.sheet.bottom - self.y) / style.leading).max(0.0) as usize;
            let take = match lines_here(left, room) {
                0 if self.is_page_empty() => left.min(room.max(1)),
                take => take,
            };
            if take == 0 {
                self.new_page();
                continue;
            }
            start.get_or_insert(Place { page: self.pages.len() - 1, y: self.y });
            for line in lines.by_ref().take(take) {
                let baseline = self.y + 0.5 * style.leading + 0.36 * style.size;
                if let Some(beside) = beside.take() {
                    let x = self.sheet.axis - GUTTER_GAP - points(beside.width, QUIET);
                    self.page().texts.push(Placed { line: beside, style: QUIET, x, baseline });
                }
                let end = self.sheet.right - points(line.width, style);
                let x = if line.right_to_left { end } else { self.sheet.axis };
                self.page().texts.push(Placed { line, style, x, baseline });
                self.y += style.leading;
            }
            left -= take;
            if left > 0 {
                self.new_page();
            }
        }
        start.unwrap_or(Place { page: self.pages.len() - 1, y: self.y })
    }

    /// Goes on to the next page unless `height` fits on this one.
    fn keep(&mut self, height: f32) {
        if self.y + height > self.sheet.bottom && !self.is_page_empty() {
            self.new_page();
        }
    }

    fn new_page(&mut self) {
        self.pages.push(Page::default());
        self.y = self.sheet.top;
    }

    fn is_page_empty(&self) -> bool {
        self.pages.last().is_none_or(|page| page.texts.is_empty())
    }

    fn page(&mut self) -> &mut Page {
        self.pages.last_mut().expect("there is always a page")
    }
}

/// How many of the `left` lines of a paragraph go on a page that has room for `room`: all, or so many that neither here
/// nor there a line stands alone.
fn lines_here(left: usize, room: usize) -> usize {
    if left <= room {
        return left;
    }
    let here = room.min(left.saturating_sub(TOGETHER));
    if here < TOGETHER { 0 } else { here }
}

/// A length in thousandths of the font size, in points.
fn points(width: f32, style: Style) -> f32 {
    width * style.size / 1000.0
}

/// The outline: every change of speaker, or a line every ten minutes where there are no speakers. Where there are many
/// changes they are put below the ten minutes they belong to.
fn outline(mut stops: Vec<Stop>) -> Vec<Mark> {
    let speakers = stops.iter().any(|stop| stop.speaker.is_some());
    // Where somebody goes on after a pause, nobody else begins.
    stops.retain(|stop| !speakers || stop.speaker.is_some());
    let sections = stops.chunk_by(|a, b| a.section() == b.section());
    let marks: Vec<Mark> = if !speakers {
        sections.map(|section| section[0].mark()).collect()
    } else if stops.len() <= LONGEST_FLAT_OUTLINE {
        stops.iter().map(Stop::mark).collect()
    } else {
        let section = |stops: &[Stop]| {
            let children = stops.iter().map(Stop::mark).collect();
            Mark { title: stops[0].time.to_string(), children, ..stops[0].mark() }
        };
        sections.map(section).collect()
    };
    if marks.len() > 1 { marks } else { Vec::new() }
}

#[cfg(test)]
mod tests;
