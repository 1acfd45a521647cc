//! The note that users wrote: CommonMark as blocks.

use super::block::{Block, PageBuilder};
use super::page::{Bar, INK, LINK, Look, Mark, Position, Style};
use crate::ExportError;
use crate::characters::printable;
use crate::note_markdown::{NoteBlock, NoteBlockKind, blocks};
use pulldown_cmark::HeadingLevel;

const BODY: Style = Style { look: Look::plain(INK), size: 10.0, leading: 14.5 };
const CODE: Style = Style { size: 9.0, leading: 13.0, ..BODY };
const TITLE: Style = Style { look: Look::bold(INK), size: 11.5, leading: 16.0 };
const SUBTITLE: Style = Style { look: Look::bold(INK), size: 10.0, leading: 14.5 };

const BETWEEN_BLOCKS: f32 = 6.0;
const BETWEEN_ITEMS: f32 = 2.0;
const BEFORE_TITLE: f32 = 10.0;
/// Of each list and quotation around a block.
const INDENT: f32 = 16.0;
/// Deeper blocks are not indented further.
const MAX_DEPTH: usize = 9;
const AROUND_RULE: f32 = 8.0;

impl PageBuilder<'_, '_> {
    /// Places `note`, a text in CommonMark, below the heading `title`, and returns where it begins.
    pub(super) fn note(&mut self, title: &str, note: &str) -> Result<Position, ExportError> {
        let note = printable(note);
        let position = self.heading(title, 2.0 * BODY.leading)?;
        let blocks = blocks(&note);
        let mut first = true;
        for (index, block) in blocks.iter().enumerate() {
            let space = match (first, &block.kind) {
                (true, _) => 0.0,
                (_, NoteBlockKind::Heading(_)) => BEFORE_TITLE,
                _ if block.item.is_some() && index > 0 && blocks[index - 1].depth > 0 => BETWEEN_ITEMS,
                _ => BETWEEN_BLOCKS,
            };
            first = false;
            if block.kind == NoteBlockKind::Rule {
                self.keep_together(2.0 * AROUND_RULE);
                let y = self.y + AROUND_RULE;
                let rule = Bar::rule(self.size.text_left, self.size.text_right, y);
                self.last_page().bars.push(rule);
                self.y += AROUND_RULE;
                continue;
            }
            let placed = self.note_block(block)?;
            if matches!(block.kind, NoteBlockKind::Heading(_)) {
                self.keep_together(space + placed.full_height() + 2.0 * BODY.leading);
            }
            self.place(placed, space)?;
        }
        Ok(position)
    }

    fn note_block(&mut self, block: &NoteBlock) -> Result<Block, ExportError> {
        let style = match block.kind {
            NoteBlockKind::Heading(HeadingLevel::H1 | HeadingLevel::H2) => TITLE,
            NoteBlockKind::Heading(_) => SUBTITLE,
            NoteBlockKind::Code => CODE,
            NoteBlockKind::Paragraph | NoteBlockKind::Rule => BODY,
        };
        let mut pieces: Vec<(String, Look)> = Vec::with_capacity(block.pieces.len());
        for piece in &block.pieces {
            let (mut look, mut text) = (style.look, piece.text.clone());
            look.bold |= piece.bold;
            look.italic = piece.italic;
            if piece.code {
                look.mark = Mark::Code;
                // Fixed spaces keep the indentation of code.
                text = text.replace('\t', "    ").replace(' ', "\u{A0}");
            }
            if let Some(address) = &piece.link {
                (look.colour, look.mark) = (LINK, Mark::Link);
                if self.addresses.last() != Some(address) {
                    self.addresses.push(address.clone());
                }
                look.link = Some(self.addresses.len() - 1);
            }
            pieces.push((text, look));
        }
        let pieces: Vec<(&str, Look)> = pieces.iter().map(|(text, look)| (text.as_str(), *look)).collect();
        let indent = INDENT * (block.depth + block.quotes).min(MAX_DEPTH) as f32;
        let mut placed = self.rich_block(&pieces, style, indent)?;
        placed.quoted = block.quotes > 0;
        if let Some(item) = &block.item {
            let marker = item.number.map_or_else(|| "•".to_owned(), |number| format!("{number}."));
            let line = self.single_line(&marker, BODY, self.size.text_width())?;
            // A bullet stands at the beginning of the indentation, a number ends near the text.
            let x = match item.number {
                None => placed.left - INDENT + 4.0,
                Some(_) => placed.left - 4.0 - BODY.points(line.width),
            };
            placed.label = Some((line, BODY, x));
        }
        Ok(placed)
    }
}
