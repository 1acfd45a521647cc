//! The transcript as a PDF that looks finished.
//!
//! Three steps, one module each: [`shape`] makes glyphs of words, in the right font, form and direction; [`flow`] sets
//! them in lines ([`lines`]) and the lines on pages; [`file`] writes the pages. Leaves out a structure tree (the file is
//! not tagged for screen readers) and hyphenation.

mod draw;
mod file;
mod flow;
mod lines;
mod shape;

use crate::{ExportError, Fonts, Script};

/// The sheet a PDF is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paper {
    /// 210 × 297 mm.
    #[default]
    A4,
    /// 8½ × 11 inches.
    Letter,
}

/// A finished PDF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdf {
    /// The file.
    pub bytes: Vec<u8>,
    /// The characters that no font has, each once, in order of code point. They are drawn as `�`, can still be searched
    /// and copied, and a note at the end of the document names them.
    pub missing: Vec<char>,
}

/// `script` as a PDF on `paper`, set in `fonts`. Equal arguments give equal bytes.
///
/// Fails only on fonts: a file that cannot be read, or that is not a font.
pub fn pdf(script: &Script, fonts: &Fonts, paper: Paper) -> Result<Pdf, ExportError> {
    let mut shaper = shape::Shaper::new(fonts)?;
    let book = flow::book(script, &mut shaper, paper)?;
    let missing = shaper.missing();
    let bytes = file::bytes(&book, &shaper, script)?;
    Ok(Pdf { bytes, missing })
}

#[cfg(test)]
mod tests;
