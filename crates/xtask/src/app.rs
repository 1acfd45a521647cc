//! The app's command line as the other commands use it: building it, calling it, reading its JSON.

use crate::checkout::{self, Checkout};
use crate::command;
use crate::setup::files;
use anyhow::{Context, Result};
use serde_json::Value;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How the app is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Compiles fast; the crates that work on samples are optimised all the same.
    Dev,
    /// What users get.
    Release,
}

/// cargo, building into the folder that the resources are in.
pub fn cargo(checkout: &Checkout) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(&checkout.root)
        .env("CARGO_TARGET_DIR", &checkout.target)
        .env("MEETMEMO_RESOURCES", &checkout.resources);
    cargo
}

/// cargo, so that what it makes with `--release` is what users get.
pub fn cargo_for_users(checkout: &Checkout) -> Result<Command> {
    let folders = Folders::of(checkout)?;
    let mut cargo = cargo(checkout);
    cargo
        .env("CARGO_ENCODED_RUSTFLAGS", folders.flags_of_rust())
        .env("CFLAGS", folders.flags_of_c("CFLAGS"))
        .env("CXXFLAGS", folders.flags_of_c("CXXFLAGS"))
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
    Ok(cargo)
}

/// Builds the program `name`, which is called as its package is.
pub fn build(checkout: &Checkout, name: &str, profile: Profile) -> Result<PathBuf> {
    let (mut cargo, folder) = match profile {
        Profile::Dev => (cargo(checkout), "debug"),
        Profile::Release => (cargo_for_users(checkout)?, "release"),
    };
    cargo.args(["build", "--package", name, "--bin", name]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    command::run(&mut cargo)?;
    Ok(checkout.target.join(folder).join(format!("{name}{}", env::consts::EXE_SUFFIX)))
}

/// The folders of this machine that programs would name: messages of failures tell source files.
struct Folders {
    /// With what stands in their place. Of several that fit, the compilers take the last.
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

    /// As cargo takes them, after those of the environment.
    fn flags_of_rust(&self) -> OsString {
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

    /// The same for the C and C++ that some crates bring along, after those of the environment.
    fn flags_of_c(&self, variable: &str) -> OsString {
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
    pub program: PathBuf,
    resources: PathBuf,
    data: Option<PathBuf>,
}

/// An element of what `import --wait --json` prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    pub path: String,
    pub outcome: String,
    pub job: Option<String>,
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

    /// The same app on a data folder of its own, whatever the environment says about databases.
    pub fn with_data(&self, folder: &Path) -> Self {
        Self { data: Some(folder.to_path_buf()), ..self.clone() }
    }

    /// A call of the app.
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

    /// Runs the command and reads the JSON document it prints, also when it says by its exit code that something failed.
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

/// Reads what `import --json` printed.
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
    fn programs_for_users_name_no_folder_of_this_machine() {
        let folders = Folders { names: vec![("/home/ann/code".into(), "meetmemo")] };
        let rust = folders.flags_of_rust().into_string().unwrap();
        assert!(rust.ends_with("--remap-path-prefix=/home/ann/code=meetmemo"), "{rust}");
        let c = folders.flags_of_c("CFLAGS").into_string().unwrap();
        assert!(c.ends_with(" -ffile-prefix-map=/home/ann/code=meetmemo"), "{c}");
    }

    #[test]
    fn the_result_of_an_import_is_read() {
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
