//! `people`, `person_voices`, `people_settings`: whose voice is known, once somebody agreed that voices are remembered.
//!
//! A voice is a vector of an encoder, without the sound. It is written only while `people_settings.enabled` holds, which
//! is looked at in the transaction that writes it. Leaves out how voices are compared (crate `speech`).

use crate::archive::on_connection;
use crate::ids::{JobId, PersonId, SpeakerId};
use crate::lease::{Lease, held_job};
use crate::schema::{jobs, people, people_settings, person_voices, speakers};
use crate::{Result, Store, StoreError};
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel::sql_types;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use transcript::Span;
use uuid::Uuid;

/// A voice as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredVoice {
    /// What made it; only voices of one encoder can be compared.
    pub encoder: String,
    /// Its vector, of length 1.
    pub vector: Vec<f32>,
    /// Milliseconds of speech it was made from.
    pub speech_ms: u32,
}

impl StoredVoice {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.vector.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    pub(crate) fn from_row(bytes: &[u8], encoder: String, speech_ms: i64) -> Result<Self> {
        let (values, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(StoreError::Unknown(format!("a voice of {} bytes", bytes.len())));
        }
        let speech_ms = u32::try_from(speech_ms).unwrap_or(u32::MAX);
        Ok(Self {
            encoder,
            vector: values.iter().map(|value| f32::from_le_bytes(*value)).collect(),
            speech_ms,
        })
    }
}

/// Whether voices are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Queryable, Selectable)]
#[diesel(table_name = people_settings, check_for_backend(diesel::pg::Pg))]
pub struct PeopleSettings {
    /// Whether somebody agreed to it.
    pub enabled: bool,
    /// Whether those who are surely known are named without asking.
    pub automatic: bool,
}

/// Somebody whose voice is known.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = people, check_for_backend(diesel::pg::Pg))]
pub struct Person {
    /// Who.
    pub id: PersonId,
    /// Their name.
    pub name: String,
}

/// What is known of a person's voice.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonVoice {
    /// Whose it is, or whose it is not.
    pub person: PersonId,
    /// Whether it was mistaken for theirs.
    pub refused: bool,
    /// The voice.
    pub voice: StoredVoice,
    /// The meeting it was heard in, as long as that is there.
    pub job: Option<JobId>,
    /// As whom.
    pub speaker: Option<SpeakerId>,
    /// A stretch in which it can be heard.
    pub sample: Option<Span>,
}

type VoiceRow =
    (PersonId, bool, Vec<u8>, String, i64, Option<JobId>, Option<SpeakerId>, Option<i64>, Option<i64>);

impl Store {
    /// Whether voices are remembered.
    pub async fn people_settings(&self) -> Result<PeopleSettings> {
        on_connection!(self, connection => async {
            people_settings::table.select(PeopleSettings::as_select()).first(connection).await
        })
    }

    /// Lets voices be remembered, or forgets all of them. Names in meetings stay.
    pub async fn set_people(&self, settings: PeopleSettings) -> Result<()> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            change_people(c).await?;
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
                forget(c, person).await?;
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

    /// Everybody who is known, by name.
    pub async fn people(&self) -> Result<Vec<Person>> {
        on_connection!(self, connection => async {
            people::table.order((people::name, people::id)).select(Person::as_select()).load(connection).await
        })
    }

    /// What is known of everybody's voices, the newest first.
    pub async fn person_voices(&self) -> Result<Vec<PersonVoice>> {
        let rows: Vec<VoiceRow> = on_connection!(self, connection => async {
            person_voices::table
                .order(person_voices::made_at.desc())
                .select((
                    person_voices::person_id,
                    person_voices::refused,
                    person_voices::voice,
                    person_voices::voice_encoder,
                    person_voices::voice_ms,
                    person_voices::job_id,
                    person_voices::speaker_id,
                    person_voices::sample_start_ms,
                    person_voices::sample_end_ms,
                ))
                .load(connection)
                .await
        })?;
        rows.into_iter()
            .map(|(person, refused, voice, encoder, ms, job, speaker, start, end)| {
                let voice = StoredVoice::from_row(&voice, encoder, ms)?;
                let time = crate::segments::time;
                let sample = match (start, end) {
                    (Some(start), Some(end)) => Some(Span::new(time(start)?, time(end)?)),
                    _ => None,
                };
                Ok(PersonVoice { person, refused, voice, job, speaker, sample })
            })
            .collect()
    }

    /// The meetings in which people were named, the newest first.
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

    /// Gives a person another name. False if there is no such person.
    pub async fn rename_person(&self, id: PersonId, name: &str) -> Result<bool> {
        on_connection!(self, connection => async {
            let renamed =
                diesel::update(people::table.find(id)).set(people::name.eq(name)).execute(connection).await?;
            tell_meetings(connection, id).await?;
            Ok::<_, QueryError>(renamed == 1)
        })
    }

