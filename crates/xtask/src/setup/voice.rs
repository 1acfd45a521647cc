//! The voice encoder that speakers are told apart with: GE2E, from the Python package `resemblyzer`.
//!
//! `crates/xtask/resources/ge2e-requirements.txt` pins the package and its content. Only its weights and its licence are
//! taken, by `ge2e.py` beside it; the package itself is neither installed nor run.

use super::{files, pip};
use crate::checkout::Checkout;
use crate::command;
use anyhow::{Context, Result, bail};
use std::fs;
use std::process::Command;

/// Raise it when this module makes a different folder from the same package and script.
const RECIPE: u32 = 1;

/// The package and its hash, in pip's format.
const REQUIREMENTS: &str = "resources/ge2e-requirements.txt";

/// The package, as it is pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pinned {
    /// `resemblyzer==0.1.4 --hash=sha256:…`
    requirement: String,
    version: String,
}

/// Makes `resources/voice` if it is missing or of another version.
pub(crate) fn set_up(checkout: &Checkout) -> Result<()> {
    let pinned = pinned(checkout)?;
    let script = checkout.own("resources/ge2e.py");
    let text = fs::read(&script).with_context(|| format!("could not read {}", script.display()))?;
    let source =
        format!("python {} script {:016x} recipe {RECIPE}", pinned.requirement, files::checksum(&text));
    let folder = checkout.resources.join("voice");
    if files::is_from(&folder, &source) {
        return Ok(());
    }
    // Of this process alone, as with the npm packages, and cleaned away with them if this does not come to its end.
    let work = checkout.target.join("setup").join(format!("voice-{}", std::process::id()));
    fs::create_dir_all(&work).with_context(|| format!("could not create {}", work.display()))?;
    println!("setup: fetching the voice encoder (resemblyzer {})", pinned.version);
    let requirements = checkout.own(REQUIREMENTS);
    let made = pip::download("the voice encoder", &requirements, &work).and_then(|()| {
        let wheel = files::entries(&work)?.pop().context("pip fetched nothing")?;
        files::replace_folder(&folder, &source, |new| {
            command::output(python().arg(&script).arg(&wheel).arg(new)).map(drop)
        })
    });
    let _ = fs::remove_dir_all(&work);
    made?;
    println!("setup: voice encoder in {} ({})", folder.display(), files::size(&folder)?);
    Ok(())
}

/// The version of `resemblyzer` that the weights come from.
pub(super) fn version(checkout: &Checkout) -> Result<String> {
    Ok(pinned(checkout)?.version)
}

fn pinned(checkout: &Checkout) -> Result<Pinned> {
    let path = checkout.own(REQUIREMENTS);
    let text = fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
    parse(&text).with_context(|| format!("{} is not as expected", path.display()))
}

fn parse(requirements: &str) -> Result<Pinned> {
    let mut lines =
        requirements.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (Some(requirement), None) = (lines.next(), lines.next()) else {
        bail!("it has to name one package");
    };
    let version = requirement
        .strip_prefix("resemblyzer==")
        .and_then(|rest| rest.split_once(" --hash=sha256:"))
        .map(|(version, _)| version.to_owned())
        .context("resemblyzer is not pinned with a hash")?;
    Ok(Pinned { requirement: requirement.to_owned(), version })
}

fn python() -> Command {
    let mut python = Command::new(pip::PYTHON);
    // No folder of compiled modules beside the script.
    python.env("PYTHONDONTWRITEBYTECODE", "1");
    python
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_pinned_with_its_content() {
        let pinned = pinned(&Checkout::find().unwrap()).unwrap();
        assert!(pinned.version.starts_with(|c: char| c.is_ascii_digit()), "{pinned:?}");
        for refused in [
            "",
            "# nothing",
            "resemblyzer==0.1.4",
            "resemblyzer==1 --hash=sha256:a\nother==1 --hash=sha256:b",
        ] {
            assert!(parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_checkpoint_that_names_anything_else_is_not_read() {
        if !command::on_path(pip::PYTHON) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let script = r#"
import pickle, subprocess, sys, zipfile
class Harm:
    def __reduce__(self):
        return (subprocess.call, (["touch", sys.argv[1] + "/harm"],))
with zipfile.ZipFile(sys.argv[1] + "/a.whl", "w") as archive:
    archive.writestr("resemblyzer/pretrained.pt", pickle.dumps(Harm(), protocol=2))
    archive.writestr("a.dist-info/LICENSE", "text")
"#;
        command::run(python().args(["-c", script]).arg(folder.path())).unwrap();
        let convert = Checkout::find().unwrap().own("resources/ge2e.py");
        let error =
            command::output(python().arg(convert).arg(folder.path().join("a.whl")).arg(folder.path()))
                .unwrap_err()
                .to_string();
        assert!(error.contains("the checkpoint names "), "{error}");
        assert!(!folder.path().join("harm").exists() && !folder.path().join("ge2e.safetensors").exists());
    }
}
