//! The summary.

use super::*;
use crate::ExportOptions;
use crate::paragraphs::single_line;
use crate::testing::{torture, torture_summary};

#[test]
fn the_summary_has_all_statements_with_times_and_remarks_and_no_words() {
    let mut document = torture();
    let mut summary = torture_summary();
    // Text from right to left is copied in another order than it is drawn in; the tests of text cover it.
    for section in &mut summary.sections {
        section.statements.retain(|statement| !statement.text.contains(['م', 'ש']));
    }
    document.summary = Some(summary.clone());
    let alone = FormattedTranscript::summary_alone(&document, &ExportOptions::default());
    let pdf = render(&alone);
    let drawn: String = drawn_text(&pdf).split_whitespace().collect();
    let mut from = drawn.find("Summary").unwrap();
    for statement in summary.sections.iter().flat_map(|section| &section.statements) {
        let letters: String =
            single_line(&statement.text).chars().filter(char::is_ascii_alphanumeric).collect();
        let rest: String = drawn[from..].chars().filter(char::is_ascii_alphanumeric).collect();
        assert!(rest.contains(&letters), "{} in {rest}", statement.text);
        if let Some(source) = statement.sources.first() {
            let time = source.start.to_string();
            let at = drawn[from..].find(&time).unwrap_or_else(|| panic!("{time} after {}", &drawn[from..]));
            from += at + time.len();
        }
    }
    assert!(drawn.contains("nosourcefound") && drawn.contains("editedbyhand") && drawn.contains("Who:"));
    assert!(!drawn.contains("Transcript") && drawn.contains("Receipt"), "{drawn}");
    assert_eq!(render(&alone).bytes, pdf.bytes);
}

#[test]
fn a_transcript_has_its_summary_before_the_words_and_in_the_contents() {
    let mut meeting = meeting();
    meeting.options.contents = true;
    meeting.summary = Some(torture_summary());
    let drawn = drawn_text(&render(&meeting));
    let place = |text: &str| drawn.rfind(text).unwrap();
    assert!(place("selected by rules without a language model") < place("Transcript"), "{drawn}");
}

#[test]
fn a_summary_without_statements_says_so() {
    let alone = FormattedTranscript::summary_alone(&torture(), &ExportOptions::default());
    assert!(drawn_text(&render(&alone)).contains("Too little is said in this meeting for a summary."));
}
