//! `speakers`, `turns`, `diarizations`, `speaker_edits`: who speaks in a meeting, and what was corrected.
//!
//! Turns are what was found in the sound; corrections are a list on top of them (crate `transcript`, `overlay`). What
//! both amount to is written into `speakers` and `segments` in the same transaction, so that whatever reads those need
//! not know how it came about.

use crate::archive::{next_number, on_connection};
use crate::ids::{EditId, JobId, PersonId, SegmentId, SpeakerId, TranscriptId};
use crate::jobs::{Job, Status, WorkflowState};
use crate::people::{StoredVoice, keep_people, remembers, set_voice};
use crate::schema::{
    diarizations, jobs, people, person_voices, segments, speaker_edits, speakers, transcripts, turns,
};
use crate::tasks::{Lease, TaskKind, TaskState, ask, close, held_job};
use crate::transcripts::{TranscriptStatus, insert_lines, stored_lines, time};
use crate::{Result, Store, StoreError, StoredSegment};
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel::sql_types;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use std::collections::{BTreeSet, HashMap, HashSet};
use transcript::{Doubt, Line, Overlay, Segment, Span, SpeakerEdit, Turn, Word, align, lines};

/// A correction with the ids of the archive.
pub type Edit = SpeakerEdit<SpeakerId, PersonId>;

/// Rows of `turns` per INSERT; with six values each, far below the 65 535 that a statement may bind.
const ROWS_PER_INSERT: usize = 2_000;

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

/// How the speakers of a meeting were told apart.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = diarizations, check_for_backend(diesel::pg::Pg))]
pub struct Diarization {
    /// `voices`, `sortformer`, `channels`; none if it never worked.
    pub method: Option<String>,
    /// The model it was done with.
    pub model: Option<String>,
    /// Why the last attempt failed, if it did.
    pub error_message: Option<String>,
    /// What else should be known.
    pub note: Option<String>,
    /// At least so many people were expected.
    pub expected_min: Option<i32>,
    /// At most so many.
    pub expected_max: Option<i32>,
    /// Milliseconds of work.
    pub work_ms: i64,
}

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

/// Everything about the speakers of a meeting.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Speakers {
    /// How they were told apart; none before.
    pub diarization: Option<Diarization>,
    /// All there ever were, by number: those that are merged or gone too.
    pub speakers: Vec<Speaker>,
    /// Who speaks when, as it was found, in order of start.
    pub turns: Vec<Turn<SpeakerId>>,
    /// What was corrected, the oldest first; what was undone comes last.
    pub edits: Vec<MadeEdit>,
}

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

/// What telling speakers apart has found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundSpeakers {
    /// `voices`, `sortformer`, `channels`.
    pub method: String,
    /// The model it was done with.
    pub model: String,
    /// What should be known.
    pub note: Option<String>,
    /// At least so many people were expected.
    pub expected_min: Option<i32>,
    /// At most so many.
    pub expected_max: Option<i32>,
    /// Milliseconds of work.
    pub work_ms: i64,
    /// Who speaks, in order of appearance: somebody of this meeting, or somebody new.
    pub speakers: Vec<(SpeakerId, Option<StoredVoice>)>,
    /// Who speaks when, in order of start.
    pub turns: Vec<Turn<SpeakerId>>,
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

/// Who, their name, the person they are, as whom they are shown, and whether there is anything of them.
type SettledRow = (SpeakerId, Option<String>, Option<PersonId>, SpeakerId, bool);

impl Store {
    /// Everything about the speakers of a meeting; nothing if there is no such meeting.
    pub async fn speakers(&self, job: JobId) -> Result<Speakers> {
        on_connection!(self, connection => async {
            let diarization = diarizations::table
                .find(job)
                .select(Diarization::as_select())
                .first(connection)
                .await
                .optional()?;
            Ok::<_, StoreError>(Speakers {
                diarization,
                speakers: speakers_of(connection, job).await?,
                turns: turns_of(connection, job).await?,
                edits: edits_of(connection, job).await?,
            })
        })
    }

    /// The speakers of a meeting, without what was found in the sound: what is needed to show names.
    pub async fn speaker_names(&self, job: JobId) -> Result<Vec<Speaker>> {
        on_connection!(self, connection => speakers_of(connection, job))
    }

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

