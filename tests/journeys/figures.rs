//! The figures of the window: start, memory, opening what is long, scrolling. The window of Tauri's own template, which
//! does nothing, is measured beside it in the same run (`examples/bare`), in turns.
//!
//! `MEETMEMO_BENCH_REPETITIONS` says how often. Nothing here is a goal: a tenfold of the bare window is a mistake.

mod archive;
mod measure;

use crate::stage::{DEADLINE, Stage};
use archive::{LINES, LONG, MEETINGS, WORDS, fill};
use measure::{Beginning, Frames, Memory, PARTS, beginning, open_meeting, put_rows, scroll};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use testing::{processes_of, speech, write_wav};

/// After this the page has nothing left to do.
const AT_REST: Duration = Duration::from_secs(5);
const BETWEEN_SAMPLES: Duration = Duration::from_millis(250);
const SPEECH_S: u32 = 300;
/// Pixels of a notch of a wheel, and of a pull at the bar at the side.
const STEPS: [(&str, u32); 2] = [("wheel, 120 px", 120), ("leaps, 1 200 px", 1_200)];
const TENFOLD: f64 = 10.0;

/// The starts of one window.
#[derive(Default)]
struct Starts(Vec<Beginning>);

impl Starts {
    fn paint(&self) -> Vec<f64> {
        self.0.iter().map(|start| start.paint).collect()
    }

    fn usable(&self) -> Vec<f64> {
        self.0.iter().map(|start| start.usable).collect()
    }
}

/// What is long: how soon it is there, and how it scrolls by each of [`STEPS`].
#[derive(Default)]
struct Long {
    shown: Vec<f64>,
    frames: [Frames; STEPS.len()],
}

impl Long {
    async fn scroll(&mut self, stage: &Stage, selector: &str) {
        for (frames, (_, step)) in self.frames.iter_mut().zip(STEPS) {
            *frames = std::mem::take(frames).and(scroll(stage, selector, step).await);
        }
    }
}

#[derive(Default)]
struct Bare {
    starts: Starts,
    idle: Vec<Memory>,
    lines: Long,
    meetings: Long,
    full: Vec<Memory>,
}

#[derive(Default)]
struct Window {
    first: Starts,
    warm: Starts,
    full_starts: Starts,
    idle: Vec<Memory>,
    lines: Long,
    meetings: Long,
    full: Vec<Memory>,
}

#[tokio::test]
#[ignore = "a benchmark: cargo xtask bench window"]
async fn figures() {
    let times: u32 = std::env::var("MEETMEMO_BENCH_REPETITIONS").map_or(3, |times| times.parse().unwrap());
    let (before, began) = (load(), Instant::now());
    let (mut bare, mut window) = (Bare::default(), Window::default());
    let mut full = Stage::new();
    println!("putting {MEETINGS} meetings and one of {LINES} lines into an archive");
    full.cli(&["list"]);
    at_end(&full).await;
    fill(&full.data(), beside_the_window("meetmemo"));
    at_end(&full).await;
    println!("that took {:?}", began.elapsed());
    for time in 1..=times {
        println!("round {time} of {times}");
        bare_window(&mut bare).await;
        new_archive(&mut window).await;
        full_archive(&mut full, &mut window).await;
    }
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    println!("\n{profile} build, {times} rounds, load {before} at the start and {} at the end\n", load());
    print_starts(&bare, &window);
    print_long(&bare, &window);
    println!("{SPEECH_S} s of speech");
    let (peak, took) = transcribing().await;
    println!("load {}\n", load());
    print_memory(&bare, &window, peak, took);

    let (ours, theirs) = (median(&window.warm.paint()), median(&bare.starts.paint()));
    assert!(ours < theirs * TENFOLD, "first paint after {ours} ms, of a bare window after {theirs} ms");
    let (ours, theirs) = (Memory::median(&window.idle).all(), Memory::median(&bare.idle).all());
    assert!(ours < theirs * TENFOLD, "{ours} MB at rest, {theirs} MB of a bare window");
    let (ours, theirs) = (median(&window.lines.shown), median(&bare.lines.shown));
    assert!(ours < theirs * TENFOLD, "{LINES} lines after {ours} ms, in a bare page after {theirs} ms");
    for (ours, theirs) in [(&window.lines, &bare.lines), (&window.meetings, &bare.meetings)] {
        let (ours, theirs) = (ours.frames[0].quantile(0.95), theirs.frames[0].quantile(0.95));
        assert!(ours < theirs * TENFOLD, "frames of {ours} ms, {theirs} ms in a bare page");
    }
}

