//! Measures start times, memory (from `/proc`) and frame times (in the page).

use crate::test_app::{DEADLINE, TestApp};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

// Start

/// Times of a start, in milliseconds after the process was started.
#[derive(Debug, Clone, Copy)]
pub(super) struct StartTimes {
    /// First contentful paint.
    pub(super) paint: f64,
    /// The page's own mark `usable`.
    pub(super) usable: f64,
}

/// Waits until the page is usable and returns the times of the start.
pub(super) async fn measure_start(app: &TestApp, program: &Path) -> StartTimes {
    let read = "const at = (name) => performance.getEntriesByName(name)[0]?.startTime ?? null;
        return [performance.timeOrigin, at('first-contentful-paint'), at('usable')]";
    let end = Instant::now() + DEADLINE;
    loop {
        let moments = app.run_script(read, vec![]).await;
        if let [Some(origin), Some(paint), Some(usable)] =
            [0, 1, 2].map(|moment: usize| moments[moment].as_f64())
        {
            let loaded = origin - start_time_ms(window_process(app, program));
            return StartTimes { paint: loaded + paint, usable: loaded + usable };
        }
        assert!(Instant::now() < end, "the page does not become usable: {moments}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn window_process(app: &TestApp, program: &Path) -> i32 {
    let of_program = |pid: &i32| {
        fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program)
            && process_group(*pid) == WINDOW
    };
    let found = testing::processes_of(app.data_folder().to_str().unwrap()).into_iter().find(of_program);
    found.expect("the window is open")
}

/// When a process was started, in milliseconds since 1970. Linux gives it in hundredths of a second since the machine
/// was started.
fn start_time_ms(pid: i32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let ticks: f64 = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().parse().unwrap();
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    let uptime_s: f64 = uptime.split_whitespace().next().unwrap().parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    (now - uptime_s) * 1000.0 + ticks * 10.0
}

// Memory

/// Groups of the processes of a program with a window: the program itself, WebKit's page and network processes, the
/// database with its keeper, and the engine processes.
pub(super) const PROCESS_GROUPS: [&str; 5] = ["window", "page", "network", "database", "engines"];
const WINDOW: usize = 0;

/// Proportional set size (PSS) of each process group, in MB. It counts memory shared by processes once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Memory(pub(super) [f64; PROCESS_GROUPS.len()]);

impl Memory {
    /// The current memory of the running app.
    pub(super) fn of(app: &TestApp) -> Self {
        let mut memory = Self::default();
        for pid in testing::processes_of(app.data_folder().to_str().unwrap()) {
            memory.0[process_group(pid)] += pss_mb(pid);
        }
        memory
    }

    pub(super) fn all(&self) -> f64 {
        self.0.iter().sum()
    }

    /// The sample with the median sum.
    pub(super) fn median(samples: &[Self]) -> Self {
        let mut sorted = samples.to_vec();
        sorted.sort_by(|a, b| a.all().total_cmp(&b.all()));
        sorted[sorted.len() / 2]
    }
}

fn process_group(pid: i32) -> usize {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mode = String::from_utf8_lossy(&line).split('\0').nth(1).unwrap_or_default().to_owned();
    match (name.trim_end(), mode.as_str()) {
        (name, _) if name.starts_with("WebKitWeb") => 1,
        (name, _) if name.starts_with("WebKitNet") => 2,
        ("postgres" | "initdb", _) | (_, "database-server") => 3,
        (_, "engine") => 4,
        _ => WINDOW,
    }
}

/// The PSS of a process; 0 if it has ended.
fn pss_mb(pid: i32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let kb = text
        .lines()
        .find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix("kB")?.trim().parse().ok());
    kb.unwrap_or(0.0_f64) / 1024.0
}

// Frames

/// Milliseconds between successive animation frames.
#[derive(Debug, Clone, Default)]
pub(super) struct FrameTimes(Vec<f64>);

impl FrameTimes {
    pub(super) fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    /// The frame time that this share of the frames does not exceed.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[((sorted.len() - 1) as f64 * share).round() as usize]
    }

    /// The percentage of frames that took longer than two frames at 60 Hz.
    pub(super) fn late(&self) -> f64 {
        let late = self.0.iter().filter(|ms| **ms > 33.4).count();
        late as f64 * 100.0 / self.0.len() as f64
    }
}

/// Time between two scroll steps, as of a wheel that is turned fast.
const STEP_MS: u32 = 50;
const SCROLLING_MS: u32 = 5_000;

/// Scrolls the element that matches `selector` for [`SCROLLING_MS`], `step` pixels at a time, and returns the frame
/// times.
pub(super) async fn measure_scrolling(app: &TestApp, selector: &str, step: u32) -> FrameTimes {
    let script = "const [selector, step, everyMs, forMs, done] = arguments;
        const scroller = document.querySelector(selector);
        scroller.scrollTop = 0;
        const frames = [];
        let began = null, last = 0, stepped = 0;
        const frame = (now) => {
            if (began === null) began = now; else frames.push(now - last);
            last = now;
            if (now - stepped >= everyMs) { scroller.scrollTop += step; stepped = now }
            if (now - began < forMs) requestAnimationFrame(frame);
            else done({ frames, top: scroller.scrollTop });
        };
        setTimeout(() => requestAnimationFrame(frame), 300)";
    let arguments = vec![json!(selector), json!(step), json!(STEP_MS), json!(SCROLLING_MS)];
    let answer = app.page().execute_async(script, arguments).await.unwrap();
    let answer: &Value = answer.json();
    assert!(
        answer["top"].as_f64().unwrap() > 20.0 * f64::from(step),
        "it does not scroll: {}",
        answer["top"]
    );
    FrameTimes(answer["frames"].as_array().unwrap().iter().map(|ms| ms.as_f64().unwrap()).collect())
}

/// Clicks the meeting with this title and returns the milliseconds until its first segments are drawn.
pub(super) async fn measure_opening(app: &TestApp, title: &str) -> f64 {
    let script = "const [title, done] = arguments;
        const row = [...document.querySelectorAll('[role=option]')].find((row) => row.textContent.includes(title));
        const began = performance.now();
        row.click();
        const look = () => {
            if (!document.querySelector('.scroller [data-index=\"0\"] p')) return requestAnimationFrame(look);
            requestAnimationFrame(() => done(performance.now() - began));
        };
        requestAnimationFrame(look)";
    let took = app.page().execute_async(script, vec![json!(title)]).await.unwrap();
    took.json().as_f64().unwrap()
}

/// Puts this many rows of text into the page, all at once, and returns the milliseconds until they are drawn.
pub(super) async fn measure_rows(app: &TestApp, rows: usize, text: &str) -> f64 {
    let script = "const [rows, text, done] = arguments;
        const words = text.split(' ');
        const began = performance.now();
        const list = document.createElement('div');
        for (let row = 0; row < rows; row++) {
            const from = row % (words.length - 11);
            const line = document.createElement('p');
            const time = document.createElement('small');
            time.textContent = new Date(row * 2400).toISOString().slice(11, 19) + ' ';
            line.append(time, words.slice(from, from + 2 + (row * 7) % 10).join(' '));
            list.append(line);
        }
        document.body.replaceChildren(list);
        requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)))";
    let took = app.page().execute_async(script, vec![json!(rows), json!(text)]).await.unwrap();
    took.json().as_f64().unwrap()
}
