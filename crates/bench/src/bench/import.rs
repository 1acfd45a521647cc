//! Compares importing many small recordings in one command with `cp` of the same files to the same disk.

use super::test_recordings::{self, SAMPLE_RATE};
use super::{DataFolder, median, remove, rounded, timed, verdict, write_json};
use crate::args::Bench;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use xtask::app::{App, imported};
use xtask::checkout::Checkout;

/// Longest time for a thousand files, in seconds.
const GOAL_S: f64 = 60.0;
/// Length of one file.
const FILE_S: usize = 2;
/// Header length of the plain WAV files that sox and this module write.
const HEADER_BYTES: usize = 44;

/// Runs the benchmark; returns whether the goal was met.
pub(super) fn run(checkout: &Checkout, app: &App, folder: &Path, options: &Bench) -> Result<bool> {
    let files = folder.join("many");
    println!("bench import: making {} recordings", options.files);
    make_files(checkout, folder, &files, options.files)?;
    let (mut copy_s, mut import_s) = (Vec::new(), Vec::new());
    for round in 1..=options.repetitions {
        println!("bench import: round {round} of {}", options.repetitions);
        copy_s.push(copy(&files, &folder.join("copied"))?);
        import_s.push(import(app, &files, folder, options.files)?);
    }
    let (copy_median, import_median) = (median(&copy_s), median(&import_s));
    let ratio = import_median / copy_median;
    println!("\n{} files of {FILE_S} s", options.files);
    println!("{:<26}{copy_median:>9.2} s", "cp -r, sync");
    println!("{:<26}{import_median:>9.2} s   {ratio:.1} × cp", "meetmemo import");
    let goal = GOAL_S * f64::from(options.files) / 1000.0;
    let (met, sentence) = verdict("seconds of meetmemo import", import_median, goal);
    println!("{sentence}");
    let all = |seconds: &[f64]| seconds.iter().map(|one| rounded(*one)).collect::<Vec<_>>();
    write_json(
        &folder.join("import.json"),
        &json!({
            "files": options.files,
            "cp_seconds": all(&copy_s),
            "import_seconds": all(&import_s),
            "ratio": rounded(ratio),
            "goal_seconds": goal,
            "met": met,
        }),
    )?;
    remove(&files)?;
    Ok(met)
}

/// Writes pieces of real speech, each starting a little later than the one before.
fn make_files(checkout: &Checkout, folder: &Path, files: &Path, number: u32) -> Result<()> {
    remove(files)?;
    fs::create_dir_all(files).with_context(|| format!("could not create {}", files.display()))?;
    let recording = test_recordings::long(checkout, folder, 20)?;
    let wav =
        fs::read(&recording.path).with_context(|| format!("could not read {}", recording.path.display()))?;
    let samples = wav.get(HEADER_BYTES..).context("the speech is shorter than its header")?;
    let length = FILE_S * SAMPLE_RATE as usize * 2;
    let room = samples.len().checked_sub(length).context("the speech is shorter than one piece")? / 2;
    for index in 0..number as usize {
        // Whole samples; all starts differ while there are fewer pieces than samples.
        let start = 2 * (index * room / number as usize);
        let path = files.join(format!("piece {index:04}.wav"));
        let piece = &samples[start..start + length];
        fs::write(&path, [&wav_header(length)[..], piece].concat())
            .with_context(|| format!("could not write {}", path.display()))?;
    }
    Ok(())
}

/// The header of a wav file with `bytes` of 16-bit mono samples.
fn wav_header(bytes: usize) -> [u8; HEADER_BYTES] {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
    let rate = SAMPLE_RATE as usize;
    let mut header = [0; HEADER_BYTES];
    let fields: [&[u8]; 13] = [
        b"RIFF",
        &number(bytes + HEADER_BYTES - 8),
        b"WAVE",
        b"fmt ",
        &number(16),
        &1u16.to_le_bytes(), // PCM
        &1u16.to_le_bytes(), // channels
        &number(rate),
        &number(rate * 2),
        &2u16.to_le_bytes(),  // bytes per frame
        &16u16.to_le_bytes(), // bits per sample
        b"data",
        &number(bytes),
    ];
    header.copy_from_slice(&fields.concat());
    header
}

fn copy(files: &Path, to: &Path) -> Result<f64> {
    remove(to)?;
    let copied = timed(Command::new("cp").arg("-r").arg(files).arg(to))?;
    let synced = timed(Command::new("sync").arg("--file-system").arg(to))?;
    remove(to)?;
    Ok((copied + synced).as_secs_f64())
}

/// Imports into a new data folder whose database exists already, so creating it is not part of the time.
fn import(app: &App, files: &Path, folder: &Path, number: u32) -> Result<f64> {
    let data = DataFolder::new(folder)?;
    let app = app.with_data(&data.path);
    app.json(app.command().args(["list", "--json"])).context("the new data folder could not be prepared")?;
    let started = Instant::now();
    let list = app.json(app.command().args(["import", "--json"]).arg(files))?;
    let took = started.elapsed();
    let results = imported(&list)?;
    let registered = results.iter().filter(|result| result.outcome == "imported").count();
    if registered != number as usize {
        let other = results.iter().find(|result| result.outcome != "imported");
        bail!("{registered} of {number} files were imported; the first other: {other:?}");
    }
    Ok(took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_that_of_a_plain_wav_file() {
        let header = wav_header(64_000);
        assert_eq!(&header[..4], b"RIFF");
        assert_eq!(header[4..8], 64_036u32.to_le_bytes());
        assert_eq!(&header[8..16], b"WAVEfmt ");
        assert_eq!(header[24..28], 16_000u32.to_le_bytes());
        assert_eq!(&header[36..40], b"data");
        assert_eq!(header[40..], 64_000u32.to_le_bytes());
    }
}
