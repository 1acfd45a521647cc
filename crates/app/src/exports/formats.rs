//! The formats of exports, as front ends name and list them.

use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use export::{FORMATS, Format, FormatGroup, Needs, OptionName, SubtitleGuide, SubtitleOptions};
use serde::Serialize;

/// The keys of all formats.
pub fn export_keys() -> Vec<&'static str> {
    FORMATS.iter().map(|format| format.key).collect()
}

/// The format with this key.
///
/// # Errors
/// [`ErrorCode::NotOffered`] for an unknown key; the message lists the known ones.
pub fn export_format(key: &str) -> Result<&'static Format> {
    Format::by_key(key).ok_or_else(|| {
        let known = export_keys().join(", ");
        user_error(
            ErrorCode::NotOffered,
            format!("There is no export format “{key}”. The formats are: {known}."),
        )
    })
}

/// A format as the window and the command line list it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct FormatView {
    /// The file extension, without the dot.
    pub extension: &'static str,
    /// Where it is listed.
    pub group: FormatGroup,
    /// Whether the file holds a receipt, which names its origin.
    pub has_receipt: bool,
    /// The name in the database and on the command line.
    pub key: &'static str,
    /// The name in menus.
    pub label: &'static str,
    /// Whether the speakers must have been detected.
    pub needs_speakers: bool,
    /// The options that change the file.
    pub options: &'static [OptionName],
    /// What people use it for.
    pub purpose: &'static str,
}

impl From<&Format> for FormatView {
    fn from(format: &Format) -> Self {
        Self {
            extension: format.extension,
            group: format.group,
            has_receipt: format.has_receipt(),
            key: format.key,
            label: format.label,
            needs_speakers: format.needs == Needs::Speakers,
            options: format.options,
            purpose: format.purpose,
        }
    }
}

/// All formats, in the order of menus and lists.
pub fn format_views() -> Vec<FormatView> {
    FORMATS.into_iter().map(FormatView::from).collect()
}

/// The limits of subtitles by the guide that sets them.
#[derive(Debug, Clone, Serialize)]
pub struct SubtitleGuides {
    netflix: SubtitleOptions,
    bbc: SubtitleOptions,
}

/// The limits that each guide for subtitles sets.
pub fn subtitle_guides() -> SubtitleGuides {
    SubtitleGuides {
        netflix: SubtitleOptions::of(SubtitleGuide::Netflix),
        bbc: SubtitleOptions::of(SubtitleGuide::Bbc),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn an_unknown_format_is_refused_with_the_known_ones() {
        let error = export_format("exe").unwrap_err();
        assert_eq!(ErrorCode::of(&error), ErrorCode::NotOffered);
        assert!(error.to_string().contains("pdf_transcript, docx"), "{error}");
        assert_eq!(export_format("pdf_summary").unwrap().extension, "pdf");
    }
}
