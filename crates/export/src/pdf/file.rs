//! Writes the PDF file: pages, embedded fonts, metadata, outline and document id.
//!
//! printpdf writes the pages and embeds the used subset of each font. Its other output is replaced here: its document
//! id is random, its dates have no time zone, its outline is flat and sorted by name, and it claims a printing standard
//! that the file does not follow.

use super::{draw, logo, outline::OutlineEntry, page::Layout, shape::Shaper};
use crate::logo::Logo;
use crate::{ExportError, FormattedTranscript};
use chrono::{DateTime, FixedOffset};
use lopdf::{Dictionary, Object, ObjectId, StringFormat};
use printpdf::{ParsedFont, PdfDocument, PdfFont, PdfSaveOptions, XObjectId};
use sha2::{Digest, Sha256};

const AUTHOR: &str = "MeetMemo";

/// The content of the file.
pub(super) fn bytes(
    layout: &Layout,
    shaper: &Shaper<'_>,
    transcript: &FormattedTranscript,
    logo: Option<&Logo<'_>>,
) -> Result<Vec<u8>, ExportError> {
    let mut pdf = PdfDocument::new("");
    let (pages, faces) = draw::pages(layout, shaper);
    pdf.pages = pages;
    for face in faces {
        let font = shaper.font(face);
        let parsed = ParsedFont::from_bytes(font.bytes()?, 0, &mut Vec::new());
        let parsed = parsed.ok_or_else(|| ExportError::FontDamaged { font: font.name().to_owned() })?;
        pdf.resources.fonts.map.insert(draw::font_id(face), PdfFont::new(parsed));
    }
    if let Some(logo) = logo {
        pdf.resources.xobjects.map.insert(XObjectId(draw::LOGO.to_owned()), logo::image(logo)?);
    }
    let mut file = pdf.to_lopdf_document(&PdfSaveOptions::default(), &mut Vec::new());
    drop(pdf);
    file.version = "1.7".to_owned();
    let page_ids: Vec<ObjectId> = file.get_pages().into_values().collect();
    let outline = outline(&mut file, layout, &page_ids);
    let catalog = file.catalog_mut().expect("printpdf writes a catalogue");
    catalog.remove(b"Outlines");
    catalog.set("PageMode", if outline.is_some() { "UseOutlines" } else { "UseNone" });
    if let Some(tag) = transcript.metadata.valid_language_tag() {
        catalog.set("Lang", Object::string_literal(tag));
    }
    catalog.set("ViewerPreferences", Dictionary::from_iter([("DisplayDocTitle", Object::Boolean(true))]));
    if let Some(outline) = outline {
        catalog.set("Outlines", outline);
    }
    let info_id =
        file.trailer.get(b"Info").and_then(Object::as_reference).expect("printpdf writes an Info dictionary");
    file.set_object(info_id, info(transcript));
    file.compress();
    let id = Object::String(digest(&file), StringFormat::Hexadecimal);
    file.trailer.set("ID", vec![id.clone(), id]);
    let mut bytes = Vec::new();
    file.save_to(&mut bytes).expect("writing to memory does not fail");
    Ok(bytes)
}

/// The document information dictionary.
fn info(transcript: &FormattedTranscript) -> Dictionary {
    let date = pdf_date(transcript.changed_at);
    let subject = format!("{}: {}", transcript.labels().transcript, transcript.metadata.file_name);
    Dictionary::from_iter([
        ("Title", text(&transcript.heading())),
        ("Subject", text(&subject)),
        ("Author", text(AUTHOR)),
        ("Creator", text(AUTHOR)),
        ("Producer", text(AUTHOR)),
        ("CreationDate", Object::string_literal(date.clone())),
        ("ModDate", Object::string_literal(date)),
        // Not compressed, so that the seal can be filled in.
        ("MeetMemoReceipt", Object::string_literal(transcript.receipt.token())),
    ])
}

fn text(text: &str) -> Object {
    Object::String(draw::text_string(text), StringFormat::Hexadecimal)
}

/// A PDF date, such as `D:20250314093000+01'00'` (ISO 32000, 7.9.4).
fn pdf_date(at: DateTime<FixedOffset>) -> String {
    let minutes = at.offset().local_minus_utc() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{}{sign}{:02}'{:02}'", at.format("D:%Y%m%d%H%M%S"), minutes.abs() / 60, minutes.abs() % 60)
}

/// The document id: the first 16 bytes of the SHA-256 of all objects. Equal content gives an equal id.
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

/// Adds the outline of `layout` to `file` and returns a reference to it; `None` if it is empty.
fn outline(file: &mut lopdf::Document, layout: &Layout, pages: &[ObjectId]) -> Option<Object> {
    if layout.outline.is_empty() {
        return None;
    }
    let root = file.new_object_id();
    let (first, last) = outline_entries(file, layout, &layout.outline, root, pages);
    let shown = layout.outline.iter().map(|entry| 1 + entry.shown()).sum();
    let count = count_of(shown);
    let entries = [("Type", "Outlines".into()), ("First", first), ("Last", last), ("Count", count.into())];
    file.set_object(root, Dictionary::from_iter(entries));
    Some(root.into())
}

/// Adds `entries`, which is not empty, as children of `parent` and returns references to the first and the last.
fn outline_entries(
    file: &mut lopdf::Document,
    layout: &Layout,
    entries: &[OutlineEntry],
    parent: ObjectId,
    pages: &[ObjectId],
) -> (Object, Object) {
    let ids: Vec<ObjectId> = entries.iter().map(|_| file.new_object_id()).collect();
    for (index, entry) in entries.iter().enumerate() {
        let top = layout.size.height - entry.position.y;
        let destination: Vec<Object> =
            vec![pages[entry.position.page].into(), "XYZ".into(), Object::Null, top.into(), Object::Null];
        let mut item = Dictionary::from_iter([
            ("Title", text(&entry.title)),
            ("Parent", parent.into()),
            ("Dest", destination.into()),
        ]);
        if index > 0 {
            item.set("Prev", ids[index - 1]);
        }
        if let Some(next) = ids.get(index + 1) {
            item.set("Next", *next);
        }
        if !entry.children.is_empty() {
            let (first, last) = outline_entries(file, layout, &entry.children, ids[index], pages);
            item.set("First", first);
            item.set("Last", last);
            // A negative count means that the entry is closed at first.
            let count = if entry.open { count_of(entry.shown()) } else { -count_of(entry.children.len()) };
            item.set("Count", count);
        }
        file.set_object(ids[index], item);
    }
    (ids[0].into(), ids[ids.len() - 1].into())
}

fn count_of(entries: usize) -> i64 {
    i64::try_from(entries).expect("an outline fits in memory")
}
