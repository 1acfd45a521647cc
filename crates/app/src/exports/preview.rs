//! The beginning of a file as an export would make it, for the window to show before it is made.

use crate::App;
use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use export::{BUNDLE, ExportOptions, Format, Needs};
use serde::Serialize;
use store::JobId;

/// Segments that a preview has.
const MAX_SEGMENTS: usize = 120;
/// Bytes of text that a preview has.
const MAX_TEXT_BYTES: usize = 64 * 1024;

/// How a preview is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum PreviewKind {
    /// `content` is a PDF file in base64.
    Pdf,
    /// `content` is an HTML file. It may contain scripts, which must not run.
    Html,
    /// `content` is the text itself.
    Text,
}

/// The beginning of a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Preview {
    /// How to show it.
    pub kind: PreviewKind,
    /// The content.
    pub content: String,
    /// Whether the transcript goes on.
    pub is_cut: bool,
    /// The name that the file gets.
    pub file_name: String,
    /// What the user should know about the file.
    pub note: Option<String>,
}

impl App {
    /// The beginning of the export of a meeting. A Word document, which a window cannot show, is shown as HTML, and a
    /// bundle as the Markdown in it.
    ///
    /// # Errors
    /// As [`App::create_export`]; [`ErrorCode::NotOffered`](crate::ErrorCode::NotOffered) for a logo that cannot be used.
    pub async fn preview_export(
        &self,
        job: JobId,
        format: &'static Format,
        options: ExportOptions,
    ) -> Result<Preview> {
        let (stored, _) = self.with_transcript(job, "export").await?;
        let file_name = self.file_name_of(&stored, format).await?;
        let shows_words = format.needs != Needs::Summary;
        if !shows_words {
            self.ensure_summary(job).await?;
        }
        let mut document = self.document_of(&stored).await?;
        let is_cut = shows_words && document.segments.len() > MAX_SEGMENTS;
        document.segments.truncate(MAX_SEGMENTS);
        let end = document.segments.last().map(|segment| segment.segment.span.end).unwrap_or_default();
        document.turns.retain(|(span, _)| !is_cut || span.start <= end);
        let (shown, kind) = match format.key {
            "docx" => (super::export_format("html")?, PreviewKind::Html),
            BUNDLE => (super::export_format("markdown_transcript")?, PreviewKind::Text),
            "html" => (format, PreviewKind::Html),
            _ if format.extension == "pdf" => (format, PreviewKind::Pdf),
            _ => (format, PreviewKind::Text),
        };
        // Sound is not part of a preview.
        let options = ExportOptions { audio: false, ..options };
        let app = self.clone();
        let rendered = tokio::task::spawn_blocking(move || {
            app.render_export(&stored, shown, &document, &options, &|_| true)
        })
        .await??;
        let content = match kind {
            PreviewKind::Pdf => STANDARD.encode(&rendered.bytes),
            PreviewKind::Html => String::from_utf8_lossy(&rendered.bytes).into_owned(),
            PreviewKind::Text => {
                let end = rendered.bytes.len().min(MAX_TEXT_BYTES);
                String::from_utf8_lossy(&rendered.bytes[..end]).into_owned()
            }
        };
        Ok(Preview { kind, content, is_cut, file_name, note: rendered.note })
    }
}
