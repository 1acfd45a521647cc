//! People whose voices are known: learnt when somebody is named, suggested in later meetings, forgotten on request.
//!
//! Nothing of this happens before somebody agreed to it (`store::PeopleSettings`). A voice is a vector; the sound it was
//! made of stays where it is. Nobody is named without being asked, unless that was turned on.

use crate::App;
use crate::refusal::{Code, refuse};
use crate::speakers::cast::Cast;
use crate::speakers::view::{MeetingOfPerson, PeopleView, PersonView, SampleView, SuggestionView};
use crate::speakers::{checked_name, same_name};
use anyhow::{Context, Result};
use media::{MediaError, Part, Reader};
use speech::diarize::{LEARNT_MS, MARGIN, SUGGEST, SUGGESTED_MS, Voice, likeness};
use speech::engine::Unattended;
use speech::{CamPlusPlus, voice_of};
use std::collections::BTreeMap;
use std::path::Path;
use store::{Job, JobId, Lease, PeopleSettings, Person, PersonId, PersonVoice, SpeakerId, StoredVoice};
use transcript::{SAMPLE_RATE, Span};

/// A voice is learnt from so much speech; more makes it hardly better.
const ENOUGH_SPEECH_MS: u32 = 45_000;
/// Shorter turns say little of a voice.
const TELLING_TURN_MS: u32 = 1_000;
/// So many samples are offered to be heard.
const MOST_SAMPLES: usize = 5;

/// A speaker without a name and the person that is most like them: who, and the cosine of both voices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Likely {
    pub(crate) speaker: SpeakerId,
    pub(crate) person: PersonId,
    pub(crate) cosine: f32,
}

impl App {
    /// Everybody who is known.
    ///
    /// # Errors
    /// Where the archive fails.
    pub async fn people(&self) -> Result<PeopleView> {
        let settings = self.store.people_settings().await?;
        let voices = self.store.person_voices().await?;
        let named = self.store.meetings_of_people().await?;
        let mut ids: Vec<JobId> = named.iter().map(|(_, job)| *job).collect();
        ids.dedup();
        let meetings: BTreeMap<JobId, MeetingOfPerson> =
            self.jobs_by_id(&ids).await?.iter().map(|job| (job.id, MeetingOfPerson::from(job))).collect();
        let people = self.store.people().await?.into_iter().map(|person| {
            let theirs: Vec<&PersonVoice> =
                voices.iter().filter(|voice| voice.person == person.id && !voice.refused).collect();
            let mut of_person: Vec<MeetingOfPerson> = Vec::new();
            for (_, job) in named.iter().filter(|(id, _)| *id == person.id) {
                let meeting = meetings.get(job).filter(|meeting| !of_person.contains(meeting));
                of_person.extend(meeting.cloned());
            }
            let current = theirs.iter().filter(|voice| is_current(&voice.voice)).count();
            PersonView {
                id: person.id,
                name: person.name,
                voices: u32::try_from(current).unwrap_or(u32::MAX),
                outdated: current == 0 && !theirs.is_empty(),
                samples: theirs.iter().filter_map(|voice| sample_view(voice)).take(MOST_SAMPLES).collect(),
                meetings: of_person,
            }
        });
        Ok(PeopleView { enabled: settings.enabled, automatic: settings.automatic, people: people.collect() })
    }

    /// Lets voices be remembered, which is the consent, or forgets all of them. Names in meetings stay.
    ///
    /// # Errors
    /// Where the archive fails.
    pub async fn set_people(&self, enabled: bool, automatic: bool) -> Result<PeopleView> {
        self.store.set_people(PeopleSettings { enabled, automatic }).await?;
        self.people().await
    }

    /// Gives a person another name, in all meetings.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::NotOffered`] for no name or an endless one.
    pub async fn rename_person(&self, id: PersonId, name: &str) -> Result<PeopleView> {
        let person = self.known_person(id).await?;
        let Some(name) = checked_name(name)? else {
            return Err(refuse(Code::NotOffered, "A person needs a name."));
        };
        self.store.rename_person(person.id, &name).await?;
        self.people().await
    }

