//! The US English model of PocketSphinx, copied from where the system's package put it.

use super::files;
use crate::checkout::Checkout;
use crate::command;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Raise it when this module makes a different folder from the same files.
const RECIPE: u32 = 1;

/// What recognition needs; the phone model, which the package holds too, is for another kind of search.
const PARTS: &[&str] = &["en-us", "en-us.lm.bin", "cmudict-en-us.dict"];

/// Makes `resources/pocketsphinx/en-us` if it is missing or the system's model has changed.
pub(crate) fn set_up(checkout: &Checkout) -> Result<()> {
    let from = installed_model()?;
    let source = format!("{} {} recipe {RECIPE}", from.display(), fingerprint(&from)?);
    let folder = checkout.resources.join("pocketsphinx/en-us");
    if files::is_from(&folder, &source) {
        return Ok(());
    }
    files::replace_folder(&folder, &source, |new| {
        for part in PARTS {
            let path = from.join(part);
            if path.is_dir() {
                files::copy_tree(&path, &new.join(part), |_| true)?;
            } else {
                files::copy(&path, &new.join(part))?;
            }
        }
        let copyright = Path::new("/usr/share/doc/pocketsphinx-en-us/copyright");
        if copyright.is_file() {
            files::copy_into(copyright, new)?;
        }
        Ok(())
    })?;
    println!("setup: speech model (US English) in {} ({})", folder.display(), files::size(&folder)?);
    Ok(())
}

fn installed_model() -> Result<PathBuf> {
    let models = command::output(Command::new("pkg-config").args(["--variable=modeldir", "pocketsphinx"]))
        .context("could not ask pkg-config where the PocketSphinx models are")?;
    let model = Path::new(models.trim()).join("en-us");
    let missing: Vec<_> = PARTS.iter().filter(|part| !model.join(part).exists()).collect();
    if !missing.is_empty() {
        bail!(
            "the speech model in {} lacks {missing:?}; install the US English model of PocketSphinx (Debian: pocketsphinx-en-us)",
            model.display()
        );
    }
    Ok(model)
}

/// Number and size of the files: enough to see that another version of the package was installed.
fn fingerprint(model: &Path) -> Result<String> {
    let mut sizes = Vec::new();
    for part in PARTS {
        let path = model.join(part);
        let paths = if path.is_dir() { files::entries(&path)? } else { vec![path] };
        for path in paths {
            sizes.push(
                path.metadata()
                    .with_context(|| format!("could not read {}", path.display()))?
                    .len()
                    .to_string(),
            );
        }
    }
    Ok(sizes.join("+"))
}
