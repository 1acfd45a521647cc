//! `cargo xtask corpus`: makes some hundred files of the same speech, in many formats and damaged in many ways, and checks
//! that `crates/media` decodes the speech from each.
//!
//! ffmpeg, sox and mkvmerge, which set-up installs, make the files. `crates/media/examples/compare.rs` decodes and compares
//! them.

mod byte_edits;
mod files;

use crate::args::Corpus;
use anyhow::{Context, Result, bail};
use files::{File, Step};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use xtask::app::{cargo, cargo_for_users};
use xtask::checkout::Checkout;
use xtask::command;

/// Files for timing: name, arguments of ffmpeg.
const TIMED_FILES: &[(&str, &str)] = &[
    ("hour.mp3", "-c:a libmp3lame -b:a 128k"),
    ("hour.m4a", "-c:a aac -b:a 128k"),
    ("hour.flac", "-c:a flac"),
    ("hour.opus", "-c:a libopus -b:a 64k"),
    ("hour.ogg", "-c:a libvorbis -q:a 4"),
    ("hour.wav", "-c:a pcm_s16le"),
];

/// Makes and compares the files; returns whether every difference is explained and every goal met.
pub(crate) fn corpus(checkout: &Checkout, options: &Corpus) -> Result<bool> {
    let folder = options.into.clone().unwrap_or_else(|| checkout.target.join("corpus"));
    let folder =
        std::path::absolute(&folder).with_context(|| format!("{} is not a path", folder.display()))?;
    let sources = Sources::prepare(&folder)?;
    if options.speed {
        return speed(checkout, &folder, &sources);
    }
    let files = files::all().into_iter().step_by(options.part as usize).collect();
    let files = make_all(&folder, &sources, files)?;
    let manifest = folder.join("manifest.tsv");
    let lines: Vec<String> = files.iter().map(line).collect();
    write(&manifest, lines.concat().as_bytes())?;
    println!("corpus: {} files in {}", files.len(), folder.display());
    // A debug build, in which an overflow panics.
    let mut build = cargo(checkout);
    // With the features of the workspace, so that what tests have compiled is used.
    command::run(build.args(["build", "--workspace", "--example", "compare"]))?;
    let program = checkout.target.join("debug/examples/compare");
    let mut compare = Command::new(&program);
    compare.arg("table").args([&manifest, &sources.expected]);
    let mut succeeded = succeeds(&mut compare)?;
    if options.mutations > 0 {
        let mut compare = Command::new(&program);
        compare.arg("mutations").args([&manifest, &sources.expected]);
        compare.args([options.mutations.to_string(), options.seed.to_string()]).arg(folder.join("mutated"));
        succeeded &= succeeds(&mut compare)?;
    }
    Ok(succeeded)
}

fn succeeds(command: &mut Command) -> Result<bool> {
    println!("{}", command::shown(command));
    command::succeeds(command)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("could not write {}", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("could not read {}", path.display()))
}

/// The material that the files are made from.
struct Sources {
    /// Some 25 s of speech at 48 kHz.
    speech: PathBuf,
    /// The same at 16 kHz, as decoding should give it.
    expected: PathBuf,
    cover: PathBuf,
    /// Two chapters in the formats of ffmpeg and of mkvmerge (`ogm`).
    chapters: PathBuf,
    ogm: PathBuf,
    /// Folder for intermediate files.
    parts: PathBuf,
}

impl Sources {
    fn prepare(folder: &Path) -> Result<Self> {
        let parts = folder.join("parts");
        fs::create_dir_all(&parts).with_context(|| format!("could not create {}", parts.display()))?;
        let of = |name: &str| parts.join(name);
        let sources = Self {
            speech: of("speech.wav"),
            expected: of("heard.wav"),
            cover: of("cover.png"),
            chapters: of("chapters.txt"),
            ogm: of("chapters.ogm"),
            parts: parts.clone(),
        };
        // The same samples in every run: no dither.
        let sox = || {
            let mut sox = Command::new("sox");
            sox.args(["-D", "-V1"]);
            sox
        };
        command::output(sox().args(clips()?).args(["-c", "1", "-b", "16"]).arg(&sources.expected))?;
        command::output(
            sox().arg(&sources.expected).arg(&sources.speech).args(["rate", "-v", "48000", "gain", "-1"]),
        )?;
        command::output(
            Command::new("ffmpeg")
                .args(["-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i"])
                // Noise, so that the compressed picture is large.
                .args(["nullsrc=size=500x500,geq=random(1)*255:128:128", "-frames:v", "1"])
                .arg(&sources.cover),
        )?;
        write(
            &sources.chapters,
            b";FFMETADATA1\ntitle=Board, part 2\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=9000\ntitle=One\n\
              [CHAPTER]\nTIMEBASE=1/1000\nSTART=9000\nEND=24000\ntitle=Two\n",
        )?;
        write(
            &sources.ogm,
            b"CHAPTER01=00:00:00.000\nCHAPTER01NAME=One\nCHAPTER02=00:00:09.000\nCHAPTER02NAME=Two\n",
        )?;
        Ok(sources)
    }
}

/// The LibriVox clips of Debian's `pocketsphinx-testdata`.
fn clips() -> Result<Vec<PathBuf>> {
    let files = command::output(Command::new("dpkg").args(["-L", "pocketsphinx-testdata"]))
        .context("the LibriVox clips of Debian's pocketsphinx-testdata were not found")?;
    let clips = files.lines().filter(|file| file.contains("/librivox/") && file.ends_with(".wav"));
    let mut clips: Vec<PathBuf> = clips.map(PathBuf::from).collect();
    if clips.is_empty() {
        bail!("Debian's pocketsphinx-testdata lists no recordings in librivox");
    }
    clips.sort();
    Ok(clips)
}

