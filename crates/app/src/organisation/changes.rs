//! Changes of any number of meetings at once, and their undo.

use crate::App;
use crate::organisation::folders::no_folder;
use crate::organisation::tags::no_tag;
use crate::organisation::view::{ChangeResult, MeetingChange, UndoStep};
use anyhow::Result;
use store::{JobId, OrderChange, Ordered};

impl App {
    /// Changes the order of these meetings: of all of them, or of none. Meetings that do not exist are skipped.
    ///
    /// # Errors
    /// [`crate::ErrorCode::NotFound`] if there is no such folder or tag; if the archive cannot be reached.
    pub async fn organise(&self, change: &MeetingChange, ids: &[JobId]) -> Result<ChangeResult> {
        match self.store.organise(stored(change), ids).await? {
            Ordered::NoTag => Err(no_tag()),
            Ordered::NoFolder => Err(no_folder()),
            Ordered::Done { changed, undo } => Ok(ChangeResult {
                changed: u32::try_from(changed.len()).unwrap_or(u32::MAX),
                undo: undo.into_iter().map(|(change, ids)| UndoStep { change: view(change), ids }).collect(),
            }),
        }
    }
}

const fn stored(change: &MeetingChange) -> OrderChange {
    match change {
        MeetingChange::Tag { tag } => OrderChange::Tag(*tag),
        MeetingChange::Untag { tag } => OrderChange::Untag(*tag),
        MeetingChange::Move { folder } => OrderChange::Move(*folder),
        MeetingChange::Favourite { on } => OrderChange::Favourite(*on),
        MeetingChange::Trash => OrderChange::Trash,
        MeetingChange::Restore => OrderChange::Restore,
    }
}

const fn view(change: OrderChange) -> MeetingChange {
    match change {
        OrderChange::Tag(tag) => MeetingChange::Tag { tag },
        OrderChange::Untag(tag) => MeetingChange::Untag { tag },
        OrderChange::Move(folder) => MeetingChange::Move { folder },
        OrderChange::Favourite(on) => MeetingChange::Favourite { on },
        OrderChange::Trash => MeetingChange::Trash,
        OrderChange::Restore => MeetingChange::Restore,
    }
}