// Rounds

async fn bare_window(bare: &mut Bare) {
    let mut stage = Stage::new();
    let program = beside_the_window("examples").join("bare");
    assert!(program.exists(), "cargo build --example bare");
    stage.open_other(&program).await;
    bare.starts.0.push(beginning(&stage, &program).await);
    tokio::time::sleep(AT_REST).await;
    bare.idle.push(Memory::of(&stage));
    bare.meetings.shown.push(put_rows(&stage, MEETINGS, WORDS).await);
    bare.meetings.scroll(&stage, ":root").await;
    bare.lines.shown.push(put_rows(&stage, LINES, WORDS).await);
    bare.lines.scroll(&stage, ":root").await;
    tokio::time::sleep(AT_REST).await;
    bare.full.push(Memory::of(&stage));
    shut(&mut stage).await;
}

/// The first start, which makes the database, and the next one.
async fn new_archive(window: &mut Window) {
    let mut stage = Stage::new();
    stage.open(&[]).await;
    window.first.0.push(beginning(&stage, &the_window()).await);
    shut(&mut stage).await;
    stage.open(&[]).await;
    window.warm.0.push(beginning(&stage, &the_window()).await);
    tokio::time::sleep(AT_REST).await;
    window.idle.push(Memory::of(&stage));
    shut(&mut stage).await;
}

async fn full_archive(stage: &mut Stage, window: &mut Window) {
    stage.open(&[]).await;
    window.full_starts.0.push(beginning(stage, &the_window()).await);
    let of = stage.element("[role='option']").await.attr("aria-setsize").await.unwrap();
    assert_eq!(of, Some((MEETINGS + 1).to_string()));
    tokio::time::sleep(AT_REST).await;
    window.lines.shown.push(open_meeting(stage, LONG).await);
    window.lines.scroll(stage, ".scroller").await;
    window.meetings.scroll(stage, "[role='listbox']").await;
    tokio::time::sleep(AT_REST).await;
    window.full.push(Memory::of(stage));
    shut(stage).await;
}

/// The most memory at one moment while a recording is worked on, and how long that took.
async fn transcribing() -> (Memory, Duration) {
    let mut stage = Stage::new();
    let recording = stage.documents().join("speech.wav");
    write_wav(&recording, &speech(SPEECH_S));
    stage.open(&[recording.to_str().unwrap()]).await;
    let began = Instant::now();
    let mut peak = Memory::default();
    let mut looked = began;
    loop {
        let now = Memory::of(&stage);
        if now.all() > peak.all() {
            peak = now;
        }
        if looked.elapsed() > Duration::from_secs(2) {
            looked = Instant::now();
            // Asked in the page: the command line would be one process more.
            let meetings = stage.invoke("meetings", serde_json::json!({})).await;
            if meetings.is_ok_and(|meetings| meetings[0]["status"] == "completed") {
                break;
            }
            assert!(began.elapsed() < DEADLINE * 20, "the recording is not transcribed");
        }
        tokio::time::sleep(BETWEEN_SAMPLES).await;
    }
    let took = began.elapsed();
    shut(&mut stage).await;
    (peak, took)
}

/// Closes the window and waits until nothing of it runs.
async fn shut(stage: &mut Stage) {
    stage.close().await;
    at_end(stage).await;
}

