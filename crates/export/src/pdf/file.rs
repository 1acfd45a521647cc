//! Pages become a file.
//!
//! printpdf writes the pages and embeds the part of each font that is used. What it writes around them is replaced here:
//! its document id is random, its dates have no time zone, its outline is flat and sorted by name, and it claims a
//! printing standard that the file does not follow.

use super::{
    draw,
    flow::{Book, Mark},
    shape::Shaper,
};
use crate::{ExportError, Script};
use chrono::{DateTime, FixedOffset};
use lopdf::{Dictionary, Object, ObjectId, StringFormat};
use printpdf::{ParsedFont, PdfDocument, PdfFont, PdfSaveOptions};
use sha2::{Digest, Sha256};

const APP: &str = "MeetMemo";

/// The finished file.
pub(super) fn bytes(book: &Book, shaper: &Shaper<'_>, script: &Script) -> Result<Vec<u8>, ExportError> {
    let mut pdf = PdfDocument::new("");
    let (pages, faces) = draw::pages(book, shaper);
    pdf.pages = pages;
    for face in faces {
        let font = shaper.font(face);
        let parsed = ParsedFont::from_bytes(font.bytes()?, 0, &mut Vec::new());
        let parsed = parsed.ok_or_else(|| ExportError::FontDamaged { font: font.name().to_owned() })?;
        pdf.resources.fonts.map.insert(draw::font_id(face), PdfFont::new(parsed));
    }
    let mut file = pdf.to_lopdf_document(&PdfSaveOptions::default(), &mut Vec::new());
    drop(pdf);
    file.version = "1.7".to_owned();
    let page_ids: Vec<ObjectId> = file.get_pages().into_values().collect();
    let outline = outline(&mut file, book, &page_ids);
    let catalog = file.catalog_mut().expect("printpdf writes a catalogue");
    catalog.remove(b"Outlines");
    catalog.set("PageMode", if outline.is_some() { "UseOutlines" } else { "UseNone" });
    catalog.set("ViewerPreferences", Dictionary::from_iter([("DisplayDocTitle", Object::Boolean(true))]));
    if let Some(outline) = outline {
        catalog.set("Outlines", outline);
    }
    let about =
        file.trailer.get(b"Info").and_then(Object::as_reference).expect("printpdf writes an Info dictionary");
    file.set_object(about, info(script));
    file.compress();
    let id = Object::String(digest(&file), StringFormat::Hexadecimal);
    file.trailer.set("ID", vec![id.clone(), id]);
    let mut bytes = Vec::new();
    file.save_to(&mut bytes).expect("writing to memory does not fail");
    Ok(bytes)
}

fn info(script: &Script) -> Dictionary {
    let date = pdf_date(script.exported_at);
    let subject = format!("Transcript of {}", script.facts.file_name);
    Dictionary::from_iter([
        ("Title", text(&script.heading())),
        ("Subject", text(&subject)),
        ("Author", text(APP)),
        ("Creator", text(APP)),
        ("Producer", text(APP)),
        ("CreationDate", Object::string_literal(date.clone())),
        ("ModDate", Object::string_literal(date)),
    ])
}

fn text(text: &str) -> Object {
    Object::String(draw::text_string(text), StringFormat::Hexadecimal)
}

/// `D:20250314093000+01'00'`, as ISO 32000 has it in 7.9.4.
fn pdf_date(at: DateTime<FixedOffset>) -> String {
    let minutes = at.offset().local_minus_utc() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{}{sign}{:02}'{:02}'", at.format("D:%Y%m%d%H%M%S"), minutes.abs() / 60, minutes.abs() % 60)
}

/// Tells this content from every other: the first half of the hash of all that was written so far.
fn digest(file: &lopdf::Document) -> Vec<u8> {
    let mut hash = Sha256::new();
    for object in file.objects.values() {
        match object {
            Object::Stream(stream) => hash.update(&stream.content),
            other => hash.update(format!("{other:?}")),
        }
    }
    hash.finalize()[..16].to_vec()
}

/// Writes the outline of `book` and returns a reference to it; `None` where there is none.
fn outline(file: &mut lopdf::Document, book: &Book, pages: &[ObjectId]) -> Option<Object> {
    if book.outline.is_empty() {
        return None;
    }
    let root = file.new_object_id();
    let (first, last) = marks(file, book, &book.outline, root, pages);
    let count = i64::try_from(book.outline.len()).expect("an outline fits in memory");
    let entries = [("Type", "Outlines".into()), ("First", first), ("Last", last), ("Count", count.into())];
    file.set_object(root, Dictionary::from_iter(entries));
    Some(root.into())
}

/// Writes `marks`, which is not empty, below `parent` and returns references to the first and the last.
fn marks(
    file: &mut lopdf::Document,
    book: &Book,
    marks: &[Mark],
    parent: ObjectId,
    pages: &[ObjectId],
) -> (Object, Object) {
    let ids: Vec<ObjectId> = marks.iter().map(|_| file.new_object_id()).collect();
    for (index, mark) in marks.iter().enumerate() {
        let top = book.sheet.height - mark.y;
        let place: Vec<Object> =
            vec![pages[mark.page].into(), "XYZ".into(), Object::Null, top.into(), Object::Null];
        let mut entry = Dictionary::from_iter([
            ("Title", text(&mark.title)),
            ("Parent", parent.into()),
            ("Dest", place.into()),
        ]);
        if index > 0 {
            entry.set("Prev", ids[index - 1]);
        }
        if let Some(next) = ids.get(index + 1) {
            entry.set("Next", *next);
        }
        if !mark.children.is_empty() {
            let (first, last) = self::marks(file, book, &mark.children, ids[index], pages);
            entry.set("First", first);
            entry.set("Last", last);
            // Negative: closed until the reader opens it.
            entry.set("Count", -i64::try_from(mark.children.len()).expect("an outline fits in memory"));
        }
        file.set_object(ids[index], entry);
    }
    (ids[0].into(), ids[ids.len() - 1].into())
}
