//! Voice embeddings of speakers (`speakers.voice`) and of known people (`person_voices`).
//!
//! An embedding is a vector; the audio it was made from is not stored. Embeddings are written only while users have
//! agreed (`people_settings.enabled`), which is checked in the transaction that writes. They are never exported, logged
//! or sent to the page. How embeddings are compared is in the crate `speech`.

use crate::error::StoreError;
use crate::ids::{JobId, PersonId, SpeakerId};
use crate::lease::{Lease, lock_leased_job};
use crate::people_lock::lock_people_shared;
use crate::query::on_connection;
use crate::schema::{people, people_settings, person_voices, speakers};
use crate::segments::time;
use crate::{Result, Store};
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use transcript::Span;
use uuid::Uuid;

/// A stored voice embedding.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEmbedding {
    /// Name of the encoder. Only embeddings of the same encoder can be compared.
    pub encoder: String,
    /// The vector, normalised to length 1.
    pub vector: Vec<f32>,
    /// Milliseconds of speech it was made from.
    pub speech_ms: u32,
}

impl StoredEmbedding {
    /// The vector as little-endian 32-bit floats.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.vector.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// The embedding of a row; an error if `bytes` are not whole floats.
    pub(crate) fn from_row(bytes: &[u8], encoder: String, speech_ms: i64) -> Result<Self> {
        let (values, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(StoreError::Unknown(format!("a voice embedding of {} bytes", bytes.len())));
        }
        let speech_ms = u32::try_from(speech_ms).unwrap_or(u32::MAX);
        Ok(Self {
            encoder,
            vector: values.iter().map(|value| f32::from_le_bytes(*value)).collect(),
            speech_ms,
        })
    }
}

/// A voice embedding of a known person, or one that is not theirs.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonEmbedding {
    /// The person.
    pub person: PersonId,
    /// Whether a user refused the match: the voice is not this person's.
    pub refused: bool,
    /// The embedding.
    pub embedding: StoredEmbedding,
    /// The meeting it comes from; `None` once that is deleted.
    pub job: Option<JobId>,
    /// The speaker in that meeting.
    pub speaker: Option<SpeakerId>,
    /// A part of the recording in which the voice can be heard.
    pub sample: Option<Span>,
}

type EmbeddingRow =
    (PersonId, bool, Vec<u8>, String, i64, Option<JobId>, Option<SpeakerId>, Option<i64>, Option<i64>);

impl Store {
    /// The embeddings of all known people, newest first.
    pub async fn person_embeddings(&self) -> Result<Vec<PersonEmbedding>> {
        let rows: Vec<EmbeddingRow> = on_connection!(self, connection => async {
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
                let embedding = StoredEmbedding::from_row(&voice, encoder, ms)?;
                let sample = match (start, end) {
                    (Some(start), Some(end)) => Some(Span::new(time(start)?, time(end)?)),
                    _ => None,
                };
                Ok(PersonEmbedding { person, refused, embedding, job, speaker, sample })
            })
            .collect()
    }

    /// Stores the embedding of a speaker, if embeddings are allowed. A worker passes its lease; false if that is void.
    pub async fn save_speaker_embedding(
        &self,
        speaker: SpeakerId,
        embedding: &StoredEmbedding,
        lease: Option<Lease>,
    ) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            if !may_write(c, lease).await? {
                return Ok(false);
            }
            lock_people_shared(c).await?;
            if embeddings_allowed(c).await? {
                set_embedding(c, speaker, Some(embedding)).await?;
            }
            Ok(true)
        }))
    }

    /// The stored embeddings of speakers, of all meetings.
    pub async fn speaker_embeddings(&self) -> Result<Vec<(SpeakerId, StoredEmbedding)>> {
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
            .map(|(id, voice, encoder, ms)| Ok((id, StoredEmbedding::from_row(&voice, encoder, ms)?)))
            .collect()
    }

    /// Stores that an embedding is a person's, or with `refused` that it is not, if embeddings are allowed and the
    /// person is known. Replaces the one of the same person and speaker. A worker passes its lease; false if that is
    /// void.
    pub async fn save_person_embedding(&self, new: &PersonEmbedding, lease: Option<Lease>) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            if !may_write(c, lease).await? {
                return Ok(false);
            }
            lock_people_shared(c).await?;
            let known: bool =
                diesel::select(diesel::dsl::exists(people::table.find(new.person))).get_result(c).await?;
            if !known || !embeddings_allowed(c).await? {
                return Ok(true);
            }
            let ms = |time: transcript::AudioTime| i64::from(time.as_ms());
            let values = (
                person_voices::refused.eq(new.refused),
                person_voices::voice.eq(new.embedding.bytes()),
                person_voices::voice_encoder.eq(&new.embedding.encoder),
                person_voices::voice_ms.eq(i64::from(new.embedding.speech_ms)),
                person_voices::sample_start_ms.eq(new.sample.map(|sample| ms(sample.start))),
                person_voices::sample_end_ms.eq(new.sample.map(|sample| ms(sample.end))),
            );
            diesel::insert_into(person_voices::table)
                .values((
                    person_voices::id.eq(Uuid::now_v7()),
                    person_voices::person_id.eq(new.person),
                    person_voices::job_id.eq(new.job),
                    person_voices::speaker_id.eq(new.speaker),
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

/// Whether the caller may write: a worker must hold its lease, other callers (`None`) always may.
async fn may_write(c: &mut AsyncPgConnection, lease: Option<Lease>) -> diesel::QueryResult<bool> {
    Ok(match lease {
        Some(lease) => lock_leased_job(c, lease).await?.is_some(),
        None => true,
    })
}

/// Whether users have agreed that embeddings are stored.
pub(crate) async fn embeddings_allowed(c: &mut AsyncPgConnection) -> diesel::QueryResult<bool> {
    people_settings::table.select(people_settings::enabled).first(c).await
}

/// Sets or removes the embedding of a speaker.
pub(crate) async fn set_embedding(
    c: &mut AsyncPgConnection,
    id: SpeakerId,
    embedding: Option<&StoredEmbedding>,
) -> Result<()> {
    diesel::update(speakers::table.find(id))
        .set((
            speakers::voice.eq(embedding.map(StoredEmbedding::bytes)),
            speakers::voice_encoder.eq(embedding.map(|embedding| embedding.encoder.as_str())),
            speakers::voice_ms.eq(embedding.map(|embedding| i64::from(embedding.speech_ms))),
        ))
        .execute(c)
        .await?;
    Ok(())
}
