//! Summaries of meetings. The crate `summary` makes an extract; the archive keeps each summary with the passages it was
//! made of, so that a later change of the transcript shows.

use crate::App;
use crate::exports::{ChangedPassage, changed_passages};
use crate::user_error::{ErrorCode, user_error};
use anyhow::{Context, Result};
use chrono::SecondsFormat;
use export::{Document, ExportOptions, Passages};
use serde::{Deserialize, Serialize};
use store::{JobId, NewSummary, SegmentId, StoredSummary, SummaryId, SummarySaved};
use summary::{Covered, Kind, Meeting, Section, Statement, Summary, Support, extract};
use transcript::{AudioTime, Span};

/// The most characters of a statement that is written by hand.
const MAX_STATEMENT_CHARS: usize = 5_000;

/// A summary as the archive has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SummaryView {
    /// The summary.
    #[serde(flatten)]
    pub summary: Summary,
    /// When it was made: RFC 3339, UTC.
    pub created_at: String,
    /// 1 as it was made; rises by one with each change by hand.
    pub revision: u32,
    /// When it was last changed by hand: RFC 3339, UTC.
    pub edited_at: Option<String>,
    /// Whether the transcript or its speakers have changed since.
    pub is_out_of_date: bool,
    /// The passages that have changed, as they are now.
    pub changed: Vec<ChangedPassage>,
}

/// A change of one statement by hand.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct StatementEdit {
    /// Position of the section, from 0.
    pub section: u32,
    /// Position of the statement in its section, from 0.
    pub statement: u32,
    /// The new text. An empty text removes the statement.
    pub text: String,
    /// The revision of the summary that the user saw.
    pub revision: u32,
}

/// The result of a change by hand.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SavedSummary {
    /// Whether it was saved. If not, the summary has changed meanwhile.
    pub saved: bool,
    /// The summary as it is now.
    pub summary: SummaryView,
}

/// The part of a summary that is stored as JSON.
#[derive(Serialize, Deserialize)]
struct Content {
    covered: Covered,
    sections: Vec<Section>,
}

impl App {
    /// The summaries of a meeting, newest first.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn summaries(&self, job: JobId) -> Result<Vec<SummaryView>> {
        let job = self.stored_job(job).await?;
        let stored = self.store.summaries(job.id).await?;
        if stored.is_empty() {
            return Ok(Vec::new());
        }
        let document = self.document_of(&job).await?;
        let now = passages_of(&document);
        stored.into_iter().map(|summary| view(summary, &document, &now)).collect()
    }

    /// Makes an extract of a meeting. If the newest extract is of the same transcript and was not changed by hand, it is
    /// returned instead, because the same transcript gives the same extract.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::NoTranscript`]; [`ErrorCode::WrongState`] for a meeting in the trash.
    pub async fn extract(&self, job: JobId) -> Result<SummaryView> {
        let (job, version) = self.with_transcript(job, "summarise").await?;
        let transcript_id = version.id;
        let segments = self.store.segments(transcript_id).await?;
        let ids: Vec<SegmentId> = segments.iter().map(|segment| segment.id).collect();
        let document = self.document_of_segments(&job, Some(version), segments).await?;
        let now = passages_of(&document);
        let passages = now.to_bytes();
        let mut extracts = self.store.summaries(job.id).await?.into_iter().filter(is_plain_extract);
        if let Some(newest) = extracts.next()
            && newest.summary.engine == summary::EXTRACT_ENGINE
            && newest.summary.passages == passages
        {
            return view(newest, &document, &now);
        }
        let meeting = meeting_of(&document, &ids);
        let id = SummaryId::new();
        let (summary_id, job_id) = (id.to_string(), job.id.to_string());
        let made = tokio::task::spawn_blocking(move || extract(&meeting, &summary_id, &job_id)).await?;
        let content = Content { covered: made.covered, sections: made.sections };
        let new = NewSummary {
            id,
            job_id: job.id,
            transcript_id: Some(transcript_id),
            kind: EXTRACT.to_owned(),
            template: None,
            engine: made.engine,
            model: made.model,
            language: made.language,
            content: serde_json::to_value(content)?,
            passages,
        };
        let stored = self.store.add_summary(&new).await?;
        view(stored.ok_or_else(|| crate::archive::not_found(&job.id.to_string()))?, &document, &now)
    }

    /// Makes an extract for an export that needs a summary, unless the newest summary is of a language model or was
    /// changed by hand.
    ///
    /// # Errors
    /// As [`App::extract`].
    pub(crate) async fn ensure_summary(&self, job: JobId) -> Result<()> {
        if self.store.newest_summary(job).await?.as_ref().is_none_or(is_plain_extract) {
            self.extract(job).await?;
        }
        Ok(())
    }

    /// The newest summary of a meeting in the form of exports.
    pub(crate) async fn summary_to_export(&self, job: JobId) -> Result<Option<export::Summary>> {
        self.store.newest_summary(job).await?.as_ref().map(exported).transpose()
    }

    /// Changes a statement by hand. If the summary no longer has the revision of the edit, nothing is saved, and the
    /// result holds the present summary.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::NotOffered`] for a text that is too long or holds a NUL character.
    pub async fn edit_summary(&self, id: SummaryId, edit: &StatementEdit) -> Result<SavedSummary> {
        if edit.text.chars().count() > MAX_STATEMENT_CHARS || edit.text.contains('\0') {
            let message = format!(
                "A statement has at most {MAX_STATEMENT_CHARS} characters, none of them NUL. Nothing was saved."
            );
            return Err(user_error(ErrorCode::NotOffered, message));
        }
        let stored = self.store.summary(id).await?.ok_or_else(no_summary)?;
        let document = self.document_of(&self.stored_job(stored.summary.job_id).await?).await?;
        let passages = passages_of(&document);
        let revision = i32::try_from(edit.revision).unwrap_or(i32::MAX);
        if stored.revision != revision {
            return Ok(SavedSummary { saved: false, summary: view(stored, &document, &passages)? });
        }
        let mut content = content_of(&stored)?;
        change_statement(&mut content, edit)?;
        let (saved, now) =
            match self.store.edit_summary(id, &serde_json::to_value(content)?, revision).await? {
                SummarySaved::Saved(now) => (true, now),
                SummarySaved::Changed(now) => (false, now),
                SummarySaved::None => return Err(no_summary()),
            };
        Ok(SavedSummary { saved, summary: view(now, &document, &passages)? })
    }

    /// Deletes a summary for good.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn delete_summary(&self, id: SummaryId) -> Result<()> {
        match self.store.delete_summary(id).await? {
            true => Ok(()),
            false => Err(no_summary()),
        }
    }
}

