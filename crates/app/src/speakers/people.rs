//! Known people: their names and voices are remembered across meetings, if the user has agreed.
//!
//! [`learn`] makes a voice embedding of a speaker who is named; [`matching`] compares the speakers of later meetings
//! with the known people. No embedding is stored while `store::PeopleSettings::enabled` is false; the transaction that
//! writes checks it. An embedding is a vector; no audio is stored with it. Speakers are named automatically only if
//! that setting is on too.
//!
//! A person has one embedding for each meeting in which they were named. A refused suggestion is stored as well: an
//! embedding that is *not* this person. Forgetting a person deletes the person, their embeddings, and those of all
//! speakers that are similar to them.

pub(crate) mod learn;
pub(crate) mod matching;

use crate::App;
use crate::speakers::people::learn::is_current;
use crate::speakers::people::matching::{from_stored, greatest_similarity, sample_view};
use crate::speakers::view::{MeetingOfPerson, PeopleView, PersonView, SpeakersView};
use crate::speakers::{checked_name, same_name};
use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use speech::diarize::SUGGEST_SIMILARITY;
use std::collections::BTreeMap;
use store::{JobId, PeopleSettings, Person, PersonEmbedding, PersonId, SpeakerId};

/// Maximum number of voice samples that are listed for a person.
const MAX_SAMPLES: usize = 5;

/// The name for a speaker, and the known person to link.
pub(crate) struct PersonLink {
    /// The name, as the known person writes it.
    pub(crate) name: Option<String>,
    /// The person.
    pub(crate) person: Option<PersonId>,
    /// Set if the person is new: the same id, and the name.
    pub(crate) new: Option<(PersonId, String)>,
}

