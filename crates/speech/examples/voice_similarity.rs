//! Prints the similarity of the voices in files, one line per pair: `FIRST SECOND COSINE`. For setting thresholds; not
//! a product.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the output is its purpose")]

use speech::engine::NeverCancel;
use speech::{CamPlusPlus, embed_voice};
use std::error::Error;
use std::path::{Path, PathBuf};

const USAGE: &str = "usage: voice_similarity RECORDING.wav RECORDING.wav …
RECORDING is 16 kHz, mono, 16 bits. The resources are in the folder MEETMEMO_RESOURCES, or target/resources.";

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if files.len() < 2 {
        return Err(USAGE.into());
    }
    let resources = std::env::var_os("MEETMEMO_RESOURCES").map_or("target/resources".into(), PathBuf::from);
    let mut encoder = CamPlusPlus::load(&resources)?;
    let mut voices = Vec::new();
    for file in &files {
        match embed_voice(&mut encoder, &samples(file), &NeverCancel)? {
            Some(voice) => voices.push((file, voice)),
            None => eprintln!("{}: too little speech", file.display()),
        }
    }
    let name = |file: &Path| file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    for (number, (file, voice)) in voices.iter().enumerate() {
        for (other, other_voice) in &voices[number + 1..] {
            let cosine = voice.similarity(other_voice).unwrap_or_default();
            println!("{} {} {cosine:.4}", name(file), name(other));
        }
    }
    Ok(())
}

fn samples(path: &Path) -> Vec<f32> {
    let bytes = testing::samples(path);
    let (samples, _) = bytes.as_chunks();
    samples.iter().map(|bytes| f32::from(i16::from_le_bytes(*bytes)) / 32_768.0).collect()
}
