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

use crate::{ExportError, Fonts, FormattedTranscript};

/// The paper size of a PDF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paper {
    /// 210 × 297 mm.
    #[default]
    A4,
    /// 8½ × 11 inches.
    Letter,
}

/// A rendered PDF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdf {
    /// The content of the file.
    pub bytes: Vec<u8>,
    /// The characters that no font has, without repetition, in order of code point. They are drawn as `�` and can still
    /// be searched and copied; a note at the end of the document lists them.
    pub missing: Vec<char>,
}

/// `transcript` as a PDF on `paper`, set in `fonts`. Equal arguments give equal bytes.
///
/// # Errors
/// If a font cannot be read or is damaged.
pub fn pdf(transcript: &FormattedTranscript, fonts: &Fonts, paper: Paper) -> Result<Pdf, ExportError> {
    let mut shaper = shape::Shaper::new(fonts)?;
    let layout = layout::lay_out(transcript, &mut shaper, paper)?;
    let missing = shaper.missing();
    let bytes = file::bytes(&layout, &shaper, transcript)?;
    Ok(Pdf { bytes, missing })
}

#[cfg(test)]
mod tests;
