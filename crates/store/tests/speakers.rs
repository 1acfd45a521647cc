//! Speakers, their edits, and known people in a real database.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{database, register};
use store::testing::TestDatabase;
use store::{
    Claim, ClaimRequest, Edit, EditId, JobId, LibraryId, MachineId, NewDiarization, NewTranscript,
    Notifications, PeopleSettings, PersonEmbedding, PersonId, SpeakerChange, SpeakerId, Status, Store,
    StoredEmbedding, StoredSegment, TaskKind, Topic, TranscriptId, TranscriptWindow, TranscriptionCost,
};
use transcript::{AudioTime, Span, Turn, Word, segments};

fn span(start: u32, end: u32) -> Span {
    Span::new(AudioTime::from_ms(start), AudioTime::from_ms(end))
}

/// Sixteen words of half a second with a pause after every fourth: four segments.
fn words() -> Vec<Word> {
    (0..16)
        .map(|i| {
            let start = i * 500 + i / 4 * 1000;
            Word {
                start: AudioTime::from_ms(start),
                end: AudioTime::from_ms(start + 450),
                text: format!("w{i}"),
                confidence: None,
                estimated: false,
            }
        })
        .collect()
}

struct Meeting {
    _database: TestDatabase,
    store: Store,
    job: JobId,
    library: LibraryId,
    machine: MachineId,
}

impl Meeting {
    /// A meeting with a claimed task.
    async fn claimed() -> (Self, Claim) {
        let (database, store) = database().await;
        let (library, machine) = (LibraryId::new(), MachineId::new());
        let job = register(&store, library).await;
        let meeting = Self { _database: database, store, job, library, machine };
        let claim = meeting.claim().await;
        (meeting, claim)
    }

    /// A transcribed meeting of two speakers: the first speaks segments 0 and 2, the second 1 and 3.
    async fn with_two_speakers() -> (Self, [SpeakerId; 2]) {
        let (meeting, claim) = Self::claimed().await;
        let two = [SpeakerId::new(), SpeakerId::new()];
        meeting.diarize(&claim, &two, &[(0, 0), (1, 1), (0, 2), (1, 3)]).await;
        meeting.complete(&claim).await;
        (meeting, two)
    }

    async fn claim(&self) -> Claim {
        {
            let (library, machine, kinds) = (self.library, self.machine, &TaskKind::OF_RECORDINGS);
            let request = ClaimRequest { kinds, library, machine, alone: true, only: None };
            self.store.claim(request).await.unwrap().unwrap()
        }
    }

    /// Stores a diarization. A turn is the index of its speaker and the segment it covers.
    async fn diarize(&self, claim: &Claim, speakers: &[SpeakerId], turns: &[(usize, u32)]) {
        let turns = turns.iter().map(|(speaker, segment)| Turn {
            span: span(segment * 3000, segment * 3000 + 2000),
            speaker: speakers[*speaker],
            confidence: Some(0.9),
            overlap: false,
        });
        let found = NewDiarization {
            method: "voices".to_owned(),
            model: "GE2E".to_owned(),
            note: None,
            expected_min: None,
            expected_max: None,
            work_ms: 10,
            speakers: speakers.iter().map(|id| (*id, Some(embedding(&[1.0, 0.0])))).collect(),
            turns: turns.collect(),
        };
        assert!(self.store.save_diarization(claim.lease, &found).await.unwrap());
    }

    async fn complete(&self, claim: &Claim) -> TranscriptId {
        let new = NewTranscript {
            engine: "E".to_owned(),
            model: "m".to_owned(),
            model_sha256: None,
            language: None,
            settings: serde_json::json!({}),
            device: None,
            machine: self.machine,
        };
        let (version, _) = self.store.open_transcript(claim.lease, &new).await.unwrap().unwrap();
        let segments = segments(words(), &[]);
        let window =
            TranscriptWindow { index: 0, span: span(0, 12_000), language: None, other_language: None };
        assert!(self.store.commit_window(claim.lease, version.id, &window, &segments).await.unwrap());
        let cost = TranscriptionCost { audio_ms: 12_000, ..TranscriptionCost::default() };
        assert!(self.store.complete_transcript(claim.lease, version.id, &segments, cost).await.unwrap());
        version.id
    }

