//! `speakers`: who speaks in a meeting, as the corrections have it.

use crate::archive::{next_number, on_connection};
use crate::ids::{JobId, PersonId, SpeakerId};
use crate::people::StoredVoice;
use crate::schema::{jobs, people, speakers};
use crate::{Result, Store};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// Somebody who speaks in a meeting, as the corrections have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Speaker {
    /// Who.
    pub id: SpeakerId,
    /// In order of appearance, from 1.
    pub number: i32,
    /// The name they were given, or that of the person they are.
    pub name: Option<String>,
    /// The known person they are.
    pub person: Option<PersonId>,
    /// Who they are shown as: themselves, or who they were merged into.
    pub shown_as: SpeakerId,
    /// Whether there is anything of who they are shown as.
    pub present: bool,
    /// Their voice, while voices are remembered.
    pub voice: Option<StoredVoice>,
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
    /// The speakers of a meeting, without what was found in the sound: what is needed to show names.
    pub async fn speaker_names(&self, job: JobId) -> Result<Vec<Speaker>> {
        on_connection!(self, connection => speakers_of(connection, job))
    }
}

pub(crate) async fn speakers_of(c: &mut AsyncPgConnection, job: JobId) -> Result<Vec<Speaker>> {
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
            let voice = match (voice, encoder, ms) {
                (Some(bytes), Some(encoder), Some(ms)) => Some(StoredVoice::from_row(&bytes, encoder, ms)?),
                _ => None,
            };
            Ok(Speaker { id, number, name: known.or(given), person, shown_as, present, voice })
        })
        .collect()
}

/// Locks the job's row, as everything does that changes its speakers; whether there is one.
pub(crate) async fn lock(c: &mut AsyncPgConnection, job: JobId) -> Result<bool> {
    let locked: Option<JobId> =
        jobs::table.find(job).for_no_key_update().select(jobs::id).first(c).await.optional()?;
    Ok(locked.is_some())
}

/// Adds a speaker with the next number, unless they are there.
pub(crate) async fn add_speaker(c: &mut AsyncPgConnection, job: JobId, id: SpeakerId) -> Result<()> {
    let there: bool = diesel::select(diesel::dsl::exists(speakers::table.find(id))).get_result(c).await?;
    if there {
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
