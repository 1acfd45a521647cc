//! Makes long recordings of real speech with a known text from short ones.
//!
//! The short ones are the LibriVox clips of Debian's `pocketsphinx-testdata`, and the panel and the reading of Dickens in
//! `../shared/audio`, if that folder exists.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use xtask::checkout::Checkout;
use xtask::command;

/// Silence after each clip of [`long`], in seconds: about the pause before another speaker begins.
const PAUSE_S: f64 = 0.6;

/// Sample rate of all recordings made here.
pub(super) const SAMPLE_RATE: u32 = 16_000;

/// The text of `two-cities.wav`.
const TWO_CITIES: &str = "It was the best of times, it was the worst of times, it was the age of wisdom, \
    it was the age of foolishness, it was the epoch of belief, it was the epoch of incredulity, \
    it was the season of Light, it was the season of Darkness, it was the spring of hope, \
    it was the winter of despair, we had everything before us, we had nothing before us, \
    we were all going direct to Heaven, we were all going direct the other way — in short, \
    the period was so far like the present period, that some of its noisiest authorities insisted on its being \
    received, for good or for evil, in the superlative degree of comparison only.";

/// A recording and its text.
#[derive(Debug, Clone)]
pub(super) struct Recording {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) duration_s: f64,
}

/// A part of an audio file with its text.
#[derive(Debug)]
struct Part {
    file: PathBuf,
    /// Start and end in seconds; `None` for the whole file.
    cut: Option<(f64, f64)>,
    text: String,
}

impl Part {
    fn length_s(&self) -> Result<f64> {
        self.cut.map_or_else(|| duration_s(&self.file), |(start, end)| Ok(end - start))
    }
}

/// Makes a recording of at least `seconds` in `folder`.
pub(super) fn long(checkout: &Checkout, folder: &Path, seconds: u32) -> Result<Recording> {
    let mut parts = librivox()?;
    if let Some(panel) = panel(checkout) {
        let text = text_of_turns(&xtask::setup::read_json(&panel)?)?;
        parts.push(Part { file: panel.with_extension("wav"), cut: None, text });
    }
    parts.extend(two_cities(checkout));
    join(folder, "speech", &parts, seconds, |_| PAUSE_S)
}

/// Makes a recording of at least `seconds`, of which the share `silence` is silence, as `<name>.wav` in `folder`. The
/// speech is that of [`long`], but each turn of the panel is a part of its own. Silence follows each part; otherwise there
/// are only the readers' short pauses.
pub(super) fn spoken(
    checkout: &Checkout,
    folder: &Path,
    name: &str,
    seconds: u32,
    silence: f64,
) -> Result<Recording> {
    let mut parts = librivox()?;
    if let Some(panel) = panel(checkout) {
        parts.extend(turns(&panel)?);
    }
    parts.extend(two_cities(checkout));
    join(folder, name, &parts, seconds, pause_after(silence))
}

/// The same, only from the turns of the panel, whose speakers are known.
pub(super) fn phrases(
    checkout: &Checkout,
    folder: &Path,
    name: &str,
    seconds: u32,
    silence: f64,
) -> Result<Recording> {
    let panel = panel(checkout).context("the panel of ../shared/audio is missing")?;
    join(folder, name, &turns(&panel)?, seconds, pause_after(silence))
}

/// The pause after a part as a function of its length, so that the share `silence` of both is silence.
fn pause_after(silence: f64) -> impl Fn(f64) -> f64 {
    move |length_s| length_s * silence / (1.0 - silence)
}

/// Joins `parts`, each followed by its pause, until there are `seconds`. If the parts are too short for that, they are
/// repeated.
fn join(
    folder: &Path,
    name: &str,
    parts: &[Part],
    seconds: u32,
    pause_s: impl Fn(f64) -> f64,
) -> Result<Recording> {
    let parts_folder = folder.join("parts");
    super::remove(&parts_folder)?;
    fs::create_dir_all(&parts_folder)
        .with_context(|| format!("could not create {}", parts_folder.display()))?;
    let (mut files, mut text, mut once_s) = (Vec::new(), String::new(), 0.0);
    for (index, part) in parts.iter().enumerate() {
        if once_s >= f64::from(seconds) {
            break;
        }
        let length_s = part.length_s()?;
        let file = parts_folder.join(format!("{index}.wav"));
        let mut cut = sox();
        cut.arg(&part.file).args(["-c", "1", "-b", "16"]).arg(&file);
        if let Some((start, end)) = part.cut {
            cut.args(["trim", &start.to_string(), &format!("={end}")]);
        }
        cut.args(["rate", &SAMPLE_RATE.to_string(), "pad", "0", &pause_s(length_s).to_string()]);
        command::output(&mut cut)?;
        once_s += length_s + pause_s(length_s);
        files.push(file);
        text.push_str(&part.text);
        text.push('\n');
    }
    let times = (f64::from(seconds) / once_s).ceil().max(1.0) as usize;
    let once = parts_folder.join("once.wav");
    command::output(sox().args(&files).arg(&once))?;
    let path = folder.join(format!("{name}.wav"));
    command::output(sox().arg(&once).arg(&path).args(["repeat", &(times - 1).to_string()]))?;
    super::remove(&parts_folder)?;
    Ok(Recording { duration_s: duration_s(&path)?, path, text: text.repeat(times) })
}

