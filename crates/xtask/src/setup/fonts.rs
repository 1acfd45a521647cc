//! The fonts of PDF exports: `crates/export/fonts.json` lists them, npm packages contain them.

use super::files;
use super::npm::{Lock, Packages, read_json};
use crate::checkout::Checkout;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

/// One font file of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Font {
    package: String,
    version: String,
    /// The font and its licence: path in the package, name in `resources/fonts`.
    files: [(PathBuf, String); 2],
}

/// Makes `resources/fonts` if it is missing or the list has changed.
pub(crate) fn set_up(checkout: &Checkout, lock: &Lock, packages: &mut Packages<'_>) -> Result<()> {
    let list = checkout.root.join("crates/export/fonts.json");
    let fonts =
        parse(&read_json(&list)?).with_context(|| format!("{} is not as expected", list.display()))?;
    let source = source(&fonts, lock)?;
    let folder = checkout.resources.join("fonts");
    if files::is_from(&folder, &source) {
        return Ok(());
    }
    files::replace_folder(&folder, &source, |new| {
        for font in &fonts {
            let package = packages.folder(&font.package)?;
            for (from, to) in &font.files {
                files::copy(&package.join(from), &new.join(to))?;
            }
        }
        Ok(())
    })?;
    println!("setup: {} fonts in {} ({})", fonts.len(), folder.display(), files::size(&folder)?);
    Ok(())
}

/// The record of the versions that the folder is made from; an error if the list and the lock file disagree.
fn source(fonts: &[Font], lock: &Lock) -> Result<String> {
    let mut source = String::from("npm");
    for font in fonts {
        let package = lock.package(&font.package)?;
        if package.version != font.version {
            bail!(
                "crates/export/fonts.json wants {} {}, crates/xtask/resources/package-lock.json has {}: make them agree",
                font.package,
                font.version,
                package.version
            );
        }
        write!(source, "\n{} {} {}", package.name, package.version, package.integrity)?;
        for (from, to) in &font.files {
            write!(source, " {}={to}", from.display())?;
        }
    }
    Ok(source)
}

fn parse(list: &Value) -> Result<Vec<Font>> {
    let fonts = list.as_array().context("not a list of fonts")?;
    fonts.iter().map(|font| parse_font(font).with_context(|| format!("in {font}"))).collect()
}

fn parse_font(font: &Value) -> Result<Font> {
    let text = |key: &str| font[key].as_str().with_context(|| format!("`{key}` is missing"));
    let from = |key: &str| -> Result<PathBuf> {
        let path = PathBuf::from(text(key)?);
        if !only_names(&path) {
            bail!("`{key}` leaves the package");
        }
        Ok(path)
    };
    let to = |key: &str| -> Result<String> {
        let name = text(key)?;
        if !only_names(Path::new(name)) || name.contains(['/', '\\']) {
            bail!("`{key}` is not a file name");
        }
        Ok(name.to_owned())
    };
    Ok(Font {
        package: text("package")?.to_owned(),
        version: text("version")?.to_owned(),
        files: [(from("file")?, to("as")?), (from("licence")?, to("licence_as")?)],
    })
}

fn only_names(path: &Path) -> bool {
    path.components().next().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn font() -> Value {
        json!({"package": "@fonts/a", "version": "1.2.3", "file": "400/A.ttf", "as": "A.ttf",
               "licence": "LICENSE_FONT", "licence_as": "A-LICENSE.txt", "use": "regular"})
    }

    #[test]
    fn a_font_is_read_with_its_licence() {
        let fonts = parse(&json!([font()])).unwrap();
        assert_eq!(fonts[0].package, "@fonts/a");
        assert_eq!(fonts[0].files[0], (PathBuf::from("400/A.ttf"), "A.ttf".to_owned()));
        assert_eq!(fonts[0].files[1], (PathBuf::from("LICENSE_FONT"), "A-LICENSE.txt".to_owned()));
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        for (key, value) in
            [("file", "../A.ttf"), ("file", "/A.ttf"), ("file", ""), ("as", "x/A.ttf"), ("as", "..")]
        {
            let mut font = font();
            font[key] = json!(value);
            assert!(parse(&json!([font])).is_err(), "{key}={value}");
        }
        let mut without = font();
        without["licence"] = Value::Null;
        assert!(format!("{:#}", parse(&json!([without])).unwrap_err()).contains("`licence` is missing"));
    }

    #[test]
    fn the_list_of_the_checkout_agrees_with_the_lock_file() {
        let checkout = Checkout::find().unwrap();
        let list = read_json(&checkout.root.join("crates/export/fonts.json")).unwrap();
        source(&parse(&list).unwrap(), &Lock::read(&checkout).unwrap()).unwrap();
    }

    #[test]
    fn a_disagreement_is_reported() {
        let lock = Lock::parse(
            &json!({"packages": {"node_modules/@fonts/a": {"version": "1.2.4", "integrity": "sha512-x"}}})
                .to_string(),
        )
        .unwrap();
        let error = source(&parse(&json!([font()])).unwrap(), &lock).unwrap_err().to_string();
        assert!(error.contains("fonts.json wants @fonts/a 1.2.3") && error.contains("has 1.2.4"), "{error}");
    }
}
