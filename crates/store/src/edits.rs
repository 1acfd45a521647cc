//! `edits`: the edits of a meeting's speakers, in order. Undone edits come last and can be redone until another edit is
//! made.
//!
//! Everything that users decided about speakers is stored here alone; `speakers` and `segments` follow from it and from
//! the turns (`recompute_speakers`).

use crate::Result;
use crate::error::StoreError;
use crate::ids::{EditId, JobId, PersonId, SpeakerId};
use crate::schema::edits;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use transcript::SpeakerEdit;

/// An edit with ids of the archive.
pub type Edit = SpeakerEdit<SpeakerId, PersonId>;

/// A stored edit.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEdit {
    /// The id.
    pub id: EditId,
    /// The edit.
    pub edit: Edit,
    /// Whether it was undone; it can then be redone.
    pub undone: bool,
}

/// All edits of a meeting in order.
pub(crate) async fn load_edits(c: &mut AsyncPgConnection, job: JobId) -> Result<Vec<StoredEdit>> {
    let rows: Vec<(EditId, serde_json::Value, bool)> = edits::table
        .filter(edits::job_id.eq(job))
        .order(edits::position)
        .select((edits::id, edits::edit, edits::undone))
        .load(c)
        .await?;
    rows.into_iter()
        .map(|(id, edit, undone)| {
            let edit = serde_json::from_value(edit)
                .map_err(|error| StoreError::Unknown(format!("edit {id}: {error}")))?;
            Ok(StoredEdit { id, edit, undone })
        })
        .collect()
}
