//! The note that users wrote: CommonMark as paragraphs of the document.

use super::body::{Body, LIST_INDENT, MAX_DEPTH, ParagraphProperties};
use super::text::{Look, is_rtl, push_runs};
use crate::note_markdown::events;
use pulldown_cmark::{Event, HeadingLevel, Tag, TagEnd};

/// A piece of a paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    text: String,
    look: Look<'static>,
    /// The address, as a field instruction has it.
    link: Option<String>,
}

/// Where the events are in the note.
#[derive(Default)]
struct Place {
    /// The pieces of the paragraph that is being read.
    pieces: Vec<Piece>,
    heading: Option<HeadingLevel>,
    /// The lists around it.
    lists: Vec<usize>,
    /// Whether the next paragraph begins an item of the innermost list.
    begins_item: bool,
    quotes: usize,
    code_block: bool,
    bold: usize,
    italic: usize,
    link: Option<String>,
}

/// Pushes `note`, a text in CommonMark. Its headings become one level lower, because the note has a heading itself.
pub(super) fn push_note(body: &mut Body<'_>, note: &str) {
    let mut place = Place::default();
    for event in events(note) {
        match event {
            Event::Start(tag) => place.start(body, tag),
            Event::End(tag) => place.end(body, tag),
            Event::Code(text) => place.push(&text, true),
            Event::SoftBreak => place.push(" ", false),
            Event::HardBreak => place.push("\n", false),
            Event::Rule => {
                place.flush(body);
                body.open_paragraph(ParagraphProperties { style: "Rule", ..ParagraphProperties::default() });
                body.xml.close("w:p");
            }
            Event::Text(text) => place.push(&text, place.code_block),
            // The kinds of other extensions, which are off, and of HTML, which `events` turns into text.
            _ => {}
        }
    }
    place.flush(body);
}

impl Place {
    fn start(&mut self, body: &mut Body<'_>, tag: Tag<'_>) {
        match tag {
            Tag::Strong => self.bold += 1,
            Tag::Emphasis => self.italic += 1,
            // Field instructions have the address in quotation marks, and `\` begins a switch.
            Tag::Link { dest_url, .. } => {
                self.link = Some(dest_url.replace('"', "%22").replace('\\', "%5C"));
            }
            // Every other tag begins a block; the text before it is a paragraph of its own.
            block => {
                self.flush(body);
                match block {
                    Tag::Heading { level, .. } => self.heading = Some(level),
                    Tag::List(first) => {
                        let depth = self.lists.len().min(MAX_DEPTH - 1);
                        self.lists.push(body.new_list(first, depth));
                    }
                    Tag::Item => self.begins_item = true,
                    Tag::BlockQuote(_) => self.quotes += 1,
                    Tag::CodeBlock(_) => self.code_block = true,
                    _ => {}
                }
            }
        }
    }

    fn end(&mut self, body: &mut Body<'_>, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.bold -= 1,
            TagEnd::Emphasis => self.italic -= 1,
            TagEnd::Link => self.link = None,
            block => {
                self.flush(body);
                match block {
                    TagEnd::Heading(_) => self.heading = None,
                    TagEnd::List(_) => _ = self.lists.pop(),
                    TagEnd::Item => self.begins_item = false,
                    TagEnd::BlockQuote(_) => self.quotes -= 1,
                    TagEnd::CodeBlock => self.code_block = false,
                    _ => {}
                }
            }
        }
    }

    fn push(&mut self, text: &str, code: bool) {
        let style = match (self.link.is_some(), code) {
            (true, _) => Some("Hyperlink"),
            (false, true) => Some("Code"),
            (false, false) => None,
        };
        let look = Look { style, bold: self.bold > 0, italic: self.italic > 0, colour: None };
        match self.pieces.last_mut() {
            Some(last) if last.look == look && last.link == self.link => last.text.push_str(text),
            _ => self.pieces.push(Piece { text: text.to_owned(), look, link: self.link.clone() }),
        }
    }

    /// Writes the paragraph that was read, if it has text.
    fn flush(&mut self, body: &mut Body<'_>) {
        let mut pieces = std::mem::take(&mut self.pieces);
        if self.code_block
            && let Some(last) = pieces.last_mut()
        {
            last.text.truncate(last.text.trim_end_matches('\n').len());
        }
        let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        if text.trim().is_empty() {
            return;
        }
        let rtl = is_rtl(&text);
        let depth = self.lists.len().min(MAX_DEPTH);
        let style = match (self.heading, depth, self.quotes) {
            (Some(HeadingLevel::H1), ..) => "Heading2",
            (Some(_), ..) => "Heading3",
            (None, 1.., _) => "ListParagraph",
            (None, 0, 1..) => "Quote",
            (None, 0, 0) => "Normal",
        };
        let list = self.lists.last().filter(|_| self.begins_item).map(|list| (*list, depth - 1));
        let indent = (depth > 0 && list.is_none()).then_some(depth * LIST_INDENT);
        self.begins_item = false;
        body.open_paragraph(ParagraphProperties { style, rtl, list, indent, at_end: false });
        for pieces in pieces.chunk_by(|a, b| a.link == b.link) {
            let link = pieces[0].link.as_ref();
            if let Some(link) = link {
                body.xml.open("w:fldSimple", &[("w:instr", &format!(" HYPERLINK \"{link}\" "))]);
            }
            for piece in pieces {
                push_runs(&mut body.xml, &piece.text, piece.look, rtl);
            }
            if link.is_some() {
                body.xml.close("w:fldSimple");
            }
        }
        body.xml.close("w:p");
    }
}
