//! Recomputes `speakers` and the speakers of `segments` from turns and edits.
//!
//! Turns (from diarization) and edits (by users) are the source. Each speaker's name and `shown_as`, and the speaker of
//! each segment, are computed from them and stored in the same transaction as the change, so readers need not combine
//! anything. Segments are cut anew where the speaker changes; every word stays, at its time and in order.
//!
//! Only segments of the current version are updated; another version's are updated when it becomes current. A merge
//! changes no segment: a segment keeps the speaker that was found or assigned, and `speakers.shown_as` says as whom that
//! speaker is shown.

use crate::Result;
use crate::edits::{Edit, load_edits};
use crate::ids::{JobId, PersonId, SegmentId, SpeakerId, TranscriptId};
use crate::schema::{jobs, people, person_voices, segments, speakers, transcripts};
use crate::segments::{StoredSegment, insert_segments, stored_segments};
use crate::status::TranscriptStatus;
use crate::turns::load_turns;
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::collections::{BTreeSet, HashMap, HashSet};
use transcript::{
    AppliedEdits, Doubt, Segment, Span, SpeakerSegment, Turn, Word, assign_speakers, speaker_segments,
};

/// What a change of turns or edits affects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Only names and linked people.
    Names,
    /// Which speaker a speaker is shown as. Segments stay the same, but are shown with another speaker.
    ShownAs,
    /// The speakers of words. Segments may be cut anew.
    Words,
}

impl Scope {
    pub(crate) fn of(edit: &Edit) -> Self {
        match edit {
            Edit::Name { .. } | Edit::Add { .. } => Self::Names,
            Edit::Merge { .. } => Self::ShownAs,
            Edit::Assign { .. } => Self::Words,
        }
    }
}

/// The turns and edits of a meeting.
struct SpeakerSources {
    turns: Vec<Turn<SpeakerId>>,
    edits: AppliedEdits<SpeakerId, PersonId>,
}

impl SpeakerSources {
    async fn load(c: &mut AsyncPgConnection, job: JobId) -> Result<Self> {
        let edits = load_edits(c, job).await?;
        let edits = AppliedEdits::new(edits.iter().filter(|edit| !edit.undone).map(|edit| &edit.edit));
        Ok(Self { turns: load_turns(c, job).await?, edits })
    }

    /// Cuts words, which are in order of time, into segments of one speaker each.
    fn segment(&self, words: Vec<Word>, doubts: &[Doubt]) -> Vec<SpeakerSegment<SpeakerId>> {
        let speakers = assign_speakers(&words, &self.turns, self.edits.assignments());
        speaker_segments(words.into_iter().zip(speakers), doubts)
    }
}

/// Columns of `speakers` that follow from turns and edits: id, name, person, shown_as, present.
type SpeakerState = (SpeakerId, Option<String>, Option<PersonId>, SpeakerId, bool);

/// Updates `speakers`, and for [`Scope::Words`] the segments of the current version, after a change of turns or edits.
/// The row of the job must be locked.
pub(crate) async fn recompute_speakers(c: &mut AsyncPgConnection, job: JobId, scope: Scope) -> Result<()> {
    let sources = SpeakerSources::load(c, job).await?;
    update_speaker_rows(c, job, &sources).await?;
    if scope == Scope::Words {
        let current: Option<TranscriptId> =
            jobs::table.find(job).select(jobs::current_transcript_id).first(c).await?;
        if let Some(version) = current {
            resegment(c, version, &sources).await?;
        }
    }
    if scope != Scope::Names {
        diesel::sql_query("SELECT pg_notify('meetmemo', 'lines:' || $1::text)")
            .bind::<sql_types::Uuid, _>(job)
            .execute(c)
            .await?;
    }
    Ok(())
}

/// Updates the segments of a version that becomes current. The row of the job must be locked.
pub(crate) async fn resegment_version(
    c: &mut AsyncPgConnection,
    job: JobId,
    version: TranscriptId,
) -> Result<()> {
    let sources = SpeakerSources::load(c, job).await?;
    resegment(c, version, &sources).await
}

/// Splits the segments of a version that is being completed where the speaker changes.
pub(crate) async fn split_by_speaker(
    c: &mut AsyncPgConnection,
    job: JobId,
    segments: &[Segment],
) -> Result<Vec<SpeakerSegment<SpeakerId>>> {
    let sources = SpeakerSources::load(c, job).await?;
    if sources.turns.is_empty() && sources.edits.assignments().is_empty() {
        return Ok(segments.iter().cloned().map(SpeakerSegment::from).collect());
    }
    Ok(sources.segment(segments.iter().flat_map(|s| s.words.clone()).collect(), &doubts_of(segments)))
}

