//! Edits: what users correct about the speakers of a meeting. Name, merge, add, assign words, and undo.
//!
//! Edits are stored in the archive (`store::SpeakerChange`) as a list, oldest first; undo marks the last one.
//! `transcript::AppliedEdits` computes their combined effect over any turns, so they also hold after another
//! diarization and for other versions of the text: words that were assigned by hand are stored as spans of time.

use crate::App;
use crate::archive::view::JobView;
use crate::speakers::checked_name;
use crate::speakers::meeting_speakers::{MeetingSpeakers, applied_edits, label};
use crate::speakers::people::PersonLink;
use crate::speakers::selected_spans::selected_spans;
use crate::speakers::view::{AssignTarget, SpeakerCount, SpeakersView, TextSelection};
use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use export::LabelLanguage;
use store::{Edit, EditId, JobId, PersonId, Speaker, SpeakerChange, SpeakerData, SpeakerId, StoredEdit};

impl App {
    /// Names a speaker; without a name, removes it. While voices are remembered, the name also links the speaker to a
    /// known person: to `person`, else to the one of that name, else to a new one. Their voice is learnt separately,
    /// which takes longer: see [`App::learn_named_voices`].
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an unknown speaker or person, [`ErrorCode::NotOffered`] for a name that is too long,
    /// besides those of [`App::find`].
    pub async fn name_speaker(
        &self,
        id: JobId,
        speaker: SpeakerId,
        name: Option<&str>,
        person: Option<PersonId>,
    ) -> Result<SpeakersView> {
        let job = self.stored_job(id).await?;
        let speaker = self.shown_speaker(job.id, speaker).await?;
        let name = name.map(checked_name).transpose()?.flatten();
        let PersonLink { name, person: known, new } = self.person_for(name, person).await?;
        let edit = Edit::Name { speaker: speaker.id, name, person: known };
        let change = match (known, self.edit_with_same_name(job.id, &edit, &speaker).await?) {
            // The speaker has this name already. Linking the person is part of that edit, not another step to undo.
            (Some(person), Some(id)) => {
                Some(SpeakerChange::LinkPerson { id, person, name: new.map(|(_, name)| name) })
            }
            _ if changes_nothing(&edit, &speaker) => None,
            _ => Some(SpeakerChange::Edit { id: EditId::new(), edit, speaker: None, person: new }),
        };
        if let Some(change) = change {
            self.change(job.id, &change).await?;
        }
        self.speakers_view(&job).await
    }

    /// The edit that gave `speaker` the name of `edit`, if the speaker is not linked to a person.
    async fn edit_with_same_name(
        &self,
        job: JobId,
        edit: &Edit,
        speaker: &Speaker,
    ) -> Result<Option<EditId>> {
        let Edit::Name { name, .. } = edit else { return Ok(None) };
        if speaker.person.is_some() || *name != speaker.name {
            return Ok(None);
        }
        let all = self.store.speakers(job).await?;
        let applied = applied_edits(&all);
        let gave_name = |stored: &&StoredEdit| {
            matches!(&stored.edit, Edit::Name { speaker: named, name: given, .. }
                if !stored.undone && given == name && applied.shown_as(*named) == speaker.id)
        };
        Ok(all.edits.iter().rfind(gave_name).map(|stored| stored.id))
    }

    /// Merges two speakers: everything of `from` becomes `into`'s.
    ///
    /// # Errors
    /// As [`App::name_speaker`].
    pub async fn merge_speakers(&self, id: JobId, from: SpeakerId, into: SpeakerId) -> Result<SpeakersView> {
        let job = self.stored_job(id).await?;
        let (from, into) = (self.shown_speaker(job.id, from).await?, self.shown_speaker(job.id, into).await?);
        if from.id != into.id {
            self.edit(job.id, Edit::Merge { from: from.id, into: into.id }, None).await?;
        }
        self.speakers_view(&job).await
    }

    /// Adds a speaker that diarization did not find.
    ///
    /// # Errors
    /// As [`App::name_speaker`].
    pub async fn add_speaker(&self, id: JobId, name: Option<&str>) -> Result<SpeakersView> {
        let job = self.stored_job(id).await?;
        let name = name.map(checked_name).transpose()?.flatten();
        let speaker = SpeakerId::new();
        self.edit(job.id, Edit::Add { speaker, name }, Some(speaker)).await?;
        self.speakers_view(&job).await
    }

