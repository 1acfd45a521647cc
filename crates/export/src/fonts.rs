//! The fonts a PDF is set in, and where they come from.
//!
//! `fonts.json` beside `Cargo.toml` lists every font file: the package it comes from, its name in the resources folder,
//! its licence text, and its use here. Set-up copies by that list and [`Fonts::load`] reads by it. Fonts for other
//! scripts are read when a character first needs them, because those for Chinese, Japanese and Korean are large.

use crate::ExportError;
use serde::Deserialize;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

const LIST: &str = include_str!("../fonts.json");

/// One face: TrueType, OpenType, or the first of a collection. Cheap to clone, and read at most once.
#[derive(Debug, Clone)]
pub struct Font {
    name: String,
    path: Option<PathBuf>,
    bytes: Arc<OnceLock<Vec<u8>>>,
    letters: Letters,
}

/// Whose shapes of the Han characters a font has. The code point is the same, the customary shape is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Letters {
    /// No Han characters, or not known.
    Any,
    Chinese,
    Japanese,
    Korean,
}

impl Font {
    /// A font in memory. `name` is what error messages call it.
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), path: None, bytes: Arc::new(OnceLock::from(bytes)), letters: Letters::Any }
    }

    fn at(path: PathBuf, letters: Letters) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, path: Some(path), bytes: Arc::default(), letters }
    }

    /// What error messages call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn letters(&self) -> Letters {
        self.letters
    }

    /// The contents of the font file, read now if they have not been needed before.
    pub(crate) fn bytes(&self) -> Result<&[u8], ExportError> {
        if let Some(bytes) = self.bytes.get() {
            return Ok(bytes);
        }
        let path = self.path.as_deref().expect("a font without bytes has a path");
        let bytes =
            fs::read(path).map_err(|source| ExportError::FontUnreadable { path: path.into(), source })?;
        Ok(self.bytes.get_or_init(|| bytes))
    }
}

/// The main font in two weights, and fonts for the characters it lacks, in order of preference.
#[derive(Debug, Clone)]
pub struct Fonts {
    pub(crate) regular: Font,
    pub(crate) bold: Font,
    pub(crate) fallback: Vec<Font>,
}

impl Fonts {
    /// Fonts in memory. A character is set in the first of main font and `fallback` that has it.
    pub fn from_bytes(regular: Font, bold: Font, fallback: Vec<Font>) -> Self {
        Self { regular, bold, fallback }
    }

    /// The fonts that `fonts.json` lists, from `dir`, in the order of that list.
    ///
    /// The main fonts are read at once; without them there is an error that names the missing file. Of the others those
    /// that are there are used, and read when a character needs them.
    pub fn load(dir: &Path) -> Result<Self, ExportError> {
        let (mut regular, mut bold, mut fallback) = (None, None, Vec::new());
        for entry in listed() {
            let path = dir.join(&entry.name);
            match entry.usage {
                Use::Regular => regular = Some(main_font(path, dir)?),
                Use::Bold => bold = Some(main_font(path, dir)?),
                Use::Fallback => fallback.push(Font::at(path, Letters::Any)),
                Use::Han(letters) => fallback.push(Font::at(path, letters)),
            }
        }
        fallback.retain(|font| font.path.as_deref().is_some_and(Path::is_file));
        let listed = "fonts.json lists the main fonts";
        Ok(Self { regular: regular.expect(listed), bold: bold.expect(listed), fallback })
    }
}

fn main_font(path: PathBuf, dir: &Path) -> Result<Font, ExportError> {
    let font = Font::at(path, Letters::Any);
    match font.bytes() {
        Err(ExportError::FontUnreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Err(ExportError::FontMissing { file: font.name, folder: dir.into() })
        }
        Err(other) => Err(other),
        Ok(_) => Ok(font),
    }
}

/// An entry of `fonts.json`, as far as it matters here.
#[derive(Deserialize)]
struct Listed {
    /// File name in the resources folder.
    #[serde(rename = "as")]
    name: String,
    #[serde(rename = "use")]
    usage: Use,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Use {
    Regular,
    Bold,
    Fallback,
    #[serde(untagged)]
    Han(Letters),
}

fn listed() -> Vec<Listed> {
    serde_json::from_str(LIST).expect("fonts.json, compiled in, is well-formed: a test reads it")
}