    /// Puts a meeting back into the queue to have its speakers told apart once more; its words stay. `None` if it waits
    /// or runs, has no transcript, or there is none.
    pub async fn tell_speakers_apart(
        &self,
        id: JobId,
        min: Option<i32>,
        max: Option<i32>,
    ) -> Result<Option<Job>> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            let at_rest = jobs::table
                .find(id)
                .filter(jobs::status.eq(Status::Completed.as_str()))
                .filter(jobs::current_transcript_id.is_not_null());
            let job = at_rest.for_no_key_update().select(Job::as_select()).first(c).await.optional()?;
            let Some(job) = job else { return Ok(None) };
            ask(c, TaskKind::Diarize, id.uuid(), id, job.library_id, &serde_json::json!({})).await?;
            diesel::update(jobs::table.find(id))
                .set((
                    jobs::status.eq(Status::Pending.as_str()),
                    jobs::workflow_state.eq(WorkflowState::Queued.as_str()),
                    jobs::error_message.eq(None::<String>),
                    jobs::requested_speakers_min.eq(min),
                    jobs::requested_speakers_max.eq(max),
                ))
                .returning(Job::as_returning())
                .get_result(c)
                .await
                .map(Some)
        }))
    }

    /// Keeps what telling the speakers apart has found, in place of what was found before; corrections stay. Without
    /// any, speakers are numbered anew in order of appearance. False if the lease is void.
    pub async fn keep_speakers(&self, lease: Lease, found: &FoundSpeakers) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            let job = lease.job;
            if held_job(c, lease).await?.is_none() {
                return Ok(false);
            }
            keep_people(c).await?;
            let corrected: bool = diesel::select(diesel::dsl::exists(
                speaker_edits::table.filter(speaker_edits::job_id.eq(job)),
            ))
            .get_result(c)
            .await?;
            diesel::delete(turns::table.filter(turns::job_id.eq(job))).execute(c).await?;
            if !corrected {
                diesel::delete(speakers::table.filter(speakers::job_id.eq(job))).execute(c).await?;
            }
            let remembered = remembers(c).await?;
            for (id, voice) in &found.speakers {
                add_speaker(c, job, *id).await?;
                set_voice(c, *id, voice.as_ref().filter(|_| remembered)).await?;
            }
            insert_turns(c, job, &found.turns).await?;
            let values = (
                diarizations::method.eq(Some(&found.method)),
                diarizations::model.eq(Some(&found.model)),
                diarizations::error_message.eq(None::<String>),
                diarizations::note.eq(&found.note),
                diarizations::expected_min.eq(found.expected_min),
                diarizations::expected_max.eq(found.expected_max),
                diarizations::work_ms.eq(found.work_ms),
                diarizations::made_at.eq(diesel::dsl::now),
            );
            diesel::insert_into(diarizations::table)
                .values((diarizations::job_id.eq(job), values.clone()))
                .on_conflict(diarizations::job_id)
                .do_update()
                .set(values)
                .execute(c)
                .await?;
            settle(c, job, Changes::Turns).await?;
            Ok(true)
        }))
    }

    /// How many words of a version each speaker says, by whose they were found or given to be.
    pub async fn words_by_speaker(&self, version: TranscriptId) -> Result<Vec<(Option<SpeakerId>, i64)>> {
        #[derive(QueryableByName)]
        struct Counted {
            #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
            speaker_id: Option<SpeakerId>,
            #[diesel(sql_type = sql_types::BigInt)]
            words: i64,
        }
        let counted: Vec<Counted> = on_connection!(self, connection => async {
            diesel::sql_query(
                "SELECT speaker_id, sum(jsonb_array_length(words))::bigint AS words FROM segments
                WHERE transcript_id = $1 GROUP BY speaker_id",
            )
            .bind::<sql_types::Uuid, _>(version)
            .load(connection)
            .await
        })?;
        Ok(counted.into_iter().map(|counted| (counted.speaker_id, counted.words)).collect())
    }

    /// Notes why the speakers could not be told apart; what was found before stays. False if the lease is void.
    pub async fn note_no_speakers(&self, lease: Lease, message: &str) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            if held_job(c, lease).await?.is_none() {
                return Ok(false);
            }
            let message = diarizations::error_message.eq(Some(message));
            diesel::insert_into(diarizations::table)
                .values((diarizations::job_id.eq(lease.job), message))
                .on_conflict(diarizations::job_id)
                .do_update()
                .set(message)
                .execute(c)
                .await?;
            Ok(true)
        }))
    }

    /// Ends a task that was only about speakers. False if the lease is void.
    pub async fn finish_speakers(&self, lease: Lease) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            if held_job(c, lease).await?.is_none() {
                return Ok(false);
            }
            close(c, lease.task, TaskState::Done, None).await?;
            diesel::update(jobs::table.find(lease.job))
                .set((
                    jobs::status.eq(Status::Completed.as_str()),
                    jobs::workflow_state.eq(WorkflowState::Done.as_str()),
                ))
                .execute(c)
                .await?;
            Ok(true)
        }))
    }
}