async fn update_speaker_rows(c: &mut AsyncPgConnection, job: JobId, sources: &SpeakerSources) -> Result<()> {
    let edits = &sources.edits;
    let all: Vec<SpeakerState> = speakers::table
        .filter(speakers::job_id.eq(job))
        .select((speakers::id, speakers::name, speakers::person_id, speakers::shown_as, speakers::present))
        .load(c)
        .await?;
    let mut used: BTreeSet<SpeakerId> = sources.turns.iter().map(|turn| turn.speaker).collect();
    used.extend(edits.assignments().iter().filter_map(|assignment| assignment.speaker));
    used.extend(all.iter().map(|row| row.0).filter(|id| edits.is_added(*id)));
    let present: HashSet<SpeakerId> = used.into_iter().map(|id| edits.shown_as(id)).collect();
    let known: HashSet<PersonId> = people::table.select(people::id).load(c).await?.into_iter().collect();
    for (id, name, person, shown_as, was_present) in all {
        let shown = edits.shown_as(id);
        let now = (
            edits.name(id).map(str::to_owned),
            edits.person(id).filter(|person| known.contains(person)),
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
    delete_withdrawn_embeddings(c, job).await
}

/// Deletes embeddings stored for a person that the speaker is no longer linked to, and people who are left with neither
/// an embedding nor a meeting.
async fn delete_withdrawn_embeddings(c: &mut AsyncPgConnection, job: JobId) -> Result<()> {
    let of_job = speakers::table.filter(speakers::job_id.eq(job)).select((speakers::id, speakers::person_id));
    let of_job: Vec<(SpeakerId, Option<PersonId>)> = of_job.load(c).await?;
    for (speaker, person) in of_job {
        let accepted = person_voices::table
            .filter(person_voices::speaker_id.eq(speaker))
            .filter(person_voices::refused.eq(false));
        match person {
            Some(person) => {
                diesel::delete(accepted.filter(person_voices::person_id.ne(person))).execute(c).await?
            }
            None => diesel::delete(accepted).execute(c).await?,
        };
    }
    crate::people::delete_unused_people(c).await
}

/// Cuts the segments of a complete version anew. Unchanged segments keep their ids; the words stay the same.
async fn resegment(c: &mut AsyncPgConnection, version: TranscriptId, sources: &SpeakerSources) -> Result<()> {
    let complete: bool = diesel::select(diesel::dsl::exists(
        transcripts::table.find(version).filter(transcripts::status.eq(TranscriptStatus::Complete.as_str())),
    ))
    .get_result(c)
    .await?;
    if !complete {
        return Ok(());
    }
    let old = stored_segments(c, version).await?;
    let words = old.iter().flat_map(|s| s.segment.words.clone()).collect();
    let doubts = doubts_of(old.iter().map(|s| &s.segment));
    let new = sources.segment(words, &doubts);

    let mut unmatched: HashMap<_, Vec<&StoredSegment>> = HashMap::new();
    for segment in old.iter().rev() {
        unmatched.entry(span_and_text(&segment.segment)).or_default().push(segment);
    }
    let mut added = Vec::new();
    let mut changed: HashMap<(Option<SpeakerId>, bool, bool), Vec<SegmentId>> = HashMap::new();
    for segment in new {
        match unmatched.get_mut(&span_and_text(&segment.segment)).and_then(Vec::pop) {
            Some(same) => {
                let now = (segment.speaker, segment.overlap, segment.by_hand);
                if now != (same.speaker, same.overlap, same.by_hand) {
                    changed.entry(now).or_default().push(same.id);
                }
            }
            None => added.push(segment),
        }
    }
    let gone: Vec<SegmentId> = unmatched.into_values().flatten().map(|segment| segment.id).collect();
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
    insert_segments(c, version, None, &added).await
}

fn doubts_of<'a>(segments: impl IntoIterator<Item = &'a Segment>) -> Vec<Doubt> {
    segments.into_iter().filter_map(|s| s.doubt.map(|reason| Doubt { span: s.span, reason })).collect()
}

/// The key by which an old and a new segment are the same.
fn span_and_text(segment: &Segment) -> (Span, String) {
    (segment.span, segment.text.clone())
}
