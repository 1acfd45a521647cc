//! The transcript as CommonMark.
//!
//! Whatever was said, and whatever a file is called, comes out as that text in every reader of Markdown: characters
//! that would mean something are escaped, but only where they would. Leaves out HTML, tables and everything that
//! CommonMark itself does not have; escapes what the GitHub dialect would take for its own.

use crate::script::{NO_WORDS, Script};
use std::fmt::Write;

/// `script` as Markdown: its title as the heading, the facts as a list, then each run under its speaker's name with
/// the time of every line in `H:MM:SS`.
pub fn markdown(script: &Script) -> String {
    let heading = script.heading();
    let mut out = String::from("# ");
    push_heading(&mut out, &heading);
    out.push('\n');
    for (index, (label, value)) in script.rows(&heading).into_iter().enumerate() {
        out.push_str(if index == 0 { "\n- **" } else { "- **" });
        let _ = write!(out, "{label}:** ");
        push_text(&mut out, &value);
        out.push('\n');
    }
    let mut blank = true;
    for run in script.spoken() {
        blank = false;
        if let Some(name) = &run.speaker {
            out.push_str("\n**");
            push_text(&mut out, name.trim());
            out.push_str("**\n");
        }
        for line in run.lines {
            let _ = write!(out, "\n`{}` ", line.start);
            push_paragraph(&mut out, &line.text);
            out.push('\n');
        }
    }
    if blank {
        let _ = write!(out, "\n{NO_WORDS}\n");
    }
    out
}

/// A heading ends in `#` only where that is part of it: trailing ones are taken for decoration.
fn push_heading(out: &mut String, text: &str) {
    push_text(out, text);
    if out.ends_with('#') {
        out.insert(out.len() - 1, '\\');
    }
}

/// `text` with its line breaks as hard breaks, except those at its ends, which break nothing.
fn push_paragraph(out: &mut String, text: &str) {
    let text = text.trim_matches(['\n', '\r']).replace("\r\n", "\n");
    for (index, line) in text.split(['\n', '\r']).enumerate() {
        if index > 0 {
            out.push_str("\\\n");
            push_line_start(out, line);
        } else {
            push_text(out, line);
        }
    }
}

/// `text` at the beginning of a line, where it could start a list, a quotation, a heading, a rule or a table.
fn push_line_start(out: &mut String, text: &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &text[digits..];
    if digits == 0 && text.starts_with(['#', '>', '-', '+', '=', '|', ':', '~']) {
        out.push('\\');
        out.push_str(&text[..1]);
        push_after(out, text.chars().next(), &text[1..]);
    } else if digits > 0 && rest.starts_with(['.', ')']) {
        out.push_str(&text[..digits]);
        out.push('\\');
        out.push_str(&rest[..1]);
        push_after(out, rest.chars().next(), &rest[1..]);
    } else {
        push_text(out, text);
    }
}

/// `text`, which has no line breaks, so that it is read as itself.
fn push_text(out: &mut String, text: &str) {
    push_after(out, None, text);
}

/// As [`push_text`], for text that follows the character `before`.
fn push_after(out: &mut String, mut before: Option<char>, text: &str) {
    let inner = text.trim_matches([' ', '\t']);
    let start = text.len() - text.trim_start_matches([' ', '\t']).len();
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        let at_edge = at < start || at >= start + inner.len();
        if (c.is_control() && c != '\t')
            || (at_edge && (before.is_none() || rest.trim_matches([' ', '\t']).is_empty()))
        {
            // Spaces at either end of a line would be dropped, control characters do as they like.
            let _ = write!(out, "&#{};", u32::from(c));
        } else {
            if is_markup(before, c, rest) {
                out.push('\\');
            }
            out.push(c);
        }
        before = Some(c);
    }
}

/// Whether `c`, between `before` and `rest`, would be taken for markup.
fn is_markup(before: Option<char>, c: char, rest: &str) -> bool {
    let next = rest.chars().next();
    let in_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    match c {
        '\\' | '`' | '*' => true,
        '_' => !(in_word(before) && in_word(next)),
        '[' => next == Some('['),
        // Other links need a definition, which cannot come about: no paragraph begins with what was said.
        ']' => next == Some('('),
        '<' => match next {
            Some('a'..='z' | 'A'..='Z' | '/' | '!' | '?') => true,
            // An address in angle brackets may begin with nearly anything.
            Some(next) => !next.is_whitespace() && rest.contains('>'),
            None => false,
        },
        '&' => is_entity(rest),
        // About five per cent may be written ~5 %; two of them would strike out what is between.
        '~' => {
            before.is_some_and(|c| !c.is_whitespace() && c != '(')
                || !next.is_some_and(|c| c.is_ascii_digit())
        }
        _ => false,
    }
}

/// Whether `rest` goes on like an entity after its `&`: `amp;`, `#39;`. The shortest names have two characters.
fn is_entity(rest: &str) -> bool {
    let after = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '#');
    rest.len() - after.len() >= 2 && after.starts_with(';')
}

#[cfg(test)]
mod tests;
