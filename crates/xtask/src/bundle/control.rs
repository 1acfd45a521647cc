//! Completes the package's `control` file: dependencies with versions, and a description with lines short enough for
//! package managers.

use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Longest line of the description, without its leading space.
const WIDTH: usize = 78;

/// Completes the file `control`.
pub(super) fn complete(file: &Path, depends: &[String]) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))?;
    fs::write(file, completed(&text, depends)).with_context(|| format!("could not write {}", file.display()))
}

/// Replaces the whole line of dependencies: Tauri adds the window's libraries again, without versions.
fn completed(control: &str, depends: &[String]) -> String {
    let mut text = String::new();
    for line in control.lines() {
        if line.starts_with("Depends:") {
            continue;
        }
        if line.starts_with("Description:") {
            text.push_str(&format!("Depends: {}\n", depends.join(", ")));
        }
        match line.strip_prefix(' ') {
            Some(part) => wrapped(part, &mut text),
            None => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

fn wrapped(paragraph: &str, text: &mut String) {
    let mut line = String::new();
    for word in paragraph.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&format!(" {line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    text.push_str(&format!(" {line}\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_replaced_and_lines_are_short() {
        let word = "syllables ".repeat(12);
        let control =
            format!("Package: a\nDepends: x, x\nRecommends: y\nDescription: short\n {}\n .\n", word.trim());
        let depends = ["libc6 (>= 2.34)", "libgtk-3-0"].map(str::to_owned);
        let text = completed(&control, &depends);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..2], ["Package: a", "Recommends: y"]);
        assert_eq!(lines[2..4], ["Depends: libc6 (>= 2.34), libgtk-3-0", "Description: short"]);
        assert_eq!(lines[4], format!(" {}", "syllables ".repeat(7).trim()));
        assert_eq!(lines[5..], [format!(" {}", "syllables ".repeat(5).trim()), " .".to_owned()]);
    }
}
