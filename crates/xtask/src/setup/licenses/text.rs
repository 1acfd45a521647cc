//! Finds licence texts in folders, recognises the licence of a text, and supplies standard texts for packages without
//! one.

use super::super::files;
use anyhow::{Context, Result};
use spdx::{Expression, Licensee};
use std::fs;
use std::path::{Path, PathBuf};

/// Prefixes of the names of licence files.
const NAMES: &[&str] =
    &["license", "licence", "copying", "copyright", "notice", "unlicense", "ofl", "third-party"];

/// Extensions of files that are not licence files despite their prefix.
const NO_TEXT: &[&str] = &["spdx", "rs", "toml", "json", "js", "html", "py"];

/// The licence texts in `folder`, and in a licence folder within it.
pub(super) fn in_folder(folder: &Path) -> Result<Vec<String>> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for path in files::entries(folder)? {
        if !is_text(&path) {
            continue;
        }
        match path.is_dir() {
            true => paths.extend(files::entries(&path)?.into_iter().filter(|inside| inside.is_file())),
            false => paths.push(path),
        }
    }
    paths.iter().map(|path| read(path)).collect()
}

/// The text of a file, whatever its encoding.
pub(super) fn read(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn is_text(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    NAMES.iter().any(|beginning| name.starts_with(beginning)) && !NO_TEXT.contains(&ending)
}

/// The licence of a text, for components that do not state it elsewhere.
pub(super) fn recognised(text: &str) -> Option<&'static str> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    [
        ("sil open font license version 1.1", "OFL-1.1"),
        ("apache license version 2.0", "Apache-2.0"),
        ("permission is hereby granted, free of charge", "MIT"),
    ]
    .iter()
    .find(|(sign, _)| text.contains(sign))
    .map(|(_, licence)| *licence)
}

/// A licence as an SPDX expression: `MIT/Apache-2.0` becomes `MIT OR Apache-2.0`.
pub(super) fn canonical(licence: &str) -> Result<String> {
    let canonical = Expression::canonicalize(licence)
        .with_context(|| format!("`{licence}` is not an SPDX expression"))?;
    Ok(canonical.unwrap_or_else(|| licence.to_owned()))
}

/// The checked-in standard texts, shortest first.
pub(super) struct Standard(Vec<(Licensee, String)>);

impl Standard {
    /// Reads those in `folder`, whose file names are SPDX identifiers.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let mut texts = Vec::new();
        for path in files::entries(folder)? {
            let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let licence = Licensee::parse(&name)
                .with_context(|| format!("{} is not named after a licence", path.display()))?;
            texts.push((licence, read(&path)?));
        }
        texts.sort_by_key(|(_, text)| text.len());
        Ok(Self(texts))
    }

    /// The texts of a licence for work of `authors`. Of alternatives, the fewest and shortest texts.
    pub(super) fn texts(&self, licence: &str, authors: &str) -> Result<Vec<String>> {
        let canonical = canonical(licence)?;
        let expression = Expression::parse(&canonical)
            .with_context(|| format!("`{licence}` is not an SPDX expression"))?;
        let needed = expression
            .minimized_requirements(self.0.iter().map(|(licence, _)| licence))
            .with_context(|| format!("crates/xtask/licenses/standard lacks a text of {licence}"))?;
        let is_needed = |licence: &Licensee| needed.iter().any(|requirement| licence.satisfies(requirement));
        let texts = self.0.iter().filter(|(licence, _)| is_needed(licence));
        Ok(texts.map(|(_, text)| text.replace("{authors}", authors)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkout::Checkout;

    #[test]
    fn licence_files_are_recognised_by_name() {
        for text in [
            "LICENSE",
            "THIRD-PARTY-LICENSES.md",
            "license",
            "LICENCE.md",
            "LICENSE-MIT",
            "COPYING",
            "NOTICE.txt",
            "UNLICENSE",
        ] {
            assert!(is_text(Path::new(text)), "{text}");
        }
        for other in ["README.md", "LICENSE.spdx", "licenses.rs", "license.html", "Cargo.toml"] {
            assert!(!is_text(Path::new(other)), "{other}");
        }
    }

    #[test]
    fn the_licence_of_a_text_is_recognised() {
        assert_eq!(
            recognised("MIT License\n\nPermission is hereby granted,\nfree of charge, to"),
            Some("MIT")
        );
        assert_eq!(recognised("SIL OPEN FONT LICENSE Version 1.1 - 26"), Some("OFL-1.1"));
        assert_eq!(recognised("All rights reserved"), None);
    }

    #[test]
    fn old_licence_notations_are_converted() {
        assert_eq!(canonical("MIT/Apache-2.0").unwrap(), "MIT OR Apache-2.0");
        assert_eq!(canonical("MIT").unwrap(), "MIT");
        assert!(canonical("see the file").is_err());
    }

    #[test]
    fn standard_texts_name_the_authors() {
        let standard = Standard::read(&Checkout::find().unwrap().own("licenses/standard")).unwrap();
        for licence in ["MIT", "Apache-2.0 OR MIT", "MIT/Apache-2.0", "BSD-2-Clause", "BSD-3-Clause"] {
            let texts = standard.texts(licence, "Ann and Ben").unwrap();
            assert_eq!(texts.len(), 1, "{licence}");
            assert!(texts[0].contains("Ann and Ben") && !texts[0].contains('{'), "{licence}");
        }
        assert!(standard.texts("MPL-2.0", "Ann").unwrap()[0].contains("Mozilla Public License Version 2.0"));
        assert_eq!(standard.texts("(MIT OR Apache-2.0) AND BSD-3-Clause", "Ann").unwrap().len(), 2);
        assert_eq!(standard.texts("Apache-2.0 WITH LLVM-exception OR MIT", "Ann").unwrap().len(), 1);
        assert!(standard.texts("Apache-2.0 WITH LLVM-exception", "Ann").is_err());
        assert!(standard.texts("none that is known", "Ann").is_err());
        assert!(standard.texts("GPL-3.0", "Ann").unwrap_err().to_string().contains("GPL-3.0"));
        assert!(standard.texts("MIT AND GPL-3.0", "Ann").is_err());
    }
}