async fn at_end(stage: &Stage) {
    let end = Instant::now() + DEADLINE;
    while !processes_of(stage.data().to_str().unwrap()).is_empty() {
        assert!(Instant::now() < end, "something still runs");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn the_window() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_meetmemo-desktop")).canonicalize().unwrap()
}

fn beside_the_window(name: &str) -> PathBuf {
    the_window().with_file_name(name)
}

/// Means of the processes that wanted to run in the last 1, 5 and 15 minutes.
fn load() -> String {
    fs::read_to_string("/proc/loadavg").unwrap().split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

// Tables

fn print_starts(bare: &Bare, window: &Window) {
    println!("| ms after the process began: median (least–most) | MeetMemo | bare window | ratio |");
    println!("|---|---|---|---|");
    let starts = [
        ("first start, the database is made", &window.first),
        ("warm start, new archive", &window.warm),
        ("warm start, 5 001 meetings", &window.full_starts),
    ];
    for (name, starts) in starts {
        print_times(&format!("{name}: first paint"), &starts.paint(), &bare.starts.paint());
        print_times(&format!("{name}: usable"), &starts.usable(), &bare.starts.usable());
    }
    println!();
}

fn print_memory(bare: &Bare, window: &Window, peak: Memory, took: Duration) {
    println!("| MB (PSS) | all | {} | ratio to the bare window at rest |", PARTS.join(" | "));
    println!("|---|---|{}---|", "---|".repeat(PARTS.len()));
    let idle = Memory::median(&bare.idle);
    let transcribing =
        format!("MeetMemo, most while it transcribes {SPEECH_S} s of speech ({} s)", took.as_secs());
    for (name, memory) in [
        ("bare window, at rest", idle),
        ("MeetMemo, at rest, new archive", Memory::median(&window.idle)),
        (&transcribing, peak),
        ("bare window, after 15 000 rows of text and scrolling", Memory::median(&bare.full)),
        ("MeetMemo, 5 001 meetings, one of 15 000 lines open, after scrolling", Memory::median(&window.full)),
    ] {
        let parts: Vec<String> = memory.0.iter().map(|mb| format!("{mb:.0}")).collect();
        println!(
            "| {name} | {:.0} | {} | {:.2} |",
            memory.all(),
            parts.join(" | "),
            memory.all() / idle.all()
        );
    }
    println!();
}

fn print_long(bare: &Bare, window: &Window) {
    println!("| ms | MeetMemo | bare page with all rows in it | ratio |");
    println!("|---|---|---|---|");
    print_times("15 000 lines of 10 hours: click to first lines", &window.lines.shown, &bare.lines.shown);
    for (name, ours, theirs) in
        [("15 000 lines", &window.lines, &bare.lines), ("5 000 meetings", &window.meetings, &bare.meetings)]
    {
        for (step, (how, _)) in STEPS.iter().enumerate() {
            let (ours, theirs) = (&ours.frames[step], &theirs.frames[step]);
            for (figure, share) in [("median", 0.5), ("95 %", 0.95), ("worst", 1.0)] {
                let (ours, theirs) = (ours.quantile(share), theirs.quantile(share));
                let ratio = ours / theirs;
                println!(
                    "| {name}, {how} every 50 ms: frame, {figure} | {ours:.0} | {theirs:.0} | {ratio:.2} |"
                );
            }
            let (ours, theirs) = (ours.late(), theirs.late());
            println!("| {name}, {how} every 50 ms: frames over 33 ms | {ours:.1} % | {theirs:.1} % | – |");
        }
    }
    println!();
}

fn print_times(name: &str, ours: &[f64], theirs: &[f64]) {
    let ratio = median(ours) / median(theirs);
    println!("| {name} | {} | {} | {ratio:.2} |", times(ours), times(theirs));
}

fn times(values: &[f64]) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    format!("{:.0} ({least:.0}–{most:.0})", median(values))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
