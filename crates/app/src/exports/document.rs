//! The document of a meeting: everything that an export may contain.

use crate::App;
use crate::archive::to_view::{recorded_at, title};
use crate::language_names::language_name;
use crate::speakers::meeting_speakers::MeetingSpeakers;
use anyhow::Result;
use chrono::Local;
use export::{Document, Metadata, Segment};
use std::collections::HashMap;
use store::{Job, SpeakerId, StoredSegment};
use transcript::AudioTime;

impl App {
    /// The document of a meeting; without segments if it has no words.
    pub(super) async fn document_of(&self, job: &Job) -> Result<Document> {
        let version = self.store.shown_transcript(job.id).await?;
        let segments = match &version {
            Some(version) => self.store.segments(version.id).await?,
            None => Vec::new(),
        };
        let speakers = MeetingSpeakers::new(self.store.speakers(job.id).await?);
        // A document refers to speakers by their position in its list.
        let positions: HashMap<SpeakerId, usize> =
            speakers.visible().enumerate().map(|(position, speaker)| (speaker.id, position)).collect();
        let position =
            |id: SpeakerId| speakers.resolve(id).and_then(|speaker| positions.get(&speaker.id).copied());
        let segment = |StoredSegment { segment, speaker, .. }| {
            let others = speakers.others_during(segment.span, speaker);
            let also = others.into_iter().filter_map(|other| positions.get(&other).copied()).collect();
            Segment { speaker: speaker.and_then(position), also, segment }
        };
        let turns = speakers.turns().iter();
        let turns = turns.filter_map(|turn| Some((turn.span, position(turn.speaker)?)));
        Ok(Document {
            title: title(job),
            metadata: Metadata {
                file_name: job.file_name.clone(),
                recorded_at: recorded_at(job),
                duration: job.duration_ms.and_then(|ms| u32::try_from(ms).ok()).map(AudioTime::from_ms),
                language: version.as_ref().and_then(|version| version.language.as_deref().map(language_name)),
                engine: version.as_ref().map(|version| self.models.title(&version.model)),
                notes: job.media_note.iter().cloned().collect(),
            },
            speakers: speakers
                .visible()
                .map(|speaker| export::Speaker {
                    id: speaker.id.to_string(),
                    name: MeetingSpeakers::display_name(speaker),
                })
                .collect(),
            segments: segments.into_iter().map(segment).collect(),
            turns: turns.collect(),
            changed_at: job.updated_at.and_utc().with_timezone(&Local).fixed_offset(),
        })
    }
}
