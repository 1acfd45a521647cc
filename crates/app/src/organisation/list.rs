//! The list of meetings, newest first: in pages for the window, filtered for the command line.

use crate::App;
use crate::archive::view::{JobStatus, JobView};
use crate::organisation::view::MeetingListPage;
use crate::search::filters::period;
use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use chrono::{DateTime, Local, Utc};
use store::{FolderId, ListPosition, MeetingFilter, TagId};

/// The most meetings in a page.
const MAX_PAGE: u32 = 1000;

/// Which meetings to list.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// Those in the trash, the latest first, instead of those that are not.
    pub trashed: bool,
    /// Only of this status.
    pub status: Option<JobStatus>,
    /// Only those in this folder and the folders inside it.
    pub folder: Option<FolderId>,
    /// Only those that have all of these tags.
    pub tags: Vec<TagId>,
    /// Only favourites.
    pub favourite: bool,
    /// Only those recorded at this moment or later; imported, if it is not known when they were recorded.
    pub from: Option<DateTime<Utc>>,
    /// Only those recorded before this moment.
    pub before: Option<DateTime<Utc>>,
    /// At most this many.
    pub limit: Option<u32>,
}

impl ListRequest {
    /// Lists only meetings of these days: from the first day of `from` to the last day of `to`. Each is a day, a month, a
    /// year, a word or a time ago: `2026-03-01`, `2026-03`, `2026`, `yesterday`, `7d`.
    ///
    /// # Errors
    /// [`ErrorCode::NotOffered`] for anything else.
    pub fn between(self, from: Option<&str>, to: Option<&str>) -> Result<Self> {
        let days = |text: &str| {
            period(text, Local::now()).ok_or_else(|| {
                let message =
                    format!("“{text}” is not a day. Write 2026-03-01, 2026-03, 2026, yesterday or 7d.");
                user_error(ErrorCode::NotOffered, message)
            })
        };
        let (from, to) = (from.map(days).transpose()?, to.map(days).transpose()?);
        Ok(Self { from: from.map(|(first, _)| first), before: to.map(|(_, next)| next), ..self })
    }
}

impl App {
    /// Meetings that are not in the trash, newest first: those with `status`, at most `limit`.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn list(&self, status: Option<JobStatus>, limit: Option<u32>) -> Result<Vec<JobView>> {
        self.list_meetings(&ListRequest { status, limit, ..ListRequest::default() }).await
    }

    /// The meetings that `request` asks for, newest first.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn list_meetings(&self, request: &ListRequest) -> Result<Vec<JobView>> {
        let folders = match request.folder {
            Some(folder) => Some(self.folder_with_inner(folder).await?),
            None => None,
        };
        let filter = MeetingFilter {
            trashed: request.trashed,
            status: request.status.map(Into::into),
            folders,
            tags: request.tags.clone(),
            favourite: request.favourite,
            from: request.from,
            before: request.before,
            after: None,
            limit: request.limit.map(i64::from),
        };
        let jobs = self.store.meeting_list(&filter).await?;
        self.views(jobs).await
    }

    /// A page of at most `limit` meetings (1 to 1000): the first one, or the one that begins at `after`, which is
    /// [`MeetingListPage::next`] of the page before. Meetings that are added or removed meanwhile do not move what
    /// follows.
    ///
    /// # Errors
    /// [`ErrorCode::NotOffered`] for an `after` that no page had; if the archive cannot be reached.
    pub async fn meetings_page(&self, after: Option<&str>, limit: u32) -> Result<MeetingListPage> {
        let place = |text: &str| {
            text.parse::<ListPosition>().map_err(|_| {
                user_error(
                    ErrorCode::NotOffered,
                    "The list has no such page. Load it again from its beginning.",
                )
            })
        };
        let after = after.map(place).transpose()?;
        let limit = i64::from(limit.clamp(1, MAX_PAGE));
        // One more shows whether there is another page.
        let filter = MeetingFilter { after, limit: Some(limit + 1), ..MeetingFilter::default() };
        let mut jobs = self.store.meeting_list(&filter).await?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let is_last = jobs.len() <= wanted;
        jobs.truncate(wanted);
        let next = jobs.last().filter(|_| !is_last).map(|job| ListPosition::of(job).to_string());
        Ok(MeetingListPage { meetings: self.views(jobs).await?, next })
    }
}
