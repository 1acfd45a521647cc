//! The note that users wrote: CommonMark as paragraphs of the document.

use super::body::{Body, LIST_INDENT, MAX_DEPTH, ParagraphProperties};
use super::text::{Look, is_rtl, push_runs};
use crate::note_markdown::{NoteBlock, NoteBlockKind, NotePiece, blocks};
use pulldown_cmark::HeadingLevel;
use std::collections::HashMap;

/// Pushes `note`, a text in CommonMark. Its headings become one level lower, because the note has a heading itself.
pub(super) fn push_note(body: &mut Body<'_>, note: &str) {
    // The ids of the lists so far.
    let mut lists = HashMap::new();
    for block in blocks(note) {
        if block.kind == NoteBlockKind::Rule {
            body.open_paragraph(ParagraphProperties { style: "Rule", ..ParagraphProperties::default() });
            body.xml.close("w:p");
        } else {
            push_block(body, &mut lists, &block);
        }
    }
}

fn push_block(body: &mut Body<'_>, lists: &mut HashMap<usize, usize>, block: &NoteBlock) {
    let text: String = block.pieces.iter().map(|piece| piece.text.as_str()).collect();
    let rtl = is_rtl(&text);
    let depth = block.depth.min(MAX_DEPTH);
    let style = match (block.kind, depth, block.quotes) {
        (NoteBlockKind::Heading(HeadingLevel::H1), ..) => "Heading2",
        (NoteBlockKind::Heading(_), ..) => "Heading3",
        (_, 1.., _) => "ListParagraph",
        (_, 0, 1..) => "Quote",
        (_, 0, 0) => "Normal",
    };
    let list = block.item.map(|item| {
        let id = lists.entry(item.list).or_insert_with(|| body.new_list(item.number, depth - 1));
        (*id, depth - 1)
    });
    let indent = (depth > 0 && list.is_none()).then_some(depth * LIST_INDENT);
    body.open_paragraph(ParagraphProperties { style, rtl, list, indent, at_end: false });
    for pieces in block.pieces.chunk_by(|a, b| a.link == b.link) {
        let link = pieces[0].link.as_ref();
        if let Some(link) = link {
            // Field instructions have the address in quotation marks, and `\` begins a switch.
            let link = link.replace('"', "%22").replace('\\', "%5C");
            body.xml.open("w:fldSimple", &[("w:instr", &format!(" HYPERLINK \"{link}\" "))]);
        }
        for piece in pieces {
            push_runs(&mut body.xml, &piece.text, look(piece), rtl);
        }
        if link.is_some() {
            body.xml.close("w:fldSimple");
        }
    }
    body.xml.close("w:p");
}

fn look(piece: &NotePiece) -> Look<'static> {
    let style = match (piece.link.is_some(), piece.code) {
        (true, _) => Some("Hyperlink"),
        (false, true) => Some("Code"),
        (false, false) => None,
    };
    Look { style, bold: piece.bold, italic: piece.italic, colour: None }
}
