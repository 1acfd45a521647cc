//! Search over the archive: what was said, titles, notes and names of speakers.
//!
//! `parse` and `filters` read what the user typed, `store` finds and ranks, `view` is what front ends show, and
//! `keep_index` completes the index of archives from before search existed, and the list of words. Triggers of the
//! database keep the index of a meeting right when it changes.

pub(crate) mod filters;
mod keep_index;
mod parse;
pub(crate) mod view;

use crate::App;
use crate::archive::to_view::{recorded_at, title};
use crate::speakers::meeting_speakers::label;
use anyhow::Result;
use chrono::{Local, SecondsFormat};
use parse::{Parsed, parse};
use std::collections::HashMap;
use std::ops::Range;
use store::{Found, FoundPassage, Job, JobId, SearchSort};
use view::{FoundMeeting, Passage, PassageSource, SearchOrder, SearchRequest, SearchResults};

pub use parse::Typing;

/// The most meetings of one answer.
const MAX_MEETINGS: u32 = 200;
/// The most misspelled words that are looked up.
const MAX_SUGGESTED_WORDS: usize = 8;
/// With fewer results than this, other spellings are suggested.
const FEW: u32 = 3;

impl App {
    /// Finds meetings.
    ///
    /// # Errors
    /// If the archive cannot be reached. No text is an error.
    pub async fn search(&self, request: &SearchRequest, typing: Typing) -> Result<SearchResults> {
        let parsed = parse(&request.text, typing, Local::now());
        let query = with_page(&parsed, request);
        let (mut found, preparing) =
            tokio::try_join!(self.store.search(&query), self.store.search_backlog())?;
        let (mut suggestion, mut widened) = (None, false);
        if found.total < FEW && request.offset == 0 {
            suggestion = self.suggestion(&request.text, &parsed, found.total == 0).await?;
        }
        if found.total == 0
            && let Some(text) = &suggestion
        {
            let corrected = parse(text, Typing::Finished, Local::now());
            found = self.store.search(&with_page(&corrected, request)).await?;
            widened = found.total > 0;
        }
        if suggestion.is_some() && !widened && found.total == 0 {
            // A word that no current transcript has any more.
            suggestion = None;
        }
        let mut hints = parsed.hints;
        if found.too_many_terms {
            hints.push("Some of the words were left out, because there are too many.".to_owned());
        }
        Ok(SearchResults {
            total: found.total,
            total_is_exact: found.total_is_exact,
            best_of_newest: found.best_of_newest,
            meetings: self.found_meetings(found).await?,
            suggestion,
            widened,
            hints,
            preparing,
        })
    }

    /// All passages of a meeting that match, in order of time; those of its note come last.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn passages(&self, text: &str, typing: Typing, id: JobId) -> Result<Vec<Passage>> {
        let query = parse(text, typing, Local::now()).query;
        Ok(self.store.passages(&query, id).await?.into_iter().map(passage).collect())
    }

    async fn found_meetings(&self, found: Found) -> Result<Vec<FoundMeeting>> {
        let ids: Vec<JobId> = found.meetings.iter().map(|meeting| meeting.job).collect();
        let mut jobs: HashMap<JobId, Job> =
            self.store.jobs_by_id(&ids).await?.into_iter().map(|job| (job.id, job)).collect();
        let with_job = |meeting: store::FoundMeeting| {
            // It may have been deleted meanwhile.
            let job = jobs.remove(&meeting.job)?;
            let (title, title_marks) = marked_title(&job, &meeting.title, meeting.title_marks);
            Some(FoundMeeting {
                job_id: meeting.job,
                title,
                title_marks,
                recorded_at: recorded_at(&job).map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
                duration_ms: meeting.duration_ms,
                score: meeting.score,
                passages: meeting.passages.into_iter().map(passage).collect(),
                more: meeting.more,
                in_note: meeting.in_note,
                speakers: meeting.speakers,
            })
        };
        Ok(found.meetings.into_iter().filter_map(with_job).collect())
    }

    /// The text with the words corrected that no meeting has; `None` if there is nothing to correct. Beginnings of words
    /// are corrected only if `beginnings` is true.
    async fn suggestion(&self, text: &str, parsed: &Parsed, beginnings: bool) -> Result<Option<String>> {
        let words = parsed.words.iter().filter(|word| beginnings || !word.is_beginning);
        let words: Vec<_> = words.take(MAX_SUGGESTED_WORDS).collect();
        if words.is_empty() {
            return Ok(None);
        }
        let texts: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
        let better = self.store.suggestions(&texts).await?;
        Ok(corrected(text, words.iter().map(|word| word.range.clone()).zip(better)))
    }
}

/// Replaces parts of `text`, which are in order; `None` if nothing is replaced.
fn corrected(text: &str, parts: impl Iterator<Item = (Range<usize>, Option<String>)>) -> Option<String> {
    let (mut result, mut at) = (String::with_capacity(text.len()), 0);
    for (range, better) in parts {
        let Some(better) = better else { continue };
        result.push_str(&text[at..range.start]);
        result.push_str(&better);
        at = range.end;
    }
    (at > 0).then(|| result + &text[at..])
}

fn with_page(parsed: &Parsed, request: &SearchRequest) -> store::MeetingQuery {
    let sort = match request.sort {
        SearchOrder::Relevance => SearchSort::Relevance,
        SearchOrder::Date => SearchSort::Date,
    };
    let limit = request.limit.min(MAX_MEETINGS);
    store::MeetingQuery { sort, offset: request.offset, limit, ..parsed.query.clone() }
}

fn passage(found: FoundPassage) -> Passage {
    let FoundPassage { source, text, marks } = found;
    match source {
        store::PassageSource::Transcript { segment, start_ms, play_ms, speaker, speaker_number } => Passage {
            source: PassageSource::Transcript,
            segment_id: Some(segment),
            start_ms: Some(start_ms),
            play_ms: Some(play_ms),
            speaker: speaker.or_else(|| Some(label(i32::try_from(speaker_number?).ok()?))),
            text,
            marks,
        },
        store::PassageSource::Note => Passage {
            source: PassageSource::Note,
            segment_id: None,
            start_ms: None,
            play_ms: None,
            speaker: None,
            text,
            marks,
        },
    }
}

/// The title as front ends show it, which may lack the end of a file name, and the marks that lie in it.
fn marked_title(job: &Job, found: &str, marks: Vec<(u32, u32)>) -> (String, Vec<(u32, u32)>) {
    let text = title(job);
    let length = match found.starts_with(&text) {
        true => u32::try_from(text.chars().count()).unwrap_or(u32::MAX),
        false => 0,
    };
    (text, marks.into_iter().filter(|(_, to)| *to <= length).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_misspelled_words_are_replaced() {
        let text = "the budgett -old metting";
        let parts = [(4..11, Some("budget".to_owned())), (17..24, None)];
        assert_eq!(corrected(text, parts.into_iter()).as_deref(), Some("the budget -old metting"));
        assert_eq!(corrected(text, [(4..11, None)].into_iter()), None);
    }
}
