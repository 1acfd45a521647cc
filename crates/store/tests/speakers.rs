//! Speakers, corrections and people in a real database.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{database, registered};
use store::testing::TestDatabase;
use store::{
    Claim, Claimer, Edit, EditId, FoundSpeakers, JobId, LibraryId, MachineId, NewTranscript, News,
    PeopleSettings, PersonId, PersonVoice, SpeakerChange, SpeakerId, Spent, Status, Store, StoredSegment,
    StoredVoice, TaskKind, Topic, TranscriptId, Window,
};
use transcript::{AudioTime, Span, Turn, Word, segments};

fn span(start: u32, end: u32) -> Span {
    Span::new(AudioTime::from_ms(start), AudioTime::from_ms(end))
}

/// Sixteen words of half a second with a pause after every fourth: four lines.
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
    /// A meeting that is being worked on.
    async fn begun() -> (Self, Claim) {
        let (database, store) = database().await;
        let (library, machine) = (LibraryId::new(), MachineId::new());
        let job = registered(&store, library).await;
        let meeting = Self { _database: database, store, job, library, machine };
        let claim = meeting.claim().await;
        (meeting, claim)
    }

    /// A transcribed meeting of two speakers: the first says lines 0 and 2, the second 1 and 3.
    async fn of_two() -> (Self, [SpeakerId; 2]) {
        let (meeting, claim) = Self::begun().await;
        let two = [SpeakerId::new(), SpeakerId::new()];
        meeting.keep(&claim, &two, &[(0, 0), (1, 1), (0, 2), (1, 3)]).await;
        meeting.complete(&claim).await;
        (meeting, two)
    }

    async fn claim(&self) -> Claim {
        {
            let (library, machine, kinds) = (self.library, self.machine, &TaskKind::OF_RECORDINGS);
            let claimer = Claimer { kinds, library, machine, alone: true, only: None };
            self.store.claim(claimer).await.unwrap().unwrap()
        }
    }

    /// Keeps speakers with turns: whose, and of which line.
    async fn keep(&self, claim: &Claim, speakers: &[SpeakerId], turns: &[(usize, u32)]) {
        let turns = turns.iter().map(|(who, line)| Turn {
            span: span(line * 3000, line * 3000 + 2000),
            speaker: speakers[*who],
            confidence: Some(0.9),
            overlap: false,
        });
        let found = FoundSpeakers {
            method: "voices".to_owned(),
            model: "GE2E".to_owned(),
            note: None,
            expected_min: None,
            expected_max: None,
            work_ms: 10,
            speakers: speakers.iter().map(|id| (*id, Some(voice(&[1.0, 0.0])))).collect(),
            turns: turns.collect(),
        };
        assert!(self.store.keep_speakers(claim.lease, &found).await.unwrap());
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
        let lines = segments(words(), &[]);
        let window = Window { index: 0, span: span(0, 12_000), language: None, other_language: None };
        assert!(self.store.commit_window(claim.lease, version.id, &window, &lines).await.unwrap());
        let spent = Spent { audio_ms: 12_000, ..Spent::default() };
        assert!(self.store.complete_transcript(claim.lease, version.id, &lines, spent).await.unwrap());
        version.id
    }

    async fn lines(&self) -> Vec<StoredSegment> {
        let version = self.store.shown_transcript(self.job).await.unwrap().unwrap();
        self.store.segments(version.id).await.unwrap()
    }

    /// The lines as `number of the speaker they are shown as: words`.
    async fn text(&self) -> Vec<String> {
        let speakers = self.store.speaker_names(self.job).await.unwrap();
        let number = |id: SpeakerId| {
            let shown = speakers.iter().find(|s| s.id == id).unwrap().shown_as;
            speakers.iter().find(|s| s.id == shown).unwrap().number.to_string()
        };
        let lines = self.lines().await;
        let words: Vec<Word> = lines.iter().flat_map(|line| line.segment.words.clone()).collect();
        assert_eq!(words, self::words(), "no word is lost, doubled or moved");
        lines
            .iter()
            .map(|line| {
                let who = line.speaker.map_or("-".to_owned(), number);
                let words: Vec<&str> = line.segment.words.iter().map(|w| w.text.as_str()).collect();
                format!("{who}: {}", words.join(" "))
            })
            .collect()
    }

    async fn edit(&self, edit: Edit, speaker: Option<SpeakerId>) -> EditId {
        let id = EditId::new();
        let change = SpeakerChange::Edit { id, edit, speaker, person: None };
        assert!(self.store.change_speakers(self.job, &change).await.unwrap());
        // Once more, as after a connection that broke: nothing else happens.
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

fn voice(vector: &[f32]) -> StoredVoice {
    StoredVoice { encoder: "GE2E".to_owned(), vector: vector.to_vec(), speech_ms: 4000 }
}

const AS_FOUND: [&str; 4] = ["1: w0 w1 w2 w3", "2: w4 w5 w6 w7", "1: w8 w9 w10 w11", "2: w12 w13 w14 w15"];

#[tokio::test(flavor = "multi_thread")]
async fn names_merges_and_words_given_by_hand_are_undone_and_done_again() {
    let (meeting, [one, two]) = Meeting::of_two().await;
    assert_eq!(meeting.text().await, AS_FOUND);
    let ids = |lines: &[StoredSegment]| -> Vec<String> { lines.iter().map(|l| l.id.to_string()).collect() };
    let before = ids(&meeting.lines().await);

    let named =
        meeting.edit(Edit::Name { speaker: one, name: Some("Anna".to_owned()), person: None }, None).await;
    assert_eq!(meeting.name(one).await.as_deref(), Some("Anna"));
    let merged = meeting.edit(Edit::Merge { from: one, into: two }, None).await;
    assert_eq!(meeting.present().await, [2]);
    assert_eq!(meeting.name(two).await.as_deref(), Some("Anna"), "who has no name gets it");
    assert_eq!(ids(&meeting.lines().await), before, "a merge touches no line");

    assert!(!meeting.undo(named).await, "only the last one can be taken back");
    assert!(meeting.undo(merged).await);
    assert!(meeting.undo(merged).await, "twice is once");
    assert_eq!((meeting.present().await, meeting.name(two).await), (vec![1, 2], None));

    // Two words in the middle of a line go to somebody new.
    let three = SpeakerId::new();
    let given = Edit::Assign { spans: vec![span(3500, 4450)], speaker: Some(three), added: true };
    let assigned = meeting.edit(given, Some(three)).await;
    let cut = ["1: w0 w1 w2 w3", "2: w4", "3: w5 w6", "2: w7", "1: w8 w9 w10 w11", "2: w12 w13 w14 w15"];
    assert_eq!(meeting.text().await, cut);
    let after = ids(&meeting.lines().await);
    assert_eq!([&after[0], &after[4], &after[5]], [&before[0], &before[2], &before[3]], "other lines stay");
    assert!(meeting.lines().await[2].by_hand);
    assert!(!meeting.redo(merged).await, "something else was done since");

    assert!(meeting.undo(assigned).await);
    assert_eq!(meeting.text().await, AS_FOUND);
    assert_eq!(meeting.present().await, [1, 2]);
    assert!(meeting.redo(assigned).await);
    assert_eq!(meeting.text().await, cut);
    assert!(meeting.undo(assigned).await && meeting.undo(named).await);
    assert_eq!((meeting.text().await, meeting.name(one).await), (AS_FOUND.map(str::to_owned).to_vec(), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn telling_apart_again_keeps_names_and_what_was_given_by_hand() {
    let (meeting, [one, two]) = Meeting::of_two().await;
    meeting.edit(Edit::Name { speaker: two, name: Some("Ben".to_owned()), person: None }, None).await;
    meeting.edit(Edit::Assign { spans: vec![span(0, 450)], speaker: Some(two), added: false }, None).await;
    assert!(meeting.store.tell_speakers_apart(meeting.job, Some(3), Some(3)).await.unwrap().is_some());
    let claim = meeting.claim().await;
    assert_eq!(claim.lease.kind, TaskKind::Diarize);
    assert_eq!(claim.job.choice().speakers_max, Some(3));
    // Line 3 turns out to be somebody else's, and the first voice is nobody's any more.
    let three = SpeakerId::new();
    meeting.keep(&claim, &[two, three], &[(0, 0), (0, 1), (0, 2), (1, 3)]).await;
    assert!(meeting.store.finish_speakers(claim.lease).await.unwrap());
    let job = meeting.store.job(meeting.job).await.unwrap().unwrap();
    assert_eq!(job.status().unwrap(), Status::Completed);
    assert_eq!(
        meeting.text().await,
        ["2: w0 w1 w2 w3", "2: w4 w5 w6 w7", "2: w8 w9 w10 w11", "3: w12 w13 w14 w15"]
    );
    assert_eq!(meeting.name(two).await.as_deref(), Some("Ben"));
    assert_eq!(meeting.present().await, [2, 3], "who says nothing is not shown");
    // The first word stays with Ben whatever the turns say.
    assert!(meeting.store.tell_speakers_apart(meeting.job, None, None).await.unwrap().is_some());
    let claim = meeting.claim().await;
    meeting.keep(&claim, &[one, two, three], &[(0, 0), (1, 1), (0, 2), (2, 3)]).await;
    assert!(meeting.store.finish_speakers(claim.lease).await.unwrap());
    assert_eq!(meeting.text().await[..2], ["2: w0", "1: w1 w2 w3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_corrections_speakers_are_numbered_anew() {
    let (meeting, _) = Meeting::of_two().await;
    meeting.store.tell_speakers_apart(meeting.job, None, None).await.unwrap().unwrap();
    let claim = meeting.claim().await;
    let others = [SpeakerId::new(), SpeakerId::new(), SpeakerId::new()];
    meeting.keep(&claim, &others, &[(0, 0), (1, 1), (2, 2), (0, 3)]).await;
    assert_eq!(meeting.present().await, [1, 2, 3]);
    assert_eq!(meeting.text().await[2], "3: w8 w9 w10 w11");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_and_a_cancel_leave_the_transcript_and_the_speakers() {
    let (meeting, _) = Meeting::of_two().await;
    meeting.store.tell_speakers_apart(meeting.job, None, None).await.unwrap().unwrap();
    let claim = meeting.claim().await;
    assert!(meeting.store.note_no_speakers(claim.lease, "It did not work.").await.unwrap());
    assert!(meeting.store.cancel_job(meeting.job).await.unwrap().is_some());
    let job = meeting.store.job(meeting.job).await.unwrap().unwrap();
    assert_eq!(job.status().unwrap(), Status::Completed);
    assert_eq!(meeting.text().await, AS_FOUND);
    let diarization = meeting.store.speakers(meeting.job).await.unwrap().diarization.unwrap();
    assert_eq!(diarization.method.as_deref(), Some("voices"));
    assert_eq!(diarization.error_message.as_deref(), Some("It did not work."));
    // The lease is void, and nothing can be written under it any more.
    assert!(!meeting.store.note_no_speakers(claim.lease, "").await.unwrap());
    assert!(!meeting.store.finish_speakers(claim.lease).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_becomes_current_is_cut_by_what_is_known_by_then() {
    let (meeting, [_, two]) = Meeting::of_two().await;
    let first = meeting.store.shown_transcript(meeting.job).await.unwrap().unwrap().id;
    meeting.store.transcribe_again(meeting.job, &store::Choice::default()).await.unwrap().unwrap();
    let claim = meeting.claim().await;
    meeting.complete(&claim).await;
    meeting.edit(Edit::Assign { spans: vec![span(0, 2000)], speaker: Some(two), added: false }, None).await;
    assert_eq!(meeting.text().await[0], "2: w0 w1 w2 w3");
    assert!(meeting.store.make_current(meeting.job, first).await.unwrap());
    assert_eq!(meeting.text().await[0], "2: w0 w1 w2 w3");
}

async fn known(meeting: &Meeting, speaker: SpeakerId, name: &str) -> (PersonId, EditId) {
    let (person, id) = (PersonId::new(), EditId::new());
    let edit = Edit::Name { speaker, name: Some(name.to_owned()), person: Some(person) };
    let person_and_name = Some((person, name.to_owned()));
    let change = SpeakerChange::Edit { id, edit, speaker: None, person: person_and_name };
    assert!(meeting.store.change_speakers(meeting.job, &change).await.unwrap());
    let learnt = PersonVoice {
        person,
        refused: false,
        voice: voice(&[0.5, -0.25]),
        job: Some(meeting.job),
        speaker: Some(speaker),
        sample: Some(span(0, 2000)),
    };
    meeting.store.learn_voice(&learnt, None).await.unwrap();
    (person, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_merged_and_forgotten_while_others_are_named() {
    let (meeting, [one, two]) = Meeting::of_two().await;
    let store = &meeting.store;
    store.set_people(PeopleSettings { enabled: true, automatic: false }).await.unwrap();
    for round in 0..30 {
        let (anna, _) = known(&meeting, one, "Anna").await;
        let (ben, _) = known(&meeting, two, "Ben").await;
        let edit = Edit::Name { speaker: two, name: Some(format!("Anna {round}")), person: Some(anna) };
        let named = SpeakerChange::Edit { id: EditId::new(), edit, speaker: None, person: None };
        let (changed, gone) = tokio::join!(store.change_speakers(meeting.job, &named), async {
            match round % 2 {
                0 => store.merge_people(anna, ben).await,
                _ => store.forget_person(anna, &[]).await,
            }
        });
        assert!(changed.unwrap(), "{round}");
        // Once the second speaker is Anna, nobody is Ben any more, and there may be nobody to merge her into.
        gone.unwrap();
        // What the corrections amount to is what is stored, whichever came first.
        let stored = store.speaker_names(meeting.job).await.unwrap();
        meeting.edit(Edit::Add { speaker: SpeakerId::new(), name: None }, None).await;
        let again = store.speaker_names(meeting.job).await.unwrap();
        assert_eq!(again[..stored.len()], stored[..], "{round}");
    }
}

/// What is told of the speakers and lines of a meeting up to now.
async fn told(meeting: &Meeting, news: &mut News) -> Vec<Topic> {
    meeting.store.rename_job(meeting.job, "the end of what was told").await.unwrap().unwrap();
    let mut told = Vec::new();
    loop {
        match tokio::time::timeout(common::PATIENCE, news.next()).await.expect("news") {
            Topic::Job(_) => return told,
            topic if told.contains(&topic) => {}
            topic => told.push(topic),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_no_news_of_the_lines() {
    let (meeting, [one, two]) = Meeting::of_two().await;
    let mut news = News::listen(&meeting.store).await.unwrap();
    let (names, lines) = (Topic::Speakers(meeting.job), Topic::Lines(meeting.job));
    let name = Edit::Name { speaker: one, name: Some("Anna".to_owned()), person: None };
    let named = meeting.edit(name, None).await;
    assert_eq!(told(&meeting, &mut news).await, [names]);
    assert!(meeting.undo(named).await);
    assert_eq!(told(&meeting, &mut news).await, [names]);
    meeting.edit(Edit::Assign { spans: vec![span(0, 2000)], speaker: Some(two), added: false }, None).await;
    assert_eq!(told(&meeting, &mut news).await, [names, lines]);
    let merged = meeting.edit(Edit::Merge { from: one, into: two }, None).await;
    assert_eq!(told(&meeting, &mut news).await, [names, lines]);
    assert!(meeting.undo(merged).await);
    assert_eq!(told(&meeting, &mut news).await, [names, lines]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_lease_is_void_changes_no_speaker() {
    let (meeting, claim) = Meeting::begun().await;
    let (store, one) = (&meeting.store, SpeakerId::new());
    store.set_people(PeopleSettings { enabled: true, automatic: true }).await.unwrap();
    meeting.keep(&claim, &[one], &[(0, 0)]).await;
    meeting.complete(&claim).await;
    let (person, id) = (PersonId::new(), EditId::new());
    let named = SpeakerChange::Edit {
        id,
        edit: Edit::Name { speaker: one, name: Some("Anna".to_owned()), person: Some(person) },
        speaker: None,
        person: Some((person, "Anna".to_owned())),
    };
    let learnt = PersonVoice {
        person,
        refused: false,
        voice: voice(&[0.5]),
        job: Some(meeting.job),
        speaker: Some(one),
        sample: None,
    };
    let before = store.speaker_voices().await.unwrap();
    let void = Some(claim.lease);
    assert!(!store.change_speakers_at_work(claim.lease, &named).await.unwrap());
    assert!(!store.keep_voice(one, &voice(&[1.0]), void).await.unwrap());
    assert!(!store.learn_voice(&learnt, void).await.unwrap());
    assert_eq!(meeting.name(one).await, None);
    assert_eq!(store.speaker_voices().await.unwrap(), before);
    assert!(store.people().await.unwrap().is_empty() && store.person_voices().await.unwrap().is_empty());

    store.tell_speakers_apart(meeting.job, None, None).await.unwrap().unwrap();
    let lease = meeting.claim().await.lease;
    assert!(store.change_speakers_at_work(lease, &named).await.unwrap());
    assert!(store.keep_voice(one, &voice(&[1.0]), Some(lease)).await.unwrap());
    assert!(store.learn_voice(&learnt, Some(lease)).await.unwrap());
    assert_eq!(meeting.name(one).await.as_deref(), Some("Anna"));
    assert_eq!(store.person_voices().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_voice_is_kept_before_somebody_agreed_and_none_after_they_took_it_back() {
    let (meeting, [one, two]) = Meeting::of_two().await;
    known(&meeting, one, "Anna").await;
    meeting.store.keep_voice(two, &voice(&[1.0]), None).await.unwrap();
    assert!(meeting.store.person_voices().await.unwrap().is_empty());
    assert!(meeting.store.speaker_voices().await.unwrap().is_empty());

    meeting.store.set_people(PeopleSettings { enabled: true, automatic: true }).await.unwrap();
    let (_, id) = known(&meeting, one, "Anna").await;
    meeting.store.keep_voice(two, &voice(&[1.0]), None).await.unwrap();
    assert_eq!(meeting.store.speaker_voices().await.unwrap().len(), 1);
    let kept = meeting.store.person_voices().await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((&kept[0].voice, kept[0].sample), (&voice(&[0.5, -0.25]), Some(span(0, 2000))));
    // A name that is taken back was not theirs.
    assert!(meeting.undo(id).await);
    assert!(meeting.store.person_voices().await.unwrap().is_empty());

    known(&meeting, one, "Anna").await;
    meeting.store.set_people(PeopleSettings { enabled: false, automatic: true }).await.unwrap();
    assert_eq!(meeting.store.people_settings().await.unwrap(), PeopleSettings::default());
    assert!(meeting.store.people().await.unwrap().is_empty());
    assert!(meeting.store.person_voices().await.unwrap().is_empty());
    assert!(meeting.store.speaker_voices().await.unwrap().is_empty());
    assert_eq!(meeting.name(one).await.as_deref(), Some("Anna"), "the name stays in the meeting");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_renamed_everywhere_merged_and_forgotten() {
    let (meeting, [one, two]) = Meeting::of_two().await;
    let store = &meeting.store;
    store.set_people(PeopleSettings { enabled: true, automatic: false }).await.unwrap();
    let (anna, _) = known(&meeting, one, "Anna").await;
    let (other, _) = known(&meeting, two, "A.").await;
    assert!(store.rename_person(anna, "Anna Berg").await.unwrap());
    assert_eq!(meeting.name(one).await.as_deref(), Some("Anna Berg"));
    assert!(store.merge_people(other, anna).await.unwrap());
    assert!(!store.merge_people(other, anna).await.unwrap(), "there is nobody left to be merged");
    assert_eq!(store.people().await.unwrap().len(), 1);
    assert_eq!(store.person_voices().await.unwrap().len(), 2);
    assert_eq!(meeting.name(two).await.as_deref(), Some("Anna Berg"));
    // What follows from the corrections is the same when it is worked out again.
    meeting.edit(Edit::Add { speaker: SpeakerId::new(), name: None }, None).await;
    assert_eq!(meeting.name(two).await.as_deref(), Some("Anna Berg"));
    assert_eq!(store.meetings_of_people().await.unwrap(), [(anna, meeting.job), (anna, meeting.job)]);

    store.keep_voice(one, &voice(&[1.0]), None).await.unwrap();
    store.keep_voice(two, &voice(&[1.0]), None).await.unwrap();
    assert!(store.forget_person(anna, &[two]).await.unwrap());
    assert!(store.people().await.unwrap().is_empty() && store.person_voices().await.unwrap().is_empty());
    assert!(store.speaker_voices().await.unwrap().is_empty());
    assert_eq!(
        [meeting.name(one).await, meeting.name(two).await].map(Option::unwrap),
        ["Anna Berg", "Anna Berg"]
    );
    meeting.edit(Edit::Add { speaker: SpeakerId::new(), name: None }, None).await;
    assert_eq!(meeting.name(one).await.as_deref(), Some("Anna Berg"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_known_stays_known_when_the_meeting_is_deleted() {
    let (meeting, [one, _]) = Meeting::of_two().await;
    meeting.store.set_people(PeopleSettings { enabled: true, automatic: false }).await.unwrap();
    known(&meeting, one, "Anna").await;
    meeting.store.delete_job(meeting.job, meeting.library).await.unwrap().unwrap();
    let kept = meeting.store.person_voices().await.unwrap();
    assert_eq!((kept.len(), kept[0].job, kept[0].speaker), (1, None, None));
    assert_eq!(meeting.store.people().await.unwrap()[0].name, "Anna");
}
