//! Compares the speakers of a meeting with the known people. The thresholds are in `speech::diarize`; how often they
//! are wrong is measured in `docs/accuracy.md`.

use crate::App;
use crate::speakers::meeting_speakers::MeetingSpeakers;
use crate::speakers::view::{SuggestionView, VoiceSampleView};
use anyhow::Result;
use speech::diarize::{
    SUGGEST_MARGIN, SUGGEST_MIN_SPEECH_MS, SUGGEST_SIMILARITY, VoiceEmbedding, match_probability,
};
use std::collections::BTreeMap;
use store::{PersonEmbedding, PersonId, SpeakerId, StoredEmbedding};

/// A speaker without a name, and the known person whose voice is most similar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PersonMatch {
    pub(crate) speaker: SpeakerId,
    pub(crate) person: PersonId,
    /// Cosine similarity of the two voice embeddings.
    pub(crate) similarity: f32,
}

impl App {
    /// The known person to suggest for each speaker without a name, if there is one.
    pub(crate) async fn suggestions(
        &self,
        speakers: &MeetingSpeakers,
    ) -> Result<BTreeMap<SpeakerId, SuggestionView>> {
        let known = self.store.person_embeddings().await?;
        let people = self.store.people().await?;
        let suggestions = match_people(speakers, &known).into_iter().filter_map(|found| {
            let person = people.iter().find(|person| person.id == found.person)?;
            let mut own = known.iter().filter(|known| known.person == person.id && !known.refused);
            let suggestion = SuggestionView {
                person_id: person.id,
                name: person.name.clone(),
                percent: (match_probability(found.similarity) * 100.0).round() as u32,
                sample: own.find_map(sample_view),
            };
            Some((found.speaker, suggestion))
        });
        Ok(suggestions.collect())
    }
}

/// The known people who may be speakers without a name: each person at most once, the most similar pair first. A pair
/// counts if the speaker's embedding is made from at least [`SUGGEST_MIN_SPEECH_MS`] of speech, the similarity is at
/// least [`SUGGEST_SIMILARITY`], the next person is less similar by [`SUGGEST_MARGIN`], and no embedding that was
/// refused for the person is more similar.
pub(crate) fn match_people(speakers: &MeetingSpeakers, embeddings: &[PersonEmbedding]) -> Vec<PersonMatch> {
    let mut people: Vec<PersonId> = embeddings.iter().map(|known| known.person).collect();
    people.sort();
    people.dedup();
    let named: Vec<PersonId> = speakers.visible().filter_map(|speaker| speaker.person).collect();
    let mut candidates = Vec::new();
    for speaker in speakers.visible().filter(|speaker| speaker.name.is_none()) {
        let embedding = speaker.embedding.as_ref();
        let embedding =
            embedding.filter(|embedding| embedding.speech_ms >= SUGGEST_MIN_SPEECH_MS).map(from_stored);
        let Some(embedding) = embedding else { continue };
        let similarity =
            |person: &PersonId| Some((*person, greatest_similarity(embeddings, *person, &embedding)?));
        let mut ranked: Vec<(PersonId, f32)> = people.iter().filter_map(similarity).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        let Some((person, similarity)) = ranked.first().copied() else { continue };
        let next = ranked.get(1).map_or(-1.0, |(_, similarity)| *similarity);
        let refused =
            embeddings.iter().filter(|known| known.person == person && known.refused).any(|refused| {
                refused.speaker == Some(speaker.id)
                    || from_stored(&refused.embedding)
                        .similarity(&embedding)
                        .is_some_and(|to_refused| to_refused > similarity)
            });
        if similarity >= SUGGEST_SIMILARITY
            && similarity - next >= SUGGEST_MARGIN
            && !refused
            && !named.contains(&person)
        {
            candidates.push(PersonMatch { speaker: speaker.id, person, similarity });
        }
    }
    candidates.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
    let mut matches: Vec<PersonMatch> = Vec::new();
    for candidate in candidates {
        if matches.iter().all(|other| other.person != candidate.person) {
            matches.push(candidate);
        }
    }
    matches
}

/// The greatest similarity of `embedding` to any of a person's embeddings, each of which is from one meeting; `None` if
/// none can be compared. They are not averaged: a voice over the telephone differs from the same voice at a microphone,
/// and their mean resembles neither.
pub(super) fn greatest_similarity(
    embeddings: &[PersonEmbedding],
    person: PersonId,
    embedding: &VoiceEmbedding,
) -> Option<f32> {
    let own = embeddings.iter().filter(|known| known.person == person && !known.refused);
    own.filter_map(|known| from_stored(&known.embedding).similarity(embedding)).max_by(f32::total_cmp)
}

/// A stored embedding as `speech` compares it.
pub(super) fn from_stored(embedding: &StoredEmbedding) -> VoiceEmbedding {
    VoiceEmbedding {
        encoder: embedding.encoder.clone(),
        vector: embedding.vector.clone(),
        speech_ms: embedding.speech_ms,
    }
}

/// Where a person's voice can be heard.
pub(super) fn sample_view(known: &PersonEmbedding) -> Option<VoiceSampleView> {
    let sample = known.sample?;
    Some(VoiceSampleView {
        meeting_id: known.job?,
        start_ms: sample.start.as_ms(),
        end_ms: sample.end.as_ms(),
    })
}
