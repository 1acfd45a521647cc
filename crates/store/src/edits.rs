//! `edits`: what was corrected in a meeting, in order. Undone ones come last and can be done again until something else is
//! done.

use crate::Result;
use crate::error::StoreError;
use crate::ids::{EditId, JobId, PersonId, SpeakerId};
use crate::schema::edits;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use transcript::SpeakerEdit;

/// A correction with the ids of the archive.
pub type Edit = SpeakerEdit<SpeakerId, PersonId>;

/// A correction as it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct MadeEdit {
    /// Its id.
    pub id: EditId,
    /// What was done.
    pub edit: Edit,
    /// Whether it was undone, and could be done again.
    pub undone: bool,
}

pub(crate) async fn edits_of(c: &mut AsyncPgConnection, job: JobId) -> Result<Vec<MadeEdit>> {
    let rows: Vec<(EditId, serde_json::Value, bool)> = edits::table
        .filter(edits::job_id.eq(job))
        .order(edits::position)
        .select((edits::id, edits::edit, edits::undone))
        .load(c)
        .await?;
    rows.into_iter()
        .map(|(id, edit, undone)| {
            let edit = serde_json::from_value(edit)
                .map_err(|error| StoreError::Unknown(format!("correction {id}: {error}")))?;
            Ok(MadeEdit { id, edit, undone })
        })
        .collect()
}