/// The word of an extract in the archive.
const EXTRACT: &str = "extract";

fn no_summary() -> anyhow::Error {
    user_error(ErrorCode::NotFound, "There is no such summary. It may have been deleted meanwhile.")
}

/// What a summary depends on: names of speakers, times and words.
fn passages_of(document: &Document) -> Passages {
    Passages::of(document, &ExportOptions { speakers: true, ..ExportOptions::default() })
}

/// The input of an extract. `ids` are those of the segments of `document`.
fn meeting_of(document: &Document, ids: &[SegmentId]) -> Meeting {
    let segments = document.segments.iter().zip(ids).map(|(segment, id)| summary::Segment {
        id: id.to_string(),
        span: segment.segment.span,
        text: segment.segment.text.clone(),
        speaker: segment.speaker,
    });
    let speaker =
        |speaker: &export::Speaker| summary::Speaker { id: speaker.id.clone(), name: speaker.name.clone() };
    Meeting {
        segments: segments.collect(),
        speakers: document.speakers.iter().map(speaker).collect(),
        language: document.metadata.language_tag.clone(),
    }
}

fn content_of(stored: &StoredSummary) -> Result<Content> {
    serde_json::from_value(stored.summary.content.clone()).context("the content of this summary is damaged")
}

/// Whether a summary is an extract that nobody has changed: it can be made anew.
fn is_plain_extract(stored: &StoredSummary) -> bool {
    stored.summary.kind == EXTRACT && stored.edited_at.is_none()
}

fn exported(stored: &StoredSummary) -> Result<export::Summary> {
    let statement = |statement: Statement| export::SummaryStatement {
        text: statement.text,
        sources: statement
            .sources
            .iter()
            .map(|source| Span::new(AudioTime::from_ms(source.start_ms), AudioTime::from_ms(source.end_ms)))
            .collect(),
        found: statement.support == Support::Found,
        edited: statement.edited,
        owner: statement.owner,
        due: statement.due,
    };
    let section = |section: Section| export::SummarySection {
        title: section.title,
        statements: section.statements.into_iter().map(statement).collect(),
    };
    let is_extract = stored.summary.kind == EXTRACT;
    Ok(export::Summary {
        model: stored.summary.model.clone().filter(|_| !is_extract),
        sections: content_of(stored)?.sections.into_iter().map(section).collect(),
    })
}

/// # Errors
/// [`ErrorCode::NotFound`] if there is no such statement.
fn change_statement(content: &mut Content, edit: &StatementEdit) -> Result<()> {
    let gone = || user_error(ErrorCode::NotFound, "This summary has no such statement. Nothing was saved.");
    let (section, statement) = (edit.section as usize, edit.statement as usize);
    let statements = &mut content.sections.get_mut(section).ok_or_else(gone)?.statements;
    let changed: &mut Statement = statements.get_mut(statement).ok_or_else(gone)?;
    let text = transcript::single_line(&edit.text);
    if text.is_empty() {
        statements.remove(statement);
        content.sections.retain(|section| !section.statements.is_empty());
    } else if text != changed.text {
        changed.text = text;
        changed.edited = true;
    }
    Ok(())
}

/// A stored summary beside the transcript as it is now, whose passages are `now`.
fn view(stored: StoredSummary, document: &Document, now: &Passages) -> Result<SummaryView> {
    let content = content_of(&stored)?;
    let then =
        Passages::from_bytes(&stored.summary.passages).context("the passages of this summary are damaged")?;
    let changes = then.changes(now);
    let made = stored.summary;
    let time = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    Ok(SummaryView {
        summary: Summary {
            summary_id: made.id.to_string(),
            job_id: made.job_id.to_string(),
            kind: if made.kind == EXTRACT { Kind::Extract } else { Kind::Model },
            template: made.template,
            engine: made.engine,
            model: made.model,
            language: made.language,
            covered: content.covered,
            sections: content.sections,
        },
        created_at: time(stored.created_at),
        revision: u32::try_from(stored.revision).unwrap_or(0),
        edited_at: stored.edited_at.map(time),
        is_out_of_date: !changes.is_empty(),
        changed: changed_passages(&changes, document),
    })
}
