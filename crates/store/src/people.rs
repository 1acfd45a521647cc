//! `people` and `people_settings`: the people whose voices are known, and whether voices may be remembered at all.
//!
//! Naming a speaker as a known person and merging or deleting people exclude each other by an advisory lock: otherwise
//! a speaker could be linked to a person that is gone.

use crate::error::StoreError;
use crate::ids::{JobId, PersonId, SpeakerId};
use crate::people_lock::lock_people_exclusive;
use crate::query::on_connection;
use crate::schema::{jobs, people, people_settings, speakers};
use crate::voice_embeddings::set_embedding;
use crate::{Result, Store};
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel::sql_types;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

/// Whether voices are remembered, and how they are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Queryable, Selectable)]
#[diesel(table_name = people_settings, check_for_backend(diesel::pg::Pg))]
pub struct PeopleSettings {
    /// Whether a user agreed that voices are remembered.
    pub enabled: bool,
    /// Whether speakers with a certain match are named without asking.
    pub automatic: bool,
}

/// A person whose voice is known.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = people, check_for_backend(diesel::pg::Pg))]
pub struct Person {
    /// The id.
    pub id: PersonId,
    /// The name.
    pub name: String,
}

impl Store {
    /// Reads the settings.
    pub async fn people_settings(&self) -> Result<PeopleSettings> {
        on_connection!(self, connection => async {
            people_settings::table.select(PeopleSettings::as_select()).first(connection).await
        })
    }

    /// Changes the settings. Turning remembering off deletes all people and all embeddings; names in meetings stay.
    pub async fn set_people_settings(&self, settings: PeopleSettings) -> Result<()> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            lock_people_exclusive(c).await?;
            diesel::update(people_settings::table)
                .set((
                    people_settings::enabled.eq(settings.enabled),
                    people_settings::automatic.eq(settings.enabled && settings.automatic),
                ))
                .execute(c)
                .await?;
            if settings.enabled {
                diesel::update(people_settings::table.filter(people_settings::agreed_at.is_null()))
                    .set(people_settings::agreed_at.eq(diesel::dsl::now))
                    .execute(c)
                    .await?;
                return Ok(());
            }
            diesel::update(people_settings::table)
                .set(people_settings::agreed_at.eq(None::<chrono::DateTime<chrono::Utc>>))
                .execute(c)
                .await?;
            for person in people::table.select(people::id).load::<PersonId>(c).await? {
                delete_person(c, person).await?;
            }
            diesel::update(speakers::table.filter(speakers::voice.is_not_null()))
                .set((
                    speakers::voice.eq(None::<Vec<u8>>),
                    speakers::voice_encoder.eq(None::<String>),
                    speakers::voice_ms.eq(None::<i64>),
                ))
                .execute(c)
                .await?;
            Ok(())
        }))
    }

    /// All known people, by name.
    pub async fn people(&self) -> Result<Vec<Person>> {
        on_connection!(self, connection => async {
            people::table.order((people::name, people::id)).select(Person::as_select()).load(connection).await
        })
    }

    /// The meetings in which people are named, newest first.
    pub async fn meetings_of_people(&self) -> Result<Vec<(PersonId, JobId)>> {
        on_connection!(self, connection => async {
            speakers::table
                .inner_join(jobs::table.on(jobs::id.eq(speakers::job_id)))
                .filter(speakers::person_id.is_not_null())
                .filter(speakers::present)
                .filter(speakers::shown_as.eq(speakers::id))
                .order((jobs::created_at.desc(), jobs::id, speakers::number))
                .select((speakers::person_id.assume_not_null(), speakers::job_id))
                .load(connection)
                .await
        })
    }

    /// Renames a person. False if there is no such person.
    pub async fn rename_person(&self, id: PersonId, name: &str) -> Result<bool> {
        on_connection!(self, connection => async {
            let renamed =
                diesel::update(people::table.find(id)).set(people::name.eq(name)).execute(connection).await?;
            notify_meetings(connection, id).await?;
            Ok::<_, QueryError>(renamed == 1)
        })
    }

    /// Merges `from` into `into`, with embeddings, edits and speakers. False if either does not exist.
    pub async fn merge_people(&self, from: PersonId, into: PersonId) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            lock_people_exclusive(c).await?;
            let both: i64 =
                people::table.filter(people::id.eq_any([from, into])).count().get_result(c).await?;
            if both != 2 {
                return Ok(false);
            }
            diesel::sql_query(
                "UPDATE person_voices v SET person_id = $2 WHERE person_id = $1 AND NOT EXISTS (
                    SELECT FROM person_voices o WHERE o.person_id = $2 AND o.speaker_id = v.speaker_id)",
            )
            .bind::<sql_types::Uuid, _>(from)
            .bind::<sql_types::Uuid, _>(into)
            .execute(c)
            .await?;
            diesel::sql_query(
                "UPDATE edits SET edit = jsonb_set(edit, '{person}', to_jsonb($2::text))
                WHERE edit ->> 'person' = $1::text",
            )
            .bind::<sql_types::Text, _>(from.to_string())
            .bind::<sql_types::Text, _>(into.to_string())
            .execute(c)
            .await?;
            diesel::update(speakers::table.filter(speakers::person_id.eq(from)))
                .set(speakers::person_id.eq(into))
                .execute(c)
                .await?;
            diesel::delete(people::table.find(from)).execute(c).await?;
            notify_meetings(c, into).await?;
            Ok(true)
        }))
    }

    /// Deletes a person with their embeddings, and the embeddings of all speakers linked to them or listed in
    /// `similar`. Their name stays in the meetings. False if there is no such person.
    pub async fn forget_person(&self, id: PersonId, similar: &[SpeakerId]) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            lock_people_exclusive(c).await?;
            for speaker in similar {
                set_embedding(c, *speaker, None).await?;
            }
            Ok(delete_person(c, id).await?)
        }))
    }
}

