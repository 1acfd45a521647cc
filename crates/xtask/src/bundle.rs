//! `cargo xtask bundle`: makes the package for Debian and Ubuntu, with everything the app needs besides system libraries.
//!
//! `tauri.conf.json` and `packaging/` describe the package, and Tauri's command line lays it out. This module adds what
//! they cannot know: the paths of the built files, and the libraries that these are linked with.

mod check;
mod control;
mod dependencies;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use xtask::app::{self, Profile};
use xtask::checkout::Checkout;
use xtask::command;
use xtask::setup::files;

/// The folder in which the installed app finds its resources: see `crates/app/src/resources.rs`.
const RESOURCES: &str = "/usr/lib/MeetMemo/resources";

/// Makes and checks the package; with a recording, also tries it in a fresh minimal system.
pub(crate) fn bundle(checkout: &Checkout, recording: Option<&Path>) -> Result<ExitCode> {
    if !cfg!(target_os = "linux") || !command::on_path("dpkg-deb") {
        bail!("packages are made for Debian and Ubuntu only, and need dpkg-deb");
    }
    let window = app::build(checkout, "meetmemo-desktop", Profile::Release)?;
    let command_line = app::build(checkout, "meetmemo", Profile::Release)?;
    let slower_engine = slower_engine(checkout)?;
    let staged = stage(checkout, &command_line, slower_engine.as_deref())?;
    let depends = dependencies::all(&[&window, &command_line])?;

    let folder = checkout.target.join("release/bundle/deb");
    empty(&folder)?;
    lay_out(checkout, &additions(&staged))?;
    let package = files::entries(&folder)?
        .into_iter()
        .find(|path| path.extension().is_some_and(|ending| ending == "deb"))
        .with_context(|| format!("tauri made no package in {}", folder.display()))?;
    let unpacked = checkout.target.join("bundle-unpacked");
    empty(&unpacked)?;
    command::output(Command::new("dpkg-deb").arg("--raw-extract").arg(&package).arg(&unpacked))?;
    check::content(checkout, &unpacked, &staged)?;
    control::complete(&unpacked.join("DEBIAN/control"), &depends)?;
    set_modes(&unpacked)?;
    // A third smaller than Tauri's own compression.
    println!("bundle: compressing");
    command::output(
        Command::new("dpkg-deb").args(["--root-owner-group", "-Zxz", "--build"]).arg(&unpacked).arg(&package),
    )?;
    check::modes(&package)?;
    empty(&unpacked)?;
    empty(&staged)?;
    let bytes = package.metadata().context("the package cannot be read")?.len();
    println!("bundle: {} ({}.{} MB)", package.display(), bytes / 1_000_000, bytes % 1_000_000 / 100_000);

    if let Some(recording) = recording {
        let pictures = checkout.target.join("bundle-trial");
        command::run(
            Command::new(checkout.root.join("packaging/try.sh")).arg(&package).arg(recording).arg(&pictures),
        )?;
        println!("bundle: installed and used in a fresh system; pictures are in {}", pictures.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Options of ggml for x86-64 processors without AVX2: x86-64-v2, which processors have had since about 2009.
const WITHOUT_AVX2: &str = "-DGGML_NATIVE=OFF -DGGML_SSE42=ON -DGGML_AVX=OFF -DGGML_AVX2=OFF -DGGML_BMI2=OFF -DGGML_FMA=OFF \
     -DGGML_F16C=OFF";

/// Builds the engine process for old processors without AVX2, which the engine library in the other programs needs; see
/// `App::engine_command`. `None` except on x86-64.
fn slower_engine(checkout: &Checkout) -> Result<Option<PathBuf>> {
    if !cfg!(target_arch = "x86_64") {
        return Ok(None);
    }
    println!("bundle: building the engine for processors without AVX2");
    // A separate target folder; otherwise each of the two builds would rebuild the native library.
    let target = checkout.target.join("without-avx2");
    let mut cargo = app::cargo_for_users(checkout)?;
    cargo
        .env("TRANSCRIBE_CMAKE_ARGS", WITHOUT_AVX2)
        .args(["build", "--release", "--package", "speech", "--bin", "meetmemo-engine", "--target-dir"])
        .arg(&target);
    command::run(&mut cargo)?;
    Ok(Some(target.join("release/meetmemo-engine")))
}

/// Copies the content of the package, except the window's program, to a folder, with the final modes.
fn stage(checkout: &Checkout, command_line: &Path, slower_engine: Option<&Path>) -> Result<PathBuf> {
    let staged = checkout.target.join("bundle-stage");
    empty(&staged)?;
    files::copy(command_line, &staged.join("meetmemo"))?;
    let resources = staged.join("resources");
    // The record of what a folder was made from is only for set-up.
    files::copy_tree(&checkout.resources, &resources, |relative| !relative.ends_with(files::SOURCE))?;
    if let Some(engine) = slower_engine {
        files::copy(engine, &resources.join("engine/meetmemo-engine"))?;
    }
    files::copy(&checkout.root.join("CHANGELOG.md"), &staged.join("changelog"))?;
    // Without name and time, so that the output depends only on the content.
    command::output(Command::new("gzip").args(["-9", "--no-name"]).arg(staged.join("changelog")))?;
    set_modes(&staged)?;
    Ok(staged)
}

fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("could not remove {}", folder.display()))?;
    }
    Ok(())
}

