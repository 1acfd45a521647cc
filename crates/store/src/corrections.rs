//! Changes of who speaks in a meeting: a correction is added to `edits`, or taken back, and what all amount to is settled.

use crate::archive::on_connection;
use crate::edits::{Edit, edits_of};
use crate::error::StoreError;
use crate::ids::{EditId, JobId, PersonId, SpeakerId};
use crate::lease::{Lease, held_job};
use crate::people::keep_people;
use crate::schema::{edits, people};
use crate::settle::{Changes, settle};
use crate::speakers::{add_speaker, lock};
use crate::{Result, Store};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

/// A change of a meeting's speakers. Each is safe to make twice.
#[derive(Debug, Clone, PartialEq)]
pub enum SpeakerChange {
    /// A correction, with whom it needs.
    Edit {
        /// A new id.
        id: EditId,
        /// What is done.
        edit: Edit,
        /// A speaker to be added for it.
        speaker: Option<SpeakerId>,
        /// A person to be known from now on, by this name.
        person: Option<(PersonId, String)>,
    },
    /// Who was named in this correction is this known person, to be known from now on if a name is given.
    Know {
        /// The correction that named them.
        id: EditId,
        /// Whom.
        person: PersonId,
        /// The name of somebody new.
        name: Option<String>,
    },
    /// Takes back the last correction, which is this one.
    Undo(EditId),
    /// Makes the correction once more that was undone last.
    Redo(EditId),
}

impl Store {
    /// Changes the speakers of a meeting. False if there is no such meeting, or what was to be taken back is not the
    /// last any more.
    pub async fn change_speakers(&self, job: JobId, change: &SpeakerChange) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            Ok(lock(c, job).await? && change_locked(c, job, change).await?)
        }))
    }

    /// As [`Store::change_speakers`], by the worker on the meeting. False also if the lease is void.
    pub async fn change_speakers_at_work(&self, lease: Lease, change: &SpeakerChange) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            Ok(held_job(c, lease).await?.is_some() && change_locked(c, lease.job, change).await?)
        }))
    }
}

async fn change_locked(c: &mut AsyncPgConnection, job: JobId, change: &SpeakerChange) -> Result<bool> {
    keep_people(c).await?;
    let changes = match change {
        SpeakerChange::Edit { id, edit, speaker, person } => {
            make(c, job, *id, edit, *speaker, person.as_ref()).await?;
            Some(Changes::of(edit))
        }
        SpeakerChange::Know { id, person, name } => {
            know(c, job, *id, *person, name.as_deref()).await?.then_some(Changes::Names)
        }
        SpeakerChange::Undo(id) => set_undone(c, job, *id, true).await?,
        SpeakerChange::Redo(id) => set_undone(c, job, *id, false).await?,
    };
    if let Some(changes) = changes {
        settle(c, job, changes).await?;
    }
    Ok(changes.is_some())
}

async fn make(
    c: &mut AsyncPgConnection,
    job: JobId,
    id: EditId,
    edit: &Edit,
    speaker: Option<SpeakerId>,
    person: Option<&(PersonId, String)>,
) -> Result<()> {
    if let Some(speaker) = speaker {
        add_speaker(c, job, speaker).await?;
    }
    if let Some((person, name)) = person {
        add_person(c, *person, name).await?;
    }
    // What was undone cannot be done again once something else is done.
    diesel::delete(edits::table.filter(edits::job_id.eq(job)).filter(edits::undone).filter(edits::id.ne(id)))
        .execute(c)
        .await?;
    let json = serde_json::to_value(edit).map_err(|error| StoreError::Unknown(error.to_string()))?;
    diesel::insert_into(edits::table)
        .values((edits::id.eq(id), edits::job_id.eq(job), edits::edit.eq(json)))
        .on_conflict_do_nothing()
        .execute(c)
        .await?;
    Ok(())
}

async fn add_person(c: &mut AsyncPgConnection, id: PersonId, name: &str) -> Result<()> {
    diesel::insert_into(people::table)
        .values((people::id.eq(id), people::name.eq(name)))
        .on_conflict_do_nothing()
        .execute(c)
        .await?;
    Ok(())
}

async fn know(
    c: &mut AsyncPgConnection,
    job: JobId,
    id: EditId,
    person: PersonId,
    name: Option<&str>,
) -> Result<bool> {
    let edits = edits_of(c, job).await?;
    let named = edits.into_iter().find(|edit| edit.id == id).map(|edit| edit.edit);
    let Some(Edit::Name { speaker, name: given, .. }) = named else { return Ok(false) };
    if let Some(name) = name {
        add_person(c, person, name).await?;
    }
    let json = serde_json::to_value(Edit::Name { speaker, name: given, person: Some(person) })
        .map_err(|error| StoreError::Unknown(error.to_string()))?;
    diesel::update(edits::table.find(id)).set(edits::edit.eq(json)).execute(c).await?;
    Ok(true)
}

/// Undoes or redoes a correction; what it is about, or `None` if it is not its turn.
async fn set_undone(
    c: &mut AsyncPgConnection,
    job: JobId,
    id: EditId,
    undone: bool,
) -> Result<Option<Changes>> {
    let edits = edits_of(c, job).await?;
    let place = edits.iter().position(|edit| edit.id == id);
    let Some(place) = place else { return Ok(None) };
    let changes = Changes::of(&edits[place].edit);
    if edits[place].undone == undone {
        // Done already, by a statement whose answer was lost.
        return Ok(Some(changes));
    }
    let first_undone = edits.iter().position(|edit| edit.undone).unwrap_or(edits.len());
    let is_next = if undone { place + 1 == first_undone } else { place == first_undone };
    if is_next {
        diesel::update(edits::table.find(id)).set(edits::undone.eq(undone)).execute(c).await?;
    }
    Ok(is_next.then_some(changes))
}
