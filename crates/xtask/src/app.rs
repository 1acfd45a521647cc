//! Builds the app's programs, calls its command line and reads the JSON output.

use crate::checkout::{self, Checkout};
use crate::command;
use crate::setup::files;
use anyhow::{Context, Result};
use serde_json::Value;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Cargo profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Compiles fast; only the crates that process samples are optimised.
    Dev,
    /// As shipped to users.
    Release,
}

/// cargo with the target folder and resources of the checkout.
pub fn cargo(checkout: &Checkout) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(&checkout.root)
        .env("CARGO_TARGET_DIR", &checkout.target)
        .env("MEETMEMO_RESOURCES", &checkout.resources);
    cargo
}

/// [`cargo`] with the flags for programs that are shipped to users: no paths of this machine, stripped with `--release`.
pub fn cargo_for_users(checkout: &Checkout) -> Result<Command> {
    let folders = Folders::of(checkout)?;
    let mut cargo = cargo(checkout);
    cargo
        .env("CARGO_ENCODED_RUSTFLAGS", folders.rust_flags())
        .env("CFLAGS", folders.c_flags("CFLAGS"))
        .env("CXXFLAGS", folders.c_flags("CXXFLAGS"))
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
    Ok(cargo)
}

/// Builds the program `name` of the package with the same name; returns its path.
pub fn build(checkout: &Checkout, name: &str, profile: Profile) -> Result<PathBuf> {
    let (mut cargo, folder) = match profile {
        Profile::Dev => (cargo(checkout), "debug"),
        Profile::Release => (cargo_for_users(checkout)?, "release"),
    };
    // With the features of the whole workspace: otherwise each program compiles common dependencies once more.
    cargo.args(["build", "--workspace", "--bin", name]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    command::run(&mut cargo)?;
    Ok(checkout.target.join(folder).join(format!("{name}{}", env::consts::EXE_SUFFIX)))
}

/// Folders of this machine that would appear in built programs, because panic messages contain source paths.
struct Folders {
    /// Each with its replacement. If several match a path, the compilers use the last one.
    names: Vec<(PathBuf, &'static str)>,
}

impl Folders {
    fn of(checkout: &Checkout) -> Result<Self> {
        let mut names = vec![(checkout.root.clone(), "meetmemo"), (checkout.target.clone(), "target")];
        if let Some(home) = checkout::cargo_home() {
            let registries = home.join("registry/src");
            let inside = if registries.is_dir() { files::entries(&registries)? } else { Vec::new() };
            names.push((home, "cargo"));
            names.extend(inside.into_iter().map(|folder| (folder, "crates")));
        }
        Ok(Self { names })
    }

    /// `CARGO_ENCODED_RUSTFLAGS`: the flags of the environment, then ours.
    fn rust_flags(&self) -> OsString {
        const SEPARATOR: &str = "\u{1f}";
        let mut flags: Vec<OsString> = match env::var("CARGO_ENCODED_RUSTFLAGS") {
            Ok(encoded) => encoded.split(SEPARATOR).map(OsString::from).collect(),
            Err(_) => {
                env::var("RUSTFLAGS").unwrap_or_default().split_whitespace().map(OsString::from).collect()
            }
        };
        flags.retain(|flag| !flag.is_empty());
        flags.extend(self.options("--remap-path-prefix="));
        flags.join(OsStr::new(SEPARATOR))
    }

    /// The same for C and C++ code in crates, as the environment variable `variable`.
    fn c_flags(&self, variable: &str) -> OsString {
        let mut flags = vec![env::var_os(variable).unwrap_or_default()];
        flags.extend(self.options("-ffile-prefix-map="));
        flags.join(OsStr::new(" "))
    }

    fn options<'a>(&'a self, option: &'a str) -> impl Iterator<Item = OsString> + 'a {
        self.names.iter().map(move |(folder, name)| {
            let mut flag = OsString::from(option);
            flag.push(folder);
            flag.push("=");
            flag.push(name);
            flag
        })
    }
}

/// The built app.
#[derive(Debug, Clone)]
pub struct App {
    /// Path of `meetmemo`.
    pub program: PathBuf,
    resources: PathBuf,
    data: Option<PathBuf>,
}

/// One file in the output of `import --wait --json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The file.
    pub path: String,
    /// `imported`, `duplicate`, `skipped` or `failed`.
    pub outcome: String,
    /// The job's id.
    pub job: Option<String>,
    /// The job's final status.
    pub status: Option<String>,
    /// Why it was not imported or not transcribed.
    pub error: Option<String>,
}

impl App {
    /// Builds `meetmemo`.
    pub fn build(checkout: &Checkout, profile: Profile) -> Result<Self> {
        let program = build(checkout, "meetmemo", profile)?;
        Ok(Self { program, resources: checkout.resources.clone(), data: None })
    }

    /// The same app with this data folder and its private database, whatever the environment says.
    pub fn with_data(&self, folder: &Path) -> Self {
        Self { data: Some(folder.to_path_buf()), ..self.clone() }
    }

    /// A command that starts the app.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("MEETMEMO_RESOURCES", &self.resources);
        if let Some(data) = &self.data {
            command
                .env("MEETMEMO_DATA_DIR", data)
                .env_remove("MEETMEMO_DATABASE_URL")
                .env_remove("DATABASE_URL");
        }
        command
    }

    /// Runs the command and parses the JSON that it prints, also if its exit code is not 0.
    pub fn json(&self, command: &mut Command) -> Result<Value> {
        let output = command
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("could not start `{}`", command::shown(command)))?;
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("`{}` printed no result ({})", command::shown(command), output.status))
    }
}

/// Parses the output of `import --json`.
pub fn imported(list: &Value) -> Result<Vec<Imported>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    list.as_array()
        .with_context(|| format!("`meetmemo import` printed no list but {list}"))?
        .iter()
        .map(|item| {
            Ok(Imported {
                path: text(&item["path"]).with_context(|| format!("no path in {item}"))?,
                outcome: text(&item["outcome"]).with_context(|| format!("no outcome in {item}"))?,
                job: text(&item["job_id"]),
                status: text(&item["status"]),
                error: text(&item["error"]).or_else(|| text(&item["error_message"])),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn shipped_programs_contain_no_path_of_this_machine() {
        let folders = Folders { names: vec![("/home/ann/code".into(), "meetmemo")] };
        let rust = folders.rust_flags().into_string().unwrap();
        assert!(rust.ends_with("--remap-path-prefix=/home/ann/code=meetmemo"), "{rust}");
        let c = folders.c_flags("CFLAGS").into_string().unwrap();
        assert!(c.ends_with(" -ffile-prefix-map=/home/ann/code=meetmemo"), "{c}");
    }

    #[test]
    fn the_output_of_an_import_is_parsed() {
        let list = json!([
            {"path": "a.wav", "outcome": "imported", "job_id": "1f", "error": null, "status": "completed", "error_message": null},
            {"path": "b.txt", "outcome": "failed", "job_id": null, "error": "not an audio file"},
            {"path": "c.wav", "outcome": "imported", "job_id": "2f", "error": null, "status": "failed", "error_message": "disk full"},
        ]);
        let read = imported(&list).unwrap();
        assert_eq!(read[0].job.as_deref(), Some("1f"));
        assert_eq!(read[1].error.as_deref(), Some("not an audio file"));
        assert_eq!(read[2].error.as_deref(), Some("disk full"));
        assert!(imported(&json!({"error": "x"})).is_err());
    }
}
