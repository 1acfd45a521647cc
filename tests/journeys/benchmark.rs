//! Benchmark of the window: start time, memory, opening a long meeting, scrolling. For comparison it measures the
//! window of Tauri's own template, which does nothing (`examples/bare`), alternating with ours in the same run.
//!
//! `MEETMEMO_BENCH_REPETITIONS` sets the number of rounds. There are no target values, but more than ten times the
//! value of the bare window is a failure. `cargo xtask bench window` runs it.

mod large_archive;
mod measurements;

use crate::test_app::{DEADLINE, TestApp};
use large_archive::{LONG_MEETING, MEETINGS, SEGMENTS, TEXT, fill};
use measurements::{
    FrameTimes, Memory, PROCESS_GROUPS, StartTimes, measure_opening, measure_rows, measure_scrolling,
    measure_start,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use testing::{processes_of, speech, write_wav};

/// After this time the page is idle.
const SETTLE: Duration = Duration::from_secs(5);
const SAMPLE_INTERVAL: Duration = Duration::from_millis(250);
/// Length of the transcribed recording, in seconds.
const SPEECH_S: u32 = 300;
/// Names and pixels of scroll steps: a notch of the wheel, and a drag of the scroll bar.
const STEPS: [(&str, u32); 2] = [("wheel, 120 px", 120), ("leaps, 1 200 px", 1_200)];
const MAX_RATIO: f64 = 10.0;

/// Several starts of one window.
#[derive(Default)]
struct Starts(Vec<StartTimes>);

impl Starts {
    fn paint(&self) -> Vec<f64> {
        self.0.iter().map(|start| start.paint).collect()
    }

    fn usable(&self) -> Vec<f64> {
        self.0.iter().map(|start| start.usable).collect()
    }
}

/// Measurements of a long list.
#[derive(Default)]
struct LongList {
    /// Milliseconds until its first rows are drawn, per round.
    open_ms: Vec<f64>,
    /// Frame times while it scrolls, for each of [`STEPS`].
    frames: [FrameTimes; STEPS.len()],
}

impl LongList {
    async fn scroll(&mut self, app: &TestApp, selector: &str) {
        for (frames, (_, step)) in self.frames.iter_mut().zip(STEPS) {
            *frames = std::mem::take(frames).and(measure_scrolling(app, selector, step).await);
        }
    }
}

/// Measurements of the bare window, with as many rows of text as our lists have.
#[derive(Default)]
struct BareWindow {
    starts: Starts,
    idle: Vec<Memory>,
    segments: LongList,
    meetings: LongList,
    full: Vec<Memory>,
}

/// Measurements of our window.
#[derive(Default)]
struct OurWindow {
    /// With a new database.
    first: Starts,
    warm: Starts,
    /// With the large archive.
    full_starts: Starts,
    idle: Vec<Memory>,
    segments: LongList,
    meetings: LongList,
    full: Vec<Memory>,
}

#[tokio::test]
#[ignore = "a benchmark: cargo xtask bench window"]
async fn window_benchmark() {
    let times: u32 = std::env::var("MEETMEMO_BENCH_REPETITIONS").map_or(3, |times| times.parse().unwrap());
    let (before, began) = (load(), Instant::now());
    let (mut bare, mut window) = (BareWindow::default(), OurWindow::default());
    let mut full = TestApp::new();
    println!("creating an archive of {MEETINGS} meetings and one of {SEGMENTS} lines");
    full.cli(&["list"]);
    wait_for_exit(&full).await;
    fill(&full.data_folder(), built_program("meetmemo"));
    wait_for_exit(&full).await;
    println!("that took {:?}", began.elapsed());
    for time in 1..=times {
        println!("round {time} of {times}");
        measure_bare_window(&mut bare).await;
        measure_new_archive(&mut window).await;
        measure_large_archive(&mut full, &mut window).await;
    }
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    println!("\n{profile} build, {times} rounds, load {before} at the start and {} at the end\n", load());
    print_starts(&bare, &window);
    print_long(&bare, &window);
    println!("{SPEECH_S} s of speech");
    let (peak, took) = measure_transcription().await;
    println!("load {}\n", load());
    print_memory(&bare, &window, peak, took);

    let (ours, theirs) = (median(&window.warm.paint()), median(&bare.starts.paint()));
    assert!(ours < theirs * MAX_RATIO, "first paint after {ours} ms, of the bare window after {theirs} ms");
    let (ours, theirs) = (Memory::median(&window.idle).all(), Memory::median(&bare.idle).all());
    assert!(ours < theirs * MAX_RATIO, "{ours} MB at rest, {theirs} MB for the bare window");
    let (ours, theirs) = (median(&window.segments.open_ms), median(&bare.segments.open_ms));
    assert!(ours < theirs * MAX_RATIO, "{SEGMENTS} lines after {ours} ms, in a bare page after {theirs} ms");
    for (ours, theirs) in [(&window.segments, &bare.segments), (&window.meetings, &bare.meetings)] {
        let (ours, theirs) = (ours.frames[0].quantile(0.95), theirs.frames[0].quantile(0.95));
        assert!(ours < theirs * MAX_RATIO, "frames of {ours} ms, {theirs} ms in a bare page");
    }
}

// Rounds

async fn measure_bare_window(bare: &mut BareWindow) {
    let mut app = TestApp::new();
    let program = built_program("examples").join("bare");
    assert!(program.exists(), "cargo build --example bare");
    app.open_program(&program).await;
    bare.starts.0.push(measure_start(&app, &program).await);
    tokio::time::sleep(SETTLE).await;
    bare.idle.push(Memory::of(&app));
    bare.meetings.open_ms.push(measure_rows(&app, MEETINGS, TEXT).await);
    bare.meetings.scroll(&app, ":root").await;
    bare.segments.open_ms.push(measure_rows(&app, SEGMENTS, TEXT).await);
    bare.segments.scroll(&app, ":root").await;
    tokio::time::sleep(SETTLE).await;
    bare.full.push(Memory::of(&app));
    shut_down(&mut app).await;
}

/// Measures the first start, which creates the database, and the second one.
async fn measure_new_archive(window: &mut OurWindow) {
    let mut app = TestApp::new();
    app.open(&[]).await;
    window.first.0.push(measure_start(&app, &desktop_program()).await);
    shut_down(&mut app).await;
    app.open(&[]).await;
    window.warm.0.push(measure_start(&app, &desktop_program()).await);
    tokio::time::sleep(SETTLE).await;
    window.idle.push(Memory::of(&app));
    shut_down(&mut app).await;
}

async fn measure_large_archive(app: &mut TestApp, window: &mut OurWindow) {
    app.open(&[]).await;
    window.full_starts.0.push(measure_start(app, &desktop_program()).await);
    let of = app.element("[role='option']").await.attr("aria-setsize").await.unwrap();
    assert_eq!(of, Some((MEETINGS + 1).to_string()));
    tokio::time::sleep(SETTLE).await;
    window.segments.open_ms.push(measure_opening(app, LONG_MEETING).await);
    window.segments.scroll(app, ".scroller").await;
    window.meetings.scroll(app, "[role='listbox']").await;
    tokio::time::sleep(SETTLE).await;
    window.full.push(Memory::of(app));
    shut_down(app).await;
}

/// The peak memory while a recording is transcribed, and the time that the transcription took.
async fn measure_transcription() -> (Memory, Duration) {
    let mut app = TestApp::new();
    let recording = app.documents().join("speech.wav");
    write_wav(&recording, &speech(SPEECH_S));
    app.open(&[recording.to_str().unwrap()]).await;
    let began = Instant::now();
    let mut peak = Memory::default();
    let mut last_check = began;
    loop {
        let now = Memory::of(&app);
        if now.all() > peak.all() {
            peak = now;
        }
        if last_check.elapsed() > Duration::from_secs(2) {
            last_check = Instant::now();
            // Asked through the page, because the command line would be a further process.
            let first = serde_json::json!({ "after": null, "limit": 1 });
            let page = app.invoke("meetings_page", first).await;
            if page.is_ok_and(|page| page["meetings"][0]["status"] == "completed") {
                break;
            }
            assert!(began.elapsed() < DEADLINE * 20, "the recording is not transcribed");
        }
        tokio::time::sleep(SAMPLE_INTERVAL).await;
    }
    let took = began.elapsed();
    shut_down(&mut app).await;
    (peak, took)
}

/// Closes the window and waits until all its processes have ended.
async fn shut_down(app: &mut TestApp) {
    app.close().await;
    wait_for_exit(app).await;
}

/// Waits until all processes of the app have ended.
async fn wait_for_exit(app: &TestApp) {
    let end = Instant::now() + DEADLINE;
    while !processes_of(app.data_folder().to_str().unwrap()).is_empty() {
        assert!(Instant::now() < end, "a process is still running");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn desktop_program() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_meetmemo-desktop")).canonicalize().unwrap()
}

/// A program in the folder of the desktop program.
fn built_program(name: &str) -> PathBuf {
    desktop_program().with_file_name(name)
}

/// The load averages of the last 1, 5 and 15 minutes.
fn load() -> String {
    fs::read_to_string("/proc/loadavg").unwrap().split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

// Tables

fn print_starts(bare: &BareWindow, window: &OurWindow) {
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

fn print_memory(bare: &BareWindow, window: &OurWindow, peak: Memory, took: Duration) {
    println!("| MB (PSS) | all | {} | ratio to the bare window at rest |", PROCESS_GROUPS.join(" | "));
    println!("|---|---|{}---|", "---|".repeat(PROCESS_GROUPS.len()));
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

fn print_long(bare: &BareWindow, window: &OurWindow) {
    println!("| ms | MeetMemo | bare page with all rows in it | ratio |");
    println!("|---|---|---|---|");
    print_times(
        "15 000 lines of 10 hours: click to first lines",
        &window.segments.open_ms,
        &bare.segments.open_ms,
    );
    for (name, ours, theirs) in [
        ("15 000 lines", &window.segments, &bare.segments),
        ("5 000 meetings", &window.meetings, &bare.meetings),
    ] {
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
