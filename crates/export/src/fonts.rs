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
            fs::read(path).map_err(|reason| ExportError::FontUnreadable { path: path.into(), reason })?;
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
        Err(ExportError::FontUnreadable { reason, .. }) if reason.kind() == io::ErrorKind::NotFound => {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_listed_font_has_a_source_a_licence_and_a_name_of_its_own() {
        let entries: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(LIST).unwrap();
        let field = |entry: &serde_json::Map<String, serde_json::Value>, key: &str| {
            entry[key].as_str().unwrap().to_owned()
        };
        for entry in &entries {
            for key in ["package", "version", "file", "as", "licence", "licence_as", "use"] {
                assert!(!field(entry, key).is_empty(), "{key} of {entry:?}");
            }
            assert!(field(entry, "as").ends_with(".ttf"));
        }
        let names: BTreeSet<String> = entries.iter().map(|entry| field(entry, "as")).collect();
        assert_eq!(names.len(), entries.len());
        assert_eq!(listed().len(), entries.len());
        assert_eq!(listed().iter().filter(|entry| matches!(entry.usage, Use::Regular)).count(), 1);
        assert_eq!(listed().iter().filter(|entry| matches!(entry.usage, Use::Bold)).count(), 1);
    }

    #[test]
    fn a_missing_main_font_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("NotoSans-Regular.ttf"), "x").unwrap();
        let error = Fonts::load(folder.path()).unwrap_err();
        let expected = format!("the font NotoSans-Bold.ttf is missing in {}", folder.path().display());
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_font_that_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("NotoSans-Regular.ttf")).unwrap();
        let error = Fonts::load(folder.path()).unwrap_err();
        assert!(
            matches!(error, ExportError::FontUnreadable { path, .. } if path.ends_with("NotoSans-Regular.ttf"))
        );
    }

    #[test]
    fn fonts_that_are_not_there_are_done_without() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["NotoSans-Regular.ttf", "NotoSans-Bold.ttf", "NotoSansThai-Regular.ttf"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let fonts = Fonts::load(folder.path()).unwrap();
        assert_eq!(fonts.fallback.iter().map(Font::name).collect::<Vec<_>>(), ["NotoSansThai-Regular.ttf"]);
    }
}
