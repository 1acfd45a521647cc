//! Searches a large archive, beside `LIKE` and beside plain ranking of the same passages, in one run.
//!
//! The archive is generated: hours of speech whose words are as frequent as those of real speech, without audio and
//! without times of words. It is kept for the next run.

mod generated_speech;
mod growth;
mod queries;

use super::process_cost::wait_for_processes;
use super::{median, percentile, remove, rounded, verdict, write_json};
use crate::args::Bench;
use anyhow::{Context, Result};
use generated_speech::Random;
pub(super) use generated_speech::Vocabulary;
use queries::{Kind, mixed};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;
use store::managed::KeeperCommand;
use store::testing::{analyze, commit_ms, insert_spoken_meetings, like_ms, open_managed, plain_rank_ms};
use store::{MeetingFilter, MeetingQuery, Store};
use transcript::AudioTime;
use xtask::app::App;

/// Segments of one meeting: an hour.
const SEGMENTS: usize = 500;
/// Segments of the longest meeting: ten hours.
const LONGEST: usize = 5_000;
/// Meetings per transaction.
const CHUNK: u32 = 20;
/// Searches that are also made with `LIKE` and with plain ranking.
const PEER_QUERIES: usize = 20;
/// Longest first page of a warm search, in milliseconds: 95 of 100 are faster.
const GOAL_SEARCH_MS: f64 = 30.0;
/// Longest first page of the list, in milliseconds.
const GOAL_LIST_MS: f64 = 20.0;
/// Longest opening of the ten-hour meeting, in milliseconds.
const GOAL_OPEN_MS: f64 = 50.0;
/// Longest commit of a window, relative to one without the triggers of search.
const GOAL_COMMIT: f64 = 1.10;

/// What was measured on one archive.
struct Figures {
    meetings: u32,
    /// Median and 95th percentile of a warm search.
    search_ms: (f64, f64),
    like_ms: f64,
    list_ms: f64,
    /// Opening the longest meeting.
    open_ms: f64,
    /// Sizes with indexes.
    segments_mb: i64,
    search_mb: i64,
    /// Indexing all meetings.
    index_seconds: f64,
    /// Commit of a window with ÷ without the triggers of search.
    commit: f64,
    /// Whether all goals were met.
    met: bool,
}

/// Runs the benchmark; returns whether all goals were met.
pub(super) fn run(app: &App, folder: &Path, options: &Bench) -> Result<bool> {
    let sizes = if options.growth { growth::sizes(options.files) } else { vec![options.files] };
    let mut all = Vec::new();
    for meetings in sizes {
        all.push(of_size(app, folder, options, meetings)?);
    }
    if options.growth {
        growth::report(folder, &all)?;
    }
    Ok(all.iter().all(|figures| figures.met))
}

/// Measures an archive of so many meetings; makes it first, unless an earlier run has.
fn of_size(app: &App, folder: &Path, options: &Bench, meetings: u32) -> Result<Figures> {
    let data = folder.join(format!("spoken-archive-{meetings}"));
    let app = app.with_data(&data);
    let runtime = tokio::runtime::Runtime::new().context("no runtime could be started")?;
    let vocabulary = Vocabulary::new();
    let keeper = || KeeperCommand {
        program: PathBuf::from(app.command().get_program()),
        arguments: vec!["database-server".to_owned()],
    };
    let database = data.join("database");
    if !data.join("made").exists() {
        println!("bench archive: making {meetings} meetings of an hour");
        remove(&data)?;
        fs::create_dir_all(&data).with_context(|| format!("could not create {}", data.display()))?;
        let made = runtime.block_on(async {
            let store = open_managed(&database, keeper()).await?;
            make(&store, &vocabulary, meetings).await
        })?;
        write_json(&data.join("index.json"), &made)?;
        fs::write(data.join("made"), "")?;
        wait_for_processes(Some(&data))?;
    }
    let made = xtask::setup::read_json(&data.join("index.json"))?;
    let figures = runtime.block_on(async {
        let store = open_managed(&database, keeper()).await?;
        measure(&store, &vocabulary, folder, options, meetings, &made).await
    })?;
    runtime.shutdown_background();
    wait_for_processes(Some(&data))?;
    Ok(figures)
}

/// Makes the archive and indexes it; returns what that took.
async fn make(store: &Store, vocabulary: &Vocabulary, meetings: u32) -> Result<Value> {
    let started = Instant::now();
    for first in (0..meetings).step_by(CHUNK as usize) {
        let length = |number: u32| if number == meetings / 2 { LONGEST } else { SEGMENTS };
        let part: Vec<_> = (first..meetings.min(first + CHUNK))
            .map(|number| vocabulary.meeting(number, length(number)))
            .collect();
        insert_spoken_meetings(store, &part).await?;
    }
    analyze(store).await?;
    let inserted_s = started.elapsed().as_secs_f64();
    println!("bench archive: {meetings} meetings after {inserted_s:.0} s; now they are indexed");
    let started = Instant::now();
    while store.index_for_search(200).await? > 0 {}
    let indexed_s = started.elapsed().as_secs_f64();
    let started = Instant::now();
    while store.count_words(200).await? > 0 {}
    let counted_s = started.elapsed().as_secs_f64();
    analyze(store).await?;
    Ok(json!({
        "insert_seconds": rounded(inserted_s),
        "index_seconds": rounded(indexed_s),
        "count_words_seconds": rounded(counted_s),
    }))
}