/// sox without dither: the same samples in every run.
fn sox() -> Command {
    let mut sox = Command::new("sox");
    sox.args(["-D", "-V1"]);
    sox
}

fn duration_s(wav: &Path) -> Result<f64> {
    let output = command::output(Command::new("soxi").arg("-D").arg(wav))?;
    output
        .trim()
        .parse()
        .with_context(|| format!("soxi printed `{}` as the duration of {}", output.trim(), wav.display()))
}

/// The description file of the panel in `../shared/audio`, if it exists.
fn panel(checkout: &Checkout) -> Option<PathBuf> {
    let panel = checkout.root.join("../shared/audio/meeting/panel-5-speakers.json");
    panel.is_file().then_some(panel)
}

/// The turns of a panel as parts.
fn turns(panel: &Path) -> Result<Vec<Part>> {
    let description = xtask::setup::read_json(panel)?;
    let turns = description["turns"].as_array().context("the panel's description has no `turns`")?;
    let part = |turn: &Value| {
        let cut = (turn["start"].as_f64()?, turn["end"].as_f64()?);
        let text = turn["text"].as_str()?.to_owned();
        Some(Part { file: panel.with_extension("wav"), cut: Some(cut), text })
    };
    turns.iter().map(|turn| part(turn).context("a turn of the panel has no times or no text")).collect()
}

/// The reading of Dickens in `../shared/audio`, if it exists.
fn two_cities(checkout: &Checkout) -> Option<Part> {
    let file = checkout.root.join("../shared/audio/speech/two-cities.wav");
    file.is_file().then(|| Part { file, cut: None, text: TWO_CITIES.to_owned() })
}

fn librivox() -> Result<Vec<Part>> {
    let files = command::output(Command::new("dpkg").args(["-L", "pocketsphinx-testdata"]))
        .context("the LibriVox clips of Debian's pocketsphinx-testdata were not found")?;
    let list = files.lines().map(Path::new).find(|path| path.ends_with("librivox/transcription"));
    let list = list.context("Debian's pocketsphinx-testdata lists no librivox/transcription")?;
    let text = fs::read_to_string(list).with_context(|| format!("could not read {}", list.display()))?;
    let clips: Vec<Part> = transcriptions(&text)
        .map(|(name, text)| Part {
            file: list.with_file_name(format!("{name}.wav")),
            cut: None,
            text: text.to_owned(),
        })
        .collect();
    if clips.is_empty() {
        bail!("{} lists no recordings", list.display());
    }
    Ok(clips)
}

/// Parses lines `<s> words </s> (name of the recording)` to (name, words).
fn transcriptions(list: &str) -> impl Iterator<Item = (&str, &str)> {
    list.lines().filter_map(|line| {
        let (text, name) = line.trim().strip_suffix(')')?.rsplit_once('(')?;
        let text = text.trim();
        let text = text.strip_prefix("<s>").unwrap_or(text);
        Some((name, text.strip_suffix("</s>").unwrap_or(text).trim()))
    })
}

fn text_of_turns(panel: &Value) -> Result<String> {
    let turns = panel["turns"].as_array().context("the panel's description has no `turns`")?;
    let texts: Option<Vec<&str>> = turns.iter().map(|turn| turn["text"].as_str()).collect();
    Ok(texts.context("a turn of the panel has no text")?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_transcriptions_is_parsed() {
        let list = "<s> he was (not) ill </s> (clip-1)\nplain words (clip-2)\n\n# nothing\n";
        let read: Vec<_> = transcriptions(list).collect();
        assert_eq!(read, [("clip-1", "he was (not) ill"), ("clip-2", "plain words")]);
    }

    #[test]
    fn the_words_of_a_panel_are_those_of_its_turns() {
        let panel = serde_json::json!({"turns": [{"text": "one"}, {"text": "two three"}]});
        assert_eq!(text_of_turns(&panel).unwrap(), "one two three");
    }
    #[test]
    fn parts_are_repeated_until_the_recording_is_long_enough() {
        if !command::on_path("sox") {
            println!("skipped: sox is not installed");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tone.wav");
        command::output(sox().args(["-n", "-r", "8000"]).arg(&file).args(["synth", "4", "sine", "300"]))
            .unwrap();
        let part = |cut, text: &str| Part { file: file.clone(), cut, text: text.to_owned() };
        let parts = [part(Some((1.0, 2.5)), "a"), part(None, "b")];
        for (seconds, silence, duration_s, text) in [
            (1, 0.0, 1.5, "a\n"),
            (2, 0.0, 5.5, "a\nb\n"),
            (2, 0.5, 3.0, "a\n"),
            (12, 0.0, 16.5, "a\nb\na\nb\na\nb\n"),
            (12, 0.5, 22.0, "a\nb\na\nb\n"),
        ] {
            let made = join(folder.path(), "made", &parts, seconds, pause_after(silence)).unwrap();
            assert!((made.duration_s - duration_s).abs() < 0.01, "{made:?}");
            assert_eq!(made.text, text);
        }
    }
}
