//! A large archive: one meeting of ten hours, and thousands of short ones.

use chrono::{TimeDelta, Utc};
use std::path::{Path, PathBuf};
use store::managed::KeeperCommand;
use store::{Claimer, JobId, LibraryId, MachineId, NewJob, NewTranscript, Spent, Store, TaskKind, Window};
use testing::{speech, write_wav};
use tokio::task::JoinSet;
use transcript::{AudioTime, Segment, Span, Word};

pub(super) const MEETINGS: usize = 5_000;
pub(super) const LINES: usize = 15_000;
/// The title of the longest.
pub(super) const LONG: &str = "Ten hours";
/// What is said in all of them.
pub(super) const WORDS: &str = "it was the best of times it was the worst of times it was the age of wisdom it was the \
    age of foolishness it was the epoch of belief it was the epoch of incredulity it was the season of light it was the \
    season of darkness it was the spring of hope it was the winter of despair we had everything before us";

const LINES_OF_SHORT: usize = 20;
/// Windows of the long one, as they come while it is transcribed.
const LINES_PER_WINDOW: usize = 12;
const WORD_MS: u32 = 320;
const PAUSE_MS: u32 = 240;
const LONG_PAUSE_MS: u32 = 2_000;
const LINES_TO_LONG_PAUSE: usize = 25;
/// Between two recordings.
const HOURS: usize = 8;
/// Transactions at the same time; each waits for the disk.
const AT_ONCE: usize = 8;

/// Puts them into an archive that nobody has open. `keeper` is a program with the hidden mode `database-server`.
pub(super) fn fill(data: &Path, keeper: PathBuf) {
    let data = data.to_owned();
    // A runtime of its own, because this process uses the database for as long as a task of the pool lives.
    let filled = std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(put_in(&data, keeper));
    });
    filled.join().unwrap();
}

async fn put_in(data: &Path, program: PathBuf) {
    let keeper = KeeperCommand { program, arguments: vec!["database-server".to_owned()] };
    let store = store::testing::managed(&data.join("database"), keeper).await.unwrap();
    let library = std::fs::read_to_string(data.join("library/library-id")).unwrap();
    let library: LibraryId = library.trim().parse().unwrap();
    let machine = MachineId::new();

    let mut tasks = JoinSet::new();
    for first in 0..AT_ONCE {
        let store = store.clone();
        tasks.spawn(async move {
            for number in (1..=MEETINGS).skip(first).step_by(AT_ONCE) {
                let name = format!("Meeting {number} of the series.wav");
                complete(&store, library, machine, &name, number, &lines(LINES_OF_SHORT, number)).await;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let long = complete(&store, library, machine, &format!("{LONG}.wav"), 0, &lines(LINES, 0)).await;
    let folder = data.join("library").join(long.to_string());
    std::fs::create_dir_all(&folder).unwrap();
    write_wav(&folder.join("audio.wav"), &speech(60));
}

/// Goes the way of a recording, without the recording.
async fn complete(
    store: &Store,
    library: LibraryId,
    machine: MachineId,
    name: &str,
    number: usize,
    lines: &[Segment],
) -> JobId {
    let id = JobId::new();
    let audio_ms = i64::from(lines.last().unwrap().span.end.as_ms());
    let recorded = Utc::now() - TimeDelta::hours((number * HOURS).try_into().unwrap());
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
    let claimer = Claimer { kinds, library, machine, alone: true, only: Some(&[id]) };
    let lease = store.claim(claimer).await.unwrap().unwrap().lease;
    let made_with = NewTranscript {
        engine: "transcribe.cpp".to_owned(),
        model: "whisper-base".to_owned(),
        model_sha256: None,
        language: Some("en".to_owned()),
        settings: serde_json::json!({}),
        device: None,
        machine,
    };
    let (version, _) = store.open_transcript(lease, &made_with).await.unwrap().unwrap();
    if lines.len() > LINES_OF_SHORT {
        for (index, part) in lines.chunks(LINES_PER_WINDOW).enumerate() {
            let span = Span::new(part[0].span.start, part[part.len() - 1].span.end);
            let window =
                Window { index: index.try_into().unwrap(), span, language: None, other_language: None };
            assert!(store.commit_window(lease, version.id, &window, part).await.unwrap());
        }
    }
    assert!(
        store
            .complete_transcript(
                lease,
                version.id,
                lines,
                Spent { audio_ms, work_ms: audio_ms / 5, real_time_factor: None }
            )
            .await
            .unwrap()
    );
    id
}

/// Lines of 2 to 11 words, 2.4 s each with their pauses on average.
fn lines(count: usize, from: usize) -> Vec<Segment> {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut now = AudioTime::ZERO;
    (0..count)
        .map(|line| {
            let start = now;
            let spoken: Vec<Word> = words
                .iter()
                .cycle()
                .skip((from + line) % words.len())
                .take(2 + (from + line) * 7 % 10)
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
            let pause = if line % LINES_TO_LONG_PAUSE == 0 { LONG_PAUSE_MS } else { PAUSE_MS };
            now = now.plus_ms(pause);
            let text: Vec<&str> = spoken.iter().map(|word| word.text.as_str()).collect();
            Segment { span, text: text.join(" "), words: spoken, doubt: None }
        })
        .collect()
}