    /// Makes two people one.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn merge_people(&self, from: PersonId, into: PersonId) -> Result<PeopleView> {
        let (from, into) = (self.known_person(from).await?, self.known_person(into).await?);
        if from.id != into.id {
            self.store.merge_people(from.id, into.id).await?;
        }
        self.people().await
    }

    /// Forgets a person: their voice, and every voice kept of any meeting that is like it. Names in meetings stay.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn forget_person(&self, id: PersonId) -> Result<PeopleView> {
        let person = self.known_person(id).await?;
        let voices = self.store.person_voices().await?;
        let mut alike = Vec::new();
        for (speaker, voice) in self.store.speaker_voices().await? {
            if alikeness(&voices, person.id, &heard(&voice)).is_some_and(|cosine| cosine >= SUGGEST) {
                alike.push(speaker);
            }
        }
        self.store.forget_person(person.id, &alike).await?;
        self.people().await
    }

    /// The speaker is not that person; it is not suggested again, nor are voices like this one.
    ///
    /// # Errors
    /// [`Code::NotFound`] for who is not there, besides those of [`App::find`].
    pub async fn refuse_suggestion(
        &self,
        id: JobId,
        speaker: SpeakerId,
        person: PersonId,
    ) -> Result<crate::speakers::view::SpeakersView> {
        let job = self.stored_job(id).await?;
        let speaker = self.shown_speaker(job.id, speaker).await?;
        let person = self.known_person(person).await?;
        if let Some(voice) = speaker.voice {
            let learnt = PersonVoice {
                person: person.id,
                refused: true,
                voice,
                job: Some(job.id),
                speaker: Some(speaker.id),
                sample: None,
            };
            self.store.learn_voice(&learnt, None).await?;
        }
        self.speakers_view(&job).await
    }

    /// Who of the speakers may be somebody known.
    pub(crate) async fn suggestions(&self, cast: &Cast) -> Result<BTreeMap<SpeakerId, SuggestionView>> {
        let voices = self.store.person_voices().await?;
        let people = self.store.people().await?;
        let found = likely(cast, &voices).into_iter().filter_map(|likely| {
            let person = people.iter().find(|person| person.id == likely.person)?;
            let theirs = voices.iter().filter(|voice| voice.person == person.id && !voice.refused);
            let suggestion = SuggestionView {
                person_id: person.id,
                name: person.name.clone(),
                percent: (likeness(likely.cosine) * 100.0).round() as u32,
                sample: theirs.into_iter().find_map(sample_view),
            };
            Some((likely.speaker, suggestion))
        });
        Ok(found.collect())
    }

    /// The known person that a name makes of a speaker: the given one, the one of that name, or a new one; none while
    /// voices are not remembered. Gives the name as it is written, too.
    pub(crate) async fn person_for(
        &self,
        name: Option<String>,
        person: Option<PersonId>,
    ) -> Result<(Option<String>, Option<PersonId>, Option<(PersonId, String)>)> {
        if let Some(person) = person {
            let person = self.known_person(person).await?;
            return Ok((Some(person.name), Some(person.id), None));
        }
        let Some(name) = name else { return Ok((None, None, None)) };
        if !self.store.people_settings().await?.enabled {
            return Ok((Some(name), None, None));
        }
        let mut known =
            self.store.people().await?.into_iter().filter(|person| same_name(&person.name, &name));
        Ok(match known.next() {
            Some(person) => (Some(person.name), Some(person.id), None),
            None => {
                let id = PersonId::new();
                (Some(name.clone()), Some(id), Some((id, name)))
            }
        })
    }

    /// Learns the voices of those who were named in a meeting and whose voice is not known from there yet. Listens to the
    /// recording where that is needed, a few seconds; does nothing while voices are not remembered.
    ///
    /// # Errors
    /// [`Code::NotFound`]; where the archive fails, or the recording cannot be read.
    pub async fn learn_names(&self, id: JobId) -> Result<()> {
        let job = self.stored_job(id).await?;
        self.learn_of(&job, None).await?;
        Ok(())
    }

    /// Learns the voices of a meeting's people anew that an earlier version of the app learnt in another way, so that they
    /// cannot be compared any more. To be called when the meeting is opened.
    ///
    /// # Errors
    /// As [`App::learn_names`].
    pub async fn learn_anew(&self, id: JobId) -> Result<()> {
        let job = self.stored_job(id).await?;
        let outdated = |voice: &PersonVoice| voice.job == Some(job.id) && !is_current(&voice.voice);
        if self.store.person_voices().await?.iter().any(|voice| outdated(voice) && !voice.refused) {
            self.learn_of(&job, None).await?;
        }
        Ok(())
    }

    /// Learns the voices of those who were named in `job`. A worker gives its lease; false if that is void.
    pub(crate) async fn learn_of(&self, job: &Job, lease: Option<Lease>) -> Result<bool> {
        if !self.store.people_settings().await?.enabled {
            return Ok(true);
        }
        let cast = Cast::of(self.store.speakers(job.id).await?);
        let known = self.store.person_voices().await?;
        for speaker in cast.shown_ones() {
            let Some(person) = speaker.person else { continue };
            let learnt = |voice: &PersonVoice| {
                voice.person == person
                    && voice.speaker == Some(speaker.id)
                    && !voice.refused
                    && is_current(&voice.voice)
            };
            if known.iter().any(learnt) {
                continue;
            }
            let voice = match speaker.voice.as_ref().filter(|voice| is_current(voice)) {
                Some(voice) => Some(voice.clone()),
                None => {
                    let voice = self.listen_to(job, &cast, speaker.id).await?;
                    if let Some(voice) = &voice
                        && !self.store.keep_voice(speaker.id, voice, lease).await?
                    {
                        return Ok(false);
                    }
                    voice
                }
            };
            let Some(voice) = voice.filter(|voice| voice.speech_ms >= LEARNT_MS) else { continue };
            let learnt = PersonVoice {
                person,
                refused: false,
                voice,
                job: Some(job.id),
                speaker: Some(speaker.id),
                sample: cast.sample(speaker.id),
            };
            if !self.store.learn_voice(&learnt, lease).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What a speaker sounds like, from the recording. `None` if it is not here, or they say too little.
    async fn listen_to(&self, job: &Job, cast: &Cast, speaker: SpeakerId) -> Result<Option<StoredVoice>> {
        let Some(audio) = self.audio_file(job.id).await? else { return Ok(None) };
        let spans: Vec<Span> = cast
            .turns_of(speaker)
            .filter(|turn| !turn.overlap && turn.span.duration_ms() >= TELLING_TURN_MS)
            .map(|turn| turn.span)
            .collect();
        let (resources, tools) = (self.resources.folder().to_owned(), self.tools.clone());
        let voice = tokio::task::spawn_blocking(move || -> Result<Option<Voice>> {
            let samples = samples_of(&audio, &tools, Part::All, &spans)?;
            let mut encoder = CamPlusPlus::load(&resources)?;
            Ok(voice_of(&mut encoder, &samples, &Unattended)?)
        });
        let voice = voice.await?.context("a voice could not be learnt")?;
        Ok(voice.map(stored))
    }

    async fn known_person(&self, id: PersonId) -> Result<Person> {
        let known = self.store.people().await?.into_iter().find(|person| person.id == id);
        known.ok_or_else(|| refuse(Code::NotFound, "This person is not known any more."))
    }

    /// The person with this id or name, as it is typed on the command line.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::Ambiguous`].
    pub async fn person_called(&self, wanted: &str) -> Result<PersonId> {
        let people = self.store.people().await?;
        let id = wanted.parse::<PersonId>().ok();
        let mut found = people.iter().filter(|person| match id {
            Some(id) => person.id == id,
            None => same_name(&person.name, wanted),
        });
        match (found.next(), found.next()) {
            (Some(person), None) => Ok(person.id),
            (Some(_), Some(_)) => Err(refuse(
                Code::Ambiguous,
                format!("Several people are called “{wanted}”. Give the id that `people list --json` shows."),
            )),
            (None, _) => Err(refuse(Code::NotFound, format!("Nobody is known as “{wanted}”."))),
        }
    }
}

/// Speech of `spans`, in order of start, until there is enough of it: 16 kHz mono.
pub(crate) fn samples_of(
    audio: &Path,
    tools: &media::Tools,
    part: Part,
    spans: &[Span],
) -> Result<Vec<f32>, MediaError> {
    let place = |span: &Span| {
        let at = |ms: u32| u64::from(ms) * u64::from(SAMPLE_RATE) / 1000;
        at(span.start.as_ms())..at(span.end.as_ms())
    };
    let enough = (ENOUGH_SPEECH_MS * (SAMPLE_RATE / 1000)) as usize;
    let mut wanted = spans.iter().map(place).peekable();
    let mut reader = Reader::open_part(audio, tools, part)?;
    let mut speech = Vec::new();
    let mut at = 0;
    while speech.len() < enough && wanted.peek().is_some() {
        let Some(samples) = reader.read()? else { break };
        let end = at + samples.len() as u64;
        while let Some(range) = wanted.peek() {
            let (from, to) = (range.start.max(at), range.end.min(end));
            if from < to {
                speech.extend_from_slice(&samples[(from - at) as usize..(to - at) as usize]);
            }
            if range.end > end {
                break;
            }
            wanted.next();
        }
        at = end;
    }
    Ok(speech)
}

pub(crate) fn stored(voice: Voice) -> StoredVoice {
    StoredVoice { encoder: voice.encoder, vector: voice.vector, speech_ms: voice.speech_ms }
}

fn heard(voice: &StoredVoice) -> Voice {
    Voice { encoder: voice.encoder.clone(), vector: voice.vector.clone(), speech_ms: voice.speech_ms }
}

/// Whether a voice was made by the encoder that is used now; others cannot be compared with it.
fn is_current(voice: &StoredVoice) -> bool {
    voice.encoder == CamPlusPlus::NAME
}

/// How like a person's voice one is, as far as that is known: the greatest cosine with any of theirs. Each is of one
/// meeting. They are not averaged, because a
/// voice over the telephone differs from the same voice at a microphone, and the mean resembles neither.
fn alikeness(voices: &[PersonVoice], person: PersonId, voice: &Voice) -> Option<f32> {
    let theirs = voices.iter().filter(|known| known.person == person && !known.refused);
    theirs.filter_map(|known| heard(&known.voice).similarity(voice)).max_by(f32::total_cmp)
}

/// Who of the speakers without a name may be whom: each person once, the most alike first. A person is suggested for
/// a voice of at least [`SUGGESTED_MS`], if the next person is less alike by [`MARGIN`], and if no voice that was refused for
/// the person is more alike.
pub(crate) fn likely(cast: &Cast, voices: &[PersonVoice]) -> Vec<Likely> {
    let mut known: Vec<PersonId> = voices.iter().map(|voice| voice.person).collect();
    known.sort();
    known.dedup();
    let named: Vec<PersonId> = cast.shown_ones().filter_map(|speaker| speaker.person).collect();
    let mut all = Vec::new();
    for speaker in cast.shown_ones().filter(|speaker| speaker.name.is_none()) {
        let voice = speaker.voice.as_ref().filter(|voice| voice.speech_ms >= SUGGESTED_MS).map(heard);
        let Some(voice) = voice else { continue };
        let mut people: Vec<(PersonId, f32)> =
            known.iter().filter_map(|person| Some((*person, alikeness(voices, *person, &voice)?))).collect();
        people.sort_by(|a, b| b.1.total_cmp(&a.1));
        let Some((person, cosine)) = people.first().copied() else { continue };
        let next = people.get(1).map_or(-1.0, |(_, cosine)| *cosine);
        let refused = voices.iter().filter(|v| v.person == person && v.refused).any(|refused| {
            refused.speaker == Some(speaker.id)
                || heard(&refused.voice).similarity(&voice).is_some_and(|other| other > cosine)
        });
        if cosine >= SUGGEST && cosine - next >= MARGIN && !refused && !named.contains(&person) {
            all.push(Likely { speaker: speaker.id, person, cosine });
        }
    }
    all.sort_by(|a, b| b.cosine.total_cmp(&a.cosine));
    let mut given: Vec<Likely> = Vec::new();
    for likely in all {
        if given.iter().all(|other| other.person != likely.person) {
            given.push(likely);
        }
    }
    given
}

fn sample_view(voice: &PersonVoice) -> Option<SampleView> {
    let sample = voice.sample?;
    Some(SampleView { meeting_id: voice.job?, start_ms: sample.start.as_ms(), end_ms: sample.end.as_ms() })
}
