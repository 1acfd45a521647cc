//! Speech models and versions of transcripts, as a person meets them.
//!
//! The model is the small one of `../shared/models` that knows only the phrases of `../shared/audio`, from a server of
//! the test. Without `../shared` a made-up file takes its place as far as that goes.

use crate::journeys::{find, id, open_row, status};
use crate::stage::{DEADLINE, Stage};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testing::{Prerequisite, samples, shared, shared_is_there, silence, write_wav};
use thirtyfour::prelude::*;

/// What the model is called in commands, and for people.
const MODEL: &str = "phrases-F16";
const TITLE: &str = "Phrases";
const INCLUDED: &str = "Whisper base";

// A server of models

/// How the server answers from now on.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// As a good host does.
    Well,
    /// A third of the file at once, the rest so slowly that nobody waits for it.
    Slowly,
    /// It has no such file.
    NotThere,
    /// With something else of the same size.
    Wrong,
}

/// A host of one file on this computer.
struct Mirror {
    port: u16,
    way: Arc<Mutex<Way>>,
    /// The first byte that each request asked for.
    asked: Arc<Mutex<Vec<usize>>>,
    sent: Arc<AtomicU64>,
    closing: Arc<AtomicBool>,
}

impl Mirror {
    fn of(content: Vec<u8>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mirror = Self {
            port: listener.local_addr().unwrap().port(),
            way: Arc::new(Mutex::new(Way::Well)),
            asked: Arc::default(),
            sent: Arc::default(),
            closing: Arc::default(),
        };
        let content = Arc::new(content);
        let (way, asked) = (Arc::clone(&mirror.way), Arc::clone(&mirror.asked));
        let (sent, closing) = (Arc::clone(&mirror.sent), Arc::clone(&mirror.closing));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if closing.load(Ordering::SeqCst) {
                    break;
                }
                let (content, asked, sent) = (Arc::clone(&content), Arc::clone(&asked), Arc::clone(&sent));
                let way = *way.lock().unwrap();
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let from = first_byte(&stream);
                    asked.lock().unwrap().push(from);
                    // The other side may have had enough.
                    let _ = answer(&mut stream, way, &content, from, &sent);
                    let _ = stream.shutdown(Shutdown::Write);
                    let _ = std::io::copy(&mut stream, &mut std::io::sink());
                });
            }
        });
        mirror
    }

    fn host(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn goes(&self, way: Way) {
        *self.way.lock().unwrap() = way;
    }

    fn asked(&self) -> Vec<usize> {
        self.asked.lock().unwrap().clone()
    }

    /// Bytes of the file that went out.
    fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// Reads a request; where in the file it begins.
fn first_byte(stream: &TcpStream) -> usize {
    let lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let range = |line: String| {
        line.to_lowercase().strip_prefix("range: bytes=")?.strip_suffix('-')?.parse::<usize>().ok()
    };
    lines.filter_map(range).last().unwrap_or(0)
}

fn answer(
    stream: &mut TcpStream,
    way: Way,
    content: &[u8],
    from: usize,
    sent: &AtomicU64,
) -> std::io::Result<()> {
    if way == Way::NotThere {
        return write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let all = content.len();
    let status = match from {
        0 => "200 OK".to_owned(),
        from => format!("206 Partial Content\r\nContent-Range: bytes {from}-{}/{all}", all - 1),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nETag: \"one\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        all - from
    )?;
    for (number, piece) in content[from..].chunks(all.div_ceil(300)).enumerate() {
        match way {
            Way::Wrong => stream.write_all(&vec![b'x'; piece.len()])?,
            _ => stream.write_all(piece)?,
        }
        sent.fetch_add(piece.len() as u64, Ordering::SeqCst);
        if way == Way::Slowly && number > 100 {
            std::thread::sleep(Duration::from_millis(500));
        }
    }
    stream.flush()
}

/// A window whose catalogue has one more model, from this mirror. `None` of the model: a file was made up.
fn with_catalogue() -> (Stage, Mirror, Option<PathBuf>) {
    let model = if shared_is_there() { fixture() } else { None };
    let content = match &model {
        Some(path) => fs::read(path).unwrap(),
        None => (0..3_000_000_u32).flat_map(|number| number.to_le_bytes()).collect(),
    };
    let mut stage = Stage::new();
    let file = stage.documents().join("content");
    fs::write(&file, &content).unwrap();
    let told = Command::new("sha256sum").arg(&file).output().unwrap();
    let sha256 = String::from_utf8(told.stdout).unwrap()[..64].to_owned();
    fs::remove_file(&file).unwrap();
    let (byte_size, mirror) = (content.len(), Mirror::of(content));
    let catalogue = json!({ "format": 1, "as_of": "2026-08-17", "hosts": [mirror.host()], "models": [{
        "slug": "phrases", "title": TITLE, "family": "Whisper", "architecture": "whisper",
        "parameters_millions": 9, "languages": ["en"],
        "capabilities":
            { "translates": false, "detects_language": false, "streams": false, "timestamps": "segment" },
        "licence": "MIT", "hub_id": "tests/phrases",
        "files": [{
            "file_name": format!("{MODEL}.gguf"), "quantisation": "F16",
            "byte_size": byte_size, "sha256": sha256,
        }],
    }]});
    let path = stage.documents().join("catalogue.json");
    fs::write(&path, catalogue.to_string()).unwrap();
    stage.set("MEETMEMO_MODEL_CATALOGUE", path);
    // Windows come in their order, and last long enough to be watched.
    stage.set("MEETMEMO_DECODERS", "1");
    (stage, mirror, model)
}

/// The model of the project's own, as [`shared`].
fn fixture() -> Option<PathBuf> {
    shared("models/fixture-whisper.gguf")
}

/// So many seconds of what the model knows.
fn phrases(path: &Path, seconds: usize) {
    let audio = shared("audio").unwrap();
    let parts = ["meeting/panel-5-speakers.wav", "speech/two-cities.wav", "speech/jfk.wav"];
    let parts = parts.map(|name| [samples(&audio.join(name)), silence(0.8)].concat());
    let wanted = seconds * 32_000;
    let mut all: Vec<u8> = Vec::new();
    for part in parts.iter().cycle() {
        if all.len() >= wanted {
            break;
        }
        all.extend_from_slice(part);
    }
    all.truncate(wanted);
    write_wav(path, &all);
}

// The model room

async fn open_room(stage: &Stage) {
    stage.click("Speech models").await;
    stage.until("the speech models are shown", async || heading(stage).await == "Speech models").await;
    stage.element("li[data-model]").await;
}

async fn heading(stage: &Stage) -> String {
    let heading = "return document.querySelector('h1')?.textContent.trim() ?? ''";
    stage.script(heading, vec![]).await.as_str().unwrap_or_default().to_owned()
}

/// How a model is, as its card has it; empty if there is no card.
async fn state(stage: &Stage, model: &str) -> String {
    let state = "return document.querySelector(`li[data-model='${arguments[0]}']`)?.dataset.state ?? ''";
    stage.script(state, vec![model.into()]).await.as_str().unwrap_or_default().to_owned()
}

async fn until_state(stage: &Stage, model: &str, wanted: &str) {
    let what = format!("{model} is {wanted}");
    stage.until(&what, async || state(stage, model).await == wanted).await;
}

/// All that the card of a model says.
async fn card(stage: &Stage, model: &str) -> String {
    let text = "return document.querySelector(`li[data-model='${arguments[0]}']`)?.innerText ?? ''";
    stage.script(text, vec![model.into()]).await.as_str().unwrap_or_default().to_owned()
}

async fn until_card_says(stage: &Stage, model: &str, text: &str) {
    let what = format!("the card of {model} says “{text}”");
    stage.until(&what, async || card(stage, model).await.contains(text)).await;
}

// The meeting

/// Lines of the transcript; only some of them are in the page.
async fn lines(stage: &Stage) -> u64 {
    let count = "return Number(document.querySelector('[role=list] [aria-setsize]')?.getAttribute('aria-setsize') ?? 0)";
    stage.script(count, vec![]).await.as_u64().unwrap()
}

/// The facts below the title.
async fn facts(stage: &Stage) -> String {
    let text = "return document.querySelector('.meeting .facts')?.innerText ?? ''";
    stage.script(text, vec![]).await.as_str().unwrap_or_default().to_owned()
}

async fn count(stage: &Stage, selector: &str) -> u64 {
    let count = "return document.querySelectorAll(arguments[0]).length";
    stage.script(count, vec![selector.into()]).await.as_u64().unwrap()
}

/// Chooses among the radio buttons of the dialog.
async fn choose_model(stage: &Stage, title: &str) {
    let path = format!("//*[@role='dialog']//label[starts-with(normalize-space(.), \"{title}\")]//input");
    let wait = Duration::from_millis(100);
    let radio = stage.page().query(By::XPath(path)).wait(DEADLINE, wait).first().await.unwrap();
    radio.click().await.unwrap();
}

/// The words of the current version, small and without signs.
fn said(stage: &Stage, file: &str) -> String {
    let meeting = stage.cli(&["show", &id(stage, file)]);
    let segments = meeting["transcript"]["segments"].as_array().unwrap().clone();
    let text: Vec<&str> = segments.iter().map(|segment| segment["text"].as_str().unwrap()).collect();
    plain(&text.join(" "))
}

fn plain(text: &str) -> String {
    let words = text.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    words.collect::<Vec<_>>().join(" ").to_lowercase()
}

fn versions(stage: &Stage, file: &str) -> Vec<Value> {
    stage.cli(&["versions", &id(stage, file)]).as_array().unwrap().clone()
}

/// The same with the card of the model in the middle.
async fn look_over_card(stage: &Stage, name: &str) {
    let middle =
        "document.querySelector(`li[data-model='${arguments[0]}']`).scrollIntoView({ block: 'center' })";
    stage.script(middle, vec![MODEL.into()]).await;
    look_over(stage, name).await;
}

/// Looks for what is wrong with what is shown, and keeps a picture of it, also of a small window.
async fn look_over(stage: &Stage, name: &str) {
    stage.picture(name).await;
    assert_eq!(stage.complaints().await, [""; 0], "{name}");
    if std::env::var_os("MEETMEMO_PICTURES").is_none() {
        return;
    }
    resize(stage, (900, 600)).await;
    stage.picture_of(&format!("{name}-small"), (900, 600));
    resize(stage, (1280, 800)).await;
}

async fn resize(stage: &Stage, (width, height): (u32, u32)) {
    let windows = stage.screen.hands(&["search", "--onlyvisible", "--name", "^MeetMemo$"]);
    let window = windows.lines().last().unwrap().to_owned();
    stage.screen.hands(&["windowsize", "--sync", &window, &width.to_string(), &height.to_string()]);
    let (inside, size) = ("return [innerWidth, innerHeight]", json!([width, height]));
    stage.until("it has the size", async || stage.script(inside, vec![]).await == size).await;
}

#[tokio::test]
async fn a_model_is_installed_from_a_mirror_and_beside_the_included_one_it_makes_the_better_version() {
    let (mut stage, mirror, model) = with_catalogue();
    stage.open(&[]).await;

    // The way there is a hint.
    stage.sees("Ready in 99 languages. For fewer mistakes,").await;
    stage.click("choose a larger model").await;
    until_state(&stage, MODEL, "available").await;
    assert_eq!(heading(&stage).await, "Speech models");
    look_over(&stage, "models-1-room").await;
    for size in [(900, 600), (1280, 800)] {
        resize(&stage, size).await;
        let over = "const parts = [...document.querySelectorAll('.room .body > .column > *')]
            .flatMap((part) => [...part.children].map((child) => [part, child.getBoundingClientRect().bottom]))
            return parts.filter(([part, bottom]) => bottom > part.getBoundingClientRect().bottom + 1)
                .map(([part]) => part.className)";
        assert_eq!(
            stage.script(over, vec![]).await,
            json!([]),
            "nothing lies over what follows, at {size:?}"
        );
    }

    // It comes, is stopped, and goes on where it was.
    mirror.goes(Way::Slowly);
    stage.click(&format!("Install {TITLE}")).await;
    until_state(&stage, MODEL, "downloading").await;
    let of = if model.is_some() { " of 19 MB" } else { " of 12 MB" };
    until_card_says(&stage, MODEL, of).await;
    stage
        .until("it says how fast it comes and what is left", async || {
            let card = card(&stage, MODEL).await;
            card.contains("MB/s") && card.contains(" left")
        })
        .await;
    let first = card(&stage, MODEL).await;
    stage.until("the figure changes", async || card(&stage, MODEL).await != first).await;
    look_over_card(&stage, "models-2-downloading").await;
    stage.click(&format!("Stop {TITLE}")).await;
    until_state(&stage, MODEL, "paused").await;
    until_card_says(&stage, MODEL, "Stopped at").await;
    look_over_card(&stage, "models-3-paused").await;
    let Some(model) = model else {
        Prerequisite::Shared.skip();
        return stage.close().await;
    };
    let size = fs::metadata(&model).unwrap().len();
    let sent = mirror.sent();
    mirror.goes(Way::Well);
    stage.click(&format!("Continue {TITLE}")).await;
    until_state(&stage, MODEL, "installed").await;
    stage.sees(&format!("{TITLE} is installed.")).await;
    let asked = mirror.asked();
    assert!(asked.len() == 2 && asked[0] == 0 && asked[1] as u64 > size / 4, "{asked:?}");
    assert_eq!(mirror.sent() - sent, size - asked[1] as u64, "only the rest was sent");
    stage.click(&format!("Use for new recordings: {TITLE}")).await;
    stage.sees(&format!("New recordings are transcribed with {TITLE}, in English.")).await;
    look_over_card(&stage, "models-4-in-use").await;

    // A long recording: text comes as it works.
    let long = stage.documents().join("Long panel.wav");
    phrases(&long, 360);
    stage.cli(&["import", long.to_str().unwrap()]);
    stage.sees("Long panel").await;
    open_row(&stage, "Long panel").await;
    stage.until("text arrives", async || lines(&stage).await > 0).await;
    let early = lines(&stage).await;
    stage.until("more arrives", async || lines(&stage).await > early).await;
    stage.picture("models-5-working").await;

    // Cancelled, it is no failure, and it goes on where it was.
    stage.click("Cancel").await;
    stage.sees("Stopped at").await;
    assert_eq!(find(&stage, "Long panel.wav")["workflow_state"], "cancelled");
    let before = lines(&stage).await;
    assert!(before > early, "what was done is kept");
    assert_eq!(count(&stage, ".meeting .notice.danger").await, 0, "it is no failure");
    look_over(&stage, "models-6-stopped").await;
    stage.click("Continue").await;
    stage.until("it is transcribed", async || status(&stage, "Long panel.wav") == "completed").await;
    stage.until("all its text is there", async || lines(&stage).await > before).await;
    stage.sees_no("Transcribing").await;
    stage.until("the head names the model", async || facts(&stage).await.contains(TITLE)).await;
    assert_eq!(versions(&stage, "Long panel.wav").len(), 1, "it is the same version");

    // A short one, by the window; then again with the other engine.
    let short = stage.documents().join("Panel on reading.wav");
    phrases(&short, 50);
    stage.click("Add recordings").await;
    stage.answer_dialog("Add recordings", &short).await;
    stage.sees("Panel on reading").await;
    stage.until("it is transcribed", async || status(&stage, "Panel on reading.wav") == "completed").await;
    open_row(&stage, "Panel on reading").await;
    let good = said(&stage, "Panel on reading.wav");
    assert!(good.contains("my fellow americans"), "{good}");
    stage.sees("my fellow Americans,").await;
    stage.click("More").await;
    stage.click("Transcribe again…").await;
    stage.sees("Transcribe “Panel on reading” again").await;
    stage.sees("The text there is now stays as an older version.").await;
    choose_model(&stage, INCLUDED).await;
    look_over(&stage, "models-7-again").await;
    stage.click("Transcribe again").await;
    stage.until("the head names the other engine", async || facts(&stage).await.contains(INCLUDED)).await;
    stage
        .until("it is transcribed again", async || status(&stage, "Panel on reading.wav") == "completed")
        .await;
    stage.sees_no("Transcribing").await;
    let draft = said(&stage, "Panel on reading.wav");
    assert!(!draft.is_empty() && !draft.contains("my fellow americans"), "{draft}");

    // Versions, side by side.
    stage.click("Versions").await;
    let pane = stage.element("aside[aria-labelledby]").await;
    stage.until("there are two", async || count(&stage, "aside ol > li").await == 2).await;
    let pane_says = pane.text().await.unwrap();
    for wanted in ["Version 2", "Version 1", "Current", INCLUDED, TITLE] {
        assert!(pane_says.contains(wanted), "{wanted}: {pane_says}");
    }
    look_over(&stage, "models-8-versions").await;
    stage.click("Look at version 1").await;
    stage.sees(&format!("Version 1, {TITLE}.")).await;
    stage.sees("my fellow Americans,").await;
    look_over(&stage, "models-9-older").await;
    stage.click("Back to the current version").await;
    stage.sees_no("my fellow Americans,").await;
    stage.click("Compare with current: version 1").await;
    stage.element("section[aria-label='Version 1 beside version 2']").await;
    stage
        .until("what differs is marked on both sides", async || {
            count(&stage, ".compare del").await > 0 && count(&stage, ".compare ins").await > 0
        })
        .await;
    stage.click("Close versions").await;
    look_over(&stage, "models-10-compare").await;
    stage.click("Next change").await;
    stage.until("the first change is gone to", async || count(&stage, ".compare .at").await == 1).await;
    let position = "return document.querySelector('.compare [role=status]').innerText.trim()";
    let first = stage.script(position, vec![]).await.as_str().unwrap().to_owned();
    assert!(first.starts_with("1 of "), "{first}");
    stage.element("body").await.send_keys("n").await.unwrap();
    stage
        .until("the next one is gone to", async || {
            stage.script(position, vec![]).await.as_str().unwrap().starts_with("2 of ")
        })
        .await;
    let changes: u64 = first.strip_prefix("1 of ").unwrap().parse().unwrap();
    let rows =
        "[...document.querySelectorAll('.compare [aria-setsize]')].at(-1)?.getAttribute('aria-setsize')";
    let rows = format!("return Number({rows} ?? 0)");
    assert!(stage.script(&rows, vec![]).await.as_u64().unwrap() >= changes);
    stage.element(".compare input[type=checkbox]").await.click().await.unwrap();
    stage
        .until("only rows with changes are left", async || {
            stage.script(&rows, vec![]).await.as_u64().unwrap() == changes
                && count(&stage, ".compare [aria-setsize] .row:not(.changed)").await == 0
        })
        .await;
    look_over(&stage, "models-11-only-changes").await;

    // Back to the better one, in the window and in what leaves it.
    stage.click("Make this one current: version 1").await;
    stage
        .until("version 1 is current", async || {
            versions(&stage, "Panel on reading.wav")
                .iter()
                .all(|version| version["current"] == (version["number"] == 1))
        })
        .await;
    stage.click("Back to the transcript").await;
    stage.sees("my fellow Americans,").await;
    stage.until("the head names the model", async || facts(&stage).await.contains(TITLE)).await;
    assert_eq!(said(&stage, "Panel on reading.wav"), good);
    look_over(&stage, "models-12-back").await;
    let target = stage.documents().join("panel ü.md");
    stage.click("Export").await;
    stage.click("Markdown text").await;
    stage.answer_dialog("Save the transcript", &target).await;
    stage.until("the file is there", async || target.exists()).await;
    stage.sees("Show in folder").await;
    let markdown = plain(&fs::read_to_string(&target).unwrap());
    assert!(markdown.contains("my fellow americans"), "{markdown}");
    stage.close().await;
}

#[tokio::test]
async fn a_model_file_of_the_users_own_is_used_where_it_lies_and_stays_when_it_is_removed() {
    let Some(model) = fixture() else { return };
    let mut stage = Stage::new();
    stage.open(&[]).await;
    stage.sees("Drop recordings here").await;
    open_room(&stage).await;
    let own = stage.documents().join("Panel words.gguf");
    fs::copy(&model, &own).unwrap();
    stage.click("Add a model file…").await;
    stage.click("Use it where it is").await;
    stage.answer_dialog("Add a speech model", &own).await;
    stage.sees("Used where it lies.").await;
    let added = stage.cli(&["models", "list"])["models"].clone();
    let added = added.as_array().unwrap().iter().find(|model| model["source"] == "imported").unwrap();
    let (id, title) = (added["id"].as_str().unwrap(), added["title"].as_str().unwrap());
    until_state(&stage, id, "installed").await;
    stage.sees(&format!("{title} is installed.")).await;
    look_over(&stage, "own-1-linked").await;
    stage.click(&format!("Remove {title}…")).await;
    stage.sees(&format!("Remove {title}?")).await;
    stage.sees("The file itself stays where it is.").await;
    look_over(&stage, "own-2-remove").await;
    stage.click("Remove").await;
    stage.until("its card is gone", async || state(&stage, id).await.is_empty()).await;
    assert!(fs::read(&own).unwrap() == fs::read(&model).unwrap(), "the user's file stays");
    let left = stage.cli(&["models", "list"])["models"].clone();
    assert!(left.as_array().unwrap().iter().all(|model| model["id"] != id), "{left}");
    stage.close().await;
}

#[tokio::test]
async fn a_file_that_is_no_model_is_refused_with_a_sentence_that_names_it() {
    let mut stage = Stage::new();
    stage.open(&[]).await;
    stage.sees("Drop recordings here").await;
    open_room(&stage).await;
    let before = count(&stage, "li[data-model]").await;
    for item in ["Copy it here", "Use it where it is"] {
        let name = format!("{}.gguf", item.split(' ').next().unwrap());
        let text = stage.documents().join(&name);
        fs::write(&text, "not a model at all").unwrap();
        stage.click("Add a model file…").await;
        stage.click(item).await;
        stage.answer_dialog("Add a speech model", &text).await;
        stage.sees(&format!("{name}: ")).await;
        assert!(text.exists());
    }
    look_over(&stage, "refused").await;
    assert_eq!(count(&stage, "li[data-model]").await, before);
    stage.close().await;
}

#[tokio::test]
async fn a_meeting_whose_model_is_gone_says_so_and_offers_the_others() {
    let Some(model) = fixture() else { return };
    let mut stage = Stage::new();
    let file = stage.documents().join("Waiting.wav");
    phrases(&file, 12);
    // It waits for a program that works, and meanwhile its model goes.
    let added = stage.cli(&["models", "add", model.to_str().unwrap()]);
    let model = added["id"].as_str().unwrap();
    stage.cli(&["import", "--model", model, file.to_str().unwrap()]);
    assert_eq!(status(&stage, "Waiting.wav"), "pending");
    stage.cli(&["models", "remove", model]);

    stage.open(&[]).await;
    stage.sees("Waiting").await;
    stage.until("it has failed", async || status(&stage, "Waiting.wav") == "failed").await;
    open_row(&stage, "Waiting").await;
    stage.sees(model).await;
    let why = find(&stage, "Waiting.wav")["error_message"].as_str().unwrap().to_owned();
    println!("it says: {why}");
    assert!(why.contains(model) && why.contains("not"), "{why}");
    stage.sees(&why).await;
    look_over(&stage, "gone-1-failed").await;
    stage.click("Choose another model…").await;
    stage.sees("Transcribe “Waiting” again").await;
    stage.sees(&format!("{model} is not on this computer any more.")).await;
    choose_model(&stage, INCLUDED).await;
    look_over(&stage, "gone-2-choose").await;
    stage.click("Transcribe again").await;
    stage.until("it is transcribed", async || status(&stage, "Waiting.wav") == "completed").await;
    stage.until("the head names the engine", async || facts(&stage).await.contains(INCLUDED)).await;
    stage.until("its text is there", async || lines(&stage).await > 0).await;
    assert_eq!(count(&stage, ".meeting .notice.danger").await, 0);
    stage.close().await;
}

#[tokio::test]
async fn a_download_that_fails_says_why_and_one_that_is_killed_goes_on() {
    let (mut stage, mirror, model) = with_catalogue();
    stage.open(&[]).await;
    stage.sees("Drop recordings here").await;
    open_room(&stage).await;

    mirror.goes(Way::NotThere);
    stage.click(&format!("Install {TITLE}")).await;
    until_state(&stage, MODEL, "failed").await;
    until_card_says(&stage, MODEL, "does not have it any more").await;
    look_over_card(&stage, "failing-1-not-there").await;

    mirror.goes(Way::Wrong);
    stage.click(&format!("Try again with {TITLE}")).await;
    until_card_says(&stage, MODEL, "is not the file that is expected").await;
    until_state(&stage, MODEL, "failed").await;
    look_over_card(&stage, "failing-2-wrong").await;

    mirror.goes(Way::Slowly);
    stage.click(&format!("Try again with {TITLE}")).await;
    until_state(&stage, MODEL, "downloading").await;
    let part = stage.data().join("models").join(format!("{MODEL}.gguf.part"));
    let come = || fs::metadata(&part).map_or(0, |file| file.len());
    stage.until("a part is here", async || come() > 3_000_000).await;
    stage.crash();
    let asked = mirror.asked().len();

    stage.open(&[]).await;
    stage.sees("Drop recordings here").await;
    open_room(&stage).await;
    until_state(&stage, MODEL, "paused").await;
    until_card_says(&stage, MODEL, "Stopped at").await;
    if model.is_none() {
        Prerequisite::Shared.skip();
        return stage.close().await;
    }
    mirror.goes(Way::Well);
    stage.click(&format!("Continue {TITLE}")).await;
    until_state(&stage, MODEL, "installed").await;
    let asked = mirror.asked()[asked..].to_vec();
    assert!(asked.len() == 1 && asked[0] >= 3_000_000, "only the rest is asked for: {asked:?}");
    assert!(!part.exists());
    stage.close().await;
}
