//! The transcript as CommonMark with YAML front matter.
//!
//! Speech, titles, names and file names must show as themselves in every Markdown renderer: characters that would be read
//! as markup are escaped, but only where they would be. The output uses CommonMark alone, without HTML other than the
//! comment with the receipt; the escaping also covers the extensions of GitHub Flavored Markdown and of Obsidian.
//!
//! The note is Markdown that users wrote. It stands in a block quotation, at whose end everything ends that the note
//! leaves open, and its headings move below the headings of the file.

mod front_matter;
mod note;

use crate::format::{Format, FormatGroup, Needs, ReceiptPlace, TEXT_OPTIONS};
use crate::labels::Labels;
use crate::marks::{Part, exact, figures, legend, marked_text, parts, separates_segments};
use crate::options::Times;
use crate::paragraphs::{FormattedTranscript, ParagraphSegment, single_line};
use crate::summary::Summary;
use std::fmt::Write;

pub(crate) static FORMAT: Format = Format {
    key: "markdown_transcript",
    extension: "md",
    media_type: "text/markdown",
    label: "Markdown",
    purpose: "For notes, such as Obsidian",
    group: FormatGroup::Document,
    needs: Needs::Transcript,
    options: TEXT_OPTIONS,
    receipt: ReceiptPlace::Token,
    render: |document, options, resources| {
        resources.report(0, 1)?;
        Ok(markdown(&FormattedTranscript::new(document, options)).into())
    },
};

/// `transcript` as Markdown: front matter; the title as the heading; the metadata, the figures of the speakers and the
/// note, as far as they are shown; then the text under the speakers' names, and the receipt in a comment.
pub(crate) fn markdown(transcript: &FormattedTranscript) -> String {
    let (labels, options) = (transcript.labels(), &transcript.options);
    let heading = transcript.heading();
    let mut out = front_matter::front_matter(transcript);
    // Only a note can define what `[x]` links to.
    let escaping = Escaping { brackets: transcript.note.as_ref().is_some_and(|note| note.contains("]:")) };
    out.push_str("\n# ");
    escaping.push_heading(&mut out, &heading);
    out.push('\n');
    for (index, (label, value)) in transcript.metadata_rows(&heading).into_iter().enumerate() {
        out.push_str(if index == 0 { "\n- **" } else { "- **" });
        let _ = write!(out, "{label}:** ");
        escaping.push_text(&mut out, &value);
        out.push('\n');
    }
    if options.statistics && !transcript.speakers.is_empty() {
        let _ = write!(out, "\n## {}\n\n", labels.speakers);
        for speaker in &transcript.speakers {
            out.push_str("- ");
            let name = transcript::single_line(&speaker.name);
            if !name.is_empty() {
                out.push_str("**");
                escaping.push_text(&mut out, &name);
                out.push_str("** · ");
            }
            let _ = writeln!(out, "{}", figures(speaker, labels));
        }
    }
    if let Some(note) = &transcript.note {
        let _ = write!(out, "\n## {}\n\n", labels.note);
        note::push_note(&mut out, note);
    }
    if let Some(summary) = &transcript.summary {
        push_summary(&mut out, summary, labels, escaping);
    }
    if !transcript.without_words {
        push_transcript(&mut out, transcript, escaping);
    }
    let _ = write!(out, "\n<!-- {} -->\n", transcript.receipt.token());
    out
}

/// Pushes the heading of the words, the words, and what their marks mean.
fn push_transcript(out: &mut String, transcript: &FormattedTranscript, escaping: Escaping) {
    let labels = transcript.labels();
    let _ = writeln!(out, "\n## {}", labels.transcript);
    let before = out.len();
    push_passages(out, transcript, escaping);
    if out.len() == before {
        let _ = write!(out, "\n{}\n", labels.no_words);
    }
    if let Some(legend) = legend(transcript) {
        out.push('\n');
        escaping.push_text(out, &legend);
        out.push('\n');
    }
}

/// Pushes a summary: a list for each section, with the times of the sources.
fn push_summary(out: &mut String, summary: &Summary, labels: &Labels, escaping: Escaping) {
    let _ = write!(out, "\n## {}\n\n", labels.summary);
    if summary.sections.is_empty() {
        out.push_str(&labels.no_summary);
        out.push('\n');
        return;
    }
    escaping.push_text(out, &summary.origin(labels));
    out.push('\n');
    for section in &summary.sections {
        out.push_str("\n### ");
        escaping.push_heading(out, &single_line(&section.title));
        out.push_str("\n\n");
        for statement in &section.statements {
            out.push_str("- ");
            for source in &statement.sources {
                let _ = write!(out, "`{}` ", source.start);
            }
            escaping.push_lines(out, &single_line(&statement.text), statement.sources.is_empty());
            let remarks = statement.remarks(labels);
            if !remarks.is_empty() {
                out.push_str(" (");
                escaping.push_text(out, &single_line(&remarks));
                out.push(')');
            }
            out.push('\n');
        }
    }
}

/// The text alone, under the speakers' names; for the clipboard.
pub(crate) fn passages(transcript: &FormattedTranscript) -> String {
    let mut out = String::new();
    push_passages(&mut out, transcript, Escaping { brackets: false });
    out
}

