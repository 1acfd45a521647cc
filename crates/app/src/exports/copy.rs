//! Transcripts as text for the clipboard.

use crate::App;
use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use export::{ExportOptions, Times};
use serde::Deserialize;
use store::JobId;

/// Which part of a transcript to copy, and how.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CopyRequest {
    /// As Markdown; else as plain text.
    pub markdown: bool,
    /// With the time of each segment.
    pub times: bool,
    /// Start and end in milliseconds: only the segments that begin in this span.
    pub span: Option<(u32, u32)>,
}

impl App {
    /// The transcript of a meeting, or a part of it, as text for the clipboard.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::NoTranscript`].
    pub async fn transcript_text(&self, id: JobId, request: &CopyRequest) -> Result<String> {
        let mut document = self.document_of(&self.stored_job(id).await?).await?;
        if let Some((start, end)) = request.span {
            document.segments.retain(|segment| {
                let from = segment.segment.span.start.as_ms();
                start <= from && from < end.max(start + 1)
            });
        }
        if document.segments.is_empty() {
            let why = format!("“{}” has no words to copy yet.", document.title);
            return Err(user_error(ErrorCode::NoTranscript, why));
        }
        let times = if request.times { Times::Segment } else { Times::None };
        let options = ExportOptions { times, ..self.default_export_options() };
        Ok(match request.markdown {
            true => export::markdown_passages(&document, &options),
            false => export::text_passages(&document, &options),
        })
    }
}
