//! Fills an archive with one meeting of ten hours and thousands of short ones.

use chrono::{TimeDelta, Utc};
use std::path::{Path, PathBuf};
use store::managed::KeeperCommand;
use store::{
    ClaimRequest, JobId, LibraryId, MachineId, NewJob, NewTranscript, Store, TaskKind, TranscriptWindow,
    TranscriptionCost,
};
use testing::{speech, write_wav};
use tokio::task::JoinSet;
use transcript::{AudioTime, Segment, Span, Word};

/// Number of short meetings.
pub(super) const MEETINGS: usize = 5_000;
/// Number of segments of the long meeting.
pub(super) const SEGMENTS: usize = 15_000;
/// The title of the long meeting.
pub(super) const LONG_MEETING: &str = "Ten hours";
/// The words of all meetings, repeated as often as needed.
pub(super) const TEXT: &str = "it was the best of times it was the worst of times it was the age of wisdom it was the \
    age of foolishness it was the epoch of belief it was the epoch of incredulity it was the season of light it was the \
    season of darkness it was the spring of hope it was the winter of despair we had everything before us";

const SEGMENTS_OF_SHORT_MEETING: usize = 20;
/// Segments per committed window of the long meeting.
const SEGMENTS_PER_WINDOW: usize = 12;
const WORD_MS: u32 = 320;
const PAUSE_MS: u32 = 240;
const LONG_PAUSE_MS: u32 = 2_000;
/// Segments from one long pause to the next.
const SEGMENTS_BETWEEN_LONG_PAUSES: usize = 25;
/// Hours between two recordings.
const RECORDING_INTERVAL_HOURS: usize = 8;
/// Number of concurrent transactions, each of which waits for the disk.
const CONCURRENCY: usize = 8;

/// Adds the meetings to the archive in `data`, which no process may have open. `keeper` is a program with the hidden
/// mode `database-server`.
pub(super) fn fill(data: &Path, keeper: PathBuf) {
    let data = data.to_owned();
    // A runtime of its own: it ends the tasks of the connection pool, which would keep the database in use.
    let filled = std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(add_meetings(&data, keeper));
    });
    filled.join().unwrap();
}

async fn add_meetings(data: &Path, program: PathBuf) {
    let keeper = KeeperCommand { program, arguments: vec!["database-server".to_owned()] };
    let store = store::testing::open_managed(&data.join("database"), keeper).await.unwrap();
    let library = std::fs::read_to_string(data.join("library/library-id")).unwrap();
    let library: LibraryId = library.trim().parse().unwrap();
    let machine = MachineId::new();

    let mut tasks = JoinSet::new();
    for first in 0..CONCURRENCY {
        let store = store.clone();
        tasks.spawn(async move {
            for number in (1..=MEETINGS).skip(first).step_by(CONCURRENCY) {
                let name = format!("Meeting {number} of the series.wav");
                add_meeting(
                    &store,
                    library,
                    machine,
                    &name,
                    number,
                    &segments(SEGMENTS_OF_SHORT_MEETING, number),
                )
                .await;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let long =
        add_meeting(&store, library, machine, &format!("{LONG_MEETING}.wav"), 0, &segments(SEGMENTS, 0))
            .await;
    let folder = data.join("library").join(long.to_string());
    std::fs::create_dir_all(&folder).unwrap();
    write_wav(&folder.join("audio.wav"), &speech(60));
}

/// Registers a recording and stores a complete transcript with these segments.
async fn add_meeting(
    store: &Store,
    library: LibraryId,
    machine: MachineId,
    name: &str,
    number: usize,
    segments: &[Segment],
) -> JobId {
    let id = JobId::new();
    let audio_ms = i64::from(segments.last().unwrap().span.end.as_ms());
    let recorded = Utc::now() - TimeDelta::hours((number * RECORDING_INTERVAL_HOURS).try_into().unwrap());
    let new = NewJob {
        id,
        file_name: name.to_owned(),
        file_path: format!("{id}/audio.wav"),
        file_hash: format!("{number:064x}"),
        duration_ms: Some(audio_ms),
        recorded_at: Some(recorded),
        recorded_offset_s: Some(0),
        byte_size: audio_ms * 32,
        media_format: "WAV".to_owned(),
        library_id: library,
        requested_language: None,
        requested_model: None,
        requested_translate: false,
        requested_vocabulary: None,
        requested_speakers_min: None,
        requested_speakers_max: None,
    };
    store.register(&new).await.unwrap();
    let kinds = &TaskKind::OF_RECORDINGS;
    let claimer = ClaimRequest { kinds, library, machine, alone: true, only: Some(&[id]) };
    let lease = store.claim(claimer).await.unwrap().unwrap().lease;
    let new_transcript = NewTranscript {
        engine: "transcribe.cpp".to_owned(),
        model: "whisper-base".to_owned(),
        model_sha256: None,
        language: Some("en".to_owned()),
        settings: serde_json::json!({}),
        device: None,
        machine,
    };
    let (version, _) = store.open_transcript(lease, &new_transcript).await.unwrap().unwrap();
    if segments.len() > SEGMENTS_OF_SHORT_MEETING {
        for (index, part) in segments.chunks(SEGMENTS_PER_WINDOW).enumerate() {
            let span = Span::new(part[0].span.start, part[part.len() - 1].span.end);
            let window = TranscriptWindow {
                index: index.try_into().unwrap(),
                span,
                language: None,
                other_language: None,
            };
            assert!(store.commit_window(lease, version.id, &window, part).await.unwrap());
        }
    }
    assert!(
        store
            .complete_transcript(
                lease,
                version.id,
                segments,
                TranscriptionCost { audio_ms, work_ms: audio_ms / 5, real_time_factor: None }
            )
            .await
            .unwrap()
    );
    id
}

/// `count` segments of 2 to 11 words, on average 2.4 s each with the pause that follows. `offset` varies the text.
fn segments(count: usize, offset: usize) -> Vec<Segment> {
    let words: Vec<&str> = TEXT.split_whitespace().collect();
    let mut now = AudioTime::ZERO;
    (0..count)
        .map(|index| {
            let start = now;
            let spoken: Vec<Word> = words
                .iter()
                .cycle()
                .skip((offset + index) % words.len())
                .take(2 + (offset + index) * 7 % 10)
                .map(|word| {
                    let start = now;
                    now = now.plus_ms(WORD_MS);
                    Word {
                        start,
                        end: now,
                        text: (*word).to_owned(),
                        confidence: Some(0.9),
                        estimated: false,
                    }
                })
                .collect();
            let span = Span::new(start, now);
            let pause = if index % SEGMENTS_BETWEEN_LONG_PAUSES == 0 { LONG_PAUSE_MS } else { PAUSE_MS };
            now = now.plus_ms(pause);
            let text: Vec<&str> = spoken.iter().map(|word| word.text.as_str()).collect();
            Segment { span, text: text.join(" "), words: spoken, doubt: None }
        })
        .collect()
}
