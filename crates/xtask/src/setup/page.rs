//! The window's page: npm packages in `ui/node_modules`, and vite's build of `ui/` in `ui/dist`.
//!
//! Both belong to the checkout and not to a target folder, so the record of their versions is in `ui/node_modules` too.

use super::files;
use super::npm::{install, npm, read_json};
use crate::checkout::Checkout;
use crate::command;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;

/// Raise this when the same sources must be built again.
const RECIPE: u32 = 1;

/// File in `node_modules` that records what `dist` was built from.
const STAMP: &str = ".meetmemo-page";

/// Installs the packages if they differ from the lock file, and builds the page if its sources have changed.
pub(crate) fn set_up(checkout: &Checkout) -> Result<()> {
    let ui = checkout.root.join("ui");
    // Set-ups of other target folders use the same two folders.
    let lock_file = ui.join("package-lock.json");
    let only_one =
        File::open(&lock_file).with_context(|| format!("could not open {}", lock_file.display()))?;
    only_one.lock().with_context(|| format!("could not lock {}", lock_file.display()))?;

    let locked = read_json(&lock_file)?;
    let are_there =
        || is_installed(&locked, &read_json(&ui.join("node_modules/.package-lock.json")).unwrap_or_default());
    if !are_there() {
        println!("setup: fetching npm packages (the window's page)");
        // Not `npm ci`: it needs lock entries for all platforms of optional packages, which not every registry has.
        // `is_installed` checks what `npm ci` would.
        install(&ui, &["install", "--no-save"])?;
        if !are_there() {
            bail!(
                "npm installed other packages than ui/package-lock.json names: do ui/package.json and it agree?"
            );
        }
    }
    let sources = files::checksum_of(&ui, &files::below(&ui, &is_source)?)?;
    let stamp = ui.join("node_modules").join(STAMP);
    if fs::read_to_string(&stamp)
        .is_ok_and(|text| build_record(&ui, sources).is_ok_and(|wanted| text == wanted))
    {
        return Ok(());
    }
    println!("setup: building the window's page");
    command::output(npm(&ui)?.args(["run", "build"])).context("the window's page could not be built")?;
    if !ui.join("dist/index.html").is_file() {
        bail!("`npm run build` in ui made no dist/index.html");
    }
    fs::write(&stamp, build_record(&ui, sources)?)
        .with_context(|| format!("could not write {}", stamp.display()))
}

/// Whether the packages of `installed`, which npm writes when it is done, are those of `locked` for this platform.
fn is_installed(locked: &Value, installed: &Value) -> bool {
    let (Some(locked), Some(installed)) = (locked["packages"].as_object(), installed["packages"].as_object())
    else {
        return false;
    };
    let same = |a: &Value, b: &Value| a["version"] == b["version"] && a["integrity"] == b["integrity"];
    installed.iter().all(|(place, package)| locked.get(place).is_some_and(|wanted| same(wanted, package)))
        // Packages for other platforms are optional and missing.
        && locked.iter().all(|(place, package)| {
            place.is_empty() || package["optional"] == true || installed.contains_key(place)
        })
}

/// Whether a file or folder of `ui/`, by its relative path, may affect the built page.
fn is_source(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let is_generated = ["node_modules", "dist"].iter().any(|folder| path.starts_with(folder));
    !is_generated && !name.starts_with('.') && !name.ends_with(".test.ts")
}

/// The record of the sources and the built page.
fn build_record(ui: &Path, sources: u64) -> Result<String> {
    let dist = ui.join("dist");
    let page = files::checksum_of(&dist, &files::below(&dist, &|_| true)?)?;
    Ok(format!("recipe {RECIPE} sources {sources:016x} page {page:016x}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn packages_count_as_installed_if_they_are_those_of_the_lock_file() {
        let locked = json!({"packages": {
            "": {"name": "ui"},
            "node_modules/a": {"version": "1.0.0", "integrity": "sha512-a"},
            "node_modules/b": {"version": "2.0.0", "integrity": "sha512-b", "optional": true},
        }});
        let noted = |packages: Value| json!({"packages": packages});
        let a = json!({"version": "1.0.0", "integrity": "sha512-a"});
        assert!(is_installed(&locked, &noted(json!({"node_modules/a": a}))));
        assert!(!is_installed(&locked, &Value::Null));
        assert!(!is_installed(&locked, &noted(json!({}))));
        let older = json!({"version": "0.9.0", "integrity": "sha512-o"});
        assert!(!is_installed(&locked, &noted(json!({"node_modules/a": older}))));
        assert!(!is_installed(&locked, &noted(json!({"node_modules/a": a, "node_modules/gone": a}))));
    }

    #[test]
    fn the_lock_file_names_no_registry_and_pins_every_content() {
        let lock = read_json(&Checkout::find().unwrap().root.join("ui/package-lock.json")).unwrap();
        for (place, package) in
            lock["packages"].as_object().unwrap().iter().filter(|(place, _)| !place.is_empty())
        {
            assert!(
                package.get("resolved").is_none(),
                "{place}: a host would tie every checkout to one registry"
            );
            assert!(package["integrity"].as_str().unwrap().starts_with("sha512-"), "{place}");
        }
    }

    #[test]
    fn tests_and_generated_files_are_not_sources_of_the_page() {
        for source in ["src", "src/app/Frame.svelte", "index.html", "vite.config.ts", "package-lock.json"] {
            assert!(is_source(Path::new(source)), "{source}");
        }
        for other in ["node_modules", "dist", "dist/index.html", "src/lib/format.test.ts", ".prettierrc.json"]
        {
            assert!(!is_source(Path::new(other)), "{other}");
        }
    }

    #[test]
    fn a_changed_build_is_detected_too() {
        let ui = tempfile::tempdir().unwrap();
        fs::create_dir(ui.path().join("dist")).unwrap();
        fs::write(ui.path().join("dist/index.html"), "page").unwrap();
        let before = build_record(ui.path(), 1).unwrap();
        assert_eq!(before, build_record(ui.path(), 1).unwrap());
        assert_ne!(before, build_record(ui.path(), 2).unwrap());
        fs::write(ui.path().join("dist/index.html"), "placeholder").unwrap();
        assert_ne!(before, build_record(ui.path(), 1).unwrap());
    }
}
