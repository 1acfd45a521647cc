//! What turns and corrections amount to, written into `speakers` and `segments` in the transaction of the change, so that
//! whatever reads those need not know how it came about.

use crate::Result;
use crate::edits::{Edit, edits_of};
use crate::ids::{JobId, PersonId, SegmentId, SpeakerId, TranscriptId};
use crate::schema::{jobs, people, person_voices, segments, speakers, transcripts};
use crate::segments::{StoredSegment, insert_lines, stored_lines};
use crate::status::TranscriptStatus;
use crate::turns::turns_of;
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::collections::{BTreeSet, HashMap, HashSet};
use transcript::{Doubt, Line, Overlay, Segment, Span, Turn, Word, align, lines};

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changes {
    /// Names, and who is known: no line changes.
    Names,
    /// As whom somebody is shown. No line is cut anew, but each is shown with others.
    Shown,
    /// Whose the words are.
    Turns,
}

impl Changes {
    pub(crate) fn of(edit: &Edit) -> Self {
        match edit {
            Edit::Name { .. } | Edit::Add { .. } => Self::Names,
            Edit::Merge { .. } => Self::Shown,
            Edit::Assign { .. } => Self::Turns,
        }
    }
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

/// Who, their name, the person they are, as whom they are shown, and whether there is anything of them.
type SettledRow = (SpeakerId, Option<String>, Option<PersonId>, SpeakerId, bool);

/// Writes into `speakers` and `segments` what turns and corrections amount to. The job's row is locked. Lines are read
/// only where a change may have to cut them anew.
pub(crate) async fn settle(c: &mut AsyncPgConnection, job: JobId, changes: Changes) -> Result<()> {
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

fn doubts_of<'a>(lines: impl IntoIterator<Item = &'a Segment>) -> Vec<Doubt> {
    lines.into_iter().filter_map(|line| line.doubt.map(|reason| Doubt { span: line.span, reason })).collect()
}

/// By what a line is known again.
fn place(line: &Segment) -> (Span, String) {
    (line.span, line.text.clone())
}
