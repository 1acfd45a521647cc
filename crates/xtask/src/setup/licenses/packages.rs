//! The npm packages in the window's page, and the fonts of PDF exports.

use super::super::npm::read_json;
use super::components::Component;
use super::text::{self, Standard};
use crate::checkout::Checkout;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::Path;

/// The packages of `ui/package-lock.json` that are not only for development.
pub(super) fn components(checkout: &Checkout, standard: &Standard) -> Result<Vec<Component>> {
    let ui = checkout.root.join("ui");
    let lock = read_json(&ui.join("package-lock.json"))?;
    for_use(&lock)
        .map(|place| component(&ui.join(place), standard).with_context(|| format!("the npm package {place}")))
        .collect()
}

/// The folders of the packages that may be in the page.
fn for_use(lock: &Value) -> impl Iterator<Item = &str> {
    lock["packages"].as_object().into_iter().flatten().filter_map(|(place, package)| {
        let only_development = package["dev"] == true || package["devOptional"] == true;
        (!place.is_empty() && !only_development && package["optional"] != true).then_some(place.as_str())
    })
}

fn component(folder: &Path, standard: &Standard) -> Result<Component> {
    let manifest = read_json(&folder.join("package.json"))?;
    let texts = text::in_folder(folder)?;
    let licence = match manifest["license"].as_str() {
        Some(licence) => licence.to_owned(),
        None => match texts.iter().find_map(|text| text::recognised(text)) {
            Some(licence) => licence.to_owned(),
            None => bail!("does not say what its licence is"),
        },
    };
    let name = manifest["name"].as_str().context("has no name")?;
    let author = manifest["author"].as_str().or(manifest["author"]["name"].as_str());
    let authors = match author.map(|author| author.split('<').next().unwrap_or_default().trim()) {
        Some(author) if !author.is_empty() => author.to_owned(),
        _ => format!("the authors of {name}"),
    };
    Ok(Component {
        name: name.to_owned(),
        version: manifest["version"].as_str().unwrap_or_default().to_owned(),
        texts: if texts.is_empty() { standard.texts(&licence, &authors)? } else { texts },
        licence,
        source: None,
    })
}

/// The fonts of `crates/export/fonts.json`, with the licence texts in `resources/fonts`.
pub(super) fn fonts(checkout: &Checkout) -> Result<Vec<Component>> {
    let list = read_json(&checkout.root.join("crates/export/fonts.json"))?;
    let fonts = list.as_array().context("crates/export/fonts.json is not a list")?;
    fonts
        .iter()
        .map(|font| {
            let value = |key: &str| font[key].as_str().with_context(|| format!("no `{key}` in {font}"));
            let text = text::read(&checkout.resources.join("fonts").join(value("licence_as")?))?;
            let licence = text::recognised(&text)
                .with_context(|| format!("{} comes with a licence that is not known", font["package"]))?;
            Ok(Component {
                name: font_name(value("package")?),
                version: value("version")?.to_owned(),
                licence: licence.to_owned(),
                source: None,
                texts: vec![text],
            })
        })
        .collect()
}

/// `@expo-google-fonts/noto-sans-jp` holds Noto Sans JP.
fn font_name(package: &str) -> String {
    let words = package.rsplit('/').next().unwrap_or(package).split('-').map(|word| match word.len() {
        ..=2 => word.to_uppercase(),
        _ => word[..1].to_uppercase() + &word[1..],
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn development_packages_are_not_in_the_page() {
        let lock = json!({"packages": {
            "": {"name": "ui"},
            "node_modules/used": {},
            "node_modules/checker": {"dev": true},
            "node_modules/for-another-platform": {"optional": true},
        }});
        assert_eq!(for_use(&lock).collect::<Vec<_>>(), ["node_modules/used"]);
    }

    #[test]
    fn fonts_are_listed_by_their_own_names() {
        assert_eq!(font_name("@expo-google-fonts/noto-sans-jp"), "Noto Sans JP");
        assert_eq!(font_name("@expo-google-fonts/noto-sans-symbols-2"), "Noto Sans Symbols 2");
    }
}
