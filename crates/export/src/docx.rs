//! The transcript as a Word document: Office Open XML (ECMA-376) in its transitional form, which Word, LibreOffice,
//! Pages and Google Docs read.
//!
//! - [`body`] writes the document and its comments, [`note`] the note that users wrote, [`page`] headers and footers;
//! - [`text`] turns text into runs, [`xml`] into XML;
//! - [`package`] packs the parts, with a receipt whose seal covers their contents.
//!
//! The parts are written here because no library gives what is needed: docx-rs 0.4 keeps control characters, with which
//! Word refuses a file, numbers paragraphs with a counter of the process, so that equal input gives other bytes, and has
//! no runs from right to left.

mod body;
mod note;
mod package;
mod page;
mod text;
mod xml;

use crate::document::Document;
use crate::error::ExportError;
use crate::format::{Format, FormatGroup, Needs, PAGE_OPTIONS, ReceiptPlace, Rendered, Resources};
use crate::logo::Logo;
use crate::options::ExportOptions;
use crate::paragraphs::FormattedTranscript;
use body::Body;
use chrono::{SecondsFormat, Utc};
pub(crate) use package::receipt_in_docx;
use package::{Part, RECEIPT_PART, pack};
use text::{CHINESE, JAPANESE, KOREAN, TRADITIONAL_CHINESE};
use xml::Xml;

pub(crate) static FORMAT: Format = Format {
    key: "docx",
    extension: "docx",
    media_type: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    label: "Word",
    purpose: "To edit and comment",
    group: FormatGroup::Document,
    needs: Needs::Transcript,
    options: PAGE_OPTIONS,
    receipt: ReceiptPlace::Docx,
    render,
};

const MAIN: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
/// Author of the comments, and of the document.
const AUTHOR: &str = "MeetMemo";

fn render(
    document: &Document,
    options: &ExportOptions,
    resources: &Resources<'_>,
) -> Result<Rendered, ExportError> {
    let transcript = FormattedTranscript::new(document, options);
    let logo = resources.logo.map(Logo::read).transpose()?;
    let written = Body::write(&transcript, logo.as_ref(), resources)?;
    let mut parts: Vec<Part> = vec![
        ("[Content_Types].xml".to_owned(), content_types(logo.as_ref())),
        (
            "_rels/.rels".to_owned(),
            relationships(&[
                ("officeDocument", "word/document.xml"),
                ("metadata/core-properties", "docProps/core.xml"),
                ("extended-properties", "docProps/app.xml"),
                ("custom-properties", RECEIPT_PART),
            ]),
        ),
        ("docProps/core.xml".to_owned(), core_properties(&transcript)),
        ("docProps/app.xml".to_owned(), application()),
        (RECEIPT_PART.to_owned(), custom_properties(&transcript)),
        ("word/document.xml".to_owned(), written.document),
        ("word/comments.xml".to_owned(), written.comments),
        ("word/numbering.xml".to_owned(), written.numbering),
        ("word/styles.xml".to_owned(), styles(&transcript)),
        ("word/settings.xml".to_owned(), settings()),
        ("word/header1.xml".to_owned(), page::header(&transcript, true)),
        ("word/header2.xml".to_owned(), page::header(&transcript, false)),
        ("word/footer1.xml".to_owned(), page::footer(&transcript)),
    ];
    let picture = logo.as_ref().map(|logo| format!("media/logo.{}", logo.extension));
    let mut related = vec![
        ("comments", "comments.xml"),
        ("numbering", "numbering.xml"),
        ("styles", "styles.xml"),
        ("settings", "settings.xml"),
        ("header", "header1.xml"),
        ("header", "header2.xml"),
        ("footer", "footer1.xml"),
    ];
    related.extend(picture.as_deref().map(|name| ("image", name)));
    parts.push(("word/_rels/document.xml.rels".to_owned(), relationships(&related)));
    parts.extend(logo.zip(picture).map(|(logo, name)| (format!("word/{name}"), logo.bytes.to_owned())));
    Ok(Rendered { bytes: pack(parts), note: None })
}

/// Ids in `word/_rels/document.xml.rels`, which are positions in its list.
const FIRST_HEADER: &str = "rId5";
const OTHER_HEADERS: &str = "rId6";
const FOOTER: &str = "rId7";
const LOGO: &str = "rId8";

/// Relationships `rId1`, `rId2` … of these types to these parts.
fn relationships(targets: &[(&str, &str)]) -> Vec<u8> {
    let mut xml = Xml::new("Relationships", &[("xmlns", &format!("{PACKAGE}/relationships"))]);
    for (index, (kind, target)) in targets.iter().enumerate() {
        let base = if *kind == "metadata/core-properties" {
            &format!("{PACKAGE}/relationships")
        } else {
            RELATIONSHIPS
        };
        let (id, kind) = (format!("rId{}", index + 1), format!("{base}/{kind}"));
        xml.empty("Relationship", &[("Id", &id), ("Type", &kind), ("Target", target)]);
    }
    xml.finish("Relationships")
}

