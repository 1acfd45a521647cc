//! Compares backups of a large archive with `tar` and `sha256sum` of the same audio, in one run.

use super::process_cost::{Measurement, run_measured, wait_for_processes};
use super::{median, remove, rounded, timed, verdict, write_json};
use crate::args::Bench;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;
use store::managed::KeeperCommand;
use store::{JobId, LibraryId, NewJob};
use xtask::app::App;

/// Bytes of the audio of one meeting: a minute of speech as AAC, or three of Opus.
const AUDIO_BYTES: usize = 1 << 20;
/// Segments of one meeting: ten minutes.
const SEGMENTS: i32 = 150;
/// Longest first backup without its check, relative to reading and hashing the same files.
const GOAL_FIRST: f64 = 1.2;
/// The same with its check.
const GOAL_CHECKED: f64 = 2.2;
/// Longest unchanged second backup of a thousand meetings, in seconds.
const GOAL_SECOND_S: f64 = 2.0;
/// Pause after files were removed.
const PAUSE: Duration = Duration::from_secs(8);
/// Most memory of the command, in MB.
const GOAL_MEMORY_MB: f64 = 100.0;

/// Runs the benchmark; returns whether all goals were met.
pub(super) fn run(app: &App, folder: &Path, options: &Bench) -> Result<bool> {
    let data = folder.join(format!("archive-{}", options.files));
    let app = app.with_data(&data);
    make_archive(&app, &data, options.files)?;
    let (place, library) = (folder.join("backup"), data.join("library"));
    let (mut tar_s, mut hash_s) = (Vec::new(), Vec::new());
    let (mut first, mut checked, mut second, mut file) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 1..=options.repetitions {
        println!("bench backup: round {round} of {}", options.repetitions);
        tar_s.push(tar(&library, &folder.join("library.tar"))?);
        hash_s.push(hash(&library)?);
        // Nothing is removed between two measurements: file systems are slow for seconds after many files were.
        let (unchecked, whole, tar_file) =
            (place.join("unchecked"), place.join("checked"), place.join("one.tar"));
        fs::create_dir_all(&place).with_context(|| format!("could not create {}", place.display()))?;
        first.push(back_up(&app, &data, &unchecked, &["--no-check"])?);
        checked.push(back_up(&app, &data, &whole, &[])?);
        second.push(back_up(&app, &data, &whole, &[])?);
        file.push(back_up(&app, &data, &tar_file, &["--no-check"])?);
        remove(&place)?;
        thread::sleep(PAUSE);
    }
    let seconds = |all: &[Measurement]| median(&all.iter().map(|one| one.cost.wall_s).collect::<Vec<_>>());
    let peer = median(&tar_s) + median(&hash_s);
    let memory_kb = first.iter().chain(&checked).chain(&second).chain(&file).map(|one| one.peak.app_kb).max();
    let memory_mb = memory_kb.unwrap_or_default() as f64 / 1024.0;
    println!(
        "\n{} meetings, {} MB of audio",
        options.files,
        u64::from(options.files) * (AUDIO_BYTES as u64 >> 20)
    );
    let row = |name: &str, seconds: f64| println!("{name:<34}{seconds:>9.2} s   {:.2} ×", seconds / peer);
    row("tar, sync", median(&tar_s));
    row("sha256sum", median(&hash_s));
    row("first backup, not checked", seconds(&first));
    row("first backup, checked", seconds(&checked));
    row("unchanged second backup", seconds(&second));
    row("backup in one file, not checked", seconds(&file));
    println!("{:<34}{memory_mb:>9.0} MB", "memory of the command, most");
    let goal_second = GOAL_SECOND_S * (f64::from(options.files) / 1000.0).max(0.5);
    let verdicts = [
        verdict("first backup ÷ (tar + sha256sum)", seconds(&first) / peer, GOAL_FIRST),
        verdict("checked first backup ÷ (tar + sha256sum)", seconds(&checked) / peer, GOAL_CHECKED),
        verdict("seconds of an unchanged second backup", seconds(&second), goal_second),
        verdict("MB of memory", memory_mb, GOAL_MEMORY_MB),
    ];
    verdicts.iter().for_each(|(_, sentence)| println!("{sentence}"));
    let met = verdicts.iter().all(|(met, _)| *met);
    write_json(
        &folder.join("backup.json"),
        &json!({
            "meetings": options.files,
            "tar_seconds": rounded(median(&tar_s)),
            "sha256sum_seconds": rounded(median(&hash_s)),
            "first_seconds": rounded(seconds(&first)),
            "checked_seconds": rounded(seconds(&checked)),
            "second_seconds": rounded(seconds(&second)),
            "file_seconds": rounded(seconds(&file)),
            "memory_mb": rounded(memory_mb),
            "met": met,
        }),
    )?;
    Ok(met)
}

