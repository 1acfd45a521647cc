//! The note that users wrote about a meeting, as a part of another Markdown file.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::ops::Range;

/// The levels by which headings move: the note stands below a heading of the second level.
const LEVELS: usize = 2;

/// Pushes `note` as a block quotation, so that code and HTML that it leaves open ends with it.
pub(super) fn push_note(out: &mut String, note: &str) {
    let note = note.replace("\r\n", "\n").replace('\r', "\n");
    let note: Vec<String> = note.trim_matches('\n').split('\n').map(without_tabs).collect();
    for line in demoted(&note.join("\n")).split('\n') {
        out.push('>');
        if !line.is_empty() {
            out.push(' ');
            out.push_str(line);
        }
        out.push('\n');
    }
}

/// `line` with spaces for its tabs: in a quotation, tabs would have other widths.
fn without_tabs(line: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for c in line.chars() {
        let width = if c == '\t' { 4 - column % 4 } else { 1 };
        match c {
            '\t' => out.extend(std::iter::repeat_n(' ', width)),
            c => out.push(c),
        }
        column += width;
    }
    out
}

/// `note` with its headings [`LEVELS`] levels lower, at most at the sixth. Underlined headings become such with `#`.
fn demoted(note: &str) -> String {
    let mut headings: Vec<(HeadingLevel, Range<usize>, Range<usize>)> = Vec::new();
    let mut inside = false;
    let extensions = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_FOOTNOTES;
    for (event, range) in Parser::new_ext(note, extensions).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                headings.push((level, range.clone(), range.start..range.start));
                inside = true;
            }
            Event::End(TagEnd::Heading(_)) => inside = false,
            _ if inside => {
                if let Some((_, _, content)) = headings.last_mut() {
                    let start = if content.start == content.end { range.start } else { content.start };
                    *content = start..content.end.max(range.end);
                }
            }
            _ => {}
        }
    }
    let mut demoted = note.to_owned();
    for (level, whole, content) in headings.into_iter().rev() {
        let marks = "#".repeat((level as usize + LEVELS).min(6));
        // The content of an underlined heading may have several lines, each behind the marks of lists and quotations.
        let lines = note[content].lines().map(|line| line.trim_start_matches([' ', '\t', '>']));
        let mut heading = format!("{marks} {}", lines.collect::<Vec<_>>().join(" "));
        if note[whole.clone()].ends_with('\n') {
            heading.push('\n');
        }
        demoted.replace_range(whole, heading.trim_start_matches(' '));
    }
    demoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn headings_move_below_those_of_the_file() {
        for (note, wanted) in [
            ("# One\ntext\n## Two ##\n\n###### Six", "### One\ntext\n#### Two\n\n###### Six"),
            ("Title\n=====\ntext\n\nPart\nof *two*\n----\n", "### Title\ntext\n\n#### Part of *two*\n"),
            ("```\n# no heading\n```\n    # nor this\n#nor", "```\n# no heading\n```\n    # nor this\n#nor"),
            ("- # in a list\n> # quoted", "- ### in a list\n> ### quoted"),
            ("no headings, 3 # 4", "no headings, 3 # 4"),
        ] {
            assert_eq!(demoted(note), wanted);
        }
    }

    /// The levels of the headings of a Markdown text, and the text of its last paragraph.
    fn outline(text: &str) -> (Vec<usize>, String) {
        let (mut levels, mut last) = (Vec::new(), String::new());
        for event in Parser::new(text) {
            match event {
                Event::Start(Tag::Heading { level, .. }) => levels.push(level as usize),
                Event::Start(Tag::Paragraph) => last.clear(),
                Event::Text(text) => last.push_str(&text),
                _ => {}
            }
        }
        (levels, last)
    }

    #[test]
    fn nothing_that_a_note_leaves_open_reaches_the_text_after_it() {
        for note in
            ["```\ncode", "<!-- open", "<script>", "<div>\n", "| a |\n|-|", "- item", "> quote", "text\\"]
        {
            let mut out = String::new();
            push_note(&mut out, note);
            let (_, last) = outline(&format!("{out}\nafter"));
            assert_eq!(last, "after", "{note:?}");
        }
    }

    proptest! {
        #[test]
        fn any_note_stays_inside(note in r"[#\-=>`*+~<!a1 .\n\t]{0,60}") {
            let mut out = String::new();
            push_note(&mut out, &note);
            let (levels, last) = outline(&format!("{out}\nafter"));
            prop_assert_eq!(last, "after", "{}", out);
            prop_assert!(levels.iter().all(|level| *level > LEVELS), "{}", out);
        }
    }
}
