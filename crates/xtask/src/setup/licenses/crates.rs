//! The crates that are compiled into the app's programs, from `cargo metadata`. Needs no network after a build.

use super::components::Component;
use super::text::{self, Standard};
use crate::app::cargo;
use crate::checkout::Checkout;
use crate::command;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// The packages of the shipped programs.
const PROGRAMS: &[&str] = &["meetmemo", "meetmemo-desktop"];

/// Cargo's metadata of this workspace.
pub(super) struct Crates {
    metadata: Value,
    rust_version: String,
}

impl Crates {
    /// Reads `cargo metadata` and the compiler's version.
    pub(super) fn read(checkout: &Checkout) -> Result<Self> {
        let rustc = |arguments: &[&str]| command::output(Command::new("rustc").args(arguments));
        let platform = rustc(&["--print", "host-tuple"])?;
        let text = command::output(cargo(checkout).args([
            "metadata",
            "--format-version=1",
            "--filter-platform",
            platform.trim(),
        ]))?;
        let metadata = serde_json::from_str(&text).context("`cargo metadata` printed no JSON")?;
        // `rustc 1.95.0 (59807616e 2026-04-14)`
        let rust_version = rustc(&["--version"])?.split_whitespace().nth(1).unwrap_or_default().to_owned();
        Ok(Self { metadata, rust_version })
    }

    /// The third-party crates in the programs, and the standard library.
    pub(super) fn components(&self, standard: &Standard) -> Result<Vec<Component>> {
        let mut list = Vec::new();
        for package in compiled_in(&self.metadata, PROGRAMS)? {
            if package["source"].is_null() {
                continue; // A crate of this workspace.
            }
            list.push(
                component(package, standard).with_context(|| format!("the crate {}", package["name"]))?,
            );
        }
        let licence = "MIT OR Apache-2.0";
        list.push(Component {
            name: "Rust standard library".into(),
            version: self.rust_version.clone(),
            licence: licence.into(),
            source: Some("https://github.com/rust-lang/rust".into()),
            texts: standard.texts(licence, "The Rust Project Contributors")?,
        });
        Ok(list)
    }

    /// The version of the Opus decoder, whose source is inside a crate.
    pub(super) fn version_of_opus(&self) -> String {
        let packages = self.metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let version = packages.iter().filter(|package| package["name"] == "opusic-sys").find_map(|package| {
            let text = std::fs::read_to_string(folder(package)?.join("opus/package_version")).ok()?;
            // `PACKAGE_VERSION="1.6.1"`
            Some(text.split('"').nth(1)?.to_owned())
        });
        version.unwrap_or_default()
    }
}

fn folder(package: &Value) -> Option<&Path> {
    Path::new(package["manifest_path"].as_str()?).parent()
}

fn component(package: &Value, standard: &Standard) -> Result<Component> {
    let text = |key: &str| package[key].as_str();
    let folder = folder(package).context("has no folder")?;
    let mut texts = text::in_folder(folder)?;
    if let Some(file) = text("license_file") {
        texts.push(text::read(&folder.join(file))?);
    }
    let licence = match text("license") {
        Some(licence) => text::canonical(licence)?,
        None => texts
            .iter()
            .find_map(|text| text::recognised(text))
            .context("does not say what its licence is")?
            .to_owned(),
    };
    if texts.is_empty() {
        texts = standard.texts(&licence, &authors(package))?;
    }
    Ok(Component {
        name: text("name").context("has no name")?.to_owned(),
        version: text("version").context("has no version")?.to_owned(),
        licence,
        source: text("repository").map(str::to_owned),
        texts,
    })
}

/// The authors' names without e-mail addresses.
fn authors(package: &Value) -> String {
    let names: Vec<&str> = package["authors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|author| author.split('<').next().unwrap_or_default().trim())
        .filter(|name| !name.is_empty())
        .collect();
    if names.is_empty() {
        return format!("the authors of {}", package["name"].as_str().unwrap_or("this crate"));
    }
    names.join(", ")
}

/// The packages compiled into `programs`, without build and test dependencies.
fn compiled_in<'a>(metadata: &'a Value, programs: &[&str]) -> Result<Vec<&'a Value>> {
    let list = |value: &'a Value| value.as_array().context("`cargo metadata` is not as expected");
    let by_id = |value: &'a Value| -> Result<BTreeMap<&'a str, &'a Value>> {
        Ok(list(value)?.iter().filter_map(|item| Some((item["id"].as_str()?, item))).collect())
    };
    let packages = by_id(&metadata["packages"])?;
    let nodes = by_id(&metadata["resolve"]["nodes"])?;
    let mut waiting: Vec<&str> = packages
        .iter()
        .filter(|(_, package)| {
            package["source"].is_null() && programs.iter().any(|name| package["name"] == *name)
        })
        .map(|(id, _)| *id)
        .collect();
    let mut found = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !found.insert(id) {
            continue;
        }
        let node = nodes.get(id).with_context(|| format!("`cargo metadata` resolves no {id}"))?;
        for dependency in list(&node["deps"])? {
            // The kind of ordinary dependencies is null.
            if list(&dependency["dep_kinds"])?.iter().any(|kind| kind["kind"].is_null()) {
                waiting.extend(dependency["pkg"].as_str());
            }
        }
    }
    Ok(found.into_iter().filter_map(|id| packages.get(id).copied()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_ordinary_dependencies_are_compiled_in() {
        let package = |id: &str, source: Option<&str>| json!({"id": id, "name": id, "source": source});
        let needs = |id: &str, kind: Option<&str>| json!({"pkg": id, "dep_kinds": [{"kind": kind}]});
        let node = |id: &str, deps: Vec<Value>| json!({"id": id, "deps": deps});
        let metadata = json!({
            "packages": [
                package("app", None), package("tool", None), package("a", Some("r")), package("b", Some("r")),
                package("dev", Some("r")), package("build", Some("r")), package("other", Some("r")),
            ],
            "resolve": {"nodes": [
                node("app", vec![needs("a", None), needs("dev", Some("dev")), needs("build", Some("build"))]),
                node("tool", vec![needs("other", None)]),
                node("a", vec![needs("b", None)]),
                node("b", vec![needs("a", None)]),
                node("dev", vec![]), node("build", vec![]), node("other", vec![]),
            ]},
        });
        let names: Vec<_> =
            compiled_in(&metadata, &["app"]).unwrap().iter().map(|package| package["name"].clone()).collect();
        assert_eq!(names, ["a", "app", "b"]);
    }

    #[test]
    fn a_crate_without_texts_gets_the_standard_one_with_its_authors() {
        let checkout = Checkout::find().unwrap();
        let standard = Standard::read(&checkout.own("licenses/standard")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let package = json!({
            "name": "a", "version": "1.0.0", "license": "MIT/Apache-2.0", "authors": ["Ann <ann@example.org>"],
            "manifest_path": folder.path().join("Cargo.toml"),
        });
        let found = component(&package, &standard).unwrap();
        assert_eq!(found.licence, "MIT OR Apache-2.0");
        assert!(found.texts[0].contains("Copyright (c) Ann\n") && !found.texts[0].contains('@'));
        std::fs::write(folder.path().join("LICENSE-MIT"), "its own").unwrap();
        assert_eq!(component(&package, &standard).unwrap().texts, ["its own"]);
        let without = json!({"name": "a", "version": "1", "manifest_path": folder.path().join("Cargo.toml")});
        assert!(component(&without, &standard).unwrap_err().to_string().contains("does not say"));
    }
}