impl App {
    /// All known people.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn people(&self) -> Result<PeopleView> {
        let settings = self.store.people_settings().await?;
        let embeddings = self.store.person_embeddings().await?;
        let named = self.store.meetings_of_people().await?;
        let mut ids: Vec<JobId> = named.iter().map(|(_, job)| *job).collect();
        ids.dedup();
        let meetings = self.jobs_by_id(&ids).await?;
        let meetings: BTreeMap<JobId, MeetingOfPerson> = meetings
            .iter()
            .filter(|job| job.trashed_at.is_none())
            .map(|job| (job.id, MeetingOfPerson::from(job)))
            .collect();
        let people = self.store.people().await?.into_iter().map(|person| {
            let own: Vec<&PersonEmbedding> =
                embeddings.iter().filter(|known| known.person == person.id && !known.refused).collect();
            let mut of_person: Vec<MeetingOfPerson> = Vec::new();
            for (_, job) in named.iter().filter(|(id, _)| *id == person.id) {
                let meeting = meetings.get(job).filter(|meeting| !of_person.contains(meeting));
                of_person.extend(meeting.cloned());
            }
            let current = own.iter().filter(|known| is_current(&known.embedding)).count();
            PersonView {
                id: person.id,
                name: person.name,
                voices: u32::try_from(current).unwrap_or(u32::MAX),
                outdated: current == 0 && !own.is_empty(),
                samples: own.iter().filter_map(|known| sample_view(known)).take(MAX_SAMPLES).collect(),
                meetings: of_person,
            }
        });
        Ok(PeopleView { enabled: settings.enabled, automatic: settings.automatic, people: people.collect() })
    }

    /// Allows voices to be remembered, or deletes all of them. `enabled` records the user's consent; `automatic` also
    /// names speakers without asking. Names in meetings stay.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn set_people(&self, enabled: bool, automatic: bool) -> Result<PeopleView> {
        self.store.set_people_settings(PeopleSettings { enabled, automatic }).await?;
        self.people().await
    }

    /// Renames a person in all meetings.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::NotOffered`] for an empty name or one that is too long.
    pub async fn rename_person(&self, id: PersonId, name: &str) -> Result<PeopleView> {
        let person = self.known_person(id).await?;
        let Some(name) = checked_name(name)? else {
            return Err(user_error(ErrorCode::NotOffered, "A person needs a name."));
        };
        self.store.rename_person(person.id, &name).await?;
        self.people().await
    }

    /// Merges two people: everything of `from` becomes `into`'s.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn merge_people(&self, from: PersonId, into: PersonId) -> Result<PeopleView> {
        let (from, into) = (self.known_person(from).await?, self.known_person(into).await?);
        if from.id != into.id {
            self.store.merge_people(from.id, into.id).await?;
        }
        self.people().await
    }

    /// Forgets a person: deletes their voice embeddings, and those of all similar speakers in all meetings. Names in
    /// meetings stay.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn forget_person(&self, id: PersonId) -> Result<PeopleView> {
        let person = self.known_person(id).await?;
        let known = self.store.person_embeddings().await?;
        let mut similar = Vec::new();
        for (speaker, embedding) in self.store.speaker_embeddings().await? {
            let similarity = greatest_similarity(&known, person.id, &from_stored(&embedding));
            if similarity.is_some_and(|similarity| similarity >= SUGGEST_SIMILARITY) {
                similar.push(speaker);
            }
        }
        self.store.forget_person(person.id, &similar).await?;
        self.people().await
    }

    /// Records that the speaker is not that person. The person is not suggested again for this speaker or similar
    /// voices.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an unknown speaker or person, besides those of [`App::find`].
    pub async fn refuse_suggestion(
        &self,
        id: JobId,
        speaker: SpeakerId,
        person: PersonId,
    ) -> Result<SpeakersView> {
        let job = self.stored_job(id).await?;
        let speaker = self.shown_speaker(job.id, speaker).await?;
        let person = self.known_person(person).await?;
        if let Some(embedding) = speaker.embedding {
            let refused = PersonEmbedding {
                person: person.id,
                refused: true,
                embedding,
                job: Some(job.id),
                speaker: Some(speaker.id),
                sample: None,
            };
            self.store.save_person_embedding(&refused, None).await?;
        }
        self.speakers_view(&job).await
    }

    /// The name and the known person for a speaker who is named: the person given, else the one of that name, else a
    /// new one. No person while voices are not remembered.
    pub(crate) async fn person_for(
        &self,
        name: Option<String>,
        person: Option<PersonId>,
    ) -> Result<PersonLink> {
        if let Some(person) = person {
            let person = self.known_person(person).await?;
            return Ok(PersonLink { name: Some(person.name), person: Some(person.id), new: None });
        }
        let Some(name) = name else { return Ok(PersonLink { name: None, person: None, new: None }) };
        if !self.store.people_settings().await?.enabled {
            return Ok(PersonLink { name: Some(name), person: None, new: None });
        }
        let mut known =
            self.store.people().await?.into_iter().filter(|person| same_name(&person.name, &name));
        Ok(match known.next() {
            Some(person) => PersonLink { name: Some(person.name), person: Some(person.id), new: None },
            None => {
                let id = PersonId::new();
                PersonLink { name: Some(name.clone()), person: Some(id), new: Some((id, name)) }
            }
        })
    }

    async fn known_person(&self, id: PersonId) -> Result<Person> {
        let known = self.store.people().await?.into_iter().find(|person| person.id == id);
        known.ok_or_else(|| user_error(ErrorCode::NotFound, "This person is not known any more."))
    }

    /// The person with this id or name, as typed on the command line.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::Ambiguous`].
    pub async fn find_person(&self, wanted: &str) -> Result<PersonId> {
        let people = self.store.people().await?;
        let id = wanted.parse::<PersonId>().ok();
        let mut found = people.iter().filter(|person| match id {
            Some(id) => person.id == id,
            None => same_name(&person.name, wanted),
        });
        match (found.next(), found.next()) {
            (Some(person), None) => Ok(person.id),
            (Some(_), Some(_)) => Err(user_error(
                ErrorCode::Ambiguous,
                format!("Several people are called “{wanted}”. Give the id that `people list --json` shows."),
            )),
            (None, _) => Err(user_error(ErrorCode::NotFound, format!("Nobody is known as “{wanted}”."))),
        }
    }
}
