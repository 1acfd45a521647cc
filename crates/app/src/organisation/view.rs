//! Folders, tags, notes, bulk changes and pages of the list, as they are sent to the window or printed as JSON.

use crate::archive::view::JobView;
use serde::{Deserialize, Serialize};
use store::{FolderId, JobId, TagId};

/// A page of the list of meetings, newest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct MeetingListPage {
    /// The meetings of this page.
    pub meetings: Vec<JobView>,
    /// Where the next page begins, to be passed on as it is; none if this is the last one.
    pub next: Option<String>,
}

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct FolderView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub id: FolderId,
    /// The folder that it is in: UUID; none at the top.
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub parent_id: Option<FolderId>,
    /// Its name, unique among the folders beside it.
    pub name: String,
    /// Number of meetings directly in it, without those in the trash.
    pub meetings: u32,
}

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TagView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub id: TagId,
    /// Its name, unique.
    pub name: String,
    /// The name of its colour: `c1` to `c12`.
    pub colour: String,
    /// Number of meetings that have it, without those in the trash.
    pub meetings: u32,
}

/// A change of the order of any number of meetings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MeetingChange {
    /// Gives them a tag.
    Tag {
        /// The tag: UUID.
        #[cfg_attr(feature = "specta", specta(type = String))]
        tag: TagId,
    },
    /// Takes a tag away.
    Untag {
        /// The tag: UUID.
        #[cfg_attr(feature = "specta", specta(type = String))]
        tag: TagId,
    },
    /// Moves them to a folder.
    Move {
        /// The folder: UUID; none for no folder.
        #[cfg_attr(feature = "specta", specta(type = Option<String>))]
        folder: Option<FolderId>,
    },
    /// Makes them favourites, or no longer.
    Favourite {
        /// Whether they become favourites.
        on: bool,
    },
    /// Moves them to the trash and cancels their work.
    Trash,
    /// Takes them out of the trash. Work that was cancelled because of the trash waits again.
    Restore,
}

/// What a change did, and how to undo it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ChangeResult {
    /// Number of meetings that it changed. Those that were so already, or do not exist, are not counted.
    pub changed: u32,
    /// The changes that bring back the state of before.
    pub undo: Vec<UndoStep>,
}

/// A change that undoes a part of another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct UndoStep {
    /// The change.
    pub change: MeetingChange,
    /// The meetings: UUIDs.
    #[cfg_attr(feature = "specta", specta(type = Vec<String>))]
    pub ids: Vec<JobId>,
}

/// The note of a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct NoteView {
    /// Markdown.
    pub text: String,
    /// Rises with each change; 0 if there is no note yet.
    pub revision: u32,
    /// When it was last changed. RFC 3339, UTC; none if there is no note yet.
    pub changed_at: Option<String>,
}

/// Whether a note was saved, and how it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SavedNote {
    /// False if the note was changed after the revision that the caller named. Nothing was saved then.
    pub saved: bool,
    /// The note as it is now.
    pub note: NoteView,
}