async fn speakers_of(c: &mut AsyncPgConnection, job: JobId) -> Result<Vec<Speaker>> {
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

async fn turns_of(c: &mut AsyncPgConnection, job: JobId) -> Result<Vec<Turn<SpeakerId>>> {
    let rows: Vec<(i64, i64, SpeakerId, Option<f32>, bool)> = turns::table
        .filter(turns::job_id.eq(job))
        .order((turns::start_ms, turns::id))
        .select((turns::start_ms, turns::end_ms, turns::speaker_id, turns::confidence, turns::overlap))
        .load(c)
        .await?;
    rows.into_iter()
        .map(|(start, end, speaker, confidence, overlap)| {
            Ok(Turn { span: Span::new(time(start)?, time(end)?), speaker, confidence, overlap })
        })
        .collect()
}

async fn edits_of(c: &mut AsyncPgConnection, job: JobId) -> Result<Vec<MadeEdit>> {
    let rows: Vec<(EditId, serde_json::Value, bool)> = speaker_edits::table
        .filter(speaker_edits::job_id.eq(job))
        .order(speaker_edits::position)
        .select((speaker_edits::id, speaker_edits::edit, speaker_edits::undone))
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

/// Locks the job's row, as everything does that changes its speakers; whether there is one.
async fn lock(c: &mut AsyncPgConnection, job: JobId) -> Result<bool> {
    let locked: Option<JobId> =
        jobs::table.find(job).for_no_key_update().select(jobs::id).first(c).await.optional()?;
    Ok(locked.is_some())
}

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Changes {
    /// Names, and who is known: no line changes.
    Names,
    /// As whom somebody is shown. No line is cut anew, but each is shown with others.
    Shown,
    /// Whose the words are.
    Turns,
}

impl Changes {
    fn of(edit: &Edit) -> Self {
        match edit {
            Edit::Name { .. } | Edit::Add { .. } => Self::Names,
            Edit::Merge { .. } => Self::Shown,
            Edit::Assign { .. } => Self::Turns,
        }
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
    diesel::delete(
        speaker_edits::table
            .filter(speaker_edits::job_id.eq(job))
            .filter(speaker_edits::undone)
            .filter(speaker_edits::id.ne(id)),
    )
    .execute(c)
    .await?;
    let json = serde_json::to_value(edit).map_err(|error| StoreError::Unknown(error.to_string()))?;
    diesel::insert_into(speaker_edits::table)
        .values((speaker_edits::id.eq(id), speaker_edits::job_id.eq(job), speaker_edits::edit.eq(json)))
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
    diesel::update(speaker_edits::table.find(id)).set(speaker_edits::edit.eq(json)).execute(c).await?;
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
        diesel::update(speaker_edits::table.find(id))
            .set(speaker_edits::undone.eq(undone))
            .execute(c)
            .await?;
    }
    Ok(is_next.then_some(changes))
}

/// Adds a speaker with the next number, unless they are there.
async fn add_speaker(c: &mut AsyncPgConnection, job: JobId, id: SpeakerId) -> Result<()> {
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

async fn insert_turns(c: &mut AsyncPgConnection, job: JobId, found: &[Turn<SpeakerId>]) -> Result<()> {
    for chunk in found.chunks(ROWS_PER_INSERT) {
        let rows: Vec<_> = chunk
            .iter()
            .map(|turn| {
                (
                    turns::job_id.eq(job),
                    turns::start_ms.eq(i64::from(turn.span.start.as_ms())),
                    turns::end_ms.eq(i64::from(turn.span.end.as_ms())),
                    turns::speaker_id.eq(turn.speaker),
                    turns::confidence.eq(turn.confidence),
                    turns::overlap.eq(turn.overlap),
                )
            })
            .collect();
        diesel::insert_into(turns::table).values(rows).execute(c).await?;
    }
    Ok(())
}

/// What decides whose the words of a meeting are.
struct Ruling {
    turns: Vec<Turn<SpeakerId>>,
    overlay: Overlay<SpeakerId, PersonId>,
}

impl Ruling {
    async fn of(c: &mut AsyncPgConnection, job: JobId) -> Result<Self> {
        let edits = edits_of(c, job).await?;
        let overlay = Overlay::of(edits.iter().filter(|edit| !edit.undone).map(|edit| &edit.edit));
        Ok(Self { turns: turns_of(c, job).await?, overlay })
    }

    /// Cuts words, which are in order of time, into lines of one speaker each.
    fn cut(&self, words: Vec<Word>, doubts: &[Doubt]) -> Vec<Line<SpeakerId>> {
        let said = align(&words, &self.turns, self.overlay.assigned());
        lines(words.into_iter().zip(said), doubts)
    }
}

/// Cuts the lines of a version that is being completed into those of its speakers.
pub(crate) async fn cut_by_speaker(
    c: &mut AsyncPgConnection,
    job: JobId,
    lines: &[Segment],
) -> Result<Vec<Line<SpeakerId>>> {
    let ruling = Ruling::of(c, job).await?;
    if ruling.turns.is_empty() && ruling.overlay.assigned().is_empty() {
        return Ok(lines.iter().cloned().map(Line::from).collect());
    }
    Ok(ruling.cut(lines.iter().flat_map(|line| line.words.clone()).collect(), &doubts_of(lines)))
}

fn doubts_of<'a>(lines: impl IntoIterator<Item = &'a Segment>) -> Vec<Doubt> {
    lines.into_iter().filter_map(|line| line.doubt.map(|reason| Doubt { span: line.span, reason })).collect()
}

/// Writes into `speakers` and `segments` what turns and corrections amount to. The job's row is locked. Lines are read
/// only where a change may have to cut them anew.
async fn settle(c: &mut AsyncPgConnection, job: JobId, changes: Changes) -> Result<()> {
    let ruling = Ruling::of(c, job).await?;
    settle_speakers(c, job, &ruling).await?;
    if changes == Changes::Turns {
        let current: Option<TranscriptId> =
            jobs::table.find(job).select(jobs::current_transcript_id).first(c).await?;
        if let Some(version) = current {
            recut(c, version, &ruling).await?;
        }
    }
    if changes != Changes::Names {
        diesel::sql_query("SELECT pg_notify('meetmemo', 'lines:' || $1::text)")
            .bind::<sql_types::Uuid, _>(job)
            .execute(c)
            .await?;
    }
    Ok(())
}

/// Cuts the lines of the version that has become current by what is known of the speakers now. The job's row is locked.
pub(crate) async fn settle_version(
    c: &mut AsyncPgConnection,
    job: JobId,
    version: TranscriptId,
) -> Result<()> {
    let ruling = Ruling::of(c, job).await?;
    recut(c, version, &ruling).await
}

async fn settle_speakers(c: &mut AsyncPgConnection, job: JobId, ruling: &Ruling) -> Result<()> {
    let overlay = &ruling.overlay;
    let all: Vec<SettledRow> = speakers::table
        .filter(speakers::job_id.eq(job))
        .select((speakers::id, speakers::name, speakers::person_id, speakers::shown_as, speakers::present))
        .load(c)
        .await?;
    let mut heard: BTreeSet<SpeakerId> = ruling.turns.iter().map(|turn| turn.speaker).collect();
    heard.extend(overlay.assigned().iter().filter_map(|given| given.speaker));
    heard.extend(all.iter().map(|row| row.0).filter(|id| overlay.is_added(*id)));
    let present: HashSet<SpeakerId> = heard.into_iter().map(|id| overlay.shown(id)).collect();
    let known: HashSet<PersonId> = people::table.select(people::id).load(c).await?.into_iter().collect();
    for (id, name, person, shown_as, was_present) in all {
        let shown = overlay.shown(id);
        let now = (
            overlay.name(id).map(str::to_owned),
            overlay.person(id).filter(|person| known.contains(person)),
            shown,
            present.contains(&shown),
        );
        if now != (name, person, shown_as, was_present) {
            let (name, person, shown_as, present) = now;
            diesel::update(speakers::table.find(id))
                .set((
                    speakers::name.eq(name),
                    speakers::person_id.eq(person),
                    speakers::shown_as.eq(shown_as),
                    speakers::present.eq(present),
                ))
                .execute(c)
                .await?;
        }
    }
    forget_unsaid(c, job).await
}

/// Whose name was taken back is not known by that voice any more; who has neither voice nor meeting is not known at all.
async fn forget_unsaid(c: &mut AsyncPgConnection, job: JobId) -> Result<()> {
    let of_job = speakers::table.filter(speakers::job_id.eq(job)).select((speakers::id, speakers::person_id));
    let of_job: Vec<(SpeakerId, Option<PersonId>)> = of_job.load(c).await?;
    for (speaker, person) in of_job {
        let learnt = person_voices::table
            .filter(person_voices::speaker_id.eq(speaker))
            .filter(person_voices::refused.eq(false));
        match person {
            Some(person) => {
                diesel::delete(learnt.filter(person_voices::person_id.ne(person))).execute(c).await?
            }
            None => diesel::delete(learnt).execute(c).await?,
        };
    }
    crate::people::forget_unused(c).await
}

/// Cuts the lines of a complete version anew. Lines that stay as they are keep their ids; no word is written that was not
/// there, and none is left out.
async fn recut(c: &mut AsyncPgConnection, version: TranscriptId, ruling: &Ruling) -> Result<()> {
    let complete: bool = diesel::select(diesel::dsl::exists(
        transcripts::table.find(version).filter(transcripts::status.eq(TranscriptStatus::Complete.as_str())),
    ))
    .get_result(c)
    .await?;
    if !complete {
        return Ok(());
    }
    let old = stored_lines(c, version).await?;
    let words = old.iter().flat_map(|line| line.segment.words.clone()).collect();
    let doubts = doubts_of(old.iter().map(|line| &line.segment));
    let new = ruling.cut(words, &doubts);

    let mut kept: HashMap<_, Vec<&StoredSegment>> = HashMap::new();
    for line in old.iter().rev() {
        kept.entry(place(&line.segment)).or_default().push(line);
    }
    let mut added = Vec::new();
    let mut changed: HashMap<(Option<SpeakerId>, bool, bool), Vec<SegmentId>> = HashMap::new();
    for line in new {
        match kept.get_mut(&place(&line.segment)).and_then(Vec::pop) {
            Some(same) => {
                let now = (line.speaker, line.overlap, line.by_hand);
                if now != (same.speaker, same.overlap, same.by_hand) {
                    changed.entry(now).or_default().push(same.id);
                }
            }
            None => added.push(line),
        }
    }
    let gone: Vec<SegmentId> = kept.into_values().flatten().map(|line| line.id).collect();
    if gone.is_empty() && added.is_empty() && changed.is_empty() {
        return Ok(());
    }
    for ((speaker, overlap, by_hand), ids) in changed {
        diesel::update(segments::table.filter(segments::id.eq_any(ids)))
            .set((
                segments::speaker_id.eq(speaker),
                segments::overlap.eq(overlap),
                segments::by_hand.eq(by_hand),
            ))
            .execute(c)
            .await?;
    }
    diesel::delete(segments::table.filter(segments::id.eq_any(gone))).execute(c).await?;
    insert_lines(c, version, None, &added).await
}

/// By what a line is known again.
fn place(line: &Segment) -> (Span, String) {
    (line.span, line.text.clone())
}
