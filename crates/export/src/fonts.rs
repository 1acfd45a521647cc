//! The fonts of the PDF export, and loading them from the resources.
//!
//! `fonts.json` beside `Cargo.toml` lists every font file: the package it comes from, its name in the resources folder,
//! its licence text, and its use here. `cargo xtask setup` copies the fonts by that list and [`Fonts::load`] reads them
//! by it. Fallback fonts are read when a character first needs them, because those for Chinese, Japanese and Korean are
//! large.

use crate::ExportError;
use serde::Deserialize;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

const FONT_LIST: &str = include_str!("../fonts.json");

/// A font file: TrueType, OpenType, or a collection, of which the first face is used. Cheap to clone; clones share
/// the content, which is read at most once.
#[derive(Debug, Clone)]
pub struct Font {
    name: String,
    path: Option<PathBuf>,
    bytes: Arc<OnceLock<Vec<u8>>>,
    han_variant: HanVariant,
}

/// The regional variant of Han characters that a font draws. Unicode gives all variants the same code point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HanVariant {
    /// No Han characters, or an unknown variant.
    Any,
    Chinese,
    Japanese,
    Korean,
}

impl Font {
    /// A font in memory. Error messages use `name`.
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self {
            name: name.into(),
            path: None,
            bytes: Arc::new(OnceLock::from(bytes)),
            han_variant: HanVariant::Any,
        }
    }

    fn at(path: PathBuf, han_variant: HanVariant) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, path: Some(path), bytes: Arc::default(), han_variant }
    }

    /// The name for error messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn han_variant(&self) -> HanVariant {
        self.han_variant
    }

    /// The content of the font file; the first call reads it.
    pub(crate) fn bytes(&self) -> Result<&[u8], ExportError> {
        if let Some(bytes) = self.bytes.get() {
            return Ok(bytes);
        }
        let path = self.path.as_deref().expect("a font that is not in memory has a path");
        let bytes =
            fs::read(path).map_err(|reason| ExportError::FontUnreadable { path: path.into(), reason })?;
        Ok(self.bytes.get_or_init(|| bytes))
    }
}

/// The main font in two weights, and fallback fonts for characters it lacks, in order of preference.
#[derive(Debug, Clone)]
pub struct Fonts {
    pub(crate) regular: Font,
    pub(crate) bold: Font,
    pub(crate) fallback: Vec<Font>,
}

impl Fonts {
    /// Fonts in memory. A character uses the main font, or else the first of `fallback` that has it.
    pub fn from_bytes(regular: Font, bold: Font, fallback: Vec<Font>) -> Self {
        Self { regular, bold, fallback }
    }

    /// Loads the fonts that `fonts.json` lists from `dir`, in the order of that list.
    ///
    /// The main fonts are read now; fallback fonts are read when a character needs them, and missing ones are skipped.
    ///
    /// # Errors
    /// [`ExportError::FontMissing`] or [`ExportError::FontUnreadable`] for a main font.
    pub fn load(dir: &Path) -> Result<Self, ExportError> {
        let (mut regular, mut bold, mut fallback) = (None, None, Vec::new());
        for entry in font_list() {
            let path = dir.join(&entry.name);
            match entry.usage {
                FontUse::Regular => regular = Some(main_font(path, dir)?),
                FontUse::Bold => bold = Some(main_font(path, dir)?),
                FontUse::Fallback => fallback.push(Font::at(path, HanVariant::Any)),
                FontUse::Han(han_variant) => fallback.push(Font::at(path, han_variant)),
            }
        }
        fallback.retain(|font| font.path.as_deref().is_some_and(Path::is_file));
        let reason = "fonts.json lists the main fonts";
        Ok(Self { regular: regular.expect(reason), bold: bold.expect(reason), fallback })
    }
}

fn main_font(path: PathBuf, dir: &Path) -> Result<Font, ExportError> {
    let font = Font::at(path, HanVariant::Any);
    match font.bytes() {
        Err(ExportError::FontUnreadable { reason, .. }) if reason.kind() == io::ErrorKind::NotFound => {
            Err(ExportError::FontMissing { file: font.name, folder: dir.into() })
        }
        Err(other) => Err(other),
        Ok(_) => Ok(font),
    }
}

/// An entry of `fonts.json`, with the fields used here.
#[derive(Deserialize)]
struct FontEntry {
    /// File name in the resources folder.
    #[serde(rename = "as")]
    name: String,
    #[serde(rename = "use")]
    usage: FontUse,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum FontUse {
    Regular,
    Bold,
    Fallback,
    #[serde(untagged)]
    Han(HanVariant),
}

fn font_list() -> Vec<FontEntry> {
    serde_json::from_str(FONT_LIST).expect("the compiled-in fonts.json is valid: a test reads it")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_listed_font_has_a_source_a_licence_and_a_unique_name() {
        let entries: Vec<serde_json::Map<String, serde_json::Value>> =
            serde_json::from_str(FONT_LIST).unwrap();
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
        assert_eq!(font_list().len(), entries.len());
        assert_eq!(font_list().iter().filter(|entry| matches!(entry.usage, FontUse::Regular)).count(), 1);
        assert_eq!(font_list().iter().filter(|entry| matches!(entry.usage, FontUse::Bold)).count(), 1);
    }

    #[test]
    fn the_error_names_a_missing_main_font() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("NotoSans-Regular.ttf"), "x").unwrap();
        let error = Fonts::load(folder.path()).unwrap_err();
        let expected = format!("the font NotoSans-Bold.ttf is missing in {}", folder.path().display());
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn the_error_names_a_font_that_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("NotoSans-Regular.ttf")).unwrap();
        let error = Fonts::load(folder.path()).unwrap_err();
        assert!(
            matches!(error, ExportError::FontUnreadable { path, .. } if path.ends_with("NotoSans-Regular.ttf"))
        );
    }

    #[test]
    fn missing_fallback_fonts_are_skipped() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["NotoSans-Regular.ttf", "NotoSans-Bold.ttf", "NotoSansThai-Regular.ttf"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let fonts = Fonts::load(folder.path()).unwrap();
        assert_eq!(fonts.fallback.iter().map(Font::name).collect::<Vec<_>>(), ["NotoSansThai-Regular.ttf"]);
    }
}
