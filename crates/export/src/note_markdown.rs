//! The note that users wrote, as events of CommonMark without anything that a file must not contain.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// The events of `note`, a text in CommonMark. HTML becomes text, a picture becomes its description, and a link that is
/// not to a web page or a mail address becomes its text. No event has a kind that needs an extension.
pub(crate) fn events(note: &str) -> impl Iterator<Item = Event<'_>> {
    // Whether each open link is kept: links are not nested, but pictures within links are.
    let mut kept = Vec::new();
    Parser::new_ext(note, Options::empty()).filter_map(move |event| match event {
        Event::Html(html) | Event::InlineHtml(html) => Some(Event::Text(html)),
        Event::Start(Tag::HtmlBlock) => Some(Event::Start(Tag::Paragraph)),
        Event::End(TagEnd::HtmlBlock) => Some(Event::End(TagEnd::Paragraph)),
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        Event::Start(Tag::Link { ref dest_url, .. }) => {
            kept.push(is_safe(dest_url));
            (kept.last() == Some(&true)).then_some(event)
        }
        Event::End(TagEnd::Link) => (kept.pop() == Some(true)).then_some(event),
        other => Some(other),
    })
}

/// A block of a note: a piece of text with line breaks, or a line between two blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoteBlock {
    pub(crate) kind: NoteBlockKind,
    /// How many quotations it stands in.
    pub(crate) quotes: usize,
    /// How many lists it stands in.
    pub(crate) depth: usize,
    /// The item of the innermost list that it begins.
    pub(crate) item: Option<NoteItem>,
    /// Not blank, except in a [`NoteBlockKind::Rule`], which has none.
    pub(crate) pieces: Vec<NotePiece>,
}

/// The kind of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoteBlockKind {
    Heading(HeadingLevel),
    Paragraph,
    Code,
    Rule,
}

/// An item of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoteItem {
    /// The list: lists are counted from 0, in the order in which they begin.
    pub(crate) list: usize,
    /// Its number; `None` in a list with bullets.
    pub(crate) number: Option<u64>,
}

/// A piece of a block that looks the same throughout.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NotePiece {
    pub(crate) text: String,
    pub(crate) bold: bool,
    pub(crate) italic: bool,
    pub(crate) code: bool,
    /// The address of a web page, or a mail address.
    pub(crate) link: Option<String>,
}

/// The blocks of `note`, a text in CommonMark, as [`events`] has them. Blank blocks are left out.
pub(crate) fn blocks(note: &str) -> Vec<NoteBlock> {
    let mut reader = BlockReader::default();
    for event in events(note) {
        match event {
            Event::Start(tag) => reader.start(tag),
            Event::End(tag) => reader.end(tag),
            Event::Code(text) => reader.push(&text, true),
            Event::SoftBreak => reader.push(" ", false),
            Event::HardBreak => reader.push("\n", false),
            Event::Rule => {
                reader.flush();
                reader.add(NoteBlockKind::Rule, None, Vec::new());
            }
            Event::Text(text) => reader.push(&text, reader.code_block),
            // The kinds of other extensions, which are off, and of HTML, which `events` turns into text.
            _ => {}
        }
    }
    reader.flush();
    reader.blocks
}

/// Where the events are in the note.
#[derive(Default)]
struct BlockReader {
    blocks: Vec<NoteBlock>,
    /// The pieces of the block that is being read.
    pieces: Vec<NotePiece>,
    heading: Option<HeadingLevel>,
    /// The lists around it: which one, and the number of the next item.
    lists: Vec<NoteItem>,
    list_count: usize,
    /// The item that the next block begins.
    item: Option<NoteItem>,
    quotes: usize,
    code_block: bool,
    bold: usize,
    italic: usize,
    link: Option<String>,
}