async fn measure(
    store: &Store,
    vocabulary: &Vocabulary,
    folder: &Path,
    options: &Bench,
    meetings: u32,
    made: &Value,
) -> Result<Figures> {
    let queries = mixed(vocabulary, options.seed);
    // The server has just been started: its own cache is empty. The operating system's is not.
    let cold = searches(store, &queries).await?;
    let mut warm = Vec::new();
    for _ in 0..options.repetitions {
        warm = searches(store, &queries).await?;
    }
    println!("\n{meetings} meetings; milliseconds of the first page     p50       p95");
    let row =
        |name: &str, ms: &[f64]| println!("{name:<42}{:>10.1}{:>10.1}", median(ms), percentile(ms, 0.95));
    let of_kind = |kind: Kind| -> Vec<f64> {
        let both = queries.iter().zip(&warm);
        both.filter(|((other, _), _)| *other == kind).map(|(_, ms)| *ms).collect()
    };
    Kind::ALL.into_iter().for_each(|(kind, _)| row(kind.name(), &of_kind(kind)));
    row("all, server just started", &cold);
    row("all, warm", &warm);
    let (like, ranked) = peers(store, vocabulary, options.seed).await?;
    row("LIKE on the segments, one word", &like);
    row("plain ts_rank_cd on the passages", &ranked);
    let list = list_ms(store).await?;
    row("first page of the list", &list);
    let open = open_ms(store).await?;
    row("opening ten hours", &open);
    let (with, without) = commit_ms(store).await?;
    let commit = median(&with) / median(&without);
    println!("{:<42}{commit:>10.3} ×", "commit of a window, with ÷ without search");
    let sizes = sizes_mb(store).await?;
    println!("segments {} MB, search {} MB; {made}", sizes.0, sizes.1);
    let verdicts = [
        verdict("ms of a warm search, 95 of 100", percentile(&warm, 0.95), GOAL_SEARCH_MS),
        verdict("ms of the first page of the list", median(&list), GOAL_LIST_MS),
        verdict("ms to open ten hours", median(&open), GOAL_OPEN_MS),
        verdict("commit with ÷ without search", commit, GOAL_COMMIT),
    ];
    verdicts.iter().for_each(|(_, sentence)| println!("{sentence}"));
    let met = verdicts.iter().all(|(met, _)| *met);
    let figures =
        |ms: &[f64]| json!({"p50_ms": rounded(median(ms)), "p95_ms": rounded(percentile(ms, 0.95))});
    write_json(
        &folder.join(format!("archive-{meetings}.json")),
        &json!({
            "meetings": meetings,
            "made": made,
            "kinds": Kind::ALL.map(|(kind, _)| json!({"kind": kind.name(), "ms": figures(&of_kind(kind))})),
            "cold": figures(&cold),
            "warm": figures(&warm),
            "like": figures(&like),
            "plain_rank": figures(&ranked),
            "list": figures(&list),
            "open": figures(&open),
            "commit_ratio": rounded(commit),
            "segments_mb": sizes.0,
            "search_mb": sizes.1,
            "met": met,
        }),
    )?;
    Ok(Figures {
        meetings,
        search_ms: (median(&warm), percentile(&warm, 0.95)),
        like_ms: median(&like),
        list_ms: median(&list),
        open_ms: median(&open),
        segments_mb: sizes.0,
        search_mb: sizes.1,
        index_seconds: made["index_seconds"].as_f64().context("the archive has no time of indexing")?,
        commit,
        met,
    })
}

async fn searches(store: &Store, queries: &[(Kind, MeetingQuery)]) -> Result<Vec<f64>> {
    let mut took = Vec::with_capacity(queries.len());
    for (kind, query) in queries {
        let started = Instant::now();
        store.search(query).await.with_context(|| format!("{}: {query:?}", kind.name()))?;
        took.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(took)
}

/// Milliseconds of the same first page in two usual ways: `LIKE`, and every match ranked.
async fn peers(store: &Store, vocabulary: &Vocabulary, seed: u64) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut random = Random::new(seed);
    let words: Vec<String> = (0..PEER_QUERIES).map(|_| vocabulary.spoken(&mut random).to_owned()).collect();
    Ok((like_ms(store, &words).await?, plain_rank_ms(store, &words).await?))
}

async fn list_ms(store: &Store) -> Result<Vec<f64>> {
    let filter = MeetingFilter { limit: Some(200), ..MeetingFilter::default() };
    let mut took = Vec::new();
    for _ in 0..20 {
        let started = Instant::now();
        store.meeting_list(&filter).await?;
        took.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(took)
}

async fn open_ms(store: &Store) -> Result<Vec<f64>> {
    let all = store.meeting_list(&MeetingFilter::default()).await?;
    let longest = all.iter().max_by_key(|job| job.duration_ms).context("the archive is empty")?;
    let transcript = longest.current_transcript_id.context("the longest meeting has no transcript")?;
    let mut took = Vec::new();
    for _ in 0..20 {
        let started = Instant::now();
        store.segment_texts(transcript, AudioTime::from_ms(0)).await?;
        took.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(took)
}

/// Sizes of `segments` and of the tables of search with their indexes, in MB.
async fn sizes_mb(store: &Store) -> Result<(i64, i64)> {
    let tables = store.table_figures().await?;
    let size = |is: &dyn Fn(&str) -> bool| -> i64 {
        tables.iter().filter(|table| is(&table.name)).map(|table| table.total_bytes).sum()
    };
    Ok((size(&|name| name == "segments") >> 20, size(&|name| name.starts_with("search_")) >> 20))
}