async fn delete_person(c: &mut AsyncPgConnection, id: PersonId) -> diesel::QueryResult<bool> {
    let name: Option<String> = people::table.find(id).select(people::name).first(c).await.optional()?;
    let Some(name) = name else { return Ok(false) };
    // Edits keep the last name.
    diesel::sql_query(
        "UPDATE edits SET edit = edit || jsonb_build_object('name', $2::text, 'person', NULL)
        WHERE edit ->> 'person' = $1::text",
    )
    .bind::<sql_types::Text, _>(id.to_string())
    .bind::<sql_types::Text, _>(&name)
    .execute(c)
    .await?;
    notify_meetings(c, id).await?;
    diesel::update(speakers::table.filter(speakers::person_id.eq(id)))
        .set((
            speakers::name.eq(name),
            speakers::voice.eq(None::<Vec<u8>>),
            speakers::voice_encoder.eq(None::<String>),
            speakers::voice_ms.eq(None::<i64>),
        ))
        .execute(c)
        .await?;
    diesel::delete(people::table.find(id)).execute(c).await?;
    Ok(true)
}

/// Notifies processes that show a meeting in which this person is named.
async fn notify_meetings(c: &mut AsyncPgConnection, id: PersonId) -> diesel::QueryResult<()> {
    diesel::sql_query(
        "SELECT pg_notify('meetmemo', 'speakers:' || job_id) FROM speakers WHERE person_id = $1",
    )
    .bind::<sql_types::Uuid, _>(id)
    .execute(c)
    .await?;
    Ok(())
}

/// Deletes people without an embedding and without a meeting.
pub(crate) async fn delete_unused_people(c: &mut AsyncPgConnection) -> Result<()> {
    // A transaction that names a person locks the row by the foreign key; SKIP LOCKED then leaves that person alone.
    diesel::sql_query(
        "DELETE FROM people WHERE id IN (SELECT id FROM people p
        WHERE NOT EXISTS (SELECT FROM person_voices v WHERE v.person_id = p.id AND NOT v.refused)
            AND NOT EXISTS (SELECT FROM speakers s WHERE s.person_id = p.id)
        FOR UPDATE SKIP LOCKED)",
    )
    .execute(c)
    .await?;
    Ok(())
}