    /// Assigns selected words to a speaker. Segments are cut anew where that changes the speaker; no word moves.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for segments that do not exist (any more), [`ErrorCode::NoTranscript`] while the
    /// transcript is not complete, besides those of [`App::name_speaker`].
    pub async fn assign_words(
        &self,
        id: JobId,
        selection: &TextSelection,
        target: &AssignTarget,
    ) -> Result<SpeakersView> {
        let job = self.stored_job(id).await?;
        let version = self.store.shown_transcript(job.id).await?;
        let segments = match &version {
            Some(version) if version.is_complete() => self.store.segments(version.id).await?,
            _ => {
                let message = "Words can be assigned to a speaker once the transcript is complete.";
                return Err(user_error(ErrorCode::NoTranscript, message));
            }
        };
        let spans = selected_spans(&segments, selection)?;
        let (speaker, added) = match target {
            AssignTarget::Speaker { id } => (Some(self.shown_speaker(job.id, *id).await?.id), None),
            AssignTarget::New => {
                let id = SpeakerId::new();
                (Some(id), Some(id))
            }
            AssignTarget::Nobody => (None, None),
        };
        if !spans.is_empty() {
            self.edit(job.id, Edit::Assign { spans, speaker, added: added.is_some() }, added).await?;
        }
        self.speakers_view(&job).await
    }

    /// Undoes the last edit of a meeting's speakers, if there is one.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn undo_speakers(&self, id: JobId) -> Result<SpeakersView> {
        let job = self.stored_job(id).await?;
        let all = self.store.speakers(job.id).await?;
        if let Some(last) = all.edits.iter().rfind(|stored| !stored.undone) {
            self.store.change_speakers(job.id, &SpeakerChange::Undo(last.id)).await?;
        }
        self.speakers_view(&job).await
    }

    /// Redoes the edit that was undone last, if there is one.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn redo_speakers(&self, id: JobId) -> Result<SpeakersView> {
        let job = self.stored_job(id).await?;
        let all = self.store.speakers(job.id).await?;
        if let Some(next) = all.edits.iter().find(|stored| stored.undone) {
            self.store.change_speakers(job.id, &SpeakerChange::Redo(next.id)).await?;
        }
        self.speakers_view(&job).await
    }

    /// Queues another diarization of a meeting. Edits stay.
    ///
    /// # Errors
    /// [`ErrorCode::WrongState`] while the meeting waits or is worked on, or has no transcript, or if its audio was
    /// removed; [`ErrorCode::NotOffered`] for an invalid number of speakers, besides those of [`App::find`].
    pub async fn rerun_speakers(&self, id: JobId, expected: SpeakerCount) -> Result<JobView> {
        let job = self.stored_job(id).await?;
        crate::organisation::require_not_trashed(&job)?;
        crate::retention::require_audio(&job)?;
        let (min, max) = expected.checked()?.stored();
        match self.store.requeue_diarization(job.id, min, max).await? {
            Some(job) => self.view(job).await,
            None => Err(self.wrong_state(job.id, "Speakers can be detected once it is transcribed.").await?),
        }
    }

    async fn edit(&self, job: JobId, edit: Edit, speaker: Option<SpeakerId>) -> Result<()> {
        self.change(job, &SpeakerChange::Edit { id: EditId::new(), edit, speaker, person: None }).await
    }

    async fn change(&self, job: JobId, change: &SpeakerChange) -> Result<()> {
        if self.store.change_speakers(job, change).await? {
            return Ok(());
        }
        Err(user_error(ErrorCode::NotFound, "The meeting has been deleted."))
    }
}

fn changes_nothing(edit: &Edit, speaker: &Speaker) -> bool {
    matches!(edit, Edit::Name { name, person, .. } if *name == speaker.name && *person == speaker.person)
}

/// An edit as a clause in the past tense, for the user.
fn description(edit: &Edit, all: &SpeakerData) -> String {
    let words = |id: SpeakerId, words: fn(&Speaker) -> String| {
        all.speakers
            .iter()
            .find(|speaker| speaker.id == id)
            .map_or_else(|| LabelLanguage::English.unknown_speaker().to_owned(), words)
    };
    let name = |id| words(id, MeetingSpeakers::display_name);
    let number = |id| words(id, |speaker| label(speaker.number));
    match edit {
        Edit::Name { speaker, name: Some(name), .. } => format!("named {} “{name}”", number(*speaker)),
        Edit::Name { speaker, name: None, .. } => format!("removed the name of {}", number(*speaker)),
        Edit::Merge { from, into } => format!("merged {} into {}", number(*from), name(*into)),
        Edit::Add { speaker, .. } => format!("added {}", name(*speaker)),
        Edit::Assign { speaker: Some(speaker), .. } => format!("assigned words to {}", name(*speaker)),
        Edit::Assign { speaker: None, .. } => "removed the speaker of words".to_owned(),
    }
}

/// What undo would take back.
pub(super) fn undo_description(all: &SpeakerData) -> Option<String> {
    all.edits.iter().rfind(|stored| !stored.undone).map(|stored| description(&stored.edit, all))
}

/// What redo would do again.
pub(super) fn redo_description(all: &SpeakerData) -> Option<String> {
    all.edits.iter().find(|stored| stored.undone).map(|stored| description(&stored.edit, all))
}