/// Sets the modes of all files: readable for all users, writable for the owner only; programs stay executable.
fn set_modes(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let set = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .with_context(|| format!("could not change the mode of {}", path.display()))
    };
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        set(&folder, 0o755)?;
        for path in files::entries(&folder)? {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mode = path
                .metadata()
                .with_context(|| format!("could not read {}", path.display()))?
                .permissions()
                .mode();
            let is_library = path.to_string_lossy().contains(".so");
            set(&path, if mode & 0o100 != 0 && !is_library { 0o755 } else { 0o644 })?;
        }
    }
    Ok(())
}

/// Additions to `tauri.conf.json`: the built files by their path in the package.
fn additions(staged: &Path) -> Value {
    json!({"bundle": {"linux": {"deb": {"files": {
        "/usr/bin/meetmemo": staged.join("meetmemo"),
        "/usr/share/doc/meet-memo/changelog.gz": staged.join("changelog.gz"),
        RESOURCES: staged.join("resources"),
    }}}}})
}

/// Runs Tauri's bundler on the built files.
fn lay_out(checkout: &Checkout, additions: &Value) -> Result<()> {
    // The modes of new folders must not depend on the user's umask.
    let mut tauri = Command::new("sh");
    tauri
        .args(["-c", "umask 022 && exec \"$0\" \"$@\""])
        .arg(checkout.root.join("ui/node_modules/.bin/tauri"))
        // The patch is for the updater, which the app does not have.
        .args(["bundle", "--bundles", "deb", "--no-binary-patching", "--ci", "--config"])
        .arg(additions.to_string())
        .current_dir(&checkout.root)
        .env("CARGO_TARGET_DIR", &checkout.target);
    command::output(&mut tauri).context("the package could not be made")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use xtask::setup::read_json;

    fn conf() -> Value {
        read_json(&Checkout::find().unwrap().root.join("tauri.conf.json")).unwrap()
    }

    #[test]
    fn the_package_is_associated_with_the_file_types_that_the_window_opens() {
        let source =
            fs::read_to_string(Checkout::find().unwrap().root.join("src-tauri/src/dialogs.rs")).unwrap();
        let (_, list) = source.split_once("const ENDINGS: &[&str] = &[").unwrap();
        let (list, _) = list.split_once("];").unwrap();
        let asked: BTreeSet<&str> = list.split('"').skip(1).step_by(2).collect();
        let conf = conf();
        let associations = conf["bundle"]["fileAssociations"].as_array().unwrap();
        let offered: BTreeSet<&str> = associations
            .iter()
            .flat_map(|kind| kind["ext"].as_array().unwrap())
            .map(|ending| ending.as_str().unwrap())
            .collect();
        assert_eq!(offered, asked);
        for kind in associations {
            let mime = kind["mimeType"].as_str().unwrap();
            assert!(mime.starts_with("audio/") || mime.starts_with("video/"), "{mime}");
        }
    }

    #[test]
    fn all_files_named_in_the_configuration_exist() {
        let root = Checkout::find().unwrap().root;
        let conf = conf();
        let deb = &conf["bundle"]["linux"]["deb"];
        let named = deb["files"].as_object().unwrap().values().chain([&deb["desktopTemplate"]]);
        assert_eq!(deb["recommends"], json!(["ffmpeg"]), "for formats that are not decoded here");
        for file in named.chain(conf["bundle"]["icon"].as_array().unwrap()) {
            assert!(root.join(file.as_str().unwrap()).is_file(), "{file}");
        }
    }

    #[test]
    fn modes_do_not_depend_on_the_original_ones() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let set = |name: &str, mode: u32| {
            let path = folder.path().join(name);
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        };
        for (name, mode) in [("program", 0o700), ("text", 0o600), ("libz.so.1", 0o755), ("open", 0o666)] {
            set(name, mode);
        }
        set_modes(folder.path()).unwrap();
        for (name, mode) in [("program", 0o755), ("text", 0o644), ("libz.so.1", 0o644), ("open", 0o644)] {
            let found = folder.path().join(name).metadata().unwrap().permissions().mode() & 0o7777;
            assert_eq!(found, mode, "{name}");
        }
    }
}
