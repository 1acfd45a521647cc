//! The transcript as a PDF.
//!
//! The steps, one module each:
//! 1. [`line_break`] breaks text into lines, with the help of [`shape`], which turns words into positioned glyphs;
//! 2. [`layout`] places the lines on pages ([`page`]) and collects the entries of the [`outline`];
//! 3. [`draw`] turns pages into drawing operations and [`file`] writes the file.
//!
//! Not supported: hyphenation, and a structure tree (the file is not tagged for screen readers).

mod characters;
mod draw;
mod file;
mod layout;
mod line_break;
mod outline;
mod page;
mod shape;

use crate::document::Document;
use crate::format::{Format, FormatGroup, Needs, OptionName, ReceiptPlace, Rendered, Resources};
use crate::options::{ExportOptions, Paper};
use crate::{ExportError, Fonts, FormattedTranscript};

pub(crate) static FORMAT: Format = Format {
    key: "pdf_transcript",
    extension: "pdf",
    media_type: "application/pdf",
    label: "PDF",
    purpose: "To read, print and send",
    group: FormatGroup::Document,
    needs: Needs::Transcript,
    options: &[OptionName::Speakers, OptionName::Times, OptionName::Language, OptionName::Paper],
    receipt: ReceiptPlace::Token,
    render,
};

fn render(
    document: &Document,
    options: &ExportOptions,
    resources: &Resources<'_>,
) -> Result<Rendered, ExportError> {
    let transcript = FormattedTranscript::new(document, options);
    let rendered = pdf(&transcript, &Fonts::load(resources.fonts)?, options.paper)?;
    let missing: Vec<String> =
        rendered.missing.iter().map(|c| format!("{c} (U+{:04X})", u32::from(*c))).collect();
    let note = (!missing.is_empty()).then(|| {
        format!("No font here has these characters, they are marked in the PDF: {}.", missing.join(", "))
    });
    Ok(Rendered { bytes: rendered.bytes, note })
}

/// A rendered PDF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pdf {
    /// The content of the file.
    pub(crate) bytes: Vec<u8>,
    /// The characters that no font has, without repetition, in order of code point. They are drawn as `�` and can still
    /// be searched and copied; a note at the end of the document lists them.
    pub(crate) missing: Vec<char>,
}

/// `transcript` as a PDF on `paper`, set in `fonts`. Equal arguments give equal bytes.
///
/// # Errors
/// If a font cannot be read or is damaged.
pub(crate) fn pdf(transcript: &FormattedTranscript, fonts: &Fonts, paper: Paper) -> Result<Pdf, ExportError> {
    let mut shaper = shape::Shaper::new(fonts)?;
    let layout = layout::lay_out(transcript, &mut shaper, paper)?;
    let missing = shaper.missing();
    let bytes = file::bytes(&layout, &shaper, transcript)?;
    Ok(Pdf { bytes, missing })
}

#[cfg(test)]
mod tests;