/// Pushes the text under the speakers' names; nothing if there are no words.
fn push_passages(out: &mut String, transcript: &FormattedTranscript, escaping: Escaping) {
    let options = &transcript.options;
    for paragraph in transcript.visible_paragraphs() {
        if let Some(name) = &paragraph.speaker {
            out.push_str("\n**");
            escaping.push_text(out, name.trim());
            out.push_str("**\n");
        }
        if separates_segments(options) {
            for segment in paragraph.segments {
                push_segment(out, segment, transcript, escaping);
            }
            continue;
        }
        let texts: Vec<String> =
            paragraph.segments.iter().map(|segment| marked_text(segment, options)).collect();
        out.push('\n');
        if options.times == Times::Paragraph {
            let _ = write!(out, "`{}` ", paragraph.start);
        }
        escaping.push_lines(out, &texts.join(" "), options.times == Times::None);
        out.push('\n');
    }
}

/// Pushes a paragraph with a segment and its time, or the times of its words.
fn push_segment(
    out: &mut String,
    segment: &ParagraphSegment,
    transcript: &FormattedTranscript,
    escaping: Escaping,
) {
    let options = &transcript.options;
    if options.times == Times::Segment {
        let _ = write!(out, "\n`{}` ", segment.start);
        escaping.push_lines(out, &marked_text(segment, options), false);
        out.push('\n');
        return;
    }
    let mut before = '\n';
    for part in parts(segment, options) {
        match part {
            Part::Time(time) => {
                let _ = write!(out, "{before}`{}`", exact(time));
            }
            Part::Text(text) if text.trim().is_empty() => continue,
            Part::Text(text) => {
                out.push(before);
                escaping.push_lines(out, text.trim(), before == '\n');
            }
        }
        before = ' ';
    }
    out.push('\n');
}

/// What must be escaped besides what CommonMark reads as markup everywhere.
#[derive(Clone, Copy)]
struct Escaping {
    /// Whether `[x]` may be a link.
    brackets: bool,
}

impl Escaping {
    /// Pushes `text` as a heading. A trailing `#` is escaped, because CommonMark drops trailing `#` of a heading.
    fn push_heading(self, out: &mut String, text: &str) {
        self.push_text(out, text);
        if out.ends_with('#') {
            out.insert(out.len() - 1, '\\');
        }
    }

    /// Pushes `text` with its line breaks as hard line breaks. Line breaks at its ends are removed. `line_start`: whether
    /// nothing comes before it in its paragraph.
    fn push_lines(self, out: &mut String, text: &str, line_start: bool) {
        let text = text.trim_matches(['\n', '\r']).replace("\r\n", "\n");
        for (index, line) in text.split(['\n', '\r']).enumerate() {
            if index > 0 {
                out.push_str("\\\n");
            }
            if index > 0 || line_start {
                self.push_line_start(out, line);
            } else {
                self.push_text(out, line);
            }
        }
    }

    /// Pushes `text` at the start of a line, where it could begin a list, a quotation, a heading, a rule, a table or the
    /// definition of a link.
    fn push_line_start(self, out: &mut String, text: &str) {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let rest = &text[digits..];
        if digits == 0 && text.starts_with(['#', '>', '-', '+', '=', '|', ':', '~', '[', '$', '%', '^']) {
            out.push('\\');
            out.push_str(&text[..1]);
            self.push_after(out, text.chars().next(), &text[1..]);
        } else if digits > 0 && rest.starts_with(['.', ')']) {
            out.push_str(&text[..digits]);
            out.push('\\');
            out.push_str(&rest[..1]);
            self.push_after(out, rest.chars().next(), &rest[1..]);
        } else {
            self.push_text(out, text);
        }
    }

    /// Pushes `text`, which has no line breaks, escaped.
    fn push_text(self, out: &mut String, text: &str) {
        self.push_after(out, None, text);
    }

    /// Like [`push_text`](Self::push_text), for text that follows the character `before`.
    fn push_after(self, out: &mut String, mut before: Option<char>, text: &str) {
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
                if (c == '[' && self.brackets) || is_markup(before, c, rest) {
                    out.push('\\');
                }
                out.push(c);
            }
            before = Some(c);
        }
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
        // Other links need a definition.
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
        // Obsidian: `==marked==`, `%%hidden%%`, `$formula$`, `#tag` and, at the end of a paragraph, `^id`.
        '=' | '%' => next == Some(c),
        '$' => next.is_some_and(|c| !c.is_whitespace()) && is_formula(rest),
        '#' => before.is_none_or(char::is_whitespace) && is_tag(rest),
        '^' => before.is_none_or(char::is_whitespace) && !rest.contains(|c: char| c.is_whitespace()),
        _ => false,
    }
}

/// Whether `rest` ends a formula that its `$` begins.
fn is_formula(rest: &str) -> bool {
    rest.match_indices('$').any(|(at, _)| !rest[..at].ends_with(char::is_whitespace))
}

/// Whether `rest` continues a tag after its `#`: a word that is not a number.
fn is_tag(rest: &str) -> bool {
    let in_tag = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/');
    rest.chars().take_while(in_tag).any(|c| !c.is_ascii_digit())
}

/// Whether `rest` continues an entity after its `&`: `amp;`, `#39;`. The shortest names have two characters.
fn is_entity(rest: &str) -> bool {
    let after = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '#');
    rest.len() - after.len() >= 2 && after.starts_with(';')
}

#[cfg(test)]
mod tests;