    /// Makes two people one: everything of `from` is of `into`. False if either is not there.
    pub async fn merge_people(&self, from: PersonId, into: PersonId) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            change_people(c).await?;
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
            tell_meetings(c, into).await?;
            Ok(true)
        }))
    }

    /// Forgets a person: their voice, and that of every speaker who is said to be them or is one of `alike`. Their name
    /// stays in the meetings. False if there is no such person.
    pub async fn forget_person(&self, id: PersonId, alike: &[SpeakerId]) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            change_people(c).await?;
            for speaker in alike {
                set_voice(c, *speaker, None).await?;
            }
            Ok(forget(c, id).await?)
        }))
    }

    /// Keeps the voice of a speaker, if voices are remembered. A worker gives its lease; false if that is void.
    pub async fn keep_voice(
        &self,
        speaker: SpeakerId,
        voice: &StoredVoice,
        lease: Option<Lease>,
    ) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            if !may_write(c, lease).await? {
                return Ok(false);
            }
            keep_people(c).await?;
            if remembers(c).await? {
                set_voice(c, speaker, Some(voice)).await?;
            }
            Ok(true)
        }))
    }

    /// Every voice of a speaker that is kept, of whatever meeting.
    pub async fn speaker_voices(&self) -> Result<Vec<(SpeakerId, StoredVoice)>> {
        let rows: Vec<(SpeakerId, Vec<u8>, String, i64)> = on_connection!(self, connection => async {
            speakers::table
                .filter(speakers::voice.is_not_null())
                .select((
                    speakers::id,
                    speakers::voice.assume_not_null(),
                    speakers::voice_encoder.assume_not_null(),
                    speakers::voice_ms.assume_not_null(),
                ))
                .load(connection)
                .await
        })?;
        rows.into_iter()
            .map(|(id, voice, encoder, ms)| Ok((id, StoredVoice::from_row(&voice, encoder, ms)?)))
            .collect()
    }

    /// Learns that a voice is a person's, or with `refused` that it is not, if voices are remembered and the person is
    /// known. A worker gives its lease; false if that is void.
    pub async fn learn_voice(&self, learnt: &PersonVoice, lease: Option<Lease>) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            if !may_write(c, lease).await? {
                return Ok(false);
            }
            keep_people(c).await?;
            let known: bool =
                diesel::select(diesel::dsl::exists(people::table.find(learnt.person))).get_result(c).await?;
            if !known || !remembers(c).await? {
                return Ok(true);
            }
            let ms = |time: transcript::AudioTime| i64::from(time.as_ms());
            let values = (
                person_voices::refused.eq(learnt.refused),
                person_voices::voice.eq(learnt.voice.bytes()),
                person_voices::voice_encoder.eq(&learnt.voice.encoder),
                person_voices::voice_ms.eq(i64::from(learnt.voice.speech_ms)),
                person_voices::sample_start_ms.eq(learnt.sample.map(|sample| ms(sample.start))),
                person_voices::sample_end_ms.eq(learnt.sample.map(|sample| ms(sample.end))),
            );
            diesel::insert_into(person_voices::table)
                .values((
                    person_voices::id.eq(Uuid::now_v7()),
                    person_voices::person_id.eq(learnt.person),
                    person_voices::job_id.eq(learnt.job),
                    person_voices::speaker_id.eq(learnt.speaker),
                    values.clone(),
                ))
                .on_conflict((person_voices::person_id, person_voices::speaker_id))
                .do_update()
                .set(values)
                .execute(c)
                .await?;
            Ok(true)
        }))
    }
}

/// The advisory lock for the list of known people. Merging and forgetting hold it exclusively, naming holds it shared.
const PEOPLE: i32 = 0x4d4d_5001;

/// Nobody who is known is merged or forgotten before this transaction ends.
pub(crate) async fn keep_people(c: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
    let lock = diesel::sql_query("SELECT pg_advisory_xact_lock_shared($1, 0)");
    lock.bind::<sql_types::Integer, _>(PEOPLE).execute(c).await.map(|_| ())
}

/// Nobody is named as somebody known before this transaction ends.
async fn change_people(c: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
    let lock = diesel::sql_query("SELECT pg_advisory_xact_lock($1, 0)");
    lock.bind::<sql_types::Integer, _>(PEOPLE).execute(c).await.map(|_| ())
}

/// Whether whoever writes for a job may: its worker holds the lease, or it is no worker.
async fn may_write(c: &mut AsyncPgConnection, lease: Option<Lease>) -> diesel::QueryResult<bool> {
    Ok(match lease {
        Some(lease) => held_job(c, lease).await?.is_some(),
        None => true,
    })
}

pub(crate) async fn remembers(c: &mut AsyncPgConnection) -> diesel::QueryResult<bool> {
    people_settings::table.select(people_settings::enabled).first(c).await
}

pub(crate) async fn set_voice(
    c: &mut AsyncPgConnection,
    id: SpeakerId,
    voice: Option<&StoredVoice>,
) -> Result<()> {
    diesel::update(speakers::table.find(id))
        .set((
            speakers::voice.eq(voice.map(StoredVoice::bytes)),
            speakers::voice_encoder.eq(voice.map(|voice| voice.encoder.as_str())),
            speakers::voice_ms.eq(voice.map(|voice| i64::from(voice.speech_ms))),
        ))
        .execute(c)
        .await?;
    Ok(())
}

async fn forget(c: &mut AsyncPgConnection, id: PersonId) -> diesel::QueryResult<bool> {
    let name: Option<String> = people::table.find(id).select(people::name).first(c).await.optional()?;
    let Some(name) = name else { return Ok(false) };
    // The name they had last stays where it was said.
    diesel::sql_query(
        "UPDATE edits SET edit = edit || jsonb_build_object('name', $2::text, 'person', NULL)
        WHERE edit ->> 'person' = $1::text",
    )
    .bind::<sql_types::Text, _>(id.to_string())
    .bind::<sql_types::Text, _>(&name)
    .execute(c)
    .await?;
    tell_meetings(c, id).await?;
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

/// Whoever shows a meeting in which this person is named looks again.
async fn tell_meetings(c: &mut AsyncPgConnection, id: PersonId) -> diesel::QueryResult<()> {
    diesel::sql_query(
        "SELECT pg_notify('meetmemo', 'speakers:' || job_id) FROM speakers WHERE person_id = $1",
    )
    .bind::<sql_types::Uuid, _>(id)
    .execute(c)
    .await?;
    Ok(())
}

/// Who has neither a voice nor a meeting is not known.
pub(crate) async fn forget_unused(c: &mut AsyncPgConnection) -> Result<()> {
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
