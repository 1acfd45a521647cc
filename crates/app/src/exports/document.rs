//! The document of a meeting: everything that an export may contain.

use crate::App;
use crate::archive::to_view::{recorded_at, title};
use crate::language_names::language_name;
use crate::speakers::meeting_speakers::MeetingSpeakers;
use crate::speakers::speaker_view;
use anyhow::Result;
use chrono::Local;
use export::{Document, FileNameParts, Metadata, Segment, Source, Speaker};
use std::collections::HashMap;
use store::{Job, SpeakerId, StoredSegment, Transcript};
use transcript::AudioTime;

impl App {
    /// The document of a meeting as it is now; without segments if it has no words.
    pub(crate) async fn document_of(&self, job: &Job) -> Result<Document> {
        let version = self.store.shown_transcript(job.id).await?;
        self.document_of_version(job, version).await
    }

    /// The document of a meeting with this version of its transcript, and the speakers as they are now.
    pub(super) async fn document_of_version(
        &self,
        job: &Job,
        version: Option<Transcript>,
    ) -> Result<Document> {
        let segments = match &version {
            Some(version) => self.store.segments(version.id).await?,
            None => Vec::new(),
        };
        self.document_of_segments(job, version, segments).await
    }

    /// The document of a meeting with these segments of a version of its transcript, in the same order.
    pub(crate) async fn document_of_segments(
        &self,
        job: &Job,
        version: Option<Transcript>,
        segments: Vec<StoredSegment>,
    ) -> Result<Document> {
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
        let segments: Vec<Segment> = segments.into_iter().map(segment).collect();
        let turns = speakers.turns().iter();
        let turns = turns.filter_map(|turn| Some((turn.span, position(turn.speaker)?)));
        let note = self.store.note(job.id).await?;
        Ok(Document {
            title: title(job),
            metadata: Metadata {
                file_name: job.file_name.clone(),
                recorded_at: recorded_at(job),
                duration: job.duration_ms.and_then(|ms| u32::try_from(ms).ok()).map(AudioTime::from_ms),
                language: version.as_ref().and_then(|version| version.language.as_deref().map(language_name)),
                language_tag: version.as_ref().and_then(|version| version.language.clone()),
                engine: version.as_ref().map(|version| self.models.title(&version.model)),
                notes: job.media_note.iter().cloned().collect(),
            },
            source: Source {
                meeting_id: job.id.to_string(),
                recording_sha256: job.file_hash.clone().unwrap_or_default(),
                version_id: version.as_ref().map(|version| version.id.to_string()).unwrap_or_default(),
                engine: version.as_ref().map(|version| version.engine.clone()).unwrap_or_default(),
                model: version.map(|version| version.model).unwrap_or_default(),
                exported_on: Local::now().date_naive(),
            },
            speakers: document_speakers(&speakers, &segments),
            segments,
            turns: turns.collect(),
            note: note.map(|note| note.text),
            summary: self.summary_to_export(job.id).await?,
            changed_at: job.updated_at.and_utc().with_timezone(&Local).fixed_offset(),
        })
    }

    /// What the name of an exported file of a meeting can be made of.
    pub(super) async fn file_name_parts(&self, job: &Job) -> Result<FileNameParts> {
        let speakers = MeetingSpeakers::without_turns(self.store.speaker_names(job.id).await?);
        Ok(FileNameParts {
            title: title(job),
            recorded_at: recorded_at(job),
            speakers: speakers.visible().map(MeetingSpeakers::display_name).collect(),
            file: job.file_name.rsplit_once('.').map_or(job.file_name.as_str(), |(stem, _)| stem).to_owned(),
        })
    }
}

/// The visible speakers with their figures, in order of number.
fn document_speakers(speakers: &MeetingSpeakers, segments: &[Segment]) -> Vec<Speaker> {
    let all_speech: u64 = speakers.turns().iter().map(|turn| u64::from(turn.span.duration_ms())).sum();
    let mut words: HashMap<usize, u64> = HashMap::new();
    for segment in segments {
        if let Some(speaker) = segment.speaker {
            *words.entry(speaker).or_default() += segment.segment.words.len() as u64;
        }
    }
    let speaker = |(position, speaker): (usize, &store::Speaker)| {
        let said = words.get(&position).copied().unwrap_or_default();
        let view = speaker_view(speaker, speakers, said, all_speech);
        Speaker {
            id: view.id.to_string(),
            name: view.shown_name().to_owned(),
            number: view.number,
            speech_ms: view.speech_ms,
            share: view.share,
            turns: view.turns,
            words: view.words,
        }
    };
    speakers.visible().enumerate().map(speaker).collect()
}
