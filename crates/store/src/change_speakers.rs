//! Changes of a meeting's speakers: an edit is added, undone or redone, and its effect is recomputed in the same
//! transaction.

use crate::edits::{Edit, load_edits};
use crate::error::StoreError;
use crate::ids::{EditId, JobId, PersonId, SpeakerId};
use crate::lease::{Lease, lock_job, lock_leased_job};
use crate::people_lock::lock_people_shared;
use crate::query::on_connection;
use crate::recompute_speakers::{Scope, recompute_speakers};
use crate::schema::{edits, people};
use crate::speakers::add_speaker;
use crate::{Result, Store};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

/// A change of a meeting's speakers. Making the same change twice has the effect of one.
#[derive(Debug, Clone, PartialEq)]
pub enum SpeakerChange {
    /// Makes an edit, and creates the speaker and person it refers to.
    Edit {
        /// A new id for the edit.
        id: EditId,
        /// The edit.
        edit: Edit,
        /// A speaker to create.
        speaker: Option<SpeakerId>,
        /// A known person to create, with the name.
        person: Option<(PersonId, String)>,
    },
    /// Links the speaker named in an edit to a known person.
    LinkPerson {
        /// The edit that named the speaker.
        id: EditId,
        /// The person.
        person: PersonId,
        /// The name, if the person is to be created.
        name: Option<String>,
    },
    /// Undoes this edit if it is the last one.
    Undo(EditId),
    /// Redoes this edit if it is the one undone last.
    Redo(EditId),
}

impl Store {
    /// Changes the speakers of a meeting. False if there is no such meeting, or the edit to undo or redo is not the
    /// last one any more.
    pub async fn change_speakers(&self, job: JobId, change: &SpeakerChange) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            Ok(lock_job(c, job).await?.is_some() && change_locked(c, job, change).await?)
        }))
    }

    /// As [`Store::change_speakers`], by the worker that holds the lease of the meeting. False also if the lease is
    /// void.
    pub async fn change_speakers_under_lease(&self, lease: Lease, change: &SpeakerChange) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            Ok(lock_leased_job(c, lease).await?.is_some() && change_locked(c, lease.job, change).await?)
        }))
    }
}

async fn change_locked(c: &mut AsyncPgConnection, job: JobId, change: &SpeakerChange) -> Result<bool> {
    lock_people_shared(c).await?;
    let scope = match change {
        SpeakerChange::Edit { id, edit, speaker, person } => {
            insert_edit(c, job, *id, edit, *speaker, person.as_ref()).await?;
            Some(Scope::of(edit))
        }
        SpeakerChange::LinkPerson { id, person, name } => {
            link_person(c, job, *id, *person, name.as_deref()).await?.then_some(Scope::Names)
        }
        SpeakerChange::Undo(id) => set_undone(c, job, *id, true).await?,
        SpeakerChange::Redo(id) => set_undone(c, job, *id, false).await?,
    };
    if let Some(scope) = scope {
        recompute_speakers(c, job, scope).await?;
    }
    Ok(scope.is_some())
}

async fn insert_edit(
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
    // A new edit makes undone edits impossible to redo.
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

async fn link_person(
    c: &mut AsyncPgConnection,
    job: JobId,
    id: EditId,
    person: PersonId,
    name: Option<&str>,
) -> Result<bool> {
    let edits = load_edits(c, job).await?;
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

/// Undoes or redoes an edit if it is next in order. Returns what that affects, or `None` if it is not next.
async fn set_undone(
    c: &mut AsyncPgConnection,
    job: JobId,
    id: EditId,
    undone: bool,
) -> Result<Option<Scope>> {
    let edits = load_edits(c, job).await?;
    let index = edits.iter().position(|edit| edit.id == id);
    let Some(index) = index else { return Ok(None) };
    let scope = Scope::of(&edits[index].edit);
    if edits[index].undone == undone {
        // Already done, by a statement that was committed although its connection broke.
        return Ok(Some(scope));
    }
    let first_undone = edits.iter().position(|edit| edit.undone).unwrap_or(edits.len());
    let is_next = if undone { index + 1 == first_undone } else { index == first_undone };
    if is_next {
        diesel::update(edits::table.find(id)).set(edits::undone.eq(undone)).execute(c).await?;
    }
    Ok(is_next.then_some(scope))
}
