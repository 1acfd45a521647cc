//! `speakers`: the speakers of a meeting, with the effect of edits (see `recompute_speakers`).

use crate::ids::{JobId, PersonId, SpeakerId};
use crate::query::{next_number, on_connection};
use crate::schema::{people, speakers};
use crate::voice_embeddings::StoredEmbedding;
use crate::{Result, Store};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// A speaker of a meeting, with the effect of edits.
#[derive(Debug, Clone, PartialEq)]
pub struct Speaker {
    /// The id.
    pub id: SpeakerId,
    /// Number from 1, in order of appearance.
    pub number: i32,
    /// The name of the linked person, else the name given in this meeting.
    pub name: Option<String>,
    /// The linked known person.
    pub person: Option<PersonId>,
    /// The speaker this one is shown as: the one it was merged into, or itself.
    pub shown_as: SpeakerId,
    /// Whether the speaker this one is shown as has any turn or word, or was added by a user.
    pub present: bool,
    /// The voice embedding, if one is stored.
    pub embedding: Option<StoredEmbedding>,
}

type SpeakerRow = (
    SpeakerId,
    i32,
    Option<String>,
    Option<String>,
    Option<PersonId>,
    SpeakerId,
    bool,
    Option<Vec<u8>>,
    Option<String>,
    Option<i64>,
);

impl Store {
    /// The speakers of a meeting, without turns and edits.
    pub async fn speaker_names(&self, job: JobId) -> Result<Vec<Speaker>> {
        on_connection!(self, connection => load_speakers(connection, job))
    }
}

/// The speakers of a meeting by number.
pub(crate) async fn load_speakers(c: &mut AsyncPgConnection, job: JobId) -> Result<Vec<Speaker>> {
    let rows: Vec<SpeakerRow> = speakers::table
        .left_join(people::table.on(people::id.nullable().eq(speakers::person_id)))
        .filter(speakers::job_id.eq(job))
        .order(speakers::number)
        .select((
            speakers::id,
            speakers::number,
            speakers::name,
            people::name.nullable(),
            speakers::person_id,
            speakers::shown_as,
            speakers::present,
            speakers::voice,
            speakers::voice_encoder,
            speakers::voice_ms,
        ))
        .load(c)
        .await?;
    rows.into_iter()
        .map(|(id, number, given, known, person, shown_as, present, voice, encoder, ms)| {
            let embedding = match (voice, encoder, ms) {
                (Some(bytes), Some(encoder), Some(ms)) => {
                    Some(StoredEmbedding::from_row(&bytes, encoder, ms)?)
                }
                _ => None,
            };
            Ok(Speaker { id, number, name: known.or(given), person, shown_as, present, embedding })
        })
        .collect()
}

/// Adds a speaker with the next number, if it does not exist yet.
pub(crate) async fn add_speaker(c: &mut AsyncPgConnection, job: JobId, id: SpeakerId) -> Result<()> {
    let exists: bool = diesel::select(diesel::dsl::exists(speakers::table.find(id))).get_result(c).await?;
    if exists {
        return Ok(());
    }
    let last: Option<i32> = speakers::table
        .filter(speakers::job_id.eq(job))
        .select(diesel::dsl::max(speakers::number))
        .first(c)
        .await?;
    diesel::insert_into(speakers::table)
        .values((
            speakers::id.eq(id),
            speakers::job_id.eq(job),
            speakers::number.eq(next_number(last)?),
            speakers::shown_as.eq(id),
        ))
        .execute(c)
        .await?;
    Ok(())
}