/// Makes the files; those that cannot be made on this system are printed and left out.
fn make_all(folder: &Path, sources: &Sources, files: Vec<File>) -> Result<Vec<File>> {
    let mut names = BTreeSet::new();
    for file in &files {
        if !names.insert(&file.name) {
            bail!("two files are called {}", file.name);
        }
    }
    let next = AtomicUsize::new(0);
    let failures: Mutex<Vec<(usize, anyhow::Error)>> = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..command::cores() {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(index) else { break };
                    if let Err(error) = make(folder, sources, file) {
                        failures
                            .lock()
                            .expect("no thread panics while it holds the lock")
                            .push((index, error));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no thread panicked");
    for (index, error) in &failures {
        println!("left out: {} cannot be made here: {error:#}", files[*index].name);
    }
    let failed: BTreeSet<usize> = failures.iter().map(|(index, _)| *index).collect();
    Ok(files.into_iter().enumerate().filter(|(index, _)| !failed.contains(index)).map(|(_, f)| f).collect())
}

fn make(folder: &Path, sources: &Sources, file: &File) -> Result<()> {
    let path = folder.join(&file.name);
    let mut made: Vec<PathBuf> = Vec::new();
    for (number, step) in file.steps.iter().enumerate() {
        let part = |ext: &str| sources.parts.join(format!("{}.{number}.{ext}", file.name));
        let last = made.last().cloned();
        let out = match step {
            Step::Run(program, arguments) => run(sources, program, arguments, &made, &path, part)?,
            Step::Bytes(change) => {
                let before = last.context("there is nothing to change yet")?;
                write(&path, &change(read(&before)?))?;
                path.clone()
            }
            Step::Edits(edits) => {
                let before = last.context("there is nothing to edit yet")?;
                write(&path, &byte_edits::with_edits(read(&before)?, edits, 48_000.0))?;
                path.clone()
            }
            Step::Join => {
                let all: Vec<Vec<u8>> = made.iter().map(|part| read(part)).collect::<Result<_>>()?;
                write(&path, &all.concat())?;
                path.clone()
            }
        };
        made.push(out);
    }
    for part in made.iter().filter(|part| **part != path) {
        fs::remove_file(part).with_context(|| format!("could not remove {}", part.display()))?;
    }
    // mkvmerge numbers the names of split files, but not if there is only one, so check that the file exists.
    path.is_file().then_some(()).with_context(|| format!("{} was not written", path.display()))
}

/// Runs a program for a file, and returns the path that it wrote.
fn run(
    sources: &Sources,
    program: &str,
    arguments: &str,
    made: &[PathBuf],
    path: &Path,
    part: impl Fn(&str) -> PathBuf,
) -> Result<PathBuf> {
    let mut command = Command::new(program);
    match program {
        "ffmpeg" => command.args(["-v", "error", "-nostdin", "-y"]),
        "sox" => command.args(["-D", "-V1"]),
        _ => &mut command,
    };
    let mut written = path.to_owned();
    for argument in arguments.split_whitespace() {
        let file = match argument {
            "{speech}" => Some(sources.speech.clone()),
            "{cover}" => Some(sources.cover.clone()),
            "{chapters}" => Some(sources.chapters.clone()),
            "{ogm}" => Some(sources.ogm.clone()),
            "{in}" => made.last().cloned(),
            "{first}" => made.first().cloned(),
            "{out}" => Some(path.to_owned()),
            _ => argument.strip_prefix("{out:").and_then(|rest| rest.strip_suffix('}')).map(&part),
        };
        match file {
            Some(file) => {
                if argument.starts_with("{out") {
                    written.clone_from(&file);
                }
                command.arg(file);
            }
            None => {
                command.arg(argument.replace("{long}", &"x".repeat(60_000)));
            }
        }
    }
    if program == "mkvmerge" {
        // 1 is a warning, for example about parts that do not fit exactly.
        let output = command.output().context("could not start mkvmerge")?;
        if output.status.code().is_none_or(|code| code > 1) {
            bail!("mkvmerge failed: {}", String::from_utf8_lossy(&output.stdout).trim_end());
        }
    } else {
        command::output(&mut command)?;
    }
    Ok(written)
}

/// The file's line in the manifest.
fn line(file: &File) -> String {
    format!(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n",
        file.name,
        file.stretches,
        file.note.word(),
        if file.needs_ffmpeg { "ffmpeg" } else { "here" },
        file.length_s,
        file.lag_s,
        file.least,
        file.reason
    )
}

/// Times decoding an hour of each usual codec.
fn speed(checkout: &Checkout, folder: &Path, sources: &Sources) -> Result<bool> {
    let mut paths = Vec::new();
    for (name, arguments) in TIMED_FILES {
        let path = folder.join(name);
        if !path.is_file() {
            println!("making {}", path.display());
            let unfinished = folder.join(format!("unfinished-{name}"));
            let mut ffmpeg = Command::new("ffmpeg");
            ffmpeg.args(["-v", "error", "-nostdin", "-y", "-stream_loop", "-1", "-i"]).arg(&sources.speech);
            ffmpeg.args(["-t", "3600", "-ac", "2"]).args(arguments.split_whitespace()).arg(&unfinished);
            command::output(&mut ffmpeg)?;
            fs::rename(&unfinished, &path)
                .with_context(|| format!("could not rename to {}", path.display()))?;
        }
        paths.push(path);
    }
    let mut build = cargo_for_users(checkout)?;
    command::run(build.args(["build", "--release", "--workspace", "--example", "compare"]))?;
    let mut compare = Command::new(checkout.target.join("release/examples/compare"));
    succeeds(compare.arg("speed").args(&paths))
}
