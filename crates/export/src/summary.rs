//! Summaries in exports: the formats that hold a summary alone, and what the formats of transcripts share to show it.

use crate::document::Document;
use crate::format::{Format, FormatGroup, Needs, OptionName, ReceiptPlace, Rendered, Resources};
use crate::labels::Labels;
use crate::options::ExportOptions;
use crate::paragraphs::FormattedTranscript;
use crate::{ExportError, markdown, pdf};
use transcript::Span;

/// A summary of a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// The language model that wrote it; `None` if its statements are sentences of the meeting.
    pub model: Option<String>,
    /// In reading order.
    pub sections: Vec<SummarySection>,
}

/// Statements under a title.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SummarySection {
    /// The title.
    pub title: String,
    /// In reading order.
    pub statements: Vec<SummaryStatement>,
}

/// A statement with the passages that it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SummaryStatement {
    /// The text.
    pub text: String,
    /// The passages, in order of time.
    pub sources: Vec<Span>,
    /// Whether its sources were found in the transcript.
    pub found: bool,
    /// Whether a user changed the text.
    pub edited: bool,
    /// Who does it.
    pub owner: Option<String>,
    /// By when.
    pub due: Option<String>,
}

pub(crate) static PDF: Format = Format {
    key: "pdf_summary",
    extension: "pdf",
    media_type: "application/pdf",
    label: "Summary as PDF",
    purpose: "With the time of each source",
    group: FormatGroup::Document,
    needs: Needs::Summary,
    options: &[
        OptionName::Speakers,
        OptionName::Language,
        OptionName::Paper,
        OptionName::LineNumbers,
        OptionName::Watermark,
        OptionName::Logo,
    ],
    receipt: ReceiptPlace::Token,
    render: render_pdf,
};

pub(crate) static MARKDOWN: Format = Format {
    key: "markdown_summary",
    extension: "md",
    media_type: "text/markdown",
    label: "Summary as Markdown",
    purpose: "For notes, such as Obsidian",
    group: FormatGroup::Document,
    needs: Needs::Summary,
    options: &[OptionName::Speakers, OptionName::Language],
    receipt: ReceiptPlace::Token,
    render: render_markdown,
};

fn render_pdf(
    document: &Document,
    options: &ExportOptions,
    resources: &Resources<'_>,
) -> Result<Rendered, ExportError> {
    pdf::render(&FormattedTranscript::summary_alone(document, options), resources)
}

fn render_markdown(
    document: &Document,
    options: &ExportOptions,
    resources: &Resources<'_>,
) -> Result<Rendered, ExportError> {
    resources.report(0, 1)?;
    Ok(markdown::markdown(&FormattedTranscript::summary_alone(document, options)).into())
}

impl Summary {
    /// How the summary was made, for its readers.
    pub(crate) fn origin(&self, labels: &Labels) -> String {
        match &self.model {
            None => labels.summary_of_sentences.clone(),
            Some(model) => labels.summary_of_model.replace("{model}", model),
        }
    }
}

impl SummaryStatement {
    /// Owner, due date and marks of the statement: `Who: Anna · By: Friday`. Empty if it has none.
    pub(crate) fn remarks(&self, labels: &Labels) -> String {
        let told = [
            self.owner.as_ref().map(|name| labels.owner.replace("{name}", name)),
            self.due.as_ref().map(|when| labels.due.replace("{when}", when)),
            self.edited.then(|| labels.edited.clone()),
            (!self.found && !self.edited).then(|| labels.no_source.clone()),
        ];
        told.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}