impl BlockReader {
    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Strong => self.bold += 1,
            Tag::Emphasis => self.italic += 1,
            Tag::Link { dest_url, .. } => self.link = Some(dest_url.to_string()),
            // Every other tag begins a block; the text before it is a block of its own.
            block => {
                self.flush();
                match block {
                    Tag::Heading { level, .. } => self.heading = Some(level),
                    Tag::List(number) => {
                        self.lists.push(NoteItem { list: self.list_count, number });
                        self.list_count += 1;
                    }
                    Tag::Item => {
                        self.item = self.lists.last().copied();
                        if let Some(NoteItem { number: Some(number), .. }) = self.lists.last_mut() {
                            *number = number.saturating_add(1);
                        }
                    }
                    Tag::BlockQuote(_) => self.quotes += 1,
                    Tag::CodeBlock(_) => self.code_block = true,
                    _ => {}
                }
            }
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.bold -= 1,
            TagEnd::Emphasis => self.italic -= 1,
            TagEnd::Link => self.link = None,
            block => {
                self.flush();
                match block {
                    TagEnd::Heading(_) => self.heading = None,
                    TagEnd::List(_) => _ = self.lists.pop(),
                    TagEnd::Item => self.item = None,
                    TagEnd::BlockQuote(_) => self.quotes -= 1,
                    TagEnd::CodeBlock => self.code_block = false,
                    _ => {}
                }
            }
        }
    }

    fn push(&mut self, text: &str, code: bool) {
        let (bold, italic, link) = (self.bold > 0, self.italic > 0, self.link.clone());
        let piece = NotePiece { text: String::new(), bold, italic, code, link };
        match self.pieces.last_mut() {
            Some(last) if (NotePiece { text: String::new(), ..last.clone() }) == piece => {
                last.text.push_str(text);
            }
            _ => self.pieces.push(NotePiece { text: text.to_owned(), ..piece }),
        }
    }

    /// Adds the block that was read, if it has text.
    fn flush(&mut self) {
        let mut pieces = std::mem::take(&mut self.pieces);
        if self.code_block
            && let Some(last) = pieces.last_mut()
        {
            last.text.truncate(last.text.trim_end_matches('\n').len());
        }
        if pieces.iter().all(|piece| piece.text.trim().is_empty()) {
            return;
        }
        let kind = match self.heading {
            Some(level) => NoteBlockKind::Heading(level),
            None if self.code_block => NoteBlockKind::Code,
            None => NoteBlockKind::Paragraph,
        };
        let item = self.item.take();
        self.add(kind, item, pieces);
    }

    fn add(&mut self, kind: NoteBlockKind, item: Option<NoteItem>, pieces: Vec<NotePiece>) {
        let (quotes, depth) = (self.quotes, self.lists.len());
        self.blocks.push(NoteBlock { kind, quotes, depth, item, pieces });
    }
}

/// Whether `address` is one of a web page or a mail address.
fn is_safe(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once(':') else { return false };
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => rest.starts_with("//"),
        "mailto" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_to_pages_and_mail_are_kept_and_html_is_text() {
        let note = "[a](javascript:alert(1)) [b](https://example.org/?q=1&r) [c](MAILTO:x@example.org) [d](#e) \
                    [f](data:text/html,x) ![pic](https://example.org/x.png) <b onclick=x>bold</b> <vbscript:x>\n\n\
                    <script>\nalert(1)\n</script>\n\n[![in](x.png)](java\u{0}script:x)";
        let (mut text, mut links) = (String::new(), Vec::new());
        for event in events(note) {
            match event {
                Event::Start(Tag::Link { dest_url, .. }) => links.push(dest_url.to_string()),
                Event::Text(piece) => text.push_str(&piece),
                Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::Image { .. }) => {
                    panic!("{event:?}")
                }
                _ => {}
            }
        }
        assert_eq!(links, ["https://example.org/?q=1&r", "MAILTO:x@example.org"]);
        assert!(text.starts_with("a b c d f pic <b onclick=x>bold</b> "), "{text}");
        assert!(text.contains("<script>\nalert(1)\n</script>\n"), "{text}");
        // An address with a control character makes no link.
        assert!(
            text.ends_with("[in](java\u{0}script:x)") || text.ends_with("[in](java\u{fffd}script:x)"),
            "{text:?}"
        );
    }
}
