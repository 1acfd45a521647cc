//! The list of components that ship with the app, and their licence texts in one document.

use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A third-party component of the installed app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Component {
    pub(super) name: String,
    pub(super) version: String,
    /// SPDX expression.
    pub(super) licence: String,
    /// Address of its source, if known.
    pub(super) source: Option<String>,
    pub(super) texts: Vec<String>,
}

/// Sorts by name and removes duplicates.
pub(super) fn sort(list: &mut Vec<Component>) {
    list.sort_by_cached_key(|part| (part.name.to_lowercase(), part.version.clone(), part.licence.clone()));
    list.dedup_by(|a, b| (&a.name, &a.version, &a.licence) == (&b.name, &b.version, &b.licence));
}

/// The JSON that the window reads: `[{name, version, licence}]`.
pub(super) fn json(list: &[Component]) -> String {
    let list: Vec<_> = list
        .iter()
        .map(|part| json!({"name": part.name, "version": part.version, "licence": part.licence}))
        .collect();
    let mut text = format!("{:#}", serde_json::Value::from(list));
    text.push('\n');
    text
}

/// Each text once, after the list of its components; texts with the most components come first.
pub(super) fn texts(list: &[Component]) -> String {
    let mut by_text: BTreeMap<String, (String, Vec<&Component>)> = BTreeMap::new();
    for part in list {
        for text in &part.texts {
            let text = tidy(text);
            // Texts that differ only in line breaks count as equal.
            let key = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            let (_, parts) = by_text.entry(key).or_insert((text, Vec::new()));
            if parts.last() != Some(&part) {
                parts.push(part);
            }
        }
    }
    let mut by_text: Vec<_> = by_text.into_values().collect();
    by_text.sort_by_key(|(_, parts)| (usize::MAX - parts.len(), parts[0].name.to_lowercase()));

    let mut document = String::from(
        "MeetMemo comes with the work of many others. Their licences follow, each after the parts it covers.\n",
    );
    for (text, parts) in by_text {
        document.push_str(&format!("\n{}\n\n", "=".repeat(100)));
        for part in parts {
            let source = part.source.as_ref().map(|source| format!(", {source}")).unwrap_or_default();
            let named = [part.name.as_str(), part.version.as_str()].join(" ");
            // Writing to a String cannot fail.
            let _ = writeln!(document, "{} ({}){source}", named.trim_end(), part.licence);
        }
        document.push_str(&format!("\n{text}\n"));
    }
    document
}

fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(|line| line.trim_end().trim_matches('\u{c}'))
        .collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(name: &str, version: &str, texts: &[&str]) -> Component {
        Component {
            name: name.into(),
            version: version.into(),
            licence: "MIT".into(),
            source: None,
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    #[test]
    fn a_text_is_shown_once_after_all_it_covers() {
        let list = [
            component("a", "1", &["Own text."]),
            component("b", "2", &["Shared\ntext.\n", "More."]),
            component("c", "3", &["shared text.\r\n"]),
        ];
        let document = texts(&list);
        assert_eq!(document.to_lowercase().matches("shared").count(), 1);
        assert!(document.contains("b 2 (MIT)\nc 3 (MIT)\n\nShared\ntext.\n"), "{document}");
        let place = |text: &str| document.find(text).unwrap();
        assert!(place("Shared") < place("Own text.") && place("b 2 (MIT)\n\nMore.") > 0);
    }

    #[test]
    fn the_list_is_sorted_by_name_without_duplicates() {
        let mut list = vec![component("b", "1", &[]), component("A", "1", &[]), component("b", "1", &[])];
        sort(&mut list);
        let value: serde_json::Value = serde_json::from_str(&json(&list)).unwrap();
        assert_eq!(
            value,
            json!([
                {"name": "A", "version": "1", "licence": "MIT"},
                {"name": "b", "version": "1", "licence": "MIT"},
            ])
        );
    }
}