    async fn segments(&self) -> Vec<StoredSegment> {
        let version = self.store.shown_transcript(self.job).await.unwrap().unwrap();
        self.store.segments(version.id).await.unwrap()
    }

    /// The segments as `N: WORDS`, where N is the number of the speaker they are shown as.
    async fn text(&self) -> Vec<String> {
        let speakers = self.store.speaker_names(self.job).await.unwrap();
        let number = |id: SpeakerId| {
            let shown = speakers.iter().find(|s| s.id == id).unwrap().shown_as;
            speakers.iter().find(|s| s.id == shown).unwrap().number.to_string()
        };
        let segments = self.segments().await;
        let words: Vec<Word> = segments.iter().flat_map(|s| s.segment.words.clone()).collect();
        assert_eq!(words, self::words(), "no word is lost, doubled or moved");
        segments
            .iter()
            .map(|segment| {
                let speaker = segment.speaker.map_or("-".to_owned(), number);
                let words: Vec<&str> = segment.segment.words.iter().map(|w| w.text.as_str()).collect();
                format!("{speaker}: {}", words.join(" "))
            })
            .collect()
    }

    async fn edit(&self, edit: Edit, speaker: Option<SpeakerId>) -> EditId {
        let id = EditId::new();
        let change = SpeakerChange::Edit { id, edit, speaker, person: None };
        assert!(self.store.change_speakers(self.job, &change).await.unwrap());
        // Once more, as after a broken connection: nothing changes.
        assert!(self.store.change_speakers(self.job, &change).await.unwrap());
        id
    }

    async fn undo(&self, id: EditId) -> bool {
        self.store.change_speakers(self.job, &SpeakerChange::Undo(id)).await.unwrap()
    }

    async fn redo(&self, id: EditId) -> bool {
        self.store.change_speakers(self.job, &SpeakerChange::Redo(id)).await.unwrap()
    }

    async fn name(&self, speaker: SpeakerId) -> Option<String> {
        let all = self.store.speaker_names(self.job).await.unwrap();
        all.into_iter().find(|s| s.id == speaker).unwrap().name
    }

    async fn present(&self) -> Vec<i32> {
        let all = self.store.speaker_names(self.job).await.unwrap();
        all.into_iter().filter(|s| s.present && s.shown_as == s.id).map(|s| s.number).collect()
    }
}

fn embedding(vector: &[f32]) -> StoredEmbedding {
    StoredEmbedding { encoder: "GE2E".to_owned(), vector: vector.to_vec(), speech_ms: 4000 }
}

const AS_FOUND: [&str; 4] = ["1: w0 w1 w2 w3", "2: w4 w5 w6 w7", "1: w8 w9 w10 w11", "2: w12 w13 w14 w15"];