fn content_types(logo: Option<&Logo<'_>>) -> Vec<u8> {
    const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml";
    let mut xml = Xml::new("Types", &[("xmlns", &format!("{PACKAGE}/content-types"))]);
    let mut default =
        |extension, kind| xml.empty("Default", &[("Extension", extension), ("ContentType", kind)]);
    default("rels", "application/vnd.openxmlformats-package.relationships+xml");
    default("xml", "application/xml");
    if let Some(logo) = logo {
        default(logo.extension, logo.media_type);
    }
    for (part, kind) in [
        ("document", "document.main"),
        ("comments", "comments"),
        ("numbering", "numbering"),
        ("styles", "styles"),
        ("settings", "settings"),
        ("header1", "header"),
        ("header2", "header"),
        ("footer1", "footer"),
    ] {
        let (part, kind) = (format!("/word/{part}.xml"), format!("{WORD}.{kind}+xml"));
        xml.empty("Override", &[("PartName", &part), ("ContentType", &kind)]);
    }
    for (part, kind) in [
        ("core", "application/vnd.openxmlformats-package.core-properties+xml"),
        ("app", "application/vnd.openxmlformats-officedocument.extended-properties+xml"),
        ("custom", "application/vnd.openxmlformats-officedocument.custom-properties+xml"),
    ] {
        xml.empty("Override", &[("PartName", &format!("/docProps/{part}.xml")), ("ContentType", kind)]);
    }
    xml.finish("Types")
}

fn core_properties(transcript: &FormattedTranscript) -> Vec<u8> {
    let date = timestamp(transcript);
    let mut xml = Xml::new(
        "cp:coreProperties",
        &[
            ("xmlns:cp", &format!("{PACKAGE}/metadata/core-properties")),
            ("xmlns:dc", "http://purl.org/dc/elements/1.1/"),
            ("xmlns:dcterms", "http://purl.org/dc/terms/"),
            ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
        ],
    );
    xml.text("dc:title", &[], &transcript.heading());
    xml.text("dc:creator", &[], AUTHOR);
    if let Some(tag) = transcript.metadata.valid_language_tag() {
        xml.text("dc:language", &[], tag);
    }
    xml.text("cp:lastModifiedBy", &[], AUTHOR);
    for name in ["dcterms:created", "dcterms:modified"] {
        xml.text(name, &[("xsi:type", "dcterms:W3CDTF")], &date);
    }
    xml.finish("cp:coreProperties")
}

/// When the content last changed, as Word writes times: in UTC, in whole seconds.
fn timestamp(transcript: &FormattedTranscript) -> String {
    transcript.changed_at.with_timezone(&Utc).to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn application() -> Vec<u8> {
    let namespace = "http://schemas.openxmlformats.org/officeDocument/2006/extended-properties";
    let mut xml = Xml::new("Properties", &[("xmlns", namespace)]);
    xml.text("Application", &[], AUTHOR);
    xml.finish("Properties")
}

/// The custom properties: the token of the receipt.
fn custom_properties(transcript: &FormattedTranscript) -> Vec<u8> {
    let office = "http://schemas.openxmlformats.org/officeDocument/2006";
    let mut xml = Xml::new(
        "Properties",
        &[
            ("xmlns", &format!("{office}/custom-properties")),
            ("xmlns:vt", &format!("{office}/docPropsVTypes")),
        ],
    );
    // The format identifier of user-defined properties, and the first number that they may have (ECMA-376, 15.2.12.2).
    let property =
        [("fmtid", "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"), ("pid", "2"), ("name", "MeetMemo-Receipt")];
    xml.open("property", &property);
    xml.text("vt:lpwstr", &[], &transcript.receipt.token());
    xml.close("property");
    xml.finish("Properties")
}

fn styles(transcript: &FormattedTranscript) -> Vec<u8> {
    let tag = transcript.metadata.valid_language_tag().unwrap_or_default();
    let primary = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let (mut language, mut rtl_language) = (tag, "ar-SA");
    let (mut east_asian_language, east_asian_font) = match primary.as_str() {
        "ja" => JAPANESE,
        "ko" => KOREAN,
        "yue" => TRADITIONAL_CHINESE,
        "zh" if ["-Hant", "-TW", "-HK", "-MO"].iter().any(|part| tag.contains(part)) => TRADITIONAL_CHINESE,
        _ => CHINESE,
    };
    match primary.as_str() {
        "ja" | "ko" | "zh" | "yue" => {
            east_asian_language = tag;
            language = &transcript.labels().tag;
        }
        "ar" | "he" | "fa" | "ur" | "yi" | "ps" | "sd" | "ug" | "dv" | "ckb" => {
            rtl_language = tag;
            language = &transcript.labels().tag;
        }
        "" => language = &transcript.labels().tag,
        _ => {}
    }
    include_str!("docx/styles.xml")
        .replace("{east_asian_font}", east_asian_font)
        .replace("{east_asian_language}", east_asian_language)
        .replace("{rtl_language}", rtl_language)
        .replace("{language}", language)
        .into_bytes()
}

fn settings() -> Vec<u8> {
    let mut xml = Xml::new("w:settings", &[("xmlns:w", MAIN)]);
    xml.value("w:characterSpacingControl", "doNotCompress");
    xml.open("w:compat", &[]);
    // The layout of Word 2013 and later; without it Word opens the file in a compatibility mode.
    xml.empty(
        "w:compatSetting",
        &[
            ("w:name", "compatibilityMode"),
            ("w:uri", "http://schemas.microsoft.com/office/word"),
            ("w:val", "15"),
        ],
    );
    xml.close("w:compat");
    xml.finish("w:settings")
}

#[cfg(test)]
mod tests;
