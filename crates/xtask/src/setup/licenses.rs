//! The licence texts of what is shipped besides our own code and crates: runtime libraries and the speech model.
//!
//! The texts are checked in below `crates/xtask/licenses`. Fonts bring theirs along (`resources/fonts`), and those of
//! Rust crates are collected when a bundle is made.

use super::files;
use crate::checkout::Checkout;
use anyhow::{Context, Result, bail};
use std::env::consts::OS;
use std::fs;

/// Shared libraries of the PostgreSQL runtime by the beginning of their name, and the text each is covered by.
const LIBRARIES: &[(&str, &str)] = &[
    ("libpq.", "PostgreSQL.txt"),
    ("libicu", "ICU-60.txt"),
    ("libssl.", "OpenSSL-1.1.1.txt"),
    ("libcrypto.", "OpenSSL-1.1.1.txt"),
    ("libxml2.", "libxml2.txt"),
    ("libz.", "zlib.txt"),
    ("liblzma.", "liblzma.txt"),
];

/// Makes `resources/licenses` if it is missing or a text has changed; fails if a shipped library has no text.
pub(crate) fn set_up(checkout: &Checkout) -> Result<()> {
    let texts = checkout.own("licenses");
    let mut source = String::from("crates/xtask/licenses");
    for path in files::entries(&texts)? {
        let text = fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
        let name = path.file_name().with_context(|| format!("{} has no name", path.display()))?;
        source.push_str(&format!("\n{} {:08x}", name.display(), checksum(&text)));
    }
    let folder = checkout.resources.join("licenses");
    // Elsewhere the whole package is taken and its libraries carry other names; a bundle for there needs its own list.
    if OS == "linux" {
        for library in
            files::entries(&checkout.resources.join("postgres/lib"))?.iter().filter(|path| path.is_file())
        {
            let name =
                library.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if text_for(&name).is_none_or(|text| !texts.join(text).is_file()) {
                bail!("the PostgreSQL runtime holds {name}, for which crates/xtask/licenses has no text");
            }
        }
    }
    if files::is_from(&folder, &source) {
        return Ok(());
    }
    files::replace_folder(&folder, &source, |new| files::copy_tree(&texts, new, |_| true))?;
    println!("setup: licence texts in {}", folder.display());
    Ok(())
}

fn text_for(library: &str) -> Option<&'static str> {
    LIBRARIES.iter().find(|(prefix, _)| library.starts_with(prefix)).map(|(_, text)| *text)
}

/// FNV-1a: tells whether a text was edited, nothing more.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_that_a_library_refers_to_is_checked_in() {
        let texts = Checkout::find().unwrap().own("licenses");
        for (library, text) in LIBRARIES {
            assert!(texts.join(text).is_file(), "{library} refers to {text}");
        }
        assert_eq!(text_for("libssl.so.1.1"), Some("OpenSSL-1.1.1.txt"));
        assert_eq!(text_for("libperl.so.5.26"), None);
    }
}