#[tokio::test(flavor = "multi_thread")]
async fn names_merges_and_assigned_words_can_be_undone_and_redone() {
    let (meeting, [one, two]) = Meeting::with_two_speakers().await;
    assert_eq!(meeting.text().await, AS_FOUND);
    let ids =
        |segments: &[StoredSegment]| -> Vec<String> { segments.iter().map(|l| l.id.to_string()).collect() };
    let before = ids(&meeting.segments().await);

    let named =
        meeting.edit(Edit::Name { speaker: one, name: Some("Anna".to_owned()), person: None }, None).await;
    assert_eq!(meeting.name(one).await.as_deref(), Some("Anna"));
    let merged = meeting.edit(Edit::Merge { from: one, into: two }, None).await;
    assert_eq!(meeting.present().await, [2]);
    assert_eq!(
        meeting.name(two).await.as_deref(),
        Some("Anna"),
        "a speaker without a name gets that of the merged one"
    );
    assert_eq!(ids(&meeting.segments().await), before, "a merge changes no segment");

    assert!(!meeting.undo(named).await, "only the last edit can be undone");
    assert!(meeting.undo(merged).await);
    assert!(meeting.undo(merged).await, "undoing twice has the effect of once");
    assert_eq!((meeting.present().await, meeting.name(two).await), (vec![1, 2], None));

    // Two words in the middle of a segment are assigned to a new speaker.
    let three = SpeakerId::new();
    let edit = Edit::Assign { spans: vec![span(3500, 4450)], speaker: Some(three), added: true };
    let assigned = meeting.edit(edit, Some(three)).await;
    let cut = ["1: w0 w1 w2 w3", "2: w4", "3: w5 w6", "2: w7", "1: w8 w9 w10 w11", "2: w12 w13 w14 w15"];
    assert_eq!(meeting.text().await, cut);
    let after = ids(&meeting.segments().await);
    assert_eq!(
        [&after[0], &after[4], &after[5]],
        [&before[0], &before[2], &before[3]],
        "other segments stay"
    );
    assert!(meeting.segments().await[2].by_hand);
    assert!(!meeting.redo(merged).await, "another edit was made since");

    assert!(meeting.undo(assigned).await);
    assert_eq!(meeting.text().await, AS_FOUND);
    assert_eq!(meeting.present().await, [1, 2]);
    assert!(meeting.redo(assigned).await);
    assert_eq!(meeting.text().await, cut);
    assert!(meeting.undo(assigned).await && meeting.undo(named).await);
    assert_eq!((meeting.text().await, meeting.name(one).await), (AS_FOUND.map(str::to_owned).to_vec(), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_diarization_keeps_names_and_assigned_words() {
    let (meeting, [one, two]) = Meeting::with_two_speakers().await;
    meeting.edit(Edit::Name { speaker: two, name: Some("Ben".to_owned()), person: None }, None).await;
    meeting.edit(Edit::Assign { spans: vec![span(0, 450)], speaker: Some(two), added: false }, None).await;
    assert!(meeting.store.requeue_diarization(meeting.job, Some(3), Some(3)).await.unwrap().is_some());
    let claim = meeting.claim().await;
    assert_eq!(claim.lease.kind, TaskKind::Diarize);
    assert_eq!(claim.job.requested_options().speakers_max, Some(3));
    // Segment 3 is found to be a third speaker's, and the first speaker is not found any more.
    let three = SpeakerId::new();
    meeting.diarize(&claim, &[two, three], &[(0, 0), (0, 1), (0, 2), (1, 3)]).await;
    assert!(meeting.store.complete_diarization(claim.lease).await.unwrap());
    let job = meeting.store.job(meeting.job).await.unwrap().unwrap();
    assert_eq!(job.status().unwrap(), Status::Completed);
    assert_eq!(
        meeting.text().await,
        ["2: w0 w1 w2 w3", "2: w4 w5 w6 w7", "2: w8 w9 w10 w11", "3: w12 w13 w14 w15"]
    );
    assert_eq!(meeting.name(two).await.as_deref(), Some("Ben"));
    assert_eq!(meeting.present().await, [2, 3], "a speaker without words is not shown");
    // The first word stays assigned to Ben whatever the turns are.
    assert!(meeting.store.requeue_diarization(meeting.job, None, None).await.unwrap().is_some());
    let claim = meeting.claim().await;
    meeting.diarize(&claim, &[one, two, three], &[(0, 0), (1, 1), (0, 2), (2, 3)]).await;
    assert!(meeting.store.complete_diarization(claim.lease).await.unwrap());
    assert_eq!(meeting.text().await[..2], ["2: w0", "1: w1 w2 w3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_edits_speakers_are_numbered_anew() {
    let (meeting, _) = Meeting::with_two_speakers().await;
    meeting.store.requeue_diarization(meeting.job, None, None).await.unwrap().unwrap();
    let claim = meeting.claim().await;
    let others = [SpeakerId::new(), SpeakerId::new(), SpeakerId::new()];
    meeting.diarize(&claim, &others, &[(0, 0), (1, 1), (2, 2), (0, 3)]).await;
    assert_eq!(meeting.present().await, [1, 2, 3]);
    assert_eq!(meeting.text().await[2], "3: w8 w9 w10 w11");
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_and_cancelled_diarization_leaves_transcript_and_speakers() {
    let (meeting, _) = Meeting::with_two_speakers().await;
    meeting.store.requeue_diarization(meeting.job, None, None).await.unwrap().unwrap();
    let claim = meeting.claim().await;
    assert!(meeting.store.record_diarization_error(claim.lease, "It did not work.").await.unwrap());
    assert!(meeting.store.cancel_job(meeting.job).await.unwrap().is_some());
    let job = meeting.store.job(meeting.job).await.unwrap().unwrap();
    assert_eq!(job.status().unwrap(), Status::Completed);
    assert_eq!(meeting.text().await, AS_FOUND);
    let diarization = meeting.store.speakers(meeting.job).await.unwrap().diarization.unwrap();
    assert_eq!(diarization.method.as_deref(), Some("voices"));
    assert_eq!(diarization.error_message.as_deref(), Some("It did not work."));
    // The lease is void: nothing can be written with it any more.
    assert!(!meeting.store.record_diarization_error(claim.lease, "").await.unwrap());
    assert!(!meeting.store.complete_diarization(claim.lease).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_becomes_current_gets_the_latest_speakers() {
    let (meeting, [_, two]) = Meeting::with_two_speakers().await;
    let first = meeting.store.shown_transcript(meeting.job).await.unwrap().unwrap().id;
    meeting.store.transcribe_again(meeting.job, &store::RequestedOptions::default()).await.unwrap().unwrap();
    let claim = meeting.claim().await;
    meeting.complete(&claim).await;
    meeting.edit(Edit::Assign { spans: vec![span(0, 2000)], speaker: Some(two), added: false }, None).await;
    assert_eq!(meeting.text().await[0], "2: w0 w1 w2 w3");
    assert!(meeting.store.make_current(meeting.job, first).await.unwrap());
    assert_eq!(meeting.text().await[0], "2: w0 w1 w2 w3");
}

async fn name_as_person(meeting: &Meeting, speaker: SpeakerId, name: &str) -> (PersonId, EditId) {
    let (person, id) = (PersonId::new(), EditId::new());
    let edit = Edit::Name { speaker, name: Some(name.to_owned()), person: Some(person) };
    let person_and_name = Some((person, name.to_owned()));
    let change = SpeakerChange::Edit { id, edit, speaker: None, person: person_and_name };
    assert!(meeting.store.change_speakers(meeting.job, &change).await.unwrap());
    let new = PersonEmbedding {
        person,
        refused: false,
        embedding: embedding(&[0.5, -0.25]),
        job: Some(meeting.job),
        speaker: Some(speaker),
        sample: Some(span(0, 2000)),
    };
    meeting.store.save_person_embedding(&new, None).await.unwrap();
    (person, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn people_can_be_merged_and_deleted_while_speakers_are_named() {
    let (meeting, [one, two]) = Meeting::with_two_speakers().await;
    let store = &meeting.store;
    store.set_people_settings(PeopleSettings { enabled: true, automatic: false }).await.unwrap();
    for round in 0..30 {
        let (anna, _) = name_as_person(&meeting, one, "Anna").await;
        let (ben, _) = name_as_person(&meeting, two, "Ben").await;
        let edit = Edit::Name { speaker: two, name: Some(format!("Anna {round}")), person: Some(anna) };
        let named = SpeakerChange::Edit { id: EditId::new(), edit, speaker: None, person: None };
        let (changed, gone) = tokio::join!(store.change_speakers(meeting.job, &named), async {
            match round % 2 {
                0 => store.merge_people(anna, ben).await,
                _ => store.forget_person(anna, &[]).await,
            }
        });
        assert!(changed.unwrap(), "{round}");
        // Once the second speaker is Anna, Ben is gone, and there may be nobody to merge Anna into.
        gone.unwrap();
        // The stored speakers match the edits, whichever change came first.
        let stored = store.speaker_names(meeting.job).await.unwrap();
        meeting.edit(Edit::Add { speaker: SpeakerId::new(), name: None }, None).await;
        let again = store.speaker_names(meeting.job).await.unwrap();
        assert_eq!(again[..stored.len()], stored[..], "{round}");
    }
}

/// The notifications about the speakers and segments of a meeting so far.
async fn topics(meeting: &Meeting, notifications: &mut Notifications) -> Vec<Topic> {
    meeting.store.rename_job(meeting.job, "marker").await.unwrap().unwrap();
    let mut topics = Vec::new();
    loop {
        match tokio::time::timeout(common::TIMEOUT, notifications.next()).await.expect("a notification") {
            Topic::Job(_) => return topics,
            topic if topics.contains(&topic) => {}
            topic => topics.push(topic),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn naming_a_speaker_does_not_notify_segments() {
    let (meeting, [one, two]) = Meeting::with_two_speakers().await;
    let mut notifications = Notifications::listen(&meeting.store).await.unwrap();
    let (speakers, segments) = (Topic::Speakers(meeting.job), Topic::Segments(meeting.job));
    let name = Edit::Name { speaker: one, name: Some("Anna".to_owned()), person: None };
    let named = meeting.edit(name, None).await;
    assert_eq!(topics(&meeting, &mut notifications).await, [speakers]);
    assert!(meeting.undo(named).await);
    assert_eq!(topics(&meeting, &mut notifications).await, [speakers]);
    meeting.edit(Edit::Assign { spans: vec![span(0, 2000)], speaker: Some(two), added: false }, None).await;
    assert_eq!(topics(&meeting, &mut notifications).await, [speakers, segments]);
    let merged = meeting.edit(Edit::Merge { from: one, into: two }, None).await;
    assert_eq!(topics(&meeting, &mut notifications).await, [speakers, segments]);
    assert!(meeting.undo(merged).await);
    assert_eq!(topics(&meeting, &mut notifications).await, [speakers, segments]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_with_a_void_lease_changes_no_speaker() {
    let (meeting, claim) = Meeting::claimed().await;
    let (store, one) = (&meeting.store, SpeakerId::new());
    store.set_people_settings(PeopleSettings { enabled: true, automatic: true }).await.unwrap();
    meeting.diarize(&claim, &[one], &[(0, 0)]).await;
    meeting.complete(&claim).await;
    let (person, id) = (PersonId::new(), EditId::new());
    let named = SpeakerChange::Edit {
        id,
        edit: Edit::Name { speaker: one, name: Some("Anna".to_owned()), person: Some(person) },
        speaker: None,
        person: Some((person, "Anna".to_owned())),
    };
    let new = PersonEmbedding {
        person,
        refused: false,
        embedding: embedding(&[0.5]),
        job: Some(meeting.job),
        speaker: Some(one),
        sample: None,
    };
    let before = store.speaker_embeddings().await.unwrap();
    let void = Some(claim.lease);
    assert!(!store.change_speakers_under_lease(claim.lease, &named).await.unwrap());
    assert!(!store.save_speaker_embedding(one, &embedding(&[1.0]), void).await.unwrap());
    assert!(!store.save_person_embedding(&new, void).await.unwrap());
    assert_eq!(meeting.name(one).await, None);
    assert_eq!(store.speaker_embeddings().await.unwrap(), before);
    assert!(store.people().await.unwrap().is_empty() && store.person_embeddings().await.unwrap().is_empty());

    store.requeue_diarization(meeting.job, None, None).await.unwrap().unwrap();
    let lease = meeting.claim().await.lease;
    assert!(store.change_speakers_under_lease(lease, &named).await.unwrap());
    assert!(store.save_speaker_embedding(one, &embedding(&[1.0]), Some(lease)).await.unwrap());
    assert!(store.save_person_embedding(&new, Some(lease)).await.unwrap());
    assert_eq!(meeting.name(one).await.as_deref(), Some("Anna"));
    assert_eq!(store.person_embeddings().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_embedding_is_stored_before_consent_and_none_after_it_is_withdrawn() {
    let (meeting, [one, two]) = Meeting::with_two_speakers().await;
    name_as_person(&meeting, one, "Anna").await;
    meeting.store.save_speaker_embedding(two, &embedding(&[1.0]), None).await.unwrap();
    assert!(meeting.store.person_embeddings().await.unwrap().is_empty());
    assert!(meeting.store.speaker_embeddings().await.unwrap().is_empty());

    meeting.store.set_people_settings(PeopleSettings { enabled: true, automatic: true }).await.unwrap();
    let (_, id) = name_as_person(&meeting, one, "Anna").await;
    meeting.store.save_speaker_embedding(two, &embedding(&[1.0]), None).await.unwrap();
    assert_eq!(meeting.store.speaker_embeddings().await.unwrap().len(), 1);
    let kept = meeting.store.person_embeddings().await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((&kept[0].embedding, kept[0].sample), (&embedding(&[0.5, -0.25]), Some(span(0, 2000))));
    // Undoing the name deletes the embedding.
    assert!(meeting.undo(id).await);
    assert!(meeting.store.person_embeddings().await.unwrap().is_empty());

    name_as_person(&meeting, one, "Anna").await;
    meeting.store.set_people_settings(PeopleSettings { enabled: false, automatic: true }).await.unwrap();
    assert_eq!(meeting.store.people_settings().await.unwrap(), PeopleSettings::default());
    assert!(meeting.store.people().await.unwrap().is_empty());
    assert!(meeting.store.person_embeddings().await.unwrap().is_empty());
    assert!(meeting.store.speaker_embeddings().await.unwrap().is_empty());
    assert_eq!(meeting.name(one).await.as_deref(), Some("Anna"), "the name stays in the meeting");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_renamed_merged_and_deleted_in_all_meetings() {
    let (meeting, [one, two]) = Meeting::with_two_speakers().await;
    let store = &meeting.store;
    store.set_people_settings(PeopleSettings { enabled: true, automatic: false }).await.unwrap();
    let (anna, _) = name_as_person(&meeting, one, "Anna").await;
    let (other, _) = name_as_person(&meeting, two, "A.").await;
    assert!(store.rename_person(anna, "Anna Berg").await.unwrap());
    assert_eq!(meeting.name(one).await.as_deref(), Some("Anna Berg"));
    assert!(store.merge_people(other, anna).await.unwrap());
    assert!(!store.merge_people(other, anna).await.unwrap(), "the merged person is gone");
    assert_eq!(store.people().await.unwrap().len(), 1);
    assert_eq!(store.person_embeddings().await.unwrap().len(), 2);
    assert_eq!(meeting.name(two).await.as_deref(), Some("Anna Berg"));
    // Recomputing from the edits gives the same result.
    meeting.edit(Edit::Add { speaker: SpeakerId::new(), name: None }, None).await;
    assert_eq!(meeting.name(two).await.as_deref(), Some("Anna Berg"));
    assert_eq!(store.meetings_of_people().await.unwrap(), [(anna, meeting.job), (anna, meeting.job)]);

    store.save_speaker_embedding(one, &embedding(&[1.0]), None).await.unwrap();
    store.save_speaker_embedding(two, &embedding(&[1.0]), None).await.unwrap();
    assert!(store.forget_person(anna, &[two]).await.unwrap());
    assert!(store.people().await.unwrap().is_empty() && store.person_embeddings().await.unwrap().is_empty());
    assert!(store.speaker_embeddings().await.unwrap().is_empty());
    assert_eq!(
        [meeting.name(one).await, meeting.name(two).await].map(Option::unwrap),
        ["Anna Berg", "Anna Berg"]
    );
    meeting.edit(Edit::Add { speaker: SpeakerId::new(), name: None }, None).await;
    assert_eq!(meeting.name(one).await.as_deref(), Some("Anna Berg"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_stays_known_when_the_meeting_is_deleted() {
    let (meeting, [one, _]) = Meeting::with_two_speakers().await;
    meeting.store.set_people_settings(PeopleSettings { enabled: true, automatic: false }).await.unwrap();
    name_as_person(&meeting, one, "Anna").await;
    meeting.store.delete_job(meeting.job, meeting.library).await.unwrap().unwrap();
    let kept = meeting.store.person_embeddings().await.unwrap();
    assert_eq!((kept.len(), kept[0].job, kept[0].speaker), (1, None, None));
    assert_eq!(meeting.store.people().await.unwrap()[0].name, "Anna");
}
