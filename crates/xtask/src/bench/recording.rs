//! A long recording of real speech with known words, put together from short ones.
//!
//! The short ones are the LibriVox clips of Debian's `pocketsphinx-testdata`; where a folder `../shared/audio` lies
//! beside the checkout, its panel and its reading of Dickens too.

use crate::checkout::Checkout;
use crate::command;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Silence after each clip: somebody else begins to speak.
const PAUSE_S: &str = "0.6";

/// Samples per second of everything made here.
pub(super) const SAMPLE_RATE: u32 = 16_000;

/// What is read in `two-cities.wav`.
const TWO_CITIES: &str = "It was the best of times, it was the worst of times, it was the age of wisdom, \
    it was the age of foolishness, it was the epoch of belief, it was the epoch of incredulity, \
    it was the season of Light, it was the season of Darkness, it was the spring of hope, \
    it was the winter of despair, we had everything before us, we had nothing before us, \
    we were all going direct to Heaven, we were all going direct the other way — in short, \
    the period was so far like the present period, that some of its noisiest authorities insisted on its being \
    received, for good or for evil, in the superlative degree of comparison only.";

/// A recording and what is said in it.
#[derive(Debug, Clone)]
pub(super) struct Recording {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) duration_s: f64,
}

/// Makes a recording of at least `seconds` in `folder`.
pub(super) fn long(checkout: &Checkout, folder: &Path, seconds: u32) -> Result<Recording> {
    let parts_folder = folder.join("parts");
    super::remove(&parts_folder)?;
    fs::create_dir_all(&parts_folder)
        .with_context(|| format!("could not create {}", parts_folder.display()))?;
    let mut parts = Vec::new();
    for (index, (path, text)) in clips(checkout)?.into_iter().enumerate() {
        let part = parts_folder.join(format!("{index}.wav"));
        command::output(
            sox()
                .arg(&path)
                .args(["-c", "1", "-b", "16"])
                .arg(&part)
                .args(["rate", "16000", "pad", "0", PAUSE_S]),
        )?;
        let duration_s = duration_s(&part)?;
        parts.push(Recording { path: part, text, duration_s });
    }
    let once: f64 = parts.iter().map(|part| part.duration_s).sum();
    let times = (f64::from(seconds) / once).ceil() as usize;
    let path = folder.join("speech.wav");
    let mut join = sox();
    let mut text = String::new();
    for part in parts.iter().cycle().take(parts.len() * times) {
        join.arg(&part.path);
        text.push_str(&part.text);
        text.push('\n');
    }
    command::output(join.arg(&path))?;
    super::remove(&parts_folder)?;
    let words = folder.join("speech.txt");
    fs::write(&words, &text).with_context(|| format!("could not write {}", words.display()))?;
    Ok(Recording { duration_s: duration_s(&path)?, path, text })
}

/// A recording of at least `seconds`, made of what a small model for tests knows by heart: the sentences of the panel
/// in `../shared/audio`, with this share of silence after them. In `folder` as `<name>.wav`.
pub(super) fn phrases(
    checkout: &Checkout,
    folder: &Path,
    name: &str,
    seconds: u32,
    silence: f64,
) -> Result<Recording> {
    let panel = checkout.root.join("../shared/audio/meeting/panel-5-speakers.json");
    let (recording, description) = (panel.with_extension("wav"), crate::setup::read_json(&panel)?);
    let parts_folder = folder.join("parts");
    super::remove(&parts_folder)?;
    fs::create_dir_all(&parts_folder)
        .with_context(|| format!("could not create {}", parts_folder.display()))?;
    let turns = description["turns"].as_array().context("the panel's description has no `turns`")?;
    let (mut parts, mut text, mut once) = (Vec::new(), String::new(), 0.0);
    for (index, turn) in turns.iter().enumerate() {
        let (Some(start), Some(end)) = (turn["start"].as_f64(), turn["end"].as_f64()) else {
            bail!("a turn of the panel has no times")
        };
        let pause = (end - start) * silence / (1.0 - silence);
        let part = parts_folder.join(format!("{index}.wav"));
        command::output(sox().arg(&recording).args(["-c", "1", "-b", "16"]).arg(&part).args([
            "trim",
            &start.to_string(),
            &format!("={end}"),
            "pad",
            "0",
            &pause.to_string(),
        ]))?;
        once += end - start + pause;
        parts.push(part);
        text.push_str(turn["text"].as_str().context("a turn of the panel has no text")?);
        text.push('\n');
    }
    let times = (f64::from(seconds) / once).ceil() as usize;
    let once_path = parts_folder.join("once.wav");
    command::output(sox().args(&parts).arg(&once_path))?;
    let path = folder.join(format!("{name}.wav"));
    command::output(sox().arg(&once_path).arg(&path).args(["repeat", &(times - 1).to_string()]))?;
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
    let told = command::output(Command::new("soxi").arg("-D").arg(wav))?;
    told.trim()
        .parse()
        .with_context(|| format!("soxi told `{}` as the duration of {}", told.trim(), wav.display()))
}

/// Short recordings with their words.
fn clips(checkout: &Checkout) -> Result<Vec<(PathBuf, String)>> {
    let mut clips = librivox()?;
    let shared = checkout.root.join("../shared/audio");
    let panel = shared.join("meeting/panel-5-speakers.json");
    if panel.is_file() {
        clips.push((panel.with_extension("wav"), text_of_turns(&crate::setup::read_json(&panel)?)?));
    }
    let reading = shared.join("speech/two-cities.wav");
    if reading.is_file() {
        clips.push((reading, TWO_CITIES.to_owned()));
    }
    Ok(clips)
}

fn librivox() -> Result<Vec<(PathBuf, String)>> {
    let models = command::output(Command::new("pkg-config").args(["--variable=modeldir", "pocketsphinx"]))?;
    let folder = Path::new(models.trim()).with_file_name("test").join("data/librivox");
    let list = folder.join("transcription");
    let text = fs::read_to_string(&list).with_context(|| {
        format!("could not read {}; Debian's pocketsphinx-testdata brings it", list.display())
    })?;
    let clips: Vec<_> = transcriptions(&text)
        .map(|(name, text)| (folder.join(format!("{name}.wav")), text.to_owned()))
        .collect();
    if clips.is_empty() {
        bail!("{} lists no recordings", list.display());
    }
    Ok(clips)
}

/// Lines `<s> words </s> (name of the recording)` as (name, words).
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
    fn a_list_of_transcriptions_is_read() {
        let list = "<s> he was (not) ill </s> (clip-1)\nplain words (clip-2)\n\n# nothing\n";
        let read: Vec<_> = transcriptions(list).collect();
        assert_eq!(read, [("clip-1", "he was (not) ill"), ("clip-2", "plain words")]);
    }

    #[test]
    fn the_words_of_a_panel_are_those_of_its_turns() {
        let panel = serde_json::json!({"turns": [{"text": "one"}, {"text": "two three"}]});
        assert_eq!(text_of_turns(&panel).unwrap(), "one two three");
    }
}
