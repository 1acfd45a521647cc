//! The transcript as a PDF.
//!
//! The steps, one module each:
//! 1. [`line_break`] breaks text into lines, with the help of [`shape`], which turns words into positioned glyphs;
//! 2. [`layout`] places the parts of the document, [`front`], [`note`] and [`speech`], on pages ([`page`]) as [`block`]s,
//!    and collects the entries of the [`outline`];
//! 3. [`draw`] turns pages into drawing operations and [`file`] writes the file.
//!
//! Not supported: hyphenation, fonts with colours, and a structure tree (the file is not tagged for screen readers).

mod block;
mod characters;
mod draw;
mod file;
mod front;
mod layout;
mod line_break;
mod logo;
mod note;
mod outline;
mod page;
mod shape;
mod speech;
mod summary;

use crate::format::{Format, FormatGroup, Needs, PAGE_OPTIONS, ReceiptPlace, Rendered, Resources};
use crate::logo::Logo;
use crate::{ExportError, Fonts, FormattedTranscript};

pub(crate) static FORMAT: Format = Format {
    key: "pdf_transcript",
    extension: "pdf",
    media_type: "application/pdf",
    label: "PDF",
    purpose: "To read, print and send",
    group: FormatGroup::Document,
    needs: Needs::Transcript,
    options: PAGE_OPTIONS,
    receipt: ReceiptPlace::Token,
    render: |document, options, resources| render(&FormattedTranscript::new(document, options), resources),
};

/// A meeting as a PDF file.
///
/// # Errors
/// If a font or the logo cannot be read or is damaged, or if `resources.progress` says so.
pub(crate) fn render(
    transcript: &FormattedTranscript,
    resources: &Resources<'_>,
) -> Result<Rendered, ExportError> {
    let rendered = pdf(transcript, &Fonts::load(resources.fonts)?, resources)?;
    let missing: Vec<String> =
        rendered.missing.iter().map(|c| format!("{c} (U+{:04X})", u32::from(*c))).collect();
    let note = (!missing.is_empty()).then(|| {
        format!("No font here has these characters, the PDF shows their codes: {}.", missing.join(", "))
    });
    Ok(Rendered { bytes: rendered.bytes, note })
}

/// A rendered PDF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pdf {
    /// The content of the file.
    pub(crate) bytes: Vec<u8>,
    /// The characters that no font has, without repetition, in order of code point. Their codes are drawn, and
    /// they can still be searched and copied; a remark at the end of the document lists them.
    pub(crate) missing: Vec<char>,
}

/// `transcript` as a PDF, set in `fonts`, with the logo of `resources`. Equal arguments give equal bytes.
///
/// # Errors
/// If a font or the logo cannot be read or is damaged, or if `resources.progress` says so.
pub(crate) fn pdf(
    transcript: &FormattedTranscript,
    fonts: &Fonts,
    resources: &Resources<'_>,
) -> Result<Pdf, ExportError> {
    let logo = resources.logo.filter(|_| transcript.options.logo).map(Logo::read).transpose()?;
    let mut shaper = shape::Shaper::new(fonts)?;
    let layout = layout::lay_out(transcript, &mut shaper, logo.as_ref(), resources)?;
    let missing = shaper.missing();
    let bytes = file::bytes(&layout, &shaper, transcript, logo.as_ref())?;
    Ok(Pdf { bytes, missing })
}

#[cfg(test)]
mod tests;