fn back_up(app: &App, data: &Path, place: &Path, options: &[&str]) -> Result<Measurement> {
    let mut command = app.command();
    command
        .arg("backup")
        .arg(place)
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    run_measured(&mut command, Some(data))
}

fn tar(library: &Path, to: &Path) -> Result<f64> {
    let packed = timed(Command::new("tar").arg("cf").arg(to).arg("-C").arg(library).arg("."))?;
    let synced = timed(Command::new("sync").arg(to))?;
    fs::remove_file(to).context("the archive of tar could not be removed")?;
    Ok((packed + synced).as_secs_f64())
}

fn hash(library: &Path) -> Result<f64> {
    let files = audio_files(library)?;
    Ok(timed(Command::new("sha256sum").arg("--").args(files).stdout(Stdio::null()))?.as_secs_f64())
}

fn audio_files(library: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(library).context("the library could not be listed")? {
        let file = entry?.path().join("audio.wav");
        if file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// Makes an archive of `meetings` meetings with rows in every table, unless an earlier run has made it.
fn make_archive(app: &App, data: &Path, meetings: u32) -> Result<()> {
    let done = data.join("made");
    if done.exists() {
        return Ok(());
    }
    println!("bench backup: making {meetings} meetings");
    remove(data)?;
    fs::create_dir_all(data).with_context(|| format!("could not create {}", data.display()))?;
    app.json(app.command().args(["list", "--json"])).context("the new data folder could not be prepared")?;
    let library_id = fs::read_to_string(data.join("library/library-id")).context("the library has no id")?;
    let library: LibraryId = library_id.trim().parse().context("the id of the library is not valid")?;
    let ids: Vec<JobId> = (0..meetings).map(|_| JobId::new()).collect();
    for id in &ids {
        let folder = data.join("library").join(id.to_string());
        fs::create_dir(&folder)?;
        fs::write(folder.join("audio.wav"), audio(*id))?;
    }
    let recordings = ids
        .iter()
        .zip(hashes(&data.join("library"), &ids)?)
        .enumerate()
        .map(|(number, (id, hash))| recording(number, *id, hash, library))
        .collect::<Vec<_>>();
    let keeper = KeeperCommand {
        program: PathBuf::from(app.command().get_program()),
        arguments: vec!["database-server".to_owned()],
    };
    let runtime = tokio::runtime::Runtime::new().context("no runtime could be started")?;
    runtime.block_on(async {
        let store = store::testing::open_managed(&data.join("database"), keeper).await?;
        for part in recordings.chunks(100) {
            store::testing::insert_meetings(&store, part, SEGMENTS).await?;
        }
        anyhow::Ok(())
    })?;
    runtime.shutdown_background();
    wait_for_processes(Some(data))?;
    fs::write(done, "")?;
    Ok(())
}

/// Bytes that no other meeting has and that do not compress, after a plain header.
fn audio(id: JobId) -> Vec<u8> {
    let mut state = id.uuid().as_u128() as u64 | 1;
    let mut bytes = Vec::with_capacity(AUDIO_BYTES);
    while bytes.len() < AUDIO_BYTES {
        // Xorshift (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes
}

/// The SHA-256 of the audio of each meeting, as `sha256sum` prints it.
fn hashes(library: &Path, ids: &[JobId]) -> Result<Vec<String>> {
    let files = ids.iter().map(|id| library.join(id.to_string()).join("audio.wav"));
    let output = Command::new("sha256sum").arg("--").args(files).output().context("sha256sum is missing")?;
    let text = String::from_utf8(output.stdout).context("sha256sum printed no text")?;
    let hashes: Vec<String> = text.lines().filter_map(|line| Some(line.get(..64)?.to_owned())).collect();
    if hashes.len() != ids.len() {
        bail!("sha256sum printed {} hashes for {} files", hashes.len(), ids.len());
    }
    Ok(hashes)
}

fn recording(number: usize, id: JobId, file_hash: String, library: LibraryId) -> NewJob {
    NewJob {
        id,
        file_name: format!("meeting {number:04}.wav"),
        file_path: format!("{id}/audio.wav"),
        file_hash,
        duration_ms: Some(i64::from(SEGMENTS) * 4_000),
        recorded_at: None,
        recorded_offset_s: None,
        byte_size: AUDIO_BYTES as i64,
        media_format: "WAV".to_owned(),
        library_id: library,
        requested_language: None,
        requested_model: None,
        requested_translate: false,
        requested_vocabulary: None,
        requested_speakers_min: None,
        requested_speakers_max: None,
    }
}
