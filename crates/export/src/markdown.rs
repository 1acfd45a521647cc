//! The transcript as CommonMark.
//!
//! Speech, titles and file names must show as themselves in every Markdown renderer: characters that would be read as
//! markup are escaped, but only where they would be. The output uses CommonMark alone, without HTML; the escaping also
//! covers the extensions of GitHub Flavored Markdown.

use crate::format::{Format, FormatGroup, Needs, OptionName, ReceiptPlace};
use crate::options::Times;
use crate::paragraphs::FormattedTranscript;
use std::fmt::Write;

pub(crate) static FORMAT: Format = Format {
    key: "markdown_transcript",
    extension: "md",
    media_type: "text/markdown",
    label: "Markdown",
    purpose: "For notes, such as Obsidian",
    group: FormatGroup::Document,
    needs: Needs::Transcript,
    options: &[OptionName::Speakers, OptionName::Language],
    receipt: ReceiptPlace::None,
    render: |document, options, _| Ok(markdown(&FormattedTranscript::new(document, options)).into()),
};

/// `transcript` as Markdown: the title as the heading, the metadata as a list, then the segments under their speakers'
/// names, each with its start in `H:MM:SS`.
pub(crate) fn markdown(transcript: &FormattedTranscript) -> String {
    let heading = transcript.heading();
    let mut out = String::from("# ");
    push_heading(&mut out, &heading);
    out.push('\n');
    for (index, (label, value)) in transcript.metadata_rows(&heading).into_iter().enumerate() {
        out.push_str(if index == 0 { "\n- **" } else { "- **" });
        let _ = write!(out, "{label}:** ");
        push_text(&mut out, &value);
        out.push('\n');
    }
    let passages = passages(transcript);
    if passages.is_empty() {
        let _ = write!(out, "\n{}\n", transcript.labels().no_words);
    }
    out + &passages
}

/// The segments under their speakers' names; empty if there are none.
pub(crate) fn passages(transcript: &FormattedTranscript) -> String {
    let mut out = String::new();
    for paragraph in transcript.visible_paragraphs() {
        if let Some(name) = &paragraph.speaker {
            out.push_str("\n**");
            push_text(&mut out, name.trim());
            out.push_str("**\n");
        }
        for segment in paragraph.segments {
            out.push('\n');
            if transcript.options.times != Times::None {
                let _ = write!(out, "`{}` ", segment.start);
            }
            push_segment_text(&mut out, &segment.full_text());
            out.push('\n');
        }
    }
    out
}

/// Pushes `text` as a heading. A trailing `#` is escaped, because CommonMark drops trailing `#` of a heading.
fn push_heading(out: &mut String, text: &str) {
    push_text(out, text);
    if out.ends_with('#') {
        out.insert(out.len() - 1, '\\');
    }
}

/// Pushes `text` with its line breaks as hard line breaks. Line breaks at its ends are removed.
fn push_segment_text(out: &mut String, text: &str) {
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

/// Pushes `text` at the start of a line, where it could begin a list, a quotation, a heading, a rule or a table.
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

/// Pushes `text`, which has no line breaks, escaped.
fn push_text(out: &mut String, text: &str) {
    push_after(out, None, text);
}

/// Like [`push_text`], for text that follows the character `before`.
fn push_after(out: &mut String, mut before: Option<char>, text: &str) {
    let inner = text.trim_matches([' ', '\t']);
    let start = text.len() - text.trim_start_matches([' ', '\t']).len();
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        let at_edge = at < start || at >= start + inner.len();
        if (c.is_control() && c != '\t')
            || (at_edge && (before.is_none() || rest.trim_matches([' ', '\t']).is_empty()))
        {
            // Renderers drop spaces at both ends of a line and treat control characters differently.
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

/// Whether `c`, between `before` and `rest`, would be read as markup.
fn is_markup(before: Option<char>, c: char, rest: &str) -> bool {
    let next = rest.chars().next();
    let in_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    match c {
        '\\' | '`' | '*' => true,
        '_' => !(in_word(before) && in_word(next)),
        '[' => next == Some('['),
        // Other links need a link definition, which cannot occur: no paragraph begins with text of the transcript.
        ']' => next == Some('('),
        '<' => match next {
            Some('a'..='z' | 'A'..='Z' | '/' | '!' | '?') => true,
            // An autolink may begin with nearly any character.
            Some(next) => !next.is_whitespace() && rest.contains('>'),
            None => false,
        },
        '&' => is_entity(rest),
        // “~5 %” means about five per cent; a pair of tildes would strike out the text between them.
        '~' => {
            before.is_some_and(|c| !c.is_whitespace() && c != '(')
                || !next.is_some_and(|c| c.is_ascii_digit())
        }
        _ => false,
    }
}

/// Whether `rest` continues an entity after its `&`: `amp;`, `#39;`. The shortest names have two characters.
fn is_entity(rest: &str) -> bool {
    let after = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '#');
    rest.len() - after.len() >= 2 && after.starts_with(';')
}

#[cfg(test)]
mod tests;
